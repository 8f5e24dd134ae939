/* cli/crash.c — a last sentence of a process that crashes, which drivers may cause. */
#include "cli/crash.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* Prints the notice by write() alone, as anything else may be what crashed; then lets the signal
 * end the process. */
static void say(int number)
{
    static const char words[] =
        "clvgg: crashed, perhaps in an OpenCL driver: 'clvgg devices' says if one crashes when it "
        "is listed, 'clvgg devices --report' what a report of it should hold\n";
    (void)!write(STDERR_FILENO, words, sizeof words - 1);
    raise(number);
}

void cli_crash_notice(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which says more */
    static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE};
    struct sigaction action = {.sa_handler = say};
    action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
#endif
}
