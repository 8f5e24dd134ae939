/* cli/interrupt.h — Ctrl-C and its like end a run in order: results complete, no file left behind.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* Makes the first SIGINT, SIGTERM or SIGHUP only be noted; a second one kills. Signals that the
 * parent ignores stay ignored. */
void cli_interrupt_watch(void);
/* The signal that was noted, or 0. */
int cli_interrupt_signal(void);
/* Ends the process by the signal that was noted, so that the parent knows; returns if there is
 * none. */
void cli_interrupt_die(void);

#endif
