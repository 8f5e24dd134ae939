/* cli/visualize/map_choice.h — which maps of a layer: "all", "0,5,10-20", "strongest 16"
 * or "random 16". */
#ifndef CLI_MAP_CHOICE_H
#define CLI_MAP_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum cli_maps_kind {
    CLI_MAPS_ALL,
    CLI_MAPS_LIST,
    CLI_MAPS_STRONGEST, /* those with the largest peaks: known after a search */
    CLI_MAPS_RANDOM
} cli_maps_kind;

typedef struct cli_map_choice {
    cli_maps_kind kind;
    size_t wanted; /* of STRONGEST and RANDOM */
    int64_t *maps; /* [count] of LIST, each once, in the order given */
    size_t count;
} cli_map_choice;

enum { CLI_MAPS_DEFAULT = 16, CLI_MAPS_MOST = 8192 };

/* Reads the choice that the text means, a CLI_MAPS_…; NULL is "strongest 16". Words and number may
 * have a space, ':' or nothing between; without a number it is 16. Free it in either case. Errors:
 * INVALID_ARGUMENT (no choice, or one of more than CLI_MAPS_MOST maps), OUT_OF_MEMORY. */
clvgg_status cli_map_choice_parse(const char *text, cli_map_choice *choice);
void cli_map_choice_free(cli_map_choice *choice);

/* `wanted` of `maps` maps (all where there are fewer), drawn by the seed and the layer's name,
 * ascending. Returns how many; `drawn` has room for maps. */
size_t cli_maps_draw(uint64_t seed, const char *layer, size_t maps, size_t wanted, int64_t *drawn);

#endif
