/* cli/visualize/map_choice.c — see map_choice.h. */
#include "cli/visualize/map_choice.h"

#include <string.h>

#include "report/memory.h"

/* Digits, at most nine of them. */
static bool read_number(const char **text, int64_t *number)
{
    const char *at = *text;
    *number = 0;
    while (*at >= '0' && *at <= '9' && at - *text < 9)
        *number = *number * 10 + (*at++ - '0');
    const bool read = at > *text && !(*at >= '0' && *at <= '9');
    *text = at;
    return read;
}

static bool has(const cli_map_choice *choice, int64_t map)
{
    for (size_t i = 0; i < choice->count; i++)
        if (choice->maps[i] == map)
            return true;
    return false;
}

static bool read_list(const char *text, cli_map_choice *choice)
{
    for (;;) {
        int64_t first, last;
        if (!read_number(&text, &first))
            return false;
        last = first;
        if (*text == '-') {
            text++;
            if (!read_number(&text, &last) || last < first || last - first >= CLI_MAPS_MOST)
                return false;
        }
        for (int64_t map = first; map <= last; map++) {
            if (has(choice, map))
                continue;
            if (choice->count == CLI_MAPS_MOST)
                return false;
            choice->maps[choice->count++] = map;
        }
        if (*text == '\0')
            return true;
        if (*text++ != ',')
            return false;
    }
}

/* "strongest", "strongest 16", "strongest:16", "strongest16". */
static bool read_wanted(const char *text, const char *word, size_t *wanted)
{
    int64_t number = CLI_MAPS_DEFAULT;
    if (strncmp(text, word, strlen(word)) != 0)
        return false;
    text += strlen(word);
    if (*text != '\0') {
        text += *text == ':' || *text == ' ';
        if (!read_number(&text, &number) || *text != '\0' || number < 1 || number > CLI_MAPS_MOST)
            return false;
    }
    *wanted = (size_t)number;
    return true;
}

clvgg_status cli_map_choice_parse(const char *text, cli_map_choice *choice)
{
    *choice = (cli_map_choice){.kind = CLI_MAPS_STRONGEST, .wanted = CLI_MAPS_DEFAULT};
    if (text == NULL || read_wanted(text, "strongest", &choice->wanted))
        return CLVGG_STATUS_OK;
    choice->kind = CLI_MAPS_RANDOM;
    if (read_wanted(text, "random", &choice->wanted))
        return CLVGG_STATUS_OK;
    choice->kind = CLI_MAPS_ALL;
    if (strcmp(text, "all") == 0)
        return CLVGG_STATUS_OK;
    choice->kind = CLI_MAPS_LIST;
    VGG_MEMORY_NEW_PASS(choice->maps, CLI_MAPS_MOST, "the list of maps");
    VGG_CHECK(read_list(text, choice), CLVGG_STATUS_INVALID_ARGUMENT,
              "--maps: needs numbers and ranges such as 0,5,10-20, or all, \"strongest 16\" or "
              "\"random 16\"");
    return CLVGG_STATUS_OK;
}

void cli_map_choice_free(cli_map_choice *choice)
{
    vgg_memory_free(choice->maps);
    *choice = (cli_map_choice){0};
}

/* SplitMix64: Steele, Lea & Flood (2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Selection sampling: each map in turn with the chance that leaves as many as are still wanted. */
size_t cli_maps_draw(uint64_t seed, const char *layer, size_t maps, size_t wanted, int64_t *drawn)
{
    size_t count = 0;
    for (const char *c = layer; *c != '\0'; c++)
        seed = seed * UINT64_C(0x100000001b3) ^ (unsigned char)*c;
    wanted = wanted < maps ? wanted : maps;
    for (size_t map = 0; map < maps; map++)
        if (next_random(&seed) % (maps - map) < wanted - count)
            drawn[count++] = (int64_t)map;
    return count;
}
