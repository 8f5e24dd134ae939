/* clvgg/quantize.h — a model whose convolutions and dense layers compute with int8.
 *
 * Photographs are run through a model, and what each layer takes is counted; from that follows the
 * range of its input that 255 levels are dealt out over. The model that comes of it is like any
 * other: a layer `quantize` stands in front of each quantised one, whose weights are int8 times a
 * scale for each output channel. clvgg_model_export() writes it, weights as int8. It runs with
 * every storage, and computes the same but for the order of sums, whose last bit decides where a
 * value between two levels goes: logits of two kernels differ by up to about what quantising
 * changed. A handle belongs to one thread at a time.
 */
#ifndef CLVGG_QUANTIZE_H
#define CLVGG_QUANTIZE_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/device.h"
#include "clvgg/execution.h"
#include "clvgg/image.h"
#include "clvgg/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_calibration clvgg_calibration;

typedef struct clvgg_calibration_options {
    size_t struct_size;
    int max_batch;               /* images at once, fewer where memory is short; 0: 8 */
    uint64_t memory_limit_bytes; /* of layers' values on the host; 0: 256 MiB, an image at least */
    clvgg_execution execution;
} clvgg_calibration_options;

CLVGG_API void clvgg_calibration_options_defaults(clvgg_calibration_options *options);

/* Plans the network up to the last input of a convolution or dense layer; `options` may be NULL.
 * Retains device and model. Memory doesn't grow with the images. Errors: UNSUPPORTED (the model is
 * quantised already, or has no such layer), and those of clvgg_session_create(). */
CLVGG_API clvgg_status clvgg_calibration_create(clvgg_device *device, clvgg_model *model,
                                                const clvgg_calibration_options *options,
                                                clvgg_calibration **out);
CLVGG_API void clvgg_calibration_free(clvgg_calibration *calibration);

/* Runs and counts `count` images, float32 NCHW [count][c][h][w]. Errors: NON_FINITE (image and
 * layer; what was counted is of no use then), OUT_OF_DEVICE_MEMORY, OPENCL, DEVICE_LOST. */
CLVGG_API clvgg_status clvgg_calibration_add(clvgg_calibration *calibration, size_t count,
                                             const float *images);
/* Takes what became of an image of a stream: counted, or why it can't be read. Anything but OK ends
 * the call, which returns it. */
typedef clvgg_status (*clvgg_calibration_taken_fn)(void *user, const clvgg_stream_item *item);
/* Does so with all images of a stream. Errors also: INVALID_ARGUMENT (the stream prepares images of
 * another shape), and those of `taken`. */
CLVGG_API clvgg_status clvgg_calibration_add_stream(clvgg_calibration *calibration,
                                                    clvgg_image_stream *stream,
                                                    clvgg_calibration_taken_fn taken, void *user);
CLVGG_API uint64_t clvgg_calibration_image_count(const clvgg_calibration *calibration);

/* How a range follows from what was counted. */
typedef enum clvgg_range_method {
    CLVGG_RANGE_MSE = 0,        /* the least mean square error of the quantised input */
    CLVGG_RANGE_MAX = 1,        /* to the largest magnitude */
    CLVGG_RANGE_PERCENTILE = 2, /* to the magnitude that so many per cent of values don't exceed */
} clvgg_range_method;

typedef struct clvgg_quantize_options {
    size_t struct_size;
    clvgg_range_method method;
    double percentile;       /* 50 to 100; default 99.99 */
    int quantize_ends;       /* 1: also the first convolution and the last dense layer; default 0 */
    const char *const *keep; /* [keep_count] names of further layers that stay as they are */
    size_t keep_count;
} clvgg_quantize_options;

CLVGG_API void clvgg_quantize_options_defaults(clvgg_quantize_options *options);

/* Makes the quantised model by what was counted so far, which the calibration keeps: other options
 * make another model of it. Retains the model, whose values it has. `options` may be NULL. Errors:
 * INVALID_ARGUMENT (no image was counted; an unknown layer, or none to quantise: lists what there
 * is), UNSUPPORTED (no layer is left to quantise), and those of reading the weights. */
CLVGG_API clvgg_status clvgg_calibration_quantize(clvgg_calibration *calibration,
                                                  const clvgg_quantize_options *options,
                                                  clvgg_model **out);

/* What became of a convolution or dense layer. */
typedef struct clvgg_quantized_layer {
    size_t struct_size;
    const char *name; /* owned by the calibration */
    int quantized;
    const char *kept; /* why it isn't, in words; NULL */
    int low, high; /* levels of its input: 0…254 where no value can be below 0, else −127…127 */
    float scale;   /* of its input: a value is scale · level */
    float range;   /* above which values are cut, before the scale was rounded up */
    float largest; /* magnitude that was counted */
    /* ‖quantised − value‖ / ‖value‖ of input and weights. Both together, as if they were
     * independent, are about the error that the layer's output gets. */
    double input_error, weight_error, error;
} clvgg_quantized_layer;

/* Layers in the network's order, as the latest clvgg_calibration_quantize() left them; set
 * layer->struct_size first. Errors: INVALID_ARGUMENT (there are fewer, or no model was made). */
CLVGG_API size_t clvgg_calibration_layer_count(const clvgg_calibration *calibration);
CLVGG_API clvgg_status clvgg_calibration_layer(const clvgg_calibration *calibration, size_t index,
                                               clvgg_quantized_layer *layer);

/* How many layers of a model are quantised; 0: it is a model in floats. */
CLVGG_API int clvgg_model_quantized_layers(const clvgg_model *model);

#ifdef __cplusplus
}
#endif
#endif
