/* quantize/calibration.c — see calibration.h. */
#include "quantize/calibration.h"

#include "base/alloc.h"
#include "graph/layer.h"
#include "pipeline/model_source.h"
#include "tensor/shape.h"

enum { DEFAULT_BATCH = 8 };
#define DEFAULT_MEMORY_BYTES ((uint64_t)256 << 20)

/* Says whether values can't be below 0, as they come from a ReLU, perhaps through layers that keep
 * the sign. */
static bool is_rectified(const vgg_graph *graph, int node)
{
    while (node > 0 && vgg_layer_of(graph->nodes[node].type)->keeps_sign)
        node = graph->nodes[node].inputs[0];
    const vgg_activation *activation = vgg_layer_of(graph->nodes[node].type)->activation;
    return activation != NULL && activation->rectifies;
}

/* The calibration's input of that node, which is added where no layer before has it. */
static clvgg_status find_input(clvgg_calibration *calibration, int node, size_t *at)
{
    const vgg_graph *graph = calibration->model->graph;
    for (*at = 0; *at < calibration->input_count; ++*at)
        if (calibration->inputs[*at].node == node)
            return CLVGG_STATUS_OK;
    vgg_calibrated_input *input = &calibration->inputs[calibration->input_count++];
    input->node = node;
    input->elements = (size_t)vgg_shape_elements(&graph->nodes[node].output);
    input->rectified = is_rectified(graph, node);
    return vgg_histogram_create(&input->histogram);
}

static clvgg_status find_layers(clvgg_calibration *calibration)
{
    const vgg_graph *graph = calibration->model->graph;
    VGG_NEW_PASS(calibration->layers, (size_t)graph->count);
    VGG_NEW_PASS(calibration->inputs, (size_t)graph->count);
    for (int i = 1; i < graph->count; i++) {
        const vgg_node *node = &graph->nodes[i];
        if (!vgg_node_is_convolution(node) && !vgg_node_is_dense(node))
            continue;
        vgg_calibrated_layer *layer = &calibration->layers[calibration->layer_count++];
        layer->node = i;
        VGG_PASS(find_input(calibration, node->inputs[0], &layer->input));
    }
    VGG_CHECK(calibration->layer_count > 0, CLVGG_STATUS_UNSUPPORTED,
              "%s: has no convolution or dense layer to quantise", calibration->model->name);
    return CLVGG_STATUS_OK;
}

/* The network up to the last input, and room for the values of a batch of all of them. */
static clvgg_status make_runner(clvgg_calibration *calibration, clvgg_device *device,
                                const clvgg_calibration_options *options)
{
    const clvgg_model *model = calibration->model;
    const uint64_t limit =
        options->memory_limit_bytes > 0 ? options->memory_limit_bytes : DEFAULT_MEMORY_BYTES;
    uint64_t each = 0;
    int deepest = 0, batch = options->max_batch > 0 ? options->max_batch : DEFAULT_BATCH;
    VGG_NEW_PASS(calibration->outputs, calibration->input_count);
    VGG_NEW_PASS(calibration->values, calibration->input_count);
    for (size_t i = 0; i < calibration->input_count; i++) {
        const vgg_calibrated_input *input = &calibration->inputs[i];
        if (input->node == 0)
            continue;
        calibration->outputs[calibration->output_count++] = input->node;
        deepest = input->node > deepest ? input->node : deepest;
        each += input->elements * sizeof(float);
    }
    if (each > 0 && limit / each < (uint64_t)batch)
        batch = limit / each > 0 ? (int)(limit / each) : 1;
    const vgg_graph_copy_options front = {.count = deepest + 1};
    VGG_PASS(vgg_graph_copy(model->graph, &front, &calibration->graph));
    calibration->max_batch = batch;
    if (calibration->output_count == 0)
        return CLVGG_STATUS_OK;
    const vgg_parameter_source source = vgg_model_parameter_source(model);
    const vgg_plan_options plan = {.max_batch = batch,
                                   .outputs = calibration->outputs,
                                   .output_count = calibration->output_count,
                                   .execution = options->execution};
    VGG_PASS(
        vgg_runner_create(device, calibration->graph, &source, &plan, true, &calibration->runner));
    calibration->max_batch = calibration->runner->options.max_batch;
    for (int i = 0; i < calibration->output_count; i++) {
        const clvgg_shape *shape = &model->graph->nodes[calibration->outputs[i]].output;
        VGG_NEW_PASS(calibration->values[i],
                     (size_t)calibration->max_batch * (size_t)vgg_shape_elements(shape));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_calibration_create(clvgg_device *device, clvgg_model *model,
                                    const clvgg_calibration_options *options,
                                    clvgg_calibration **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_calibration *calibration = NULL;
    *out = NULL;
    VGG_TRY(vgg_model_require_float(model, "quantised"));
    VGG_NEW(calibration, 1);
    vgg_model_retain(model);
    calibration->model = model;
    VGG_TRY(find_layers(calibration));
    VGG_TRY(make_runner(calibration, device, options));
    VGG_GIVE(out, calibration);
cleanup:
    vgg_calibration_free(calibration);
    return status;
}

void vgg_calibration_free(clvgg_calibration *calibration)
{
    if (calibration == NULL)
        return;
    vgg_runner_free(calibration->runner);
    vgg_graph_free(calibration->graph);
    for (int i = 0; i < calibration->output_count; i++)
        vgg_free(calibration->values[i]);
    for (size_t i = 0; i < calibration->input_count; i++)
        vgg_histogram_free(&calibration->inputs[i].histogram);
    vgg_free(calibration->values);
    vgg_free(calibration->outputs);
    vgg_free(calibration->inputs);
    vgg_free(calibration->layers);
    vgg_model_free(calibration->model);
    vgg_free(calibration);
}

/* The first layer that takes an input. */
static const char *reader_of(const clvgg_calibration *calibration, size_t input)
{
    size_t i = 0;
    while (calibration->layers[i].input != input)
        i++;
    return calibration->model->graph->nodes[calibration->layers[i].node].name;
}

/* Counts what the latest batch gave; `images` is its first input. */
static clvgg_status count_batch(clvgg_calibration *calibration, int rows, const float *images)
{
    int output = 0;
    for (size_t i = 0; i < calibration->input_count; i++) {
        vgg_calibrated_input *input = &calibration->inputs[i];
        const float *values = input->node == 0 ? images : calibration->values[output++];
        for (int row = 0; row < rows; row++)
            VGG_CHECK(vgg_histogram_add(&input->histogram, values + (size_t)row * input->elements,
                                        input->elements),
                      CLVGG_STATUS_NON_FINITE,
                      "%s: image %llu: what layer '%s' takes isn't finite: no range can be found",
                      calibration->model->name,
                      (unsigned long long)(calibration->image_count + (uint64_t)row),
                      reader_of(calibration, i));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_calibration_add(clvgg_calibration *calibration, size_t count, const float *images)
{
    const size_t elements = (size_t)vgg_shape_elements(&calibration->graph->nodes[0].output);
    int rows = 0;
    for (size_t first = 0; first < count; first += (size_t)rows) {
        const float *input = images + first * elements;
        rows = count - first < (size_t)calibration->max_batch ? (int)(count - first)
                                                              : calibration->max_batch;
        if (calibration->runner != NULL)
            VGG_PASS(vgg_runner_run(calibration->runner, rows, &input, calibration->values));
        VGG_PASS(count_batch(calibration, rows, input));
        calibration->image_count += (uint64_t)rows;
    }
    return CLVGG_STATUS_OK;
}
