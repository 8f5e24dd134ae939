/* model/model.h — graph + weights: which tensor belongs to which layer, preprocessing, labels.
 *
 * Immutable once made, reference-counted. Parameters are listed in the graph's order, a layer's
 * in its list's (weight, bias), named "conv1_1.weight", with canonical shapes (conv OIHW, dense
 * [out][in], CHW flatten).
 */
#ifndef VGG_MODEL_MODEL_H
#define VGG_MODEL_MODEL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/runtime.h"
#include "clvgg/model.h"
#include "graph/graph.h"
#include "weights/weights.h"

typedef struct vgg_parameter {
    char *name;        /* canonical */
    int node;          /* index in the graph */
    int position;      /* in the layer's list: VGG_WEIGHT, VGG_BIAS */
    clvgg_shape shape; /* canonical */
    clvgg_dtype dtype; /* as read by vgg_model_read_parameter() */
    bool int8; /* its values are int8 times a scale for each row (tensor/int8_row.h): exactly, as
                  F32 */
    const vgg_tensor_entry *entry;         /* in model->weights, or NULL: from model->source */
    const struct vgg_norm_fold *fold;      /* of model->folds: what its layer took in; or NULL */
    const struct vgg_parameter *inherited; /* of model->base, whose values it has; or NULL */
} vgg_parameter;

struct clvgg_model {
    atomic_int references;
    const vgg_scope *scope; /* the runtime's */
    uint64_t id;            /* unique in the process; keys shared device weights */
    char *name;             /* path, or the architecture's name */
    char *architecture;
    vgg_graph *graph;
    vgg_parameter *parameters;
    size_t parameter_count;
    struct vgg_norm_fold *folds; /* batch normalisations that other layers took in */
    vgg_weights *weights;        /* NULL when built from a source */
    clvgg_tensor_source source;
    void *source_user;
    clvgg_model *base; /* retained, of a model made of another one; else NULL */
    char *training;    /* what made its head, for the file's metadata; or NULL */
    char *head_source; /* the same in words */
    bool head_kept;    /* some of the head's values come from the base's head */
    char *quantized;   /* of a model made by vgg_model_quantize(): how, for the file's metadata; or
                          NULL */
    clvgg_preprocess preprocess;
    char *preprocess_origin;
    bool preprocess_assumed; /* the file that it was loaded from doesn't state it */
    char *notes; /* a line each: what isn't plain in how the file was read; NULL: no file */
    char **labels;
    size_t class_count;
};

clvgg_status vgg_model_load(const clvgg_runtime *runtime, const char *path,
                            const clvgg_model_options *options, clvgg_model **out);
clvgg_status vgg_model_build(clvgg_runtime *runtime, const clvgg_model_description *description,
                             clvgg_model **out);
/* A model around any graph, for tests and tools; takes the graph over on success. Every parameter
 * comes from `source`, float32; no labels. */
clvgg_status vgg_model_from_graph(clvgg_runtime *runtime, vgg_graph *graph,
                                  clvgg_tensor_source source, void *source_user, clvgg_model **out);
/* Another head for a model; see vgg_model_with_head(). */
typedef struct vgg_model_head {
    int hidden_count; /* dense layers before the last: 0 or 2 */
    int64_t widths[2];
    vgg_layer_type activations[2];
    float dropout[2]; /* rates */
    size_t class_count;
    const char *const *labels;  /* [class_count] */
    bool inherited[3];          /* whether a dense layer, in order, has the base's parameters */
    clvgg_tensor_source source; /* of the others'; must stay valid as long as the model */
    void *source_user;
    const char *training; /* JSON for the file, or NULL */
} vgg_model_head;
/* The base's layers up to its flatten, all of them where it has no dense layer, then fc6 and fc7
 * with an activation and dropout each (or neither), fc8 and prob. What is inherited keeps its
 * values and, in a file, its type. Retains the base. Errors: UNSUPPORTED (the base has no such
 * head), SHAPE_MISMATCH. */
clvgg_status vgg_model_with_head(clvgg_model *base, const vgg_model_head *head, clvgg_model **out);
/* The dense layers behind the base's flatten: how many, none in a network of features alone, and in
 * order the nodes of the first three. Errors: UNSUPPORTED, in words. */
clvgg_status vgg_model_head_nodes(const clvgg_model *model, int nodes[3], int *count);
clvgg_status vgg_model_save(const clvgg_model *model, const char *path, clvgg_dtype dtype);
/* Says whether the file at `path` is one of those that values are read from; see
 * vgg_weights_reads(). */
bool vgg_model_reads(const clvgg_model *model, const char *path);
void vgg_model_retain(clvgg_model *model);
void vgg_model_free(clvgg_model *model);

/* UNSUPPORTED, naming the model, where no photograph can have the channels that it takes. */
clvgg_status vgg_model_require_photographs(const clvgg_model *model);

/* Does the work of clvgg_model_random_weights(). */
void vgg_model_random_weights(uint64_t seed, const char *tensor, const clvgg_shape *shape,
                              uint64_t first, uint64_t count, float *values);

/* Parameter of a node, by its position in the layer's list, or NULL when it has none. */
const vgg_parameter *vgg_model_parameter(const clvgg_model *model, int node, int position);
/* Bytes of a parameter's values where they come from; 0 where the node doesn't have it. */
uint64_t vgg_model_parameter_bytes(const clvgg_model *model, int node, int position);
/* Elements [first, first + count) in the parameter's dtype and canonical order. Thread-safe.
 * Errors: NON_FINITE (tensor and index), BAD_FILE (the file shrank), IO, and the source's. */
clvgg_status vgg_model_read_parameter(const clvgg_model *model, const vgg_parameter *parameter,
                                      uint64_t first, uint64_t count, void *data);
/* Where a parameter lies turned in its file, see vgg_weights_inner(); 0: it doesn't. Elements in
 * that order, checked as above. */
uint64_t vgg_model_inner(const clvgg_model *model, const vgg_parameter *parameter);
clvgg_status vgg_model_read_turned(const clvgg_model *model, const vgg_parameter *parameter,
                                   uint64_t first, uint64_t count, void *data);

#endif
