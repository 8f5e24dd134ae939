/* model/class_map.h — groups of classes, read from a file that may hold anything. */
#ifndef VGG_MODEL_CLASS_MAP_H
#define VGG_MODEL_CLASS_MAP_H

#include "base/status.h"
#include "clvgg/class_map.h"

struct clvgg_class_map {
    size_t group_count;
    char **names;    /* [group_count] */
    size_t *first;   /* [group_count + 2] */
    size_t *members; /* classes: of group g from first[g] to first[g + 1]; last those of none */
};

/* Reads a map for `class_count` classes with these labels. Errors: those of clvgg_class_map_load().
 */
clvgg_status vgg_class_map_read(const char *path, const char *const *labels, size_t class_count,
                                clvgg_class_map **out);
void vgg_class_map_free(clvgg_class_map *map);
void vgg_class_map_sum(const clvgg_class_map *map, const float *probabilities, float *groups,
                       float *other);

#endif
