/* cli/visualize/vis_maps.h — what `visualize occlusion`, `invariance` and `gradcam`
 * share: classes by name, photographs one after another, and the drawings themselves, which
 * `visualize all` asks for too. */
#ifndef CLI_VIS_MAPS_H
#define CLI_VIS_MAPS_H

#include "cli/visualize/visualize.h"
#include "clvgg/visualize.h"
#include "report/vis_figure.h"

/* A class by its label, one of a label's names ("tabby" of "tabby, tabby cat"), or its number;
 * NULL: -1, the most probable. Unknown: INVALID_ARGUMENT, with the valid ones. */
clvgg_status cli_vis_find_class(const cli_vis *vis, const char *name, int64_t *index);
const char *cli_vis_label(const cli_vis *vis, size_t index);

/* A photograph, read and prepared. */
typedef struct cli_vis_photograph {
    const char *path;
    const char *file; /* the path's last part */
    const char *name; /* of its figure, without folder and ending; unlike that of other paths */
    size_t index;
    clvgg_image *image;
    float *input;      /* [channels][height][width] */
    vgg_pixels pixels; /* as prepared */
} cli_vis_photograph;

/* Says words about a photograph that is passed over, to people and in the open object of --json. */
void cli_vis_pass_over(cli_vis *vis, const char *path, const char *words);

/* Calls `draw` for each photograph in turn; with --json each is an object of the open array, which
 * begins with the file's name and which draw() fills. What can't be read is passed over. Ends
 * at Ctrl-C, and where `draw` fails. */
typedef clvgg_status (*cli_vis_draw_fn)(cli_vis *vis, const cli_vis_photograph *photograph,
                                        void *user);
clvgg_status cli_vis_each(cli_vis *vis, const cli_operands *paths, cli_vis_draw_fn draw, void *user);
/* The array of --json around such calls. */
void cli_vis_begin_array(cli_vis *vis, const char *key);
void cli_vis_end_array(cli_vis *vis);

/* Writes a map, [rows][columns], as an array of arrays. */
void cli_vis_json_map(vgg_json *json, const char *key, const float *values, int rows, int columns);
void cli_vis_json_class(cli_vis *vis, const char *key, size_t index);
/* "OUT/what/name.png", the path of a photograph's figure. */
clvgg_status cli_vis_figure_of(cli_vis *vis, const char *what, const char *name, const char **path);

typedef struct cli_vis_occlusion_settings {
    const char *class_name; /* NULL: the most probable */
    const char *layer;      /* NULL: the last convolution */
    int size, stride;       /* 0: the library's */
    int map;                /* -1: the strongest */
    int grey;               /* 1: middle grey; 0: the mean colour */
} cli_vis_occlusion_settings;
/* Draws one figure a photograph: "occlusion/NAME". */
clvgg_status cli_vis_draw_occlusion(cli_vis *vis, const cli_vis_occlusion_settings *settings,
                                    const cli_operands *paths);

typedef struct cli_vis_invariance_settings {
    const char *class_name;
    const char *layers;     /* names with commas between; NULL: the library's */
    double translation;     /* pixels up and down; 0: as 60 are to 224 */
    double scale, rotation; /* the greatest; 0: 1.8 and 360 */
    int points;             /* of each curve; 0: 33 */
    int fill;               /* 0: the photograph's edge goes on beyond it; 1: the mean colour */
} cli_vis_invariance_settings;
/* Draws one figure of up to eight photographs, "invariance", or several: "invariance-1" ... */
clvgg_status cli_vis_draw_invariance(cli_vis *vis, const cli_vis_invariance_settings *settings,
                                     const cli_operands *paths);

typedef struct cli_vis_gradcam_settings {
    const char *class_name, *layer;
} cli_vis_gradcam_settings;
/* Draws one figure a photograph: "gradcam/NAME". */
clvgg_status cli_vis_draw_gradcam(cli_vis *vis, const cli_vis_gradcam_settings *settings,
                                  const cli_operands *paths);

#endif
