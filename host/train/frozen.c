/* train/frozen.c — the frozen part of a network as a plan of its own. */
#include "train/frozen.h"

#include <string.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "model/preprocess.h"
#include "pipeline/model_source.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

enum { HASH_ELEMENTS = 1 << 18 };

static clvgg_status make_runner(const vgg_frozen *frozen, bool plan_only, vgg_runner **out)
{
    const vgg_parameter_source source = vgg_model_parameter_source(frozen->model);
    const vgg_plan_options options = {
        .max_batch = frozen->batch,
        .outputs = &frozen->node,
        .output_count = 1,
        .execution = frozen->execution,
        .plan_only = plan_only,
    };
    return vgg_runner_create(frozen->device, frozen->model->graph, &source, &options, plan_only,
                             out);
}

clvgg_status vgg_frozen_init(vgg_frozen *frozen, clvgg_device *device, const clvgg_model *model,
                             int node, int batch, const clvgg_execution *execution)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_runner *runner = NULL;
    *frozen = (vgg_frozen){
        .device = device, .model = model, .node = node, .batch = batch, .execution = *execution};
    VGG_TRY(make_runner(frozen, true, &runner));
    frozen->batch = runner->options.max_batch;
    frozen->input_count = (size_t)vgg_plan_input_elements(runner->plan);
    frozen->feature_count = (size_t)vgg_plan_output_elements(runner->plan, 0);
    frozen->device_bytes = runner->plan->weight_bytes + runner->plan->arena_bytes;
    frozen->fingerprint = runner->plan->fingerprint;
cleanup:
    vgg_runner_free(runner);
    return status;
}

static clvgg_status hash_parameter(const clvgg_model *model, const vgg_parameter *parameter,
                                   void *piece, vgg_sha256 *hash)
{
    const uint64_t count = vgg_shape_elements(&parameter->shape);
    vgg_sha256_add(hash, parameter->name, strlen(parameter->name) + 1);
    vgg_sha256_add(hash, &parameter->dtype, sizeof parameter->dtype);
    for (uint64_t first = 0; first < count; first += HASH_ELEMENTS) {
        const uint64_t some = count - first < HASH_ELEMENTS ? count - first : HASH_ELEMENTS;
        VGG_PASS(vgg_model_read_parameter(model, parameter, first, some, piece));
        vgg_sha256_add(hash, piece, (size_t)some * vgg_dtype_bytes(parameter->dtype));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_frozen_digest(const vgg_frozen *frozen, uint8_t digest[32])
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_model *model = frozen->model;
    vgg_text preprocess = {0};
    float *piece = NULL;
    vgg_sha256 hash = vgg_sha256_begin();
    vgg_model_preprocess_write_json(&model->preprocess, &preprocess);
    VGG_REQUIRE(!preprocess.failed, CLVGG_STATUS_OUT_OF_MEMORY, "no memory for a description");
    vgg_sha256_add(&hash, preprocess.bytes, preprocess.length);
    vgg_sha256_add(&hash, &frozen->fingerprint, sizeof frozen->fingerprint);
    VGG_NEW(piece, HASH_ELEMENTS);
    for (size_t i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].node <= frozen->node)
            VGG_TRY(hash_parameter(model, &model->parameters[i], piece, &hash));
    vgg_sha256_end(&hash, digest);
cleanup:
    vgg_free(piece);
    vgg_text_free(&preprocess);
    return status;
}

clvgg_status vgg_frozen_compute(void *user, int count, const float *images, float *features)
{
    vgg_frozen *frozen = user;
    if (frozen->runner == NULL)
        VGG_PASS(make_runner(frozen, false, &frozen->runner));
    return vgg_runner_run(frozen->runner, count, &images, &features);
}

void vgg_frozen_stop(vgg_frozen *frozen)
{
    vgg_runner_free(frozen->runner);
    frozen->runner = NULL;
}
