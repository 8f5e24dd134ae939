/* cli/visualize/vis_top.h — what makes each map fire most, and what of the photographs
 * does it: for the subverbs and the report.
 *
 * vis_top_search.c looks at the photographs, vis_top_found.c lists what was found; vis_top_draw.c
 * projects the units back, in the ways that vis_top_mode.c names, cuts out what they see by
 * vis_top_pixels.c and draws it, a page of 16 maps at a time; vis_top.c is the subverb.
 */
#ifndef CLI_VIS_TOP_H
#define CLI_VIS_TOP_H

#include "cli/visualize/visualize.h"
#include "cli/visualize/map_choice.h"
#include "clvgg/visualize.h"
#include "report/vis_manifest.h"
#include "report/vis_pixels.h"

/* Mode of projection, as `--mode` names it. */
typedef enum cli_top_mode {
    CLI_TOP_AUTO, /* of deconvolution and guided backpropagation what a person can read */
    CLI_TOP_BOTH, /* that one first, then the other */
    CLI_TOP_DECONV,
    CLI_TOP_GUIDED,
    CLI_TOP_GRADIENT
} cli_top_mode;
#define CLI_TOP_MODES "auto|both|deconv|guided|gradient"

typedef struct cli_top_request {
    cli_list layers; /* each once; empty: every convolution */
    cli_map_choice maps;
    uint64_t seed; /* of CLI_MAPS_RANDOM */
    int count;     /* of each map: figures show up to nine of them */
    cli_allowance max_bad;
    cli_top_mode mode;
    bool pictures; /* also a PNG of each projection and patch, which the manifest then names */
    cli_list paths;
} cli_top_request;

/* All strings and arrays are its own; see cli_top_free(). */
typedef struct cli_top_found {
    vgg_manifest manifest;
    char **files; /* [file_count] photographs that were looked at, by the search's index */
    size_t file_count, file_capacity;
    clvgg_top_search *search;      /* NULL behind cli_top_find() */
    clvgg_receptive_field *fields; /* [manifest.count] */
    int64_t *widths;               /* [manifest.count] of the layers' maps */
} cli_top_found;

/* Looks at all photographs, writes OUT/manifest.json, draws OUT/top/LAYER.png and, for more than 16
 * maps, OUT/top/LAYER-2.png …; a second mode's figures are OUT/top/LAYER-MODE.png …. Photographs
 * that can't be read are reported and passed over, unless there are too many. `found` is to be freed
 * in either case. */
clvgg_status cli_top_draw(cli_vis *vis, const cli_top_request *request, cli_top_found *found);
void cli_top_free(cli_top_found *found);
/* Refuses a --maps that is no choice, before anything is opened. */
clvgg_status cli_top_check_maps(cli_program *cli, const char *which);
/* Reads what is asked for: layers, maps by `which`, photographs. To be freed in either case. */
clvgg_status cli_top_request_read(cli_vis *vis, const cli_list *layers, const char *which,
                                  cli_top_request *request);
void cli_top_request_free(cli_top_request *request);

/* Its two halves, and the end of the first: found->manifest from found->search. */
clvgg_status cli_top_list(cli_vis *vis, const cli_top_request *request, cli_top_found *found);
clvgg_status cli_top_find(cli_vis *vis, const cli_top_request *request, cli_top_found *found);
clvgg_status cli_top_draw_found(cli_vis *vis, const cli_top_request *request, cli_top_found *found);

/* "deconv", "guided", "gradient", as options have them, and as people do. */
const char *cli_projection_name(clvgg_projection mode);
const char *cli_projection_title(clvgg_projection mode);
/* The ways in which units of a layer are projected back, the one to be shown first first. Returns
 * how many. */
size_t cli_top_modes_of(cli_top_mode asked, const clvgg_receptive_field *field,
                        clvgg_projection modes[VGG_MANIFEST_MODES]);

/* Rows and columns of the prepared image that a unit sees, clipped: {x0, y0, x1, y1}, half-open,
 * never empty. */
void cli_top_box(const clvgg_receptive_field *field, int64_t y, int64_t x, int height, int width,
                 int64_t box[4]);
/* Part of [3][height][width] values. `part` is [3][y1 - y0][x1 - x0]. */
void cli_top_cut(const float *values, const clvgg_preprocess *preprocess, const int64_t box[4],
                 float *part);
/* Makes a picture of the part of an image's values, [channels][height][width], that a unit sees, as
 * a projection or as a photograph; grey beyond the photograph's edge. `part` is scratch for an
 * image. out->rgb is to be freed. */
clvgg_status cli_top_pixels(const float *values, const clvgg_preprocess *preprocess,
                            const clvgg_receptive_field *field, const vgg_manifest_unit *unit,
                            bool projection, float *part, vgg_pixels *out);

#endif
