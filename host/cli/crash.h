/* cli/crash.h — a last sentence of a process that crashes. */
#ifndef VGG_CLI_CRASH_H
#define VGG_CLI_CRASH_H

/* Makes signals of a crash print a notice of what to do; then they end the process as they would
 * have. */
void vgg_crash_notice(void);

#endif
