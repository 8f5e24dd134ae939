/* clvgg/visualize.h — what a network has learned: what its units see, and what its answers rest on.
 *
 * Layers are named as in the model; `conv5_3` is before its activation. A unit's value is the one
 * behind its activation. Handles belong to one thread at a time and retain device and model.
 */
#ifndef CLVGG_VISUALIZE_H
#define CLVGG_VISUALIZE_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/device.h"
#include "clvgg/execution.h"
#include "clvgg/image.h"
#include "clvgg/model.h"
#include "clvgg/receptive_field.h"
#include "clvgg/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1 Projections of units back to pixels ---- */

/* Receptive field of a layer's units; a model of another input size has the same. Errors:
 * INVALID_ARGUMENT (no such layer: lists what there is). */
CLVGG_API clvgg_status clvgg_model_receptive_field(const clvgg_model *model, const char *layer,
                                                   clvgg_receptive_field *field);

/* The rule by which a projection goes back through activations, the only layers in which the modes
 * differ. Poolings pass a value to where the maximum was, convolutions and dense layers are
 * transposed. */
typedef enum clvgg_projection {
    CLVGG_PROJECTION_DECONV = 0,   /* ReLU on what comes back: Zeiler & Fergus (2013) */
    CLVGG_PROJECTION_GUIDED = 1,   /* the same where the forward value was positive too:
                                      Springenberg et al. (2014) */
    CLVGG_PROJECTION_GRADIENT = 2, /* the gradient: Simonyan et al. (2013) */
} clvgg_projection;

typedef struct clvgg_projector clvgg_projector;

typedef struct clvgg_projector_options {
    size_t struct_size;
    int max_batch; /* images at once on the device, less where its memory is short; default 1 */
    clvgg_projection mode;     /* default DECONV */
    const char *to;            /* layer where the walk ends, after its ReLU; NULL: the image */
    clvgg_execution execution; /* with AUTO never CLBlast's GEMM; layers of `variants` are those
                                  between the image, or `to`, and the units */
} clvgg_projector_options;

CLVGG_API void clvgg_projector_options_defaults(clvgg_projector_options *options);

/* Makes ready to project units of `layer`. `options` may be NULL. Retains device and model; shares
 * the model's weights on the device with its sessions, and transposed ones with other projectors.
 * Errors: INVALID_ARGUMENT (no such layer, or it isn't behind `to`: lists what there is),
 * UNSUPPORTED (walks don't go back through a softmax: begin at "logits"), and those of
 * clvgg_session_create(). */
CLVGG_API clvgg_status clvgg_projector_create(clvgg_device *device, clvgg_model *model,
                                              const char *layer,
                                              const clvgg_projector_options *options,
                                              clvgg_projector **out);
CLVGG_API void clvgg_projector_free(clvgg_projector *projector);

/* Shape of the layer's values and of what comes back, of one image. */
CLVGG_API void clvgg_projector_shapes(const clvgg_projector *projector, clvgg_shape *layer,
                                      clvgg_shape *projection);

/* The units at which a projection begins: their activations (DECONV) or ones, zeros elsewhere. */
typedef struct clvgg_seed {
    int64_t map;      /* channel; −1: all */
    int64_t position; /* y·width + x in the map; −1: all */
} clvgg_seed;

/* Projects one seed of each of `count` images, any number, which run a batch at a time. Writes
 * float32 [count][shape of `to`] into `projections`: pixels as prepared, unscaled; and, unless they
 * are NULL, the layer's own values, after its ReLU, and those at `to`. Blocks. Same device, driver
 * and options: same bits, whatever the batch. A NaN that the seed keeps comes back as NaN. Errors:
 * INVALID_ARGUMENT (a map or position that isn't there), OUT_OF_DEVICE_MEMORY, OPENCL,
 * DEVICE_LOST. */
CLVGG_API clvgg_status clvgg_projector_run(clvgg_projector *projector, int count,
                                           const float *images, const clvgg_seed *seeds,
                                           float *projections, float *activations,
                                           float *to_values);

/* ---- 2 The strongest activations of a map ---- */

/* A search for the strongest activations of every chosen map of all chosen layers, in one pass over
 * any number of images; each image counts once a map, by its peak. Memory doesn't grow with the
 * images. Source: Zeiler & Fergus, Visualizing and Understanding Convolutional Networks (2013),
 * section 4. */
typedef struct clvgg_top_search clvgg_top_search;

typedef struct clvgg_top_layer {
    const char *name;    /* a layer's, or "logits", "prob" */
    const int64_t *maps; /* [map_count], in any order; NULL: all maps of the layer */
    size_t map_count;
} clvgg_top_layer;

typedef struct clvgg_top_options {
    size_t struct_size;
    const clvgg_top_layer *layers;
    size_t layer_count; /* 1…1000 */
    int count;          /* kept of each map, 1…1000; default 9 */
    int max_batch;      /* images at once on the device, less where its memory is short; 0: 8 */
    clvgg_execution execution;
} clvgg_top_options;

CLVGG_API void clvgg_top_options_defaults(clvgg_top_options *options);

/* Plans the network up to its deepest chosen layer, as clvgg_session_create(). Retains device and
 * model; strings and maps are copied. Errors: INVALID_ARGUMENT (an unknown layer: lists what there
 * is; a map that the layer hasn't), SHAPE_MISMATCH (maps of more than 2^24 units), and those of
 * clvgg_session_create(). */
CLVGG_API clvgg_status clvgg_top_search_create(clvgg_device *device, clvgg_model *model,
                                               const clvgg_top_options *options,
                                               clvgg_top_search **out);
CLVGG_API void clvgg_top_search_free(clvgg_top_search *search);

/* An image that was left out of all lists: this activation isn't a finite number. */
typedef struct clvgg_top_rejected {
    uint64_t image;    /* its index */
    const char *layer; /* the first of the chosen ones where it is so; owned by the search */
    int64_t map;       /* the lowest of that layer */
} clvgg_top_rejected;

/* Looks at `count` more images, float32 NCHW [count][c][h][w]; the first ever has index 0. Equal
 * values go to the earlier image. `rejected` [count] receives the images left out, their number
 * goes to *rejected_count; with NULL such an image is an error. Blocks. One thread at a time.
 * Errors: INVALID_ARGUMENT, NON_FINITE (image, layer and map; the images before it count),
 * OUT_OF_DEVICE_MEMORY, OPENCL, DEVICE_LOST. */
CLVGG_API clvgg_status clvgg_top_search_add(clvgg_top_search *search, size_t count,
                                            const float *images, clvgg_top_rejected *rejected,
                                            size_t *rejected_count);

/* Takes what became of an image of a stream: `rejected` is NULL but for one that was left out; one
 * that can't be read, for which `item` says why, has no index. Anything but OK ends the call, which
 * returns it with the message that clvgg_status_message() has by then. */
typedef clvgg_status (*clvgg_top_taken_fn)(void *user, const clvgg_stream_item *item,
                                           const clvgg_top_rejected *rejected);

/* Looks at all images that a stream delivers, decoded ahead of the device, and says of each, in
 * order, what became of it. The stream must prepare them for the model. Blocks. Errors:
 * INVALID_ARGUMENT (another shape: says both), those of clvgg_top_search_add(), and what `taken`
 * returns. */
CLVGG_API clvgg_status clvgg_top_search_add_stream(clvgg_top_search *search,
                                                   clvgg_image_stream *stream,
                                                   clvgg_top_taken_fn taken, void *user);

/* Images looked at so far, those left out included. */
CLVGG_API uint64_t clvgg_top_search_image_count(const clvgg_top_search *search);

typedef struct clvgg_top_layer_info {
    size_t struct_size;
    const char *name;   /* as it was given; owned by the search */
    const char *values; /* the layer whose values are compared: the ReLU behind it, or itself */
    int64_t maps, height, width;
    size_t chosen_count; /* maps that are searched */
} clvgg_top_layer_info;

CLVGG_API size_t clvgg_top_search_layer_count(const clvgg_top_search *search);
/* Facts about the searched layer that is number `index` of the options; set info->struct_size
 * first. Errors: INVALID_ARGUMENT (no such layer). */
CLVGG_API clvgg_status clvgg_top_search_layer(const clvgg_top_search *search, size_t index,
                                              clvgg_top_layer_info *info);

typedef struct clvgg_top_entry {
    uint64_t image;
    int64_t y, x; /* the lowest position of equal ones */
    float value;
} clvgg_top_entry;

/* Gives the entries found for a map, the strongest first. `entries` must have room for
 * options.count; there are fewer where fewer images were added. Behind a ReLU only values above 0
 * count: *entry_count is 0 for a map that never fired. Errors: INVALID_ARGUMENT (a layer or map
 * that isn't searched). */
CLVGG_API clvgg_status clvgg_top_search_entries(const clvgg_top_search *search, size_t layer,
                                                int64_t map, clvgg_top_entry *entries,
                                                size_t *entry_count);
/* The layer's chosen maps with the largest peaks so far, at most `wanted`, descending, of equal
 * ones the lower map first; maps that never fired come last. `maps` has room for `wanted`. Errors:
 * INVALID_ARGUMENT (a layer that isn't searched), OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_top_search_strongest(const clvgg_top_search *search, size_t layer,
                                                  size_t wanted, int64_t *maps, size_t *map_count);

/* ---- 3 What answers rest on: occlusion, invariance, Grad-CAM ---- */

/* Called between batches. Returns 0 to go on; anything else stops the call, which then returns
 * CANCELLED. */
typedef int (*clvgg_visualize_progress_fn)(void *user, size_t done, size_t total);

/* The network's confidence in a class. NaN where a logit is no number. */
typedef struct clvgg_class_score {
    double probability; /* softmax */
    double log_odds;    /* ln p / (1 - p), nats, computed from the logits: it goes on where p is 1
                           to all digits. Of two classes the difference of their logits */
} clvgg_class_score;

/* The colour of pixels that the photograph doesn't cover. */
typedef enum clvgg_fill {
    CLVGG_FILL_MEAN = 0, /* the preprocessing's mean colour, 0 in the network's input */
    CLVGG_FILL_GREY = 1, /* middle grey, 127.5 (occlusion) */
    CLVGG_FILL_EDGE = 2  /* the nearest pixel (transformations) */
} clvgg_fill;

/* Occlusion sensitivity: a square hides part of the prepared image, at one place after another.
 * Source: Zeiler & Fergus, Visualizing and Understanding Convolutional Networks (2013), figure 7.
 */
typedef struct clvgg_occlusion clvgg_occlusion;

typedef struct clvgg_occlusion_options {
    size_t struct_size;
    int size;        /* side of the square in pixels; 0: a fifth of the image's shorter side */
    int stride;      /* pixels from one place to the next; 0: a 28th of that side, at least 1 */
    clvgg_fill fill; /* MEAN (default) or GREY */
    const clvgg_preprocess *preprocess; /* what GREY is; NULL: the model's */
    const char *layer;                  /* whose map is summed; NULL: the last convolution */
    int max_batch; /* images at once on the device, less where its memory is short; 0: 8 */
    clvgg_execution execution;
    clvgg_visualize_progress_fn progress; /* or NULL; counts places */
    void *user;
} clvgg_occlusion_options;

CLVGG_API void clvgg_occlusion_options_defaults(clvgg_occlusion_options *options);
/* `options` may be NULL. Errors: INVALID_ARGUMENT (unknown layer: lists what there is; a square
 * larger than the image), UNSUPPORTED (a model of one class), and those of
 * clvgg_session_create(). */
CLVGG_API clvgg_status clvgg_occlusion_create(clvgg_device *device, clvgg_model *model,
                                              const clvgg_occlusion_options *options,
                                              clvgg_occlusion **out);
CLVGG_API void clvgg_occlusion_free(clvgg_occlusion *occlusion);
/* Places of the square on one image, rows x columns: what progress counts. */
CLVGG_API size_t clvgg_occlusion_places(const clvgg_occlusion *occlusion);
/* Maps of the layer that is summed. */
CLVGG_API int64_t clvgg_occlusion_map_count(const clvgg_occlusion *occlusion);

/* Arrays are [rows][columns], owned by the occlusion and valid until its next run. Cell (i, j) is
 * what the network says when the square lies around the middle of pixels
 * [top + i*stride, top + (i+1)*stride) and [left + j*stride, …): the cells cover the image evenly,
 * squares are cut off at its borders. */
typedef struct clvgg_occlusion_map {
    size_t struct_size;
    int rows, columns, size, stride;
    int top, left;                /* of the first cell, 0 or less */
    size_t class_index;           /* the one asked for, or the unoccluded image's most probable */
    const char *layer;            /* whose values are summed, behind the activation */
    int64_t map;                  /* the one asked for, or the one with the greatest sum */
    clvgg_class_score unoccluded; /* of class_index */
    double unoccluded_activation; /* sum of the map */
    const float *probability, *log_odds; /* of class_index */
    const float *activation;             /* sum over the map's positions */
    const int32_t *predicted;            /* most probable class; -1 where a logit is no number */
} clvgg_occlusion_map;

/* image: float32 [channels][height][width], prepared. class_index, map: -1 for the default above.
 * Set result->struct_size first. Blocks. Errors: INVALID_ARGUMENT (no such class or map),
 * NON_FINITE (the unoccluded image's logits, where the class is to be chosen by them), CANCELLED,
 * and those of clvgg_session_run(). */
CLVGG_API clvgg_status clvgg_occlusion_run(clvgg_occlusion *occlusion, const float *image,
                                           int64_t class_index, int64_t map,
                                           clvgg_occlusion_map *result);

/* Invariance: how far a photograph's features move, and the class' probability falls, when the
 * photograph is shifted, enlarged or turned. Source: as above, figure 5. */
typedef enum clvgg_transform {
    CLVGG_TRANSFORM_TRANSLATION = 0, /* down, in pixels of the network's input */
    CLVGG_TRANSFORM_SCALE = 1,       /* factor, about the centre: 0.05 ... 20 */
    CLVGG_TRANSFORM_ROTATION = 2     /* degrees, counter-clockwise about the centre */
} clvgg_transform;

/* Prepares a transformed photograph as clvgg_image_prepare() does the photograph itself, with which
 * a shift by 0, scale 1 or rotation by 0 agrees bit for bit. The photograph is resampled where it
 * is enlarged; what the crop had left out moves into view; beyond the photograph it is filled with
 * MEAN or EDGE. data: float32 [channels][height][width]. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY.
 */
CLVGG_API clvgg_status clvgg_image_prepare_transformed(const clvgg_image *image,
                                                       const clvgg_preprocess *preprocess,
                                                       clvgg_transform transform, double amount,
                                                       clvgg_fill fill, float *data);

typedef struct clvgg_invariance clvgg_invariance;

typedef struct clvgg_invariance_options {
    size_t struct_size;
    const char *const *layers; /* NULL: the first pooling's output, and the last dense layer's
                                  input (pool1 and relu7) */
    size_t layer_count;        /* at most 16 */
    clvgg_fill fill;           /* EDGE (default) or MEAN */
    const clvgg_preprocess *preprocess; /* NULL: the model's */
    int max_batch;                      /* as clvgg_occlusion_options has it */
    clvgg_execution execution;
    clvgg_visualize_progress_fn progress; /* or NULL; counts transformed images */
    void *user;
} clvgg_invariance_options;

CLVGG_API void clvgg_invariance_options_defaults(clvgg_invariance_options *options);
/* `options` may be NULL. Errors: as clvgg_occlusion_create(). */
CLVGG_API clvgg_status clvgg_invariance_create(clvgg_device *device, clvgg_model *model,
                                               const clvgg_invariance_options *options,
                                               clvgg_invariance **out);
CLVGG_API void clvgg_invariance_free(clvgg_invariance *invariance);
CLVGG_API size_t clvgg_invariance_layer_count(const clvgg_invariance *invariance);
/* The layer whose values are compared, behind its activation. Owned by the invariance; NULL when
 * out of range. */
CLVGG_API const char *clvgg_invariance_layer(const clvgg_invariance *invariance, size_t index);

typedef struct clvgg_invariance_curve {
    size_t struct_size;
    size_t class_index;         /* the one asked for, or the photograph's most probable */
    clvgg_class_score original; /* of the photograph as it is */
    double *norms;              /* [layers] of the photograph's features; or NULL */
    double *distances;          /* [layers][amounts] Euclidean, from the photograph's features;
                                   divided by norms[i] they are relative. Or NULL */
    clvgg_class_score *scores;  /* [amounts] of class_index; or NULL */
} clvgg_invariance_curve;

/* Computes the curve of one photograph, transformed by each of `amounts`. The caller gives the
 * curve's arrays and sets struct_size. Blocks. Errors: INVALID_ARGUMENT (a class or an amount out
 * of range), NON_FINITE (the photograph's logits, where the class is to be chosen by them),
 * CANCELLED, and those of clvgg_session_run(). */
CLVGG_API clvgg_status clvgg_invariance_run(clvgg_invariance *invariance, const clvgg_image *image,
                                            clvgg_transform transform, const double *amounts,
                                            size_t amount_count, int64_t class_index,
                                            clvgg_invariance_curve *curve);

/* Grad-CAM: where in an image a class is seen. A layer's maps, each weighted by the mean over its
 * positions of the class' logit's gradient there, are summed; what speaks against the class is 0.
 * Source: Selvaraju et al., Grad-CAM (2017), equations 1 and 2. */
typedef struct clvgg_gradcam clvgg_gradcam;

typedef struct clvgg_gradcam_options {
    size_t struct_size;
    const char *layer; /* with maps, behind its activation; NULL: the last convolution */
    clvgg_execution execution;
} clvgg_gradcam_options;

CLVGG_API void clvgg_gradcam_options_defaults(clvgg_gradcam_options *options);
/* `options` may be NULL. Errors: INVALID_ARGUMENT (unknown layer: lists what there is; one without
 * maps), UNSUPPORTED (a model of one class), and those of clvgg_projector_create(). */
CLVGG_API clvgg_status clvgg_gradcam_create(clvgg_device *device, clvgg_model *model,
                                            const clvgg_gradcam_options *options,
                                            clvgg_gradcam **out);
CLVGG_API void clvgg_gradcam_free(clvgg_gradcam *gradcam);

/* Arrays are owned by the gradcam and valid until its next run. */
typedef struct clvgg_gradcam_map {
    size_t struct_size;
    const char *layer;       /* whose maps were weighted, behind the activation */
    size_t class_index;      /* the one asked for, or the most probable */
    clvgg_class_score score; /* of it */
    int rows, columns;       /* of the layer's maps */
    const float *coarse;     /* [rows][columns], 0 or more, in logits */
    int height, width;       /* of the input */
    const float *map;        /* [height][width], coarse enlarged: bilinear, edges replicated */
    int64_t weight_count;
    const float *weights; /* of each map of the layer */
} clvgg_gradcam_map;

/* image: float32 [channels][height][width], prepared. class_index: -1 for the most probable, which
 * costs another forward pass. Set result->struct_size first. Blocks. Errors: INVALID_ARGUMENT (no
 * such class), NON_FINITE (the image's logits, where the class is to be chosen by them), and those
 * of clvgg_projector_run(). */
CLVGG_API clvgg_status clvgg_gradcam_run(clvgg_gradcam *gradcam, const float *image,
                                         int64_t class_index, clvgg_gradcam_map *result);

#ifdef __cplusplus
}
#endif
#endif
