/* plan/plan.c — makes a plan: selection, memory, kernels, weights; its fingerprint. */
#include "plan/plan.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "graph/layer.h"
#include "plan/norm_source.h"
#include "tune/clblast_tuning.h"

uint64_t vgg_plan_input_elements(const vgg_plan *plan)
{
    return vgg_layout_elements(&plan->graph->nodes[0].output, 1);
}

uint64_t vgg_plan_output_elements(const vgg_plan *plan, int output)
{
    return vgg_layout_elements(&plan->output_shapes[output], 1);
}

/* Hashes a chain's layers: types, attributes and shapes. */
static uint64_t hash_chain(uint64_t hash, const vgg_graph *graph, const vgg_plan_step *step)
{
    for (int i = step->first_node; i <= step->last_node; i++) {
        const vgg_node *node = &graph->nodes[i];
        char attributes[256] = "";
        vgg_node_describe(node, attributes, sizeof attributes);
        hash = vgg_hash_text(hash, vgg_layer_type_name(node->type));
        hash = vgg_hash_text(hash, attributes);
        for (int d = 0; d < node->output.rank; d++)
            hash = vgg_hash_number(hash, (uint64_t)node->output.dims[d]);
    }
    return hash;
}

/* Hashes all that decides a plan's bits: device, driver, layers, steps with their programs, how
 * weights are split, batch; how weights are stored is among the programs' options. */
static uint64_t fingerprint(const vgg_plan *plan)
{
    uint64_t hash = VGG_HASH_START;
    for (int d = 0; d < 3; d++)
        hash = vgg_hash_number(hash, (uint64_t)plan->graph->nodes[0].output.dims[d]);
    hash = vgg_hash_text(hash, clvgg_version());
    hash = vgg_hash_text(hash, plan->device->info.platform);
    hash = vgg_hash_text(hash, plan->device->info.name);
    hash = vgg_hash_text(hash, plan->device->info.driver_version);
    for (int i = 0; i < plan->step_count; i++) {
        const vgg_plan_step *step = &plan->steps[i];
        const vgg_op *op = &step->stage->op;
        hash = vgg_hash_text(hash, step->stage->name);
        hash = vgg_hash_text(hash, op->variant->name);
        hash = hash_chain(hash, plan->graph, step);
        if (op->pack.panel != 0)
            hash = vgg_hash_number(hash, (uint64_t)vgg_pack_pieces(
                                             &op->pack, plan->device->info.max_allocation_bytes));
        for (int p = 0; p < op->program_count; p++)
            hash = vgg_hash_text(hash, op->programs[p].options);
        if (op->variant->uses_clblast) {
            char words[VGG_CLBLAST_WORDS];
            vgg_clblast_in_force(plan->device->id, words);
            hash = vgg_hash_text(hash, words);
        }
        if (op->reads_full_batch) /* the batch decides which GEMM it runs */
            hash = vgg_hash_number(hash, (uint64_t)plan->max_batch);
    }
    return hash;
}

static clvgg_status make_queue(vgg_plan *plan, bool profile)
{
    VGG_PASS(vgg_clock_queue(plan->device, profile, &plan->queue));
    plan->traits.queue = plan->queue;
    plan->profile = profile;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_plan_set_profile(vgg_plan *plan, bool profile)
{
    return profile == plan->profile ? CLVGG_STATUS_OK : make_queue(plan, profile);
}

/* Builds all kernels before any weight is read, so that a build error comes before half a gigabyte
 * of input. */
static clvgg_status build_kernels(vgg_plan *plan, const vgg_parameter_source *source)
{
    vgg_kernel_list list = {.device = plan->device};
    vgg_chain_list_kernels(&plan->chain, &list);
    for (int i = 0; i < plan->step_count; i++) {
        const vgg_plan_step *step = &plan->steps[i];
        const vgg_pack *pack = &step->stage->op.pack;
        if (pack->panel != 0)
            vgg_upload_list_program(&list, pack,
                                    source->dtype(source->user, step->first_node, VGG_WEIGHT),
                                    source->inner(source->user, step->first_node) != 0, NULL);
    }
    return vgg_kernel_list_make(&list, &plan->compile_ms);
}

/* Uploads one step's weights and bias. */
static clvgg_status upload_step(vgg_plan *plan, vgg_plan_step *step, vgg_uploader *uploader,
                                const vgg_parameter_source *source)
{
    const vgg_pack *pack = &step->stage->op.pack;
    const vgg_node *node = &plan->graph->nodes[step->first_node];
    const bool has_bias =
        vgg_node_has_parameter(node, VGG_BIAS) || vgg_layer_of(node->type)->scale_and_shift != NULL;
    const clvgg_status status = vgg_weight_store_weights(plan->device, uploader, source,
                                                         step->first_node, pack, &step->weights);
    if (status == CLVGG_STATUS_UNSUPPORTED) /* a weight that the storage can't hold */
        vgg_message_prefix("layer '%s'", node->name);
    VGG_PASS(status);
    VGG_PASS(
        vgg_weight_store_bias(plan->device, source, step->first_node, has_bias, pack, &step->bias));
    vgg_stage_share(step->stage, step->weights, step->bias);
    return CLVGG_STATUS_OK;
}

/* Reads each tensor while the device packs the one before; waits for the device once, at the end.
 */
static clvgg_status upload_weights(vgg_plan *plan, const vgg_parameter_source *source)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_uploader *uploader = NULL;
    VGG_TRY(vgg_uploader_create(plan->device, plan->queue, &uploader));
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].stage->op.pack.panel != 0)
            VGG_TRY(upload_step(plan, &plan->steps[i], uploader, source));
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].weights != NULL)
            VGG_TRY(vgg_weight_store_wait(plan->steps[i].weights));
cleanup:
    vgg_uploader_free(uploader);
    return status;
}

uint64_t vgg_plan_step_weight_bytes(const vgg_plan_step *step)
{
    const vgg_pack *pack = &step->stage->op.pack;
    return pack->panel == 0 ? 0 : vgg_pack_bytes(pack, pack->rows);
}

static void measure_weights(vgg_plan *plan)
{
    for (int i = 0; i < plan->step_count; i++) {
        const vgg_pack *pack = &plan->steps[i].stage->op.pack;
        if (pack->panel != 0)
            plan->weight_bytes +=
                vgg_plan_step_weight_bytes(&plan->steps[i]) + vgg_bias_bytes(pack);
    }
}

/* Allocation is lazy on some devices, so compare with what the device says it has. */
static clvgg_status check_memory(const vgg_plan *plan)
{
    const uint64_t needed = plan->arena_bytes + plan->weight_bytes;
    if (needed <= plan->device->info.global_memory_bytes)
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
                    "a batch of %d needs %.1f MiB with its weights, the device has %.1f MiB",
                    plan->max_batch, (double)needed / 1048576.0,
                    (double)plan->device->info.global_memory_bytes / 1048576.0);
}

/* Steps that always read a full batch also read rows that no run has written: these must hold
 * numbers. */
clvgg_status vgg_plan_clear(vgg_plan *plan)
{
    bool wanted = false;
    for (int i = 0; i < plan->step_count; i++)
        wanted = wanted || plan->steps[i].stage->op.reads_full_batch;
    for (int i = 0; wanted && i < plan->chunk_count; i++) {
        const float zero = 0.0f;
        VGG_CL_PASS(clEnqueueFillBuffer(plan->queue, plan->chunks[i], &zero, sizeof zero, 0,
                                        (size_t)plan->chunk_elements[i] * sizeof zero, 0, NULL,
                                        NULL));
        VGG_CL_PASS(clFinish(plan->queue));
    }
    return CLVGG_STATUS_OK;
}

/* Makes the plan's kernels and buffers on the device and uploads its weights. *distrusted: steps
 * whose kernels turned out not to be for this device. `values`: the source's, but of layers that
 * scale and shift as ops take them. */
static clvgg_status make_ready(vgg_plan *plan, const vgg_parameter_source *source,
                               const vgg_parameter_source *values, int *distrusted)
{
    const bool verify = plan->device->runtime->verify;
    VGG_PASS(vgg_plan_allocate(plan));
    const clvgg_status built = build_kernels(plan, values);
    if (verify && built == CLVGG_STATUS_BUILD_FAILED)
        VGG_PASS(vgg_plan_find_unbuildable(plan, distrusted));
    if (*distrusted > 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(built);
    VGG_PASS(vgg_plan_clear(plan));
    const double start = vgg_clock_ms();
    VGG_PASS(upload_weights(plan, values));
    plan->weights_ms = vgg_clock_ms() - start;
    return verify ? vgg_plan_verify(plan, source, distrusted) : CLVGG_STATUS_OK;
}

/* Has weights kept packed for later processes: what was asked for by name is tried out once. */
static void keep_weights(const vgg_plan *plan)
{
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].weights != NULL)
            vgg_weight_store_keep(plan->steps[i].weights);
}

/* Says whether a rule names a variant that needs sub-groups. */
static bool names_sub_groups(const vgg_plan_options *options)
{
    bool named = false;
    for (size_t i = 0; i < options->execution.variant_count; i++) {
        const char *equals = strchr(options->execution.variants[i], '=');
        const vgg_variant *variant = equals != NULL ? vgg_variant_find(equals + 1) : NULL;
        named = named || (variant != NULL && variant->sub_groups);
    }
    return named;
}

/* Makes a plan of what isn't known to be wrong on the device; *distrusted is above 0, and *out
 * NULL, where it has become known of some step: the next plan does without that. */
static clvgg_status make_plan(clvgg_device *device, const vgg_graph *graph,
                              const vgg_parameter_source *source, const vgg_plan_options *options,
                              int *distrusted, vgg_plan **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_plan *plan = NULL;
    const double start = vgg_clock_ms();
    vgg_norm_source own = {graph, source};
    const vgg_parameter_source values =
        source != NULL ? vgg_norm_source_of(&own) : (vgg_parameter_source){0};
    *out = NULL;
    *distrusted = 0;
    VGG_NEW(plan, 1);
    vgg_device_retain(device);
    plan->device = plan->chain.device = device;
    plan->graph = graph;
    plan->max_batch = options->max_batch;
    plan->plan_only = options->plan_only;
    plan->storage = options->execution.storage;
    VGG_TRY(vgg_traits_for(device, plan->storage, names_sub_groups(options), &plan->traits));
    VGG_TRY(make_queue(plan, options->profile));
    VGG_TRY(vgg_plan_select(plan, source != NULL ? &values : NULL, options));
    vgg_plan_find_bands(plan);
    VGG_TRY(vgg_plan_lay_out(plan, options));
    measure_weights(plan);
    VGG_TRY(check_memory(plan));
    plan->fingerprint = fingerprint(plan);
    plan->plan_ms = vgg_clock_ms() - start;
    if (!plan->plan_only)
        VGG_TRY(make_ready(plan, source, &values, distrusted));
    if (*distrusted > 0)
        goto cleanup;
    if (!plan->plan_only && options->execution.variant_count == 0)
        keep_weights(plan);
    vgg_log(CLVGG_LOG_DEBUG, "plan: %d steps, %.1f MiB of activations, %.1f MiB of weights",
            plan->step_count, (double)plan->arena_bytes / 1048576.0,
            (double)plan->weight_bytes / 1048576.0);
    VGG_GIVE(out, plan);
cleanup:
    vgg_plan_free(plan);
    return status;
}

clvgg_status vgg_plan_create(clvgg_device *device, const vgg_graph *graph,
                             const vgg_parameter_source *source, const vgg_plan_options *options,
                             vgg_plan **out)
{
    int distrusted;
    do
        VGG_PASS(make_plan(device, graph, source, options, &distrusted, out));
    while (distrusted > 0);
    return CLVGG_STATUS_OK;
}

void vgg_plan_free(vgg_plan *plan)
{
    if (plan == NULL)
        return;
    if (plan->last_event != NULL) { /* a pass on a caller's queue may still use the arena */
        clWaitForEvents(1, &plan->last_event);
        clReleaseEvent(plan->last_event);
    }
    if (plan->queue != NULL)
        clFinish(plan->queue);
    vgg_chain_release(&plan->chain);
    for (int i = 0; i < plan->step_count; i++) {
        vgg_weight_store_release(plan->device, plan->steps[i].weights);
        vgg_weight_store_release(plan->device, plan->steps[i].bias);
    }
    for (int i = 0; i < plan->chunk_count && plan->chunks != NULL; i++)
        VGG_RELEASE(MemObject, plan->chunks[i]);
    VGG_RELEASE(CommandQueue, plan->queue);
    vgg_free(plan->steps);
    vgg_free(plan->tensors);
    vgg_free(plan->inputs);
    vgg_free(plan->outputs);
    vgg_free(plan->output_shapes);
    vgg_free(plan->chunks);
    vgg_free(plan->chunk_elements);
    vgg_device_release(plan->device);
    vgg_free(plan);
}
