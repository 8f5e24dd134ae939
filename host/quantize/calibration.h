/* quantize/calibration.h — what each convolution and dense layer takes, counted over photographs,
 * and the quantised model that follows from it.
 *
 * The network runs up to the last layer's input; the values of all inputs come back to the host,
 * where they are counted (histogram.h).
 */
#ifndef VGG_QUANTIZE_CALIBRATION_H
#define VGG_QUANTIZE_CALIBRATION_H

#include "clvgg/quantize.h"
#include "model/model.h"
#include "model/quantize.h"
#include "pipeline/runner.h"
#include "quantize/histogram.h"

/* A node whose values layers take; several may take one's. */
typedef struct vgg_calibrated_input {
    int node;
    size_t elements; /* of an image */
    bool rectified;  /* no value is below 0 */
    vgg_histogram histogram;
} vgg_calibrated_input;

/* A convolution or dense layer, and what it became in the latest model. */
typedef struct vgg_calibrated_layer {
    int node;
    size_t input; /* of the calibration's */
    vgg_quantize_attributes how;
    float range;
    double input_error, weight_error;
    const char *kept; /* why it stays as it is; NULL: it is quantised */
} vgg_calibrated_layer;

struct clvgg_calibration {
    clvgg_model *model; /* retained */
    vgg_graph *graph;   /* the model's up to the last input */
    vgg_runner *runner; /* NULL: every layer takes the image itself */
    int max_batch;      /* that the values have room for */
    vgg_calibrated_input *inputs;
    size_t input_count;
    int *outputs;     /* [output_count] nodes: those of the inputs that aren't the image */
    int output_count; /* which is the first of them where there is one */
    float **values;   /* [output_count] of the latest batch */
    vgg_calibrated_layer *layers;
    size_t layer_count;
    uint64_t image_count;
    bool chosen; /* what the layers became is known */
};

clvgg_status vgg_calibration_create(clvgg_device *device, clvgg_model *model,
                                    const clvgg_calibration_options *options,
                                    clvgg_calibration **out);
void vgg_calibration_free(clvgg_calibration *calibration);
clvgg_status vgg_calibration_add(clvgg_calibration *calibration, size_t count, const float *images);
/* In choose.c. */
clvgg_status vgg_calibration_quantize(clvgg_calibration *calibration,
                                      const clvgg_quantize_options *options, clvgg_model **out);
/* The error of a layer's output, about. */
double vgg_calibrated_error(const vgg_calibrated_layer *layer);

#endif
