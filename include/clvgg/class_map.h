/* clvgg/class_map.h — classes of a model summed into groups: breeds into cat and dog.
 *
 * A text file says which: on each line a group, a tab, and a class: its index (digits always mean
 * one), a range of indices such as 151-268, or its label. Groups are in the order in which they
 * appear; lines that are empty or begin with # say nothing. A class is in one group at most; what
 * is left is "other".
 */
#ifndef CLVGG_CLASS_MAP_H
#define CLVGG_CLASS_MAP_H

#include <stddef.h>

#include "clvgg/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_class_map clvgg_class_map;

enum { CLVGG_CLASS_MAP_MOST_GROUPS = 4096 };

/* Reads a file for the classes of `model`, which isn't needed afterwards. Errors: NOT_FOUND, IO,
 * BAD_FILE (with the line: no such label or index, a label of several classes, a class for the
 * second time, a group without a class, a group called "other"; too many groups, or none),
 * OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_class_map_load(const clvgg_model *model, const char *path,
                                            clvgg_class_map **out);
CLVGG_API void clvgg_class_map_free(clvgg_class_map *map);

CLVGG_API size_t clvgg_class_map_count(const clvgg_class_map *map);
/* Name of a group, owned by the map, or NULL when out of range. */
CLVGG_API const char *clvgg_class_map_name(const clvgg_class_map *map, size_t group);
/* Number of classes in a group; for an index equal to the number of groups, the number of classes
 * in none. */
CLVGG_API size_t clvgg_class_map_size(const clvgg_class_map *map, size_t group);

/* Sums the probabilities of an image, float32 [classes of the model], into `groups`, float32
 * [number of groups], and *other, of all classes in no group (may be NULL). Sums are in double, by
 * ascending index, then rounded to float32. NaN in, NaN out. */
CLVGG_API void clvgg_class_map_sum(const clvgg_class_map *map, const float *probabilities,
                                   float *groups, float *other);

#ifdef __cplusplus
}
#endif
#endif
