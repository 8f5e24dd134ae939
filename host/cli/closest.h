/* cli/closest.h — "did you mean": the known name nearest to a mistyped one. */
#ifndef VGG_CLI_CLOSEST_H
#define VGG_CLI_CLOSEST_H

#include <stddef.h>

/* Zero-initialise, offer every candidate, read `name`: NULL when none is near enough. */
typedef struct vgg_closest {
    const char *name;
    size_t distance;
} vgg_closest;

void vgg_closest_offer(vgg_closest *closest, const char *wanted, const char *candidate);

#endif
