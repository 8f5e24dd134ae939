/* cli/visualize/vis_top.c — `clvgg visualize top`: its options, and what they ask for. */
#include <string.h>

#include "cli/visualize/vis_top.h"

typedef struct top_arguments {
    cli_vis_arguments common;
    cli_list layers;
    const char *maps;
    int seed, count, mode;
    bool pictures;
    cli_allowance max_bad;
} top_arguments;

enum { DEFAULT_COUNT = 9, MOST_COUNT = 1000 };

#define AT(field) offsetof(top_arguments, field)

static const cli_option options[] = {
    {"layer", 0, CLI_OPTION_LIST, AT(layers), "L[,L...]", 0, 0,
     "Layers to look at; repeatable (every convolution)"},
    {"maps", 0, CLI_OPTION_TEXT, AT(maps), "WHICH", 0, 0,
     "Of their maps: 0,5,10-20, all, \"strongest 16\" or \"random 16\"\n"
     "(\"strongest 16\": those with the largest peaks)"},
    {"seed", 0, CLI_OPTION_COUNT, AT(seed), "N", 0, 2147483647, "Of random maps (0)"},
    {"count", 0, CLI_OPTION_COUNT, AT(count), "N", 1, MOST_COUNT,
     "Photographs of each map (9); figures show nine at most"},
    {"mode", 0, CLI_OPTION_CHOICE, AT(mode), CLI_TOP_MODES, 0, 0,
     "How units are projected back (auto: of deconv and guided what\n"
     "can be read; both: that first, then the other)"},
    {"pictures", 0, CLI_OPTION_FLAG, AT(pictures), NULL, 0, 0,
     "Also write each projection and patch as a PNG"},
    CLI_VIS_OPTIONS_IMAGES,
    CLI_OPTION_ROW_MAX_BAD(AT(max_bad)),
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

static int work(cli_vis *vis)
{
    const top_arguments *arguments = (const top_arguments *)vis->arguments;
    const cli_vis_arguments *common = vis->arguments;
    cli_top_request request = {.seed = (uint64_t)arguments->seed,
                               .count = arguments->count,
                               .max_bad = arguments->max_bad,
                               .mode = (cli_top_mode)arguments->mode,
                               .pictures = arguments->pictures,
                               .path_count = common->images.count + common->run.path_count};
    cli_top_found found = {0};
    const char **layers = NULL, **paths = vgg_calloc(request.path_count, sizeof *paths);
    int exit_code = CLI_EXIT_OK;
    if (paths == NULL || !cli_vis_split_names(&arguments->layers, &layers, &request.layer_count) ||
        !cli_map_choice_parse(arguments->maps, &request.maps))
        exit_code = cli_fail(vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    if (exit_code == CLI_EXIT_OK) {
        for (size_t i = 0; i < request.path_count; i++)
            paths[i] = i < common->images.count ? common->images.items[i]
                                                : common->run.paths[i - common->images.count];
        request.paths = paths;
        request.layers = layers;
        exit_code = cli_top_draw(vis, &request, &found);
        if (common->run.json) {
            vgg_json_integer(&vis->json, "images", (int64_t)found.manifest.image_count);
            vgg_json_integer(&vis->json, "failed", (int64_t)found.manifest.failed_count);
        }
    }
    cli_top_free(&found);
    cli_map_choice_free(&request.maps);
    vgg_free(layers);
    vgg_free(paths);
    return exit_code;
}

static const char *check(const void *given)
{
    const top_arguments *arguments = given;
    cli_map_choice choice;
    if (arguments->common.images.count + arguments->common.run.path_count == 0)
        return "needs photographs: --images DIR";
    if (!cli_map_choice_parse(arguments->maps, &choice))
        return "--maps: needs numbers and ranges such as 0,5,10-20, or all, \"strongest 16\" or "
               "\"random 16\"";
    cli_map_choice_free(&choice);
    return NULL;
}

static int run_top(cli_program *cli, int argc, char **argv)
{
    top_arguments arguments = {
        .common = CLI_VIS_DEFAULTS, .count = DEFAULT_COUNT, .max_bad = CLI_ALLOWANCE_DEFAULT};
    const int exit_code =
        cli_vis_main(cli, &cli_vis_top, argc, argv, &arguments.common, check, work);
    vgg_free(arguments.layers.items);
    return exit_code;
}

const cli_verb cli_vis_top = {
    .name = "visualize top",
    .summary = "what makes each map fire most, and why",
    .usage = "--layer L[,L...] --images DIR... [OPTION]...",
    .description =
        "Looks at all photographs once, keeps the strongest activations of every map, at most\n"
        "one a map and photograph, projects each back to pixels and draws it beside the part of\n"
        "the photograph that caused it: DIR/top/LAYER.png, 16 maps a page. DIR/manifest.json\n"
        "lists layer, map, rank, file, y, x, value and box of each, and behind them the maps\n"
        "that never fired (\"dead\": true). Zeiler & Fergus (2013), figure 2.",
    .examples =
        "  clvgg visualize top --layer conv5_3 --images photographs/ --out figures\n"
        "  clvgg visualize top --layer conv1_2,conv3_3 --maps 0,5,10-20 --images photographs/\n"
        "  clvgg visualize top --maps \"random 16\" --seed 7 --images photographs/\n",
    .options = options,
    .run = run_top,
};
