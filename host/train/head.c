/* train/head.c — a head with nothing on the device yet: which kernels, how much memory. */
#include "train/head.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "graph/layer.h"
#include "train/head_parts.h"
#include "verify/trusted.h"

/* ---- which kernels: not those that tuning found, as gradients want certain layouts ---- */

static vgg_node make_node(head_layer *layer, vgg_layer_type type)
{
    return (vgg_node){.name = layer->name, .type = type, .output = {1, {layer->shape.outputs}}};
}

static clvgg_status configure_forward(vgg_head *head, int index)
{
    head_layer *layer = &head->layers[index];
    vgg_layer_type type;
    VGG_CHECK(vgg_layer_type_of_activation(layer->shape.activation, &type),
              CLVGG_STATUS_INVALID_ARGUMENT, "layer '%s': there is no activation %d", layer->name,
              (int)layer->shape.activation);
    const bool fused = vgg_layer_of(type)->fused_as == VGG_FUSED_RELU;
    layer->dense_node = make_node(layer, VGG_LAYER_DENSE);
    layer->dense_node.attributes.dense =
        (vgg_dense_attributes){.out_features = layer->shape.outputs, .bias = true};
    layer->activation_node = make_node(layer, type);
    vgg_problem problem = {.node = &layer->dense_node,
                           .input = {1, {layer->shape.inputs}},
                           .output = layer->dense_node.output,
                           .input_block = 1,
                           .relu = !head_is_last(head, index) && fused,
                           .result = layer->dense_node.output,
                           .max_batch = head->options.max_batch};
    VGG_PASS(vgg_chain_add(&head->chain, &layer->dense));
    VGG_PASS(vgg_trusted_forward(head->device, &problem, &head->traits, &layer->dense->op));
    if (!head_is_last(head, index) && !fused) {
        problem.node = &layer->activation_node;
        problem.input = problem.output;
        VGG_PASS(vgg_chain_add(&head->chain, &layer->activation));
        VGG_PASS(
            vgg_trusted_forward(head->device, &problem, &head->traits, &layer->activation->op));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status add_gradient(vgg_head *head, vgg_stage **out)
{
    VGG_PASS(vgg_chain_add(&head->chain, out));
    (*out)->is_gradient = true;
    return CLVGG_STATUS_OK;
}

static clvgg_status configure_gradients(vgg_head *head, int index)
{
    head_layer *layer = &head->layers[index];
    vgg_subject subject;
    layer->weight.pack = layer->bias.pack = layer->dense->op.pack;
    layer->bias.pack.channels = 1;
    vgg_grad_problem problem = {.gradient = VGG_GRADIENT_DATA,
                                .pack = layer->weight.pack,
                                .max_batch = head->options.max_batch,
                                .rule = head->rule};
    if (index > 0) {
        VGG_PASS(add_gradient(head, &layer->data));
        VGG_PASS(
            vgg_trusted_gradient(head->device, &problem, &head->traits, &layer->data->gradient));
    }
    problem.gradient = VGG_GRADIENT_UPDATE;
    VGG_PASS(add_gradient(head, &layer->weight.update));
    VGG_PASS(vgg_trusted_gradient(head->device, &problem, &head->traits,
                                  &layer->weight.update->gradient));
    problem.pack = layer->bias.pack;
    VGG_PASS(add_gradient(head, &layer->bias.update));
    VGG_PASS(vgg_grad_configure(&layer->bias.update->gradient,
                                vgg_grad_definition_of(VGG_GRADIENT_UPDATE), &problem,
                                &head->traits));
    vgg_subject_of_gradient(&layer->bias.update->gradient, &subject);
    return vgg_trusted_check(head->device, &subject);
}

/* ---- how much memory ---- */

static void need(uint64_t *bytes, uint64_t elements)
{
    const uint64_t wanted = elements * sizeof(float);
    *bytes = wanted > *bytes ? wanted : *bytes;
}

static void size_layer(vgg_head *head, int index)
{
    head_layer *layer = &head->layers[index];
    const uint64_t batch = (uint64_t)head->options.max_batch;
    const uint64_t values = batch * (uint64_t)layer->shape.outputs;
    need(&layer->bytes[HEAD_ACTIVATED], values);
    need(&layer->bytes[HEAD_DELTA], values);
    if (layer->shape.dropout > 0)
        need(&layer->bytes[HEAD_DROPPED], values);
    if (index > 0)
        need(&head->bytes[HEAD_DATA_GRAD],
             (uint64_t)layer->data->gradient.slices * batch * (uint64_t)layer->shape.inputs);
}

static void size_buffers(vgg_head *head)
{
    const uint64_t batch = (uint64_t)head->options.max_batch;
    const int layers = head->options.layer_count;
    static const int for_images[] = {HEAD_LABELS, HEAD_LOSSES, HEAD_HITS, HEAD_ONES};
    for (size_t i = 0; i < sizeof for_images / sizeof *for_images; i++)
        need(&head->bytes[for_images[i]], batch);
    need(&head->bytes[HEAD_FEATURES], batch * (uint64_t)head->layers[0].shape.inputs);
    need(&head->bytes[HEAD_HYPER], VGG_HYPER_COUNT);
    need(&head->bytes[HEAD_NORMS], 2 * batch * VGG_CLIP_SPLIT * (uint64_t)layers);
    for (int i = 0; i < layers; i++)
        size_layer(head, i);
}

uint64_t vgg_head_bytes(const vgg_head *head)
{
    uint64_t bytes = sizeof(float) * (vgg_chain_workspace_elements(&head->chain) +
                                      vgg_chain_clblast_elements(&head->chain));
    for (int i = 0; i < HEAD_BUFFERS; i++)
        bytes += head->bytes[i];
    for (int l = 0; l < head->options.layer_count; l++) {
        const head_layer *layer = &head->layers[l];
        for (int i = 0; i < HEAD_LAYER_BUFFERS; i++)
            bytes += layer->bytes[i];
        bytes += (uint64_t)head_part_count(head) *
                 (vgg_pack_bytes(&layer->weight.pack, layer->weight.pack.rows) +
                  vgg_pack_bytes(&layer->bias.pack, layer->bias.pack.rows));
    }
    return bytes;
}

static uint64_t hash_programs(uint64_t hash, const vgg_stage *stage)
{
    if (stage == NULL)
        return hash;
    const vgg_op_program *programs =
        stage->is_gradient ? stage->gradient.programs : stage->op.programs;
    const int count = stage->is_gradient ? stage->gradient.program_count : stage->op.program_count;
    for (int i = 0; i < count; i++)
        hash = vgg_hash_text(vgg_hash_text(hash, programs[i].kernel_name), programs[i].options);
    return hash;
}

static uint64_t fingerprint(const vgg_head *head)
{
    uint64_t hash = vgg_hash_text(VGG_HASH_START, clvgg_version());
    hash = vgg_hash_text(hash, head->device->info.platform);
    hash = vgg_hash_text(hash, head->device->info.name);
    hash = vgg_hash_text(hash, head->device->info.driver_version);
    hash = vgg_hash_number(hash, (uint64_t)head->options.max_batch);
    for (int l = 0; l < head->options.layer_count; l++) {
        const head_layer *layer = &head->layers[l];
        const vgg_stage *stages[] = {layer->dense, layer->activation, layer->data,
                                     layer->weight.update};
        hash = vgg_hash_number(hash, (uint64_t)layer->shape.inputs);
        hash = vgg_hash_number(hash, (uint64_t)layer->shape.outputs);
        hash = vgg_hash_number(hash,
                               (uint64_t)vgg_pack_pieces(&layer->weight.pack,
                                                         head->device->info.max_allocation_bytes));
        for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
            hash = hash_programs(hash, stages[i]);
    }
    return hash;
}

/* ---- the whole ---- */

static clvgg_status check_options(const vgg_head_options *options)
{
    VGG_CHECK(options->layer_count >= 1 && options->layer_count <= VGG_HEAD_MOST_LAYERS,
              CLVGG_STATUS_INVALID_ARGUMENT, "a head has 1 to %d layers, not %d",
              VGG_HEAD_MOST_LAYERS, options->layer_count);
    VGG_CHECK(options->max_batch >= 1, CLVGG_STATUS_INVALID_ARGUMENT,
              "a head needs a batch of at least 1");
    VGG_CHECK(options->label_smoothing >= 0 && options->label_smoothing < 1,
              CLVGG_STATUS_INVALID_ARGUMENT, "label smoothing is from 0 to below 1, not %g",
              (double)options->label_smoothing);
    for (int i = 0; i < options->layer_count; i++) {
        const vgg_head_layer *layer = &options->layers[i];
        VGG_CHECK(layer->inputs >= 1 && layer->inputs <= INT32_MAX && layer->outputs >= 1 &&
                      layer->outputs <= INT32_MAX,
                  CLVGG_STATUS_INVALID_ARGUMENT,
                  "layer '%s' can't have %lld inputs and %lld outputs", layer->name,
                  (long long)layer->inputs, (long long)layer->outputs);
        VGG_CHECK(i == 0 || layer->inputs == layer[-1].outputs, CLVGG_STATUS_SHAPE_MISMATCH,
                  "layer '%s' has %lld inputs, '%s' before it %lld outputs", layer->name,
                  (long long)layer->inputs, layer[-1].name, (long long)layer[-1].outputs);
        VGG_CHECK(layer->dropout >= 0 && layer->dropout < 1, CLVGG_STATUS_INVALID_ARGUMENT,
                  "layer '%s': dropout is from 0 to below 1, not %g", layer->name,
                  (double)layer->dropout);
    }
    return CLVGG_STATUS_OK;
}

static vgg_update_rule rule_of(const vgg_head_options *options)
{
    if (options->optimizer == CLVGG_OPTIMIZER_SGD)
        return options->nesterov ? VGG_RULE_NESTEROV : VGG_RULE_SGD;
    return options->optimizer == CLVGG_OPTIMIZER_ADAM ? VGG_RULE_ADAM : VGG_RULE_ADAMW;
}

clvgg_status vgg_head_plan(clvgg_device *device, const vgg_head_options *options, vgg_head **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_head *head = NULL;
    *out = NULL;
    VGG_TRY(check_options(options));
    VGG_NEW(head, 1);
    vgg_device_retain(device);
    head->device = head->chain.device = device;
    head->options = *options;
    head->options.layers = NULL;
    head->rule = rule_of(options);
    head->traits = vgg_traits_of(&device->info);
    VGG_TRY(vgg_clock_queue(device, false, &head->queue));
    head->traits.queue = head->queue;
    for (int i = 0; i < options->layer_count; i++) {
        head_layer *layer = &head->layers[i];
        layer->shape = options->layers[i];
        snprintf(layer->name, sizeof layer->name, "%s", options->layers[i].name);
        layer->shape.name = layer->name;
        if (head_is_last(head, i))
            layer->shape.dropout = 0;
        VGG_TRY(configure_forward(head, i));
        VGG_TRY(configure_gradients(head, i));
    }
    size_buffers(head);
    head->fingerprint = fingerprint(head);
    VGG_GIVE(out, head);
cleanup:
    vgg_head_free(head);
    return status;
}

clvgg_status vgg_head_measure(clvgg_device *device, const vgg_head_options *options,
                              uint64_t *bytes)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_head *head = NULL;
    VGG_TRY(vgg_head_plan(device, options, &head));
    *bytes = vgg_head_bytes(head);
cleanup:
    vgg_head_free(head);
    return status;
}

uint64_t vgg_head_fingerprint(const vgg_head *head)
{
    return head->fingerprint;
}
