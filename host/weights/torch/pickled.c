/* weights/torch/pickled.c — looking at the values that a pickle holds. */
#include <string.h>

#include "weights/torch/pickle.h"

const char *vgg_pickled_text(const vgg_pickled *value)
{
    const bool is_text = value != NULL && value->kind == VGG_PICKLED_TEXT &&
                         memchr(value->text, '\0', value->count) == NULL;
    return is_text ? value->text : NULL;
}

bool vgg_pickled_is(const vgg_pickled *value, const char *wanted)
{
    const char *string = vgg_pickled_text(value);
    return string != NULL && strcmp(string, wanted) == 0;
}

bool vgg_pickled_count(const vgg_pickled *value, uint64_t *count)
{
    if (value == NULL || value->kind != VGG_PICKLED_INTEGER || value->integer < 0)
        return false;
    *count = (uint64_t)value->integer;
    return true;
}

const vgg_pickled *vgg_pickled_item(const vgg_pickled *value, size_t index)
{
    return value != NULL && value->kind == VGG_PICKLED_SEQUENCE && index < value->count
               ? value->items[index]
               : NULL;
}

const vgg_pickled *vgg_pickled_find(const vgg_pickled *value, const char *key)
{
    if (value == NULL || (value->kind != VGG_PICKLED_DICT && value->kind != VGG_PICKLED_OBJECT))
        return NULL;
    for (size_t i = value->count; i >= 2; i -= 2)
        if (vgg_pickled_is(value->items[i - 2], key))
            return value->items[i - 1];
    return NULL;
}
