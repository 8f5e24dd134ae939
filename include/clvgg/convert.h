/* clvgg/convert.h — models in files that other programs read, and which formats this build knows.
 *
 * A file is written piece by piece, so that memory doesn't grow with the weights, beside its place,
 * and gets its name when it is whole and, where a device is given, has been read again and gives
 * the model's logits, or its last layer's values where it has none.
 */
#ifndef CLVGG_CONVERT_H
#define CLVGG_CONVERT_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/device.h"
#include "clvgg/image.h"
#include "clvgg/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clvgg_export_format {
    /* Names conv1_1 … fc8; the network, preprocessing, labels and origin are metadata. */
    CLVGG_EXPORT_SAFETENSORS = 0,
    /* Names features.0 … classifier.6, for load_state_dict() of torchvision's VGG: positions in its
     * sequences, batch norms counted; the layers must be its row, of any widths. */
    CLVGG_EXPORT_TORCHVISION = 1,
    /* Opset 13, IR version 7. Input float32 [N, c, h, w], output "logits": a softmax at the end is
     * left out. Weights of half precision stay so; arithmetic is float32. At most 2 GiB. */
    CLVGG_EXPORT_ONNX = 2,
    /* For numpy.load(): a member for each tensor, and clvgg.metadata, JSON as bytes. No bfloat16; at
     * most 4 GiB. */
    CLVGG_EXPORT_NPZ = 3
} clvgg_export_format;

/* The name for options: "safetensors", "torchvision", "onnx", "npz"; NULL behind the last. */
CLVGG_API const char *clvgg_export_format_name(clvgg_export_format format);
/* The format that a path's suffix asks for; safetensors without one. */
CLVGG_API clvgg_export_format clvgg_export_format_of(const char *path);

/* What an export does, in this order. */
typedef enum clvgg_export_phase {
    CLVGG_EXPORT_WRITING = 0,  /* bytes of values written */
    CLVGG_EXPORT_CHECKING = 1, /* bytes of values read to run the model and the file, about */
    CLVGG_EXPORT_STORING = 2   /* bytes that reached the disk: none, the system doesn't say */
} clvgg_export_phase;

/* Called at the beginning of each phase, with no bytes done, and while it goes on, by the thread
 * that exports; anything but OK ends the export, which returns it. */
typedef clvgg_status (*clvgg_export_progress_fn)(void *user, clvgg_export_phase phase,
                                                 uint64_t done_bytes, uint64_t total_bytes);

typedef struct clvgg_export_options {
    size_t struct_size;
    clvgg_export_format format;
    int keep_dtype;    /* 1 (default): each tensor has the model's type; 0: */
    clvgg_dtype dtype; /* all have this one */
    const clvgg_preprocess *preprocess; /* what the file says; NULL: the model's, and where that was
                                           assumed, that it was */
    clvgg_device *check_device; /* reads the file again and compares; NULL: no check */
    clvgg_export_progress_fn progress;
    void *progress_user;
} clvgg_export_options;

CLVGG_API void clvgg_export_options_defaults(clvgg_export_options *options);

typedef struct clvgg_export_report {
    size_t struct_size;
    uint64_t bytes;      /* of the file */
    size_t tensor_count; /* in it */
    int checked;         /* 1: the file was read again, and gives the model's values */
    char compared[256];  /* the layer whose values these are: "logits"; the last one's name where the
                            model has none; "" without a check */
    double error, error_limit; /* relative L2 of these, on a fixed input; the limit is 1e-5 where no
                                  value was rounded to half precision */
    char unchecked[160]; /* why it wasn't, in words; "" where no check was asked for */
} clvgg_export_report;

/* Writes a model to a file, with batch norms as layers of their own where it was loaded with
 * keep_batch_norm; `options` may be NULL, and so may `report`, whose struct_size is to be
 * set. Errors: UNSUPPORTED (what the format can't hold, in words), IO, NON_FINITE (the tensor: a
 * value too large for its type too), BAD_FILE (it gives other values, or can't be read again), OUT_OF_MEMORY, and those of
 * reading the weights and of running the network. Nothing appears at `path` then, and what was there
 * stays. */
CLVGG_API clvgg_status clvgg_model_export(const clvgg_model *model, const char *path,
                                          const clvgg_export_options *options,
                                          clvgg_export_report *report);

/* Reads how images are prepared for a model: "torchvision", "caffe", or a file of JSON like that in
 * clvgg's own files: {"channels": "BGR", "scale": 1, "mean": [b, g, r], "std": [b, g, r],
 * "resize_short": 256, "crop": 224}. Errors: NOT_FOUND, IO, BAD_FILE, INVALID_ARGUMENT (the model
 * has other channels, or another input), UNSUPPORTED (built without cJSON). */
CLVGG_API clvgg_status clvgg_preprocess_read(const clvgg_model *model, const char *spec,
                                             clvgg_preprocess *out);

/* A format of weight files that is recognised by content. */
typedef struct clvgg_weight_format {
    size_t struct_size;
    const char *name;   /* "a NumPy archive (.npz)" */
    int reads;          /* 1: this build reads it */
    const char *needs;  /* the library that this build lacks to read it, or NULL */
    const char *advice; /* what to do with a file that no version reads, or NULL */
} clvgg_weight_format;

/* The format of an index; set format->struct_size first. Errors: INVALID_ARGUMENT (there are
 * fewer). */
CLVGG_API clvgg_status clvgg_weight_format_at(size_t index, clvgg_weight_format *format);
CLVGG_API size_t clvgg_weight_format_count(void);

#ifdef __cplusplus
}
#endif
#endif
