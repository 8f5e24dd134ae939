/* vis/top_list.h — many short lists, each of the strongest values it was offered.
 *
 * Room is taken once, so memory doesn't depend on how many values are offered.
 */
#ifndef VGG_VIS_TOP_LIST_H
#define VGG_VIS_TOP_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct vgg_top_entry {
    uint64_t image;
    float value;
    int32_t position;
} vgg_top_entry;

typedef struct vgg_top_lists {
    vgg_top_entry *entries; /* [count][capacity], each list descending */
    int *used;              /* [count] */
    size_t count;
    int capacity;
} vgg_top_lists;

clvgg_status vgg_top_lists_create(size_t count, int capacity, vgg_top_lists *lists);
void vgg_top_lists_free(vgg_top_lists *lists);
/* Keeps the value where it is among the list's strongest. One that was offered earlier goes before
 * an equal one. Not NaN. */
void vgg_top_lists_offer(vgg_top_lists *lists, size_t list, const vgg_top_entry *entry);
/* The list's entries, the strongest first; *count of them. */
const vgg_top_entry *vgg_top_lists_at(const vgg_top_lists *lists, size_t list, int *count);

#endif
