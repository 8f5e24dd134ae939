/* cli/crash.h — a last sentence of a process that crashes. */
#ifndef CLI_CRASH_H
#define CLI_CRASH_H

/* Makes signals of a crash print a notice of what to do; then they end the process as they would
 * have. */
void cli_crash_notice(void);

#endif
