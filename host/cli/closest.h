/* cli/closest.h — "did you mean": the known name nearest to a mistyped one. */
#ifndef CLI_CLOSEST_H
#define CLI_CLOSEST_H

#include <stddef.h>

/* Zero-initialise, offer every candidate, read `name`: NULL when none is near enough. */
typedef struct cli_closest {
    const char *name;
    size_t distance;
} cli_closest;

void cli_closest_offer(cli_closest *closest, const char *wanted, const char *candidate);

#endif
