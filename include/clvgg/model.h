/* clvgg/model.h — a network and its weights: loading, building, describing, saving.
 *
 * A model is immutable and reference-counted; sessions and threads share it. Loading reads headers
 * only: weights go from the file to the device, in chunks, when a session is made.
 */
#ifndef CLVGG_MODEL_H
#define CLVGG_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/image.h"
#include "clvgg/runtime.h"
#include "clvgg/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_model clvgg_model;

typedef struct clvgg_model_options {
    size_t struct_size;
    int input_height, input_width; /* 0: the model's own */
    const char *labels_path;       /* one label a line, or NULL: the model's own */
    int keep_batch_norm; /* 1: batch normalisations stay layers of their own; 0: one that directly
                            follows a convolution or dense layer becomes part of its weights */
} clvgg_model_options;

CLVGG_API void clvgg_model_options_defaults(clvgg_model_options *options);

/* Loads a file or folder of weights of any format that this build reads (clvgg/convert.h lists
 * them), whatever its name: float32, float16 or bfloat16; float64 is rounded to float32. A folder
 * is the model.safetensors or pytorch_model.bin in it, else the only model among its files;
 * clvgg_model_name() is that file's path. The network is the file's; where a file holds
 * tensors alone, their names (canonical, conv1_1 … fc8, or torchvision's or timm's, behind any
 * prefix) or else their shapes and order tell which VGG it is. A model without dense layers has no
 * classes. `options` may be NULL; its strings aren't needed afterwards. Errors: NOT_FOUND, IO,
 * BAD_FILE, SHAPE_MISMATCH (the tensor, expected and actual), UNSUPPORTED (a format that isn't read,
 * a folder of several models, a layer that isn't known, another network), OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_model_load(clvgg_runtime *runtime, const char *path,
                                        const clvgg_model_options *options, clvgg_model **out);

/* Gives `count` values of a tensor, from element `first` on, in the tensor's canonical layout
 * (convolution OIHW, dense [out][in]). Called while a session is made or a model is saved. */
typedef clvgg_status (*clvgg_tensor_source)(void *user, const char *tensor, const clvgg_shape *shape,
                                            uint64_t first, uint64_t count, float *values);

/* A source of random weights, to train from or to time: normal with standard deviation √(2/fan-in),
 * so that activations keep their size through the layers; biases 0. The same seed gives the same
 * weights. `user` points to the seed, a uint64_t, which must stay valid as long as the model.
 * Threads: any. Source: He et al., Delving Deep into Rectifiers (2015), equation 10. */
CLVGG_API clvgg_status clvgg_model_random_weights(void *user, const char *tensor,
                                                  const clvgg_shape *shape, uint64_t first,
                                                  uint64_t count, float *values);

typedef struct clvgg_model_description {
    size_t struct_size;
    const char *architecture; /* "vgg11", "vgg13", "vgg16" or "vgg19" */
    int input_channels, input_height, input_width; /* default 3, 224, 224 */
    int head[2];              /* widths of fc6 and fc7; default 4096, 4096 */
    int class_count;          /* default 1000 */
    const char *const *labels; /* class_count strings, or NULL: "class 0" … */
    clvgg_preprocess preprocess;
    clvgg_tensor_source source; /* must stay valid as long as the model */
    void *source_user;
} clvgg_model_description;

CLVGG_API void clvgg_model_description_defaults(clvgg_model_description *description);
/* Builds a VGG whose weights come from the caller's memory or a generator. The description's
 * strings are copied. Errors: INVALID_ARGUMENT, SHAPE_MISMATCH (an input too small for the
 * poolings), OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_model_build(clvgg_runtime *runtime,
                                         const clvgg_model_description *description,
                                         clvgg_model **out);

/* Writes the model as safetensors with clvgg's metadata, atomically; tensors that come from a file
 * are copied bit for bit, in the file's type, but int8 weights as float32 (clvgg_model_export()
 * keeps them); those from a source are written as `dtype`. Errors:
 * IO, NON_FINITE (the tensor), OUT_OF_MEMORY, and those of reading the weights. */
CLVGG_API clvgg_status clvgg_model_save(const clvgg_model *model, const char *path,
                                        clvgg_dtype dtype);

CLVGG_API clvgg_model *clvgg_model_retain(clvgg_model *model);
CLVGG_API void clvgg_model_free(clvgg_model *model);

/* File the model was loaded from, or its architecture's name. Owned by the model. */
CLVGG_API const char *clvgg_model_name(const clvgg_model *model);
/* 1: the file at `path`, by whatever name or link, is one of those that the model is read from, or
 * any other in the folder that it was loaded from; writing there would spoil it. Else 0, as where
 * there is no file. */
CLVGG_API int clvgg_model_reads(const clvgg_model *model, const char *path);
CLVGG_API const char *clvgg_model_architecture(const clvgg_model *model);
CLVGG_API size_t clvgg_model_class_count(const clvgg_model *model);
/* Label of a class, or NULL when out of range. */
CLVGG_API const char *clvgg_model_label(const clvgg_model *model, size_t index);
CLVGG_API void clvgg_model_preprocess(const clvgg_model *model, clvgg_preprocess *out);
/* The origin of the preprocessing: "stated in the file", "torchvision's, from tensor names" … */
CLVGG_API const char *clvgg_model_preprocess_origin(const clvgg_model *model);
/* The format of the file that it was loaded from, "a safetensors file", or NULL; and what isn't plain
 * in how it was read, a line each, or "". Owned by the model. */
CLVGG_API const char *clvgg_model_format(const clvgg_model *model);
CLVGG_API const char *clvgg_model_notes(const clvgg_model *model);
/* Metadata of the file, e.g. "clvgg.source"; NULL when absent. Owned by the model. */
CLVGG_API const char *clvgg_model_metadata(const clvgg_model *model, const char *key);
CLVGG_API uint64_t clvgg_model_parameter_count(const clvgg_model *model);
/* FLOPs of one image's forward pass, two a multiply-add, convolution and dense layers. */
CLVGG_API uint64_t clvgg_model_flops(const clvgg_model *model);

typedef struct clvgg_layer_info {
    size_t struct_size;
    const char *name, *type; /* "conv1_1", "conv2d"; owned by the model */
    int input;               /* index of the layer whose output it reads; -1 for the input */
    int folds_into;          /* index of the layer that a batch normalisation becomes part of where
                                the model is loaded without keep_batch_norm; -1: none */
    clvgg_shape output;      /* of one image: {3, {c, h, w}} or {1, {n}} */
    uint64_t parameter_count, flops;
    char attributes[96];     /* "3x3 stride 1 pad 1", for people */
} clvgg_layer_info;

CLVGG_API size_t clvgg_model_layer_count(const clvgg_model *model);
/* The index of the layer of that name; "logits" and "prob" are understood too. Errors, which list
 * the layers there are: INVALID_ARGUMENT; UNSUPPORTED (a model without logits or prob). */
CLVGG_API clvgg_status clvgg_model_find_layer(const clvgg_model *model, const char *name,
                                              size_t *index);
CLVGG_API clvgg_status clvgg_model_layer(const clvgg_model *model, size_t index,
                                         clvgg_layer_info *info);
/* A layer's weight (convolution OIHW, dense [out][in]) or, with `bias`, its bias ([out]) as float32.
 * Writes its shape, and its values where `values` isn't NULL. Errors: INVALID_ARGUMENT (no such
 * layer), NOT_FOUND (the layer has none), NON_FINITE, and those of reading a file. */
CLVGG_API clvgg_status clvgg_model_parameter(const clvgg_model *model, size_t layer, int bias,
                                             clvgg_shape *shape, float *values);
/* The graph in Graphviz's language or as JSON. Writes at most `capacity` bytes, NUL included, and
 * the full length without NUL into *length; text may be NULL when capacity is 0. */
typedef enum clvgg_graph_format { CLVGG_GRAPH_DOT = 0, CLVGG_GRAPH_JSON = 1 } clvgg_graph_format;
CLVGG_API clvgg_status clvgg_model_print_graph(const clvgg_model *model, clvgg_graph_format format,
                                               char *text, size_t capacity, size_t *length);

#ifdef __cplusplus
}
#endif
#endif
