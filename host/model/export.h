/* model/export.h — a model in files that others read: which tensors, under which names, of which
 * values; batch norm folded into the layers before it where that is wanted.
 */
#ifndef VGG_MODEL_EXPORT_H
#define VGG_MODEL_EXPORT_H

#include "model/model.h"
#include "weights/write.h"

/* A tensor to be written. */
typedef struct vgg_export_tensor {
    char *name;
    clvgg_shape shape;
    clvgg_dtype dtype;             /* in the file */
    const vgg_parameter *from;     /* NULL: a bias that only folding makes */
    const struct vgg_fold *folded; /* what it takes in; NULL: nothing */
    bool is_bias;
} vgg_export_tensor;

/* A batch norm that the layer before it takes in: y = scale · x + shift, for each channel. */
typedef struct vgg_fold {
    int layer, norm; /* nodes of the model */
    double *scale, *shift;
} vgg_fold;

struct vgg_export;

typedef struct vgg_export_options {
    const vgg_weights_writer *writer;
    bool keep_dtype; /* each tensor's own type; else */
    clvgg_dtype dtype;
    bool fold;
    const clvgg_preprocess *preprocess; /* NULL: the model's */
    clvgg_status (*progress)(void *user, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_user;
    /* Judges the whole file before it gets its name; `path` is NULL where it can't be read. */
    clvgg_status (*check)(void *user, const struct vgg_export *made, const char *path);
    void *check_user;
} vgg_export_options;

typedef struct vgg_export {
    const clvgg_model *model;
    const vgg_export_options *options;
    vgg_graph *graph; /* of what is written, with folded layers left out */
    vgg_fold *folds;
    size_t fold_count;
    vgg_export_tensor *tensors;
    size_t count;
    clvgg_preprocess preprocess;
    uint64_t done_bytes, total_bytes; /* of values */
    uint64_t file_bytes;
    clvgg_dtype coarsest; /* type to which values are rounded; F32: none are */
    float *scratch, *raw; /* a piece as float32, and as the model has it */
} vgg_export;

/* Writes the file; nothing appears at `path` unless all went well, the check included. *made is
 * filled, and is to be freed by vgg_export_free(), on failure too. */
clvgg_status vgg_model_export(const clvgg_model *model, const char *path,
                              const vgg_export_options *options, vgg_export *made);
void vgg_export_free(vgg_export *made);
/* What a caller states of a model's preprocessing, with the crop of its input; averaged where it is
 * grey. Errors: INVALID_ARGUMENT (for other channels, another crop). */
clvgg_status vgg_model_fit_preprocess(const clvgg_model *model, const clvgg_preprocess *stated,
                                      clvgg_preprocess *out);

/* ---- for export.c ---- */

/* Finds the batch norms that can be folded, and what they do. */
clvgg_status vgg_export_find_folds(vgg_export *made);
/* The fold that a node takes part in, as the layer or as the norm; NULL. */
const vgg_fold *vgg_export_fold_of(const vgg_export *made, int node);
/* The graph without the norms that are folded, whose layers have biases. */
clvgg_status vgg_export_fold_graph(const vgg_export *made, vgg_graph **out);
/* Changes values, from element `first` on, of a layer's weight or bias. */
void vgg_export_apply_fold(const vgg_export_tensor *tensor, uint64_t first, size_t count,
                           float *values);
/* torchvision's name of a layer of the graph, "features.0" or "classifier.6": positions in
 * torch.nn.Sequential. Errors: UNSUPPORTED (the network isn't such a sequence). */
clvgg_status vgg_export_torch_name(const vgg_graph *graph, int node, char name[32]);

#endif
