/* cli/each_device.h — `--device all`: a verb's work on every device that can be used. */
#ifndef CLI_EACH_DEVICE_H
#define CLI_EACH_DEVICE_H

#include "cli/cli.h"
#include "clvgg/status.h"

/* Says whether a --device (NULL: not given) asks for all. */
bool cli_wants_all_devices(const char *device);
/* Calls `work` with each device's index as --device takes it, one after the other, and prints what
 * it wrote. A failure is reported and doesn't stop the others, a signal does. `blank`: a line
 * between two. Errors: NO_DEVICE, where none can be used. */
clvgg_status cli_each_device(cli_program *cli, bool blank,
                             clvgg_status (*work)(void *user, const char *device), void *user);

#endif
