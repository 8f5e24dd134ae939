/* cli/crash.h — a last sentence of a process that crashes. */
#ifndef VGG_CLI_CRASH_H
#define VGG_CLI_CRASH_H

/* From now on a signal that means a crash is said, with what to do, and then ends the process as it
 * would have. */
void vgg_crash_notice(void);

#endif
