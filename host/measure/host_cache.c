/* measure/host_cache.c — Linux tells of each processor's caches, and of who shares them. */
#include "measure/host_cache.h"

#include <stdbool.h>
#include <stdio.h>

enum { MOST_LEVELS = 8, MOST_PROCESSORS = 4096, PATH_BYTES = 512 };

/* A number at the beginning of a file of a processor's cache. */
static bool read_number(const char *root, int processor, int index, const char *name,
                        unsigned long long *value)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/cache/index%d/%s", root, processor,
             index, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    const bool read = fscanf(file, "%llu", value) == 1;
    fclose(file);
    return read;
}

/* The largest of a processor's caches, and the first of those that share it. */
static bool find_largest(const char *root, int processor, unsigned long long *kib,
                         unsigned long long *first)
{
    bool found = false;
    *kib = 0;
    for (int i = 0; i < MOST_LEVELS; i++) {
        unsigned long long size = 0, sharer = 0;
        if (!read_number(root, processor, i, "size", &size) || size < *kib ||
            !read_number(root, processor, i, "shared_cpu_list", &sharer))
            continue;
        *kib = size;
        *first = sharer;
        found = true;
    }
    return found;
}

/* Processors that are switched off have no caches; behind the last there are none at all. */
vgg_caches vgg_host_caches(const char *root)
{
    enum { MOST_GAP = 256 };
    vgg_caches caches = {0, 0};
    for (int processor = 0, gap = 0; processor < MOST_PROCESSORS && gap < MOST_GAP; processor++) {
        unsigned long long kib = 0, first = 0;
        if (!find_largest(root, processor, &kib, &first)) {
            gap++;
            continue;
        }
        gap = 0;
        if (kib << 10 > caches.one)
            caches.one = kib << 10;
        if (first == (unsigned long long)processor)
            caches.all += kib << 10;
    }
    return caches;
}
