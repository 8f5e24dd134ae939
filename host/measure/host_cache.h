/* measure/host_cache.h — how much the host's processors hold in their last level of cache. */
#ifndef VGG_MEASURE_HOST_CACHE_H
#define VGG_MEASURE_HOST_CACHE_H

#include <stdint.h>

typedef struct vgg_caches {
    uint64_t one; /* bytes of one, the largest; 0 where nobody tells */
    uint64_t all; /* of all of them, as processors of several dies have; each counted once, whoever
                   * shares it */
} vgg_caches;

/* `root` is in front of /sys: "". */
vgg_caches vgg_host_caches(const char *root);

#endif
