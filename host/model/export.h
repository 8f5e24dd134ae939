/* model/export.h — a model in files that others read: which tensors, under which names, of which
 * values.
 */
#ifndef VGG_MODEL_EXPORT_H
#define VGG_MODEL_EXPORT_H

#include "clvgg/convert.h"
#include "model/model.h"
#include "weights/write.h"

/* What a tensor has of a parameter: int8 weights are two, levels and scales. */
typedef enum vgg_export_part { VGG_EXPORT_VALUES, VGG_EXPORT_LEVELS, VGG_EXPORT_SCALES } vgg_export_part;

/* A tensor to be written. */
typedef struct vgg_export_tensor {
    char *name;
    const vgg_parameter *from;
    vgg_export_part part;
    clvgg_dtype dtype; /* in the file; F32 of levels */
} vgg_export_tensor;

struct vgg_export;

typedef struct vgg_export_options {
    const vgg_weights_writer *writer;
    bool keep_dtype; /* each tensor's own type; else */
    clvgg_dtype dtype;
    const clvgg_preprocess *preprocess; /* NULL: the model's */
    clvgg_export_progress_fn progress;  /* NULL: nobody wants to know */
    void *progress_user;
    /* Judges the whole file before it gets its name; `path` is NULL where it can't be read. */
    clvgg_status (*check)(void *user, const struct vgg_export *made, const char *path);
    void *check_user;
} vgg_export_options;

typedef struct vgg_export {
    const clvgg_model *model;
    const vgg_export_options *options;
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
/* Says how far it is to whoever wants to know, who may end it. For the check too. */
clvgg_status vgg_export_progress(const vgg_export *made, clvgg_export_phase phase, uint64_t done,
                                 uint64_t total);
/* What a caller states of a model's preprocessing, with the crop of its input; averaged where it is
 * grey. Errors: INVALID_ARGUMENT (for other channels, another crop). */
clvgg_status vgg_model_fit_preprocess(const clvgg_model *model, const clvgg_preprocess *stated,
                                      clvgg_preprocess *out);

/* ---- for export.c ---- */

/* Fails with UNSUPPORTED and the first layer in question where a network isn't the row of layers that
 * torchvision's VGG is, of any widths. */
clvgg_status vgg_export_torch_check(const vgg_graph *graph);
/* torchvision's name of a layer of such a network, "features.0" or "classifier.6": positions in
 * torch.nn.Sequential. */
void vgg_export_torch_name(const vgg_graph *graph, int node, char name[32]);

#endif
