/* vis/top_list.c — see top_list.h. */
#include "vis/top_list.h"

#include <string.h>

#include "base/alloc.h"

clvgg_status vgg_top_lists_create(size_t count, int capacity, vgg_top_lists *lists)
{
    *lists = (vgg_top_lists){.count = count, .capacity = capacity};
    VGG_NEW_PASS(lists->entries, count * (size_t)capacity);
    VGG_NEW_PASS(lists->used, count);
    return CLVGG_STATUS_OK;
}

void vgg_top_lists_free(vgg_top_lists *lists)
{
    vgg_free(lists->entries);
    vgg_free(lists->used);
    *lists = (vgg_top_lists){0};
}

void vgg_top_lists_offer(vgg_top_lists *lists, size_t list, const vgg_top_entry *entry)
{
    vgg_top_entry *entries = lists->entries + list * (size_t)lists->capacity;
    int at = lists->used[list];
    if (at == lists->capacity && !(entry->value > entries[at - 1].value))
        return; /* nearly always, once many were offered */
    while (at > 0 && entry->value > entries[at - 1].value)
        at--;
    if (lists->used[list] < lists->capacity)
        lists->used[list]++;
    memmove(&entries[at + 1], &entries[at], (size_t)(lists->used[list] - 1 - at) * sizeof *entries);
    entries[at] = *entry;
}

const vgg_top_entry *vgg_top_lists_at(const vgg_top_lists *lists, size_t list, int *count)
{
    *count = lists->used[list];
    return lists->entries + list * (size_t)lists->capacity;
}
