/* cli/closest.h — "did you mean": the known name nearest to a mistyped one. */
#ifndef CLI_CLOSEST_H
#define CLI_CLOSEST_H

#include <stddef.h>

#include "report/format.h"

/* Zero-initialise, offer every candidate, read `name`: NULL when none is near enough. */
typedef struct cli_closest {
    const char *name;
    size_t distance;
} cli_closest;

void cli_closest_offer(cli_closest *closest, const char *wanted, const char *candidate);
/* Fails with INVALID_ARGUMENT: "the model has no layer 'conv1': did you mean 'conv1_1'? Its
 * layers: …". `what` and `all` are "layer" and "layers"; `list` is their names, to be freed. */
clvgg_status cli_closest_refuse(const cli_closest *closest, const char *what, const char *all,
                                const char *wanted, vgg_text *list);

#endif
