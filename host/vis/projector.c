/* vis/projector.c — makes the graph and its plan, runs it a batch at a time. */
#include "vis/projector.h"

#include <string.h>

#include "base/alloc.h"
#include "vis/transposed_weights.h"

enum { PROJECTION, VALUES, END_VALUES, OUTPUT_COUNT };

clvgg_status vgg_projector_create(clvgg_device *device, clvgg_model *model, int layer,
                                  const clvgg_projector_options *options, clvgg_projector **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_projector *projector = NULL;
    int end = 0;
    *out = NULL;
    if (options->to != NULL && strcmp(options->to, model->graph->nodes[0].name) != 0)
        VGG_TRY(vgg_graph_require(model->graph, options->to, " to project to", &end));
    VGG_NEW(projector, 1);
    projector->scope = model->scope;
    vgg_model_retain(model);
    projector->model = model;
    vgg_reverse_graph *reverse = &projector->reverse;
    VGG_TRY(vgg_reverse_graph_make(model->graph, layer, end, options->mode, reverse));
    vgg_transposed_weights_init(&projector->weights, model, reverse);
    const vgg_parameter_source source = vgg_transposed_weights_source(&projector->weights);
    const int outputs[OUTPUT_COUNT] = {[PROJECTION] = reverse->projection,
                                       [VALUES] = reverse->value,
                                       [END_VALUES] = reverse->end_value};
    vgg_plan_options plan_options = {
        .max_batch = options->max_batch,
        .outputs = outputs,
        .output_count = OUTPUT_COUNT,
        .execution = options->execution,
    };
    if (plan_options.execution.gemm == CLVGG_GEMM_AUTO)
        plan_options.execution.gemm = CLVGG_GEMM_OWN;
    VGG_TRY(vgg_runner_create(device, reverse->graph, &source, &plan_options, true,
                              &projector->runner));
    vgg_transposed_weights_free(&projector->weights);
    VGG_GIVE(out, projector);
cleanup:
    vgg_projector_free(projector);
    return status;
}

/* Seeds as the kernel takes them. */
static clvgg_status write_units(const clvgg_projector *projector, int count,
                                const clvgg_seed *seeds, int32_t *units)
{
    const clvgg_shape *shape = &projector->reverse.graph->nodes[projector->reverse.value].output;
    const int64_t maps = shape->dims[0];
    const int64_t positions = shape->rank == 3 ? shape->dims[1] * shape->dims[2] : 1;
    for (int i = 0; i < count; i++) {
        VGG_CHECK(seeds[i].map >= -1 && seeds[i].map < maps, CLVGG_STATUS_INVALID_ARGUMENT,
                  "there is no map %lld; '%s' has maps 0 to %lld", (long long)seeds[i].map,
                  projector->reverse.graph->nodes[projector->reverse.value].name,
                  (long long)maps - 1);
        VGG_CHECK(seeds[i].position >= -1 && seeds[i].position < positions,
                  CLVGG_STATUS_INVALID_ARGUMENT,
                  "there is no position %lld; maps of '%s' have positions 0 to %lld",
                  (long long)seeds[i].position,
                  projector->reverse.graph->nodes[projector->reverse.value].name,
                  (long long)positions - 1);
        units[2 * i] = (int32_t)seeds[i].map;
        units[2 * i + 1] = (int32_t)seeds[i].position;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_projector_run(clvgg_projector *projector, int count, const float *images,
                               const clvgg_seed *seeds, float *projections, float *activations,
                               float *end_values)
{
    clvgg_status status = CLVGG_STATUS_OK;
    int32_t *units = NULL;
    VGG_NEW(units, 2 * (size_t)count);
    VGG_TRY(write_units(projector, count, seeds, units));
    const float *inputs[2] = {images, (const float *)(const void *)units};
    float *outputs[OUTPUT_COUNT] = {projections, activations, end_values};
    VGG_TRY(vgg_runner_run(projector->runner, count, inputs, outputs));
cleanup:
    vgg_free(units);
    return status;
}

void vgg_projector_free(clvgg_projector *projector)
{
    if (projector == NULL)
        return;
    vgg_runner_free(projector->runner);
    vgg_transposed_weights_free(&projector->weights);
    vgg_reverse_graph_free(&projector->reverse);
    vgg_model_free(projector->model);
    vgg_free(projector);
}
