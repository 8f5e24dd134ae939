/* quantize/choose.c — which layers are quantised, by which scales, and the model that they make. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "model/int8_weights.h"
#include "quantize/calibration.h"
#include "tensor/int8_row.h"

enum { UNSIGNED_LEVELS = 254, SIGNED_LEVELS = 127 };

double vgg_calibrated_error(const vgg_calibrated_layer *layer)
{
    return hypot(layer->input_error, layer->weight_error);
}

/* ---- which layers ---- */

static clvgg_status keep_named(clvgg_calibration *calibration, const char *name)
{
    const vgg_graph *graph = calibration->model->graph;
    int node;
    VGG_PASS(vgg_graph_require(graph, name, " to keep", &node));
    for (size_t i = 0; i < calibration->layer_count; i++)
        if (calibration->layers[i].node == node) {
            calibration->layers[i].kept = "asked for";
            return CLVGG_STATUS_OK;
        }
    return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT,
                    "layer '%s' is neither a convolution nor a dense layer: it isn't quantised",
                    name);
}

static clvgg_status choose_layers(clvgg_calibration *calibration,
                                  const clvgg_quantize_options *options)
{
    const vgg_graph *graph = calibration->model->graph;
    const int last = vgg_graph_last(graph, vgg_node_is_dense);
    bool first = true;
    for (size_t i = 0; i < calibration->layer_count; i++) {
        vgg_calibrated_layer *layer = &calibration->layers[i];
        const bool convolution = vgg_node_is_convolution(&graph->nodes[layer->node]);
        layer->kept = NULL;
        if (calibration->inputs[layer->input].histogram.largest == 0.0f)
            layer->kept = "takes nothing but 0";
        else if (!options->quantize_ends && convolution && first)
            layer->kept = "the first convolution";
        else if (!options->quantize_ends && layer->node == last)
            layer->kept = "the last dense layer";
        first = first && !convolution;
    }
    for (size_t i = 0; i < options->keep_count; i++)
        VGG_PASS(keep_named(calibration, options->keep[i]));
    for (size_t i = 0; i < calibration->layer_count; i++)
        if (calibration->layers[i].kept == NULL)
            return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s: no layer is left to quantise",
                    calibration->model->name);
}

/* ---- by which scales ---- */

/* Of 16 significant bits, rounded up, so that scale times level is exact in float32. */
static float round_up(float scale)
{
    uint32_t bits;
    memcpy(&bits, &scale, sizeof bits);
    bits = (bits + 0xFF) & ~(uint32_t)0xFF;
    memcpy(&scale, &bits, sizeof bits);
    return fmaxf(scale, 0x1p-100f);
}

static float find_range(const vgg_histogram *histogram, int levels,
                        const clvgg_quantize_options *options)
{
    float range = histogram->largest;
    if (options->method == CLVGG_RANGE_PERCENTILE)
        range = vgg_histogram_percentile(histogram, options->percentile / 100);
    else if (options->method == CLVGG_RANGE_MSE)
        range = vgg_histogram_best_range(histogram, levels);
    return range > 0.0f ? range : histogram->largest; /* of a layer that hardly ever takes any */
}

/* A row's share of a weight's error. */
typedef struct weight_error {
    double noise, signal;
} weight_error;

static clvgg_status add_row(void *user, uint64_t row, float *values, size_t count)
{
    weight_error *sum = user;
    const float scale = vgg_int8_row_scale(values, count), inverse = 1.0f / scale;
    (void)row;
    for (size_t i = 0; i < count; i++) {
        const double off = (double)(values[i] - scale * rintf(values[i] * inverse));
        sum->noise += off * off;
        sum->signal += (double)values[i] * (double)values[i];
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status describe_layer(const clvgg_calibration *calibration,
                                   const clvgg_quantize_options *options,
                                   vgg_calibrated_layer *layer)
{
    const clvgg_model *model = calibration->model;
    const vgg_calibrated_input *input = &calibration->inputs[layer->input];
    const int levels = input->rectified ? UNSIGNED_LEVELS : SIGNED_LEVELS;
    const vgg_parameter *weight = vgg_model_parameter(model, layer->node, VGG_WEIGHT);
    weight_error sum = {0};
    layer->range = find_range(&input->histogram, levels, options);
    layer->how.scale = round_up(layer->range / (float)levels);
    layer->how.high = levels;
    layer->how.low = input->rectified ? 0 : -levels;
    layer->input_error = vgg_histogram_error(&input->histogram, (double)layer->how.scale, levels);
    VGG_PASS(vgg_model_each_row(model, weight, 0, (uint64_t)weight->shape.dims[0], add_row, &sum));
    layer->weight_error = sum.signal > 0 ? sqrt(sum.noise / sum.signal) : 0;
    return CLVGG_STATUS_OK;
}

/* ---- the model ---- */

/* {"by": "clvgg 0.1.0", "images": 64, "range": "percentile 99.99"} */
static clvgg_status tell_how(const clvgg_calibration *calibration,
                             const clvgg_quantize_options *options, char **how)
{
    vgg_text text = {0};
    vgg_text_printf(&text, "{\"by\": \"clvgg %s\", \"images\": %llu, \"range\": \"",
                    clvgg_version(), (unsigned long long)calibration->image_count);
    if (options->method == CLVGG_RANGE_PERCENTILE) {
        vgg_text_puts(&text, "percentile ");
        vgg_text_json_number(&text, options->percentile);
    } else {
        vgg_text_puts(&text, options->method == CLVGG_RANGE_MSE ? "least square error" : "maximum");
    }
    vgg_text_puts(&text, "\"}");
    return vgg_text_take(&text, "metadata", how);
}

clvgg_status vgg_calibration_quantize(clvgg_calibration *calibration,
                                      const clvgg_quantize_options *options, clvgg_model **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_quantized_input *inputs = NULL;
    char *how = NULL;
    VGG_REQUIRE(calibration->image_count > 0, CLVGG_STATUS_INVALID_ARGUMENT,
                "%s: no image was counted, so no range is known", calibration->model->name);
    calibration->chosen = false;
    VGG_TRY(choose_layers(calibration, options));
    VGG_NEW(inputs, (size_t)calibration->model->graph->count);
    for (size_t i = 0; i < calibration->layer_count; i++) {
        vgg_calibrated_layer *layer = &calibration->layers[i];
        VGG_TRY(describe_layer(calibration, options, layer));
        inputs[layer->node] = (vgg_quantized_input){layer->kept == NULL, layer->how};
    }
    VGG_TRY(tell_how(calibration, options, &how));
    VGG_TRY(vgg_model_quantize(calibration->model, inputs, how, out));
    calibration->chosen = true;
cleanup:
    vgg_free(inputs);
    vgg_free(how);
    return status;
}
