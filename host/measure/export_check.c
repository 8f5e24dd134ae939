/* measure/export_check.c — see export_check.h. */
#include "measure/export_check.h"

#include <math.h>

#include "base/alloc.h"
#include "base/random.h"
#include "measure/dense_tail.h"
#include "pipeline/model_source.h"
#include "pipeline/runner.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

/* A network's source whose values are counted, for whoever wants to know how far the check is. */
typedef struct counted_source {
    vgg_parameter_source from;
    const vgg_export *made;
    uint64_t done, total; /* bytes, of both networks; the total is about right */
} counted_source;

static clvgg_dtype counted_dtype(void *user, int node, int parameter)
{
    const counted_source *counted = user;
    return counted->from.dtype(counted->from.user, node, parameter);
}

static clvgg_status counted_read(void *user, int node, int parameter, uint64_t first,
                                 uint64_t count, void *data)
{
    counted_source *counted = user;
    VGG_PASS(counted->from.read(counted->from.user, node, parameter, first, count, data));
    counted->done += count * vgg_dtype_bytes(counted_dtype(user, node, parameter));
    return vgg_export_progress(counted->made, CLVGG_EXPORT_CHECKING, counted->done, counted->total);
}

/* What node `end` of the network gives for the fixed input, computed on the device by a network
 * that ends there. */
static clvgg_status run_front(clvgg_device *device, const clvgg_model *model,
                              const vgg_parameter_source *source, int end, float **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *graph = NULL;
    vgg_runner *runner = NULL;
    float *input = NULL, *values = NULL;
    const vgg_plan_options options = {.max_batch = 1, .outputs = &end, .output_count = 1};
    const size_t inputs = (size_t)vgg_shape_elements(&model->graph->nodes[0].output);
    *out = NULL;
    VGG_TRY(vgg_graph_copy(model->graph, &(vgg_graph_copy_options){.count = end + 1}, &graph));
    VGG_NEW(input, inputs);
    VGG_NEW(values, (size_t)vgg_shape_elements(&graph->nodes[end].output));
    vgg_random_fill(input, inputs, -2, 2); /* about what normalised photographs are */
    VGG_TRY(vgg_runner_create(device, graph, source, &options, false, &runner));
    VGG_TRY(vgg_runner_run(runner, 1, &(const float *){input}, &values));
    VGG_GIVE(out, values);
cleanup:
    vgg_runner_free(runner);
    vgg_graph_free(graph);
    vgg_free(values);
    vgg_free(input);
    return status;
}

/* The layer whose values are compared: the logits, or the last one of a network without them. */
static int compared_node(const clvgg_model *model, bool *logits)
{
    const int node = vgg_graph_find(model->graph, "logits");
    *logits = node > 0;
    return *logits ? node : model->graph->count - 1;
}

/* What compared_node() of the network gives for the fixed input. */
static clvgg_status run(clvgg_device *device, const clvgg_model *model, counted_source *counted,
                        float **out, size_t *count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *values = NULL;
    const int node = compared_node(model, &(bool){0});
    const int start = vgg_dense_tail_start(model->graph, node);
    *count = (size_t)vgg_shape_elements(&model->graph->nodes[node].output);
    counted->from = vgg_model_parameter_source(model);
    const vgg_parameter_source source = {counted, model->id, counted_dtype, counted_read,
                                         NULL,    NULL,      NULL,          NULL};
    VGG_TRY(run_front(device, model, &source, start, &values));
    VGG_TRY(vgg_dense_tail_run(model->graph, &source, start, node, values, out));
cleanup:
    vgg_free(values);
    return status;
}

/* ‖a − b‖ / ‖b‖; NaN where anything isn't finite. */
static double relative_error(const float *a, const float *b, size_t count)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        const double off = (double)a[i] - (double)b[i];
        difference += off * off;
        size += (double)b[i] * (double)b[i];
    }
    return difference == 0 ? 0 : sqrt(difference / size);
}

/* What rounding all weights to a type may change: a unit in the last place of one is 2^-11 of it,
 * or 2^-8, and layers add up what they don't average out. */
static double limit_for(clvgg_dtype rounded_to)
{
    return rounded_to == CLVGG_DTYPE_F32 ? 1e-5 : rounded_to == CLVGG_DTYPE_F16 ? 1e-2 : 8e-2;
}

static clvgg_status compare(vgg_export_check *check, const vgg_export *made, const float *is,
                            size_t is_count, const float *should, size_t count)
{
    check->limit = limit_for(made->coarsest);
    VGG_CHECK(is_count == count, CLVGG_STATUS_BAD_FILE,
              "not written: read again, it gives %zu values, the model gives %zu", is_count, count);
    check->error = relative_error(is, should, count);
    bool logits;
    const int node = compared_node(made->model, &logits);
    check->compared = logits ? "logits" : made->model->graph->nodes[node].name;
    if (check->error <= check->limit)
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_BAD_FILE,
                    "not written: read again, its %s%s%s differ from the model's by %.2g (relative "
                    "L2), at most %.0e is right",
                    logits ? "" : "last layer's values, '", check->compared, logits ? "" : "',",
                    check->error, check->limit);
}

static uint64_t bytes_of(const clvgg_model *model)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < model->parameter_count; i++)
        bytes += vgg_shape_elements(&model->parameters[i].shape) *
                 vgg_dtype_bytes(model->parameters[i].dtype);
    return bytes;
}

static bool is_folded(const clvgg_model *model)
{
    for (size_t i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].fold != NULL)
            return true;
    return false;
}

/* What the model gives; of one whose batch norms were folded, what its file gives without that. */
static clvgg_status run_original(const vgg_export_check *check, const clvgg_model *model,
                                 clvgg_model_options options, counted_source *counted, float **out,
                                 size_t *count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_model *original = NULL;
    if (is_folded(model)) {
        options.keep_batch_norm = 1;
        VGG_TRY(vgg_model_load(check->device->runtime, vgg_weights_path(model->weights), &options,
                               &original));
    }
    VGG_TRY(run(check->device, original != NULL ? original : model, counted, out, count));
cleanup:
    vgg_model_free(original);
    return status;
}

clvgg_status vgg_export_check_file(void *user, const vgg_export *made, const char *path)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_export_check *check = user;
    clvgg_model *again = NULL;
    float *should = NULL, *is = NULL;
    size_t count = 0, is_count = 0;
    const int64_t *input = made->model->graph->nodes[0].output.dims;
    /* Batch norms that were kept are kept again, so that the same is computed. */
    const clvgg_model_options options = {.struct_size = sizeof options,
                                         .keep_batch_norm = !is_folded(made->model),
                                         .input_height = (int)input[1],
                                         .input_width = (int)input[2]};
    check->why_not = path == NULL ? "what goes into a pipe can't be read again"
                     : !vgg_weights_writer_is_read(check->writer)
                         ? "this build doesn't read that format"
                         : NULL;
    if (check->why_not != NULL)
        return CLVGG_STATUS_OK;
    counted_source counted = {.made = made, .total = bytes_of(made->model) + made->total_bytes};
    VGG_TRY(vgg_export_progress(made, CLVGG_EXPORT_CHECKING, 0, counted.total));
    status = vgg_model_load(check->device->runtime, path, &options, &again);
    if (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_OUT_OF_MEMORY)
        status =
            vgg_prefixed(vgg_fail_as(CLVGG_STATUS_BAD_FILE), "not written: can't be read again");
    VGG_TRY(status);
    VGG_TRY(run_original(check, made->model, options, &counted, &should, &count));
    VGG_TRY(run(check->device, again, &counted, &is, &is_count));
    VGG_TRY(compare(check, made, is, is_count, should, count));
cleanup:
    vgg_free(should);
    vgg_free(is);
    vgg_model_free(again);
    return status;
}
