/* weights/torch/torch_dict.c — dictionaries and modules among what is pickled. */
#include <string.h>

#include "weights/torch/torch_state.h"

enum { LARGEST_STEPS = 1 << 20 };

static bool is_dict_class(const char *called)
{
    return strcmp(called, "collections.OrderedDict") == 0 || strcmp(called, "builtins.dict") == 0 ||
           strcmp(called, "__builtin__.dict") == 0;
}

bool vgg_torch_is_dict(const vgg_pickled *value)
{
    return value != NULL && (value->kind == VGG_PICKLED_DICT ||
                             (value->kind == VGG_PICKLED_OBJECT &&
                              (value->count > 0 || is_dict_class(vgg_torch_called(value)))));
}

vgg_torch_pairs vgg_torch_pairs_of(const vgg_pickled *value)
{
    vgg_torch_pairs walk = {.keyed = vgg_torch_is_dict(value) ? value : NULL};
    if (walk.keyed != NULL && is_dict_class(vgg_torch_called(value)))
        walk.listed = vgg_pickled_item(value->arguments, 0);
    if (walk.listed != NULL && walk.listed->kind != VGG_PICKLED_SEQUENCE)
        walk.listed = NULL;
    return walk;
}

bool vgg_torch_next_pair(vgg_torch_pairs *walk, const char **key, const vgg_pickled **value)
{
    while (walk->keyed != NULL) {
        const size_t listed = walk->listed != NULL ? walk->listed->count : 0, at = walk->at++;
        if (at < listed) {
            *key = vgg_pickled_text(vgg_pickled_item(walk->listed->items[at], 0));
            *value = vgg_pickled_item(walk->listed->items[at], 1);
        } else if (at - listed < walk->keyed->count / 2) {
            *key = vgg_pickled_text(walk->keyed->items[2 * (at - listed)]);
            *value = walk->keyed->items[2 * (at - listed) + 1];
        } else {
            return false;
        }
        if (*key != NULL && *value != NULL)
            return true;
    }
    return false;
}

const vgg_pickled *vgg_torch_find(const vgg_pickled *dict, const char *wanted)
{
    const char *key;
    const vgg_pickled *value, *found = NULL;
    for (vgg_torch_pairs walk = vgg_torch_pairs_of(dict); vgg_torch_next_pair(&walk, &key, &value);)
        if (strcmp(key, wanted) == 0)
            found = value;
    return found;
}

const vgg_pickled *vgg_torch_attributes(const vgg_pickled *value)
{
    const vgg_pickled *state =
        value != NULL && value->kind == VGG_PICKLED_OBJECT ? value->state : NULL;
    return state != NULL && state->kind == VGG_PICKLED_SEQUENCE ? vgg_pickled_item(state, 0)
                                                                : state;
}

bool vgg_torch_is_script(const vgg_pickled *value)
{
    return strncmp(vgg_torch_called(value), "__torch__.", 10) == 0 &&
           vgg_torch_is_dict(vgg_torch_attributes(value));
}

bool vgg_torch_is_module(const vgg_pickled *value)
{
    const vgg_pickled *own = vgg_torch_attributes(value);
    return vgg_torch_is_script(value) ||
           (own != NULL && vgg_torch_is_dict(vgg_torch_find(own, "_modules")) &&
            vgg_torch_is_dict(vgg_torch_find(own, "_parameters")));
}

clvgg_status vgg_torch_count_step(vgg_torch_reader *reader, int depth)
{
    VGG_CHECK(depth <= VGG_TORCH_DEEPEST, CLVGG_STATUS_BAD_FILE,
              "what is pickled is nested deeper than %d", VGG_TORCH_DEEPEST);
    VGG_CHECK(reader->steps++ < LARGEST_STEPS, CLVGG_STATUS_BAD_FILE,
              "what is pickled takes more than %d steps to walk", LARGEST_STEPS);
    return CLVGG_STATUS_OK;
}
