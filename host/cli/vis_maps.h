/* cli/vis_maps.h — what `visualize occlusion`, `invariance` and `gradcam` share: classes by name,
 * photographs one after another, and the drawings themselves, which `visualize all` asks for too.
 */
#ifndef VGG_CLI_VIS_MAPS_H
#define VGG_CLI_VIS_MAPS_H

#include "cli/visualize.h"
#include "clvgg/visualize.h"
#include "report/vis_figure.h"

/* Sets how passes run, from the options that all verbs have. */
clvgg_session_options vgg_vis_session(const vgg_vis *vis);

/* A class by its label, one of a label's names ("tabby" of "tabby, tabby cat"), or its number;
 * NULL: -1, the most probable. Unknown: reported with the valid ones, VGG_EXIT_USAGE. */
int vgg_vis_find_class(vgg_vis *vis, const char *name, int64_t *index);
const char *vgg_vis_label(const vgg_vis *vis, size_t index);

/* A photograph, read and prepared. */
typedef struct vgg_vis_photograph {
    const char *path;
    const char *file; /* the path's last part */
    const char *name; /* of its figure, without folder and ending; unlike that of other paths */
    size_t index;
    clvgg_image *image;
    float *input;      /* [channels][height][width] */
    vgg_pixels pixels; /* as prepared */
} vgg_vis_photograph;

typedef enum vgg_vis_outcome {
    VGG_VIS_DRAWN,
    VGG_VIS_PASSED_OVER, /* it has been reported; on to the next */
    VGG_VIS_STOPPED      /* it has been reported; nothing more can be drawn */
} vgg_vis_outcome;
/* Say the library's latest failure, or words about a photograph, to people and in the open object
 * of
 * --json. */
vgg_vis_outcome vgg_vis_stop(vgg_vis *vis, clvgg_status status);
vgg_vis_outcome vgg_vis_pass_over(vgg_vis *vis, const char *path, const char *words);

/* Calls `draw` for each photograph in turn; with --json each is an object of the open array, which
 * begins with the file's name and which draw() fills. What can't be read is passed over. Ends at
 * Ctrl-C. Returns an exit code. */
typedef vgg_vis_outcome (*vgg_vis_draw_fn)(vgg_vis *vis, const vgg_vis_photograph *photograph,
                                           void *user);
int vgg_vis_each(vgg_vis *vis, const char *const *paths, size_t count, vgg_vis_draw_fn draw,
                 void *user);
/* Starts the progress line; the callback (clvgg_visualize_progress_fn, user: the vgg_vis) adds what
 * is done to what calls before have done, and stops at Ctrl-C. */
void vgg_vis_progress_begin(vgg_vis *vis, const char *what, size_t total);
int vgg_vis_progress_step(void *user, size_t done, size_t total);

/* Writes a map, [rows][columns], as an array of arrays. */
void vgg_vis_json_map(vgg_json *json, const char *key, const float *values, int rows, int columns);
void vgg_vis_json_class(vgg_vis *vis, const char *key, size_t index);
/* "OUT/what/name.png", the path of a figure, or NULL, which has been reported. */
const char *vgg_vis_figure_of(vgg_vis *vis, const char *what, const char *name);

typedef struct vgg_vis_occlusion_settings {
    const char *class_name; /* NULL: the most probable */
    const char *layer;      /* NULL: the last convolution */
    int size, stride;       /* 0: the library's */
    int map;                /* -1: the strongest */
    int grey;               /* 1: middle grey; 0: the mean colour */
} vgg_vis_occlusion_settings;
/* Draws one figure a photograph: "occlusion/NAME". Returns an exit code. */
int vgg_vis_draw_occlusion(vgg_vis *vis, const vgg_vis_occlusion_settings *settings,
                           const char *const *paths, size_t count);

typedef struct vgg_vis_invariance_settings {
    const char *class_name;
    const char *layers;     /* names with commas between; NULL: the library's */
    double translation;     /* pixels up and down; 0: as 60 are to 224 */
    double scale, rotation; /* the greatest; 0: 1.8 and 360 */
    int points;             /* of each curve; 0: 33 */
    int fill;               /* 0: the photograph's edge goes on beyond it; 1: the mean colour */
} vgg_vis_invariance_settings;
/* Draws one figure of up to eight photographs, "invariance", or several: "invariance-1" ... Returns
 * an exit code. */
int vgg_vis_draw_invariance(vgg_vis *vis, const vgg_vis_invariance_settings *settings,
                            const char *const *paths, size_t count);

typedef struct vgg_vis_gradcam_settings {
    const char *class_name, *layer;
} vgg_vis_gradcam_settings;
/* Draws one figure a photograph: "gradcam/NAME". Returns an exit code. */
int vgg_vis_draw_gradcam(vgg_vis *vis, const vgg_vis_gradcam_settings *settings,
                         const char *const *paths, size_t count);

#endif
