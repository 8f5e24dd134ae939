/* api/api_quantize.c — implements clvgg/quantize.h. */
#include "api/scope.h"
#include "pipeline/feed.h"
#include "quantize/calibration.h"

void clvgg_calibration_options_defaults(clvgg_calibration_options *options)
{
    if (options != NULL)
        *options = (clvgg_calibration_options){.struct_size = sizeof *options};
}

clvgg_status clvgg_calibration_create(clvgg_device *device, clvgg_model *model,
                                      const clvgg_calibration_options *options,
                                      clvgg_calibration **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(device, model);
    VGG_API_OPTIONS(clvgg_calibration_options, options);
    VGG_API_REQUIRE(options->max_batch >= 0 && options->max_batch <= 65536);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_RETURN(model->scope, vgg_calibration_create(device, model, options, out));
}

void clvgg_calibration_free(clvgg_calibration *calibration)
{
    vgg_calibration_free(calibration);
}

clvgg_status clvgg_calibration_add(clvgg_calibration *calibration, size_t count,
                                   const float *images)
{
    VGG_API_REQUIRE(calibration != NULL);
    VGG_API_REQUIRE(count == 0 || images != NULL);
    VGG_API_RETURN(calibration->model->scope, vgg_calibration_add(calibration, count, images));
}

/* A stream on its way into a calibration. */
typedef struct adding {
    clvgg_calibration *calibration;
    clvgg_calibration_taken_fn taken;
    void *user;
} adding;

static clvgg_status add_batch(void *user, int count, const float *images)
{
    const adding *a = user;
    return vgg_calibration_add(a->calibration, (size_t)count, images);
}

static clvgg_status tell(void *user, const clvgg_stream_item *item, int row)
{
    const adding *a = user;
    (void)row;
    return a->taken(a->user, item);
}

static clvgg_status add_stream(adding *a, clvgg_image_stream *stream)
{
    const vgg_feed feed = {a, add_batch, tell};
    return vgg_feed_all(stream, &a->calibration->graph->nodes[0].output, &feed, NULL);
}

clvgg_status clvgg_calibration_add_stream(clvgg_calibration *calibration,
                                          clvgg_image_stream *stream,
                                          clvgg_calibration_taken_fn taken, void *user)
{
    VGG_API_GIVEN(calibration, stream, taken);
    adding a = {calibration, taken, user};
    VGG_API_RETURN(calibration->model->scope, add_stream(&a, stream));
}

uint64_t clvgg_calibration_image_count(const clvgg_calibration *calibration)
{
    return calibration->image_count;
}

void clvgg_quantize_options_defaults(clvgg_quantize_options *options)
{
    if (options != NULL)
        *options = (clvgg_quantize_options){.struct_size = sizeof *options, .percentile = 99.99};
}

clvgg_status clvgg_calibration_quantize(clvgg_calibration *calibration,
                                        const clvgg_quantize_options *options, clvgg_model **out)
{
    VGG_API_OUT(out);
    VGG_API_REQUIRE(calibration != NULL);
    VGG_API_OPTIONS(clvgg_quantize_options, options);
    VGG_API_REQUIRE(options->method >= CLVGG_RANGE_MSE);
    VGG_API_REQUIRE(options->method <= CLVGG_RANGE_PERCENTILE);
    VGG_API_REQUIRE(options->percentile >= 50 && options->percentile <= 100);
    VGG_API_REQUIRE(options->keep_count == 0 || options->keep != NULL);
    VGG_API_RETURN(calibration->model->scope, vgg_calibration_quantize(calibration, options, out));
}

size_t clvgg_calibration_layer_count(const clvgg_calibration *calibration)
{
    return calibration->layer_count;
}

clvgg_status clvgg_calibration_layer(const clvgg_calibration *calibration, size_t index,
                                     clvgg_quantized_layer *layer)
{
    VGG_API_REQUIRE(calibration != NULL);
    VGG_API_STRUCT(layer);
    VGG_API_REQUIRE(calibration->chosen);
    VGG_API_REQUIRE(index < calibration->layer_count);
    const vgg_calibrated_layer *from = &calibration->layers[index];
    *layer = (clvgg_quantized_layer){
        .struct_size = sizeof *layer,
        .name = calibration->model->graph->nodes[from->node].name,
        .quantized = from->kept == NULL,
        .kept = from->kept,
        .low = (int)from->how.low,
        .high = (int)from->how.high,
        .scale = from->how.scale,
        .range = from->range,
        .largest = calibration->inputs[from->input].histogram.largest,
        .input_error = from->input_error,
        .weight_error = from->weight_error,
        .error = vgg_calibrated_error(from),
    };
    return CLVGG_STATUS_OK;
}

int clvgg_model_quantized_layers(const clvgg_model *model)
{
    return vgg_model_quantized_layers(model);
}
