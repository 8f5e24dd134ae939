/* cli/map_choice.h — which maps of a layer: "all", "0,5,10-20", "strongest 16" or "random 16". */
#ifndef VGG_CLI_MAP_CHOICE_H
#define VGG_CLI_MAP_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum vgg_maps_kind {
    VGG_MAPS_ALL,
    VGG_MAPS_LIST,
    VGG_MAPS_STRONGEST, /* those with the largest peaks: known after a search */
    VGG_MAPS_RANDOM
} vgg_maps_kind;

typedef struct vgg_map_choice {
    vgg_maps_kind kind;
    size_t wanted; /* of STRONGEST and RANDOM */
    int64_t *maps; /* [count] of LIST, each once, in the order given */
    size_t count;
} vgg_map_choice;

enum { VGG_MAPS_DEFAULT = 16, VGG_MAPS_MOST = 8192 };

/* Reads the choice that the text means, a VGG_MAPS_…; NULL is "strongest 16". False, with nothing
 * to free, when the text is no choice or names more than VGG_MAPS_MOST maps, or memory runs out.
 * Words and number may have a space, ':' or nothing between; without a number it is 16. */
bool vgg_map_choice_parse(const char *text, vgg_map_choice *choice);
void vgg_map_choice_free(vgg_map_choice *choice);

/* `wanted` of `maps` maps (all where there are fewer), drawn by the seed and the layer's name,
 * ascending. Returns how many; `drawn` has room for maps. */
size_t vgg_maps_draw(uint64_t seed, const char *layer, size_t maps, size_t wanted, int64_t *drawn);

#endif
