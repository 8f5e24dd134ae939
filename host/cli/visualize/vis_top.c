/* cli/visualize/vis_top.c — `clvgg visualize top`: its options, and what they ask for. */
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
    CLI_ROW_MAX_BAD(top_arguments, max_bad),
    CLI_VIS_OPTIONS_COMMON,
    {0},
};

static clvgg_status work(cli_vis *vis)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const top_arguments *arguments = (const top_arguments *)vis->arguments;
    cli_top_request request = {.seed = (uint64_t)arguments->seed,
                               .count = arguments->count,
                               .max_bad = arguments->max_bad,
                               .mode = (cli_top_mode)arguments->mode,
                               .pictures = arguments->pictures};
    cli_top_found found = {0};
    VGG_TRY(cli_top_request_read(vis, &arguments->layers, arguments->maps, &request));
    status = cli_top_draw(vis, &request, &found);
    if (vis->arguments->json) {
        vgg_json_integer(&vis->json, "images", (int64_t)found.manifest.image_count);
        vgg_json_integer(&vis->json, "failed", (int64_t)found.manifest.failed_count);
    }
cleanup:
    cli_top_free(&found);
    cli_top_request_free(&request);
    return status;
}

static const char *check(const void *arguments)
{
    const cli_vis_arguments *common = arguments;
    return common->images.count + common->paths.count == 0 ? "needs photographs: --images DIR"
                                                           : NULL;
}

static clvgg_status run_top(cli_program *cli, const void *given)
{
    const top_arguments *arguments = given;
    VGG_PASS(cli_top_check_maps(cli, arguments->maps));
    return cli_vis_run(cli, &arguments->common, work);
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
    .arguments_size = sizeof(top_arguments),
    .defaults = &(const top_arguments){.common = CLI_VIS_DEFAULTS,
                                       .count = DEFAULT_COUNT,
                                       .max_bad = CLI_ALLOWANCE_DEFAULT},
    .check = check,
    .run = run_top,
};
