/* train/head_make.c — puts a head on the device: kernels, buffers, parameters; takes it off. */
#include "base/alloc.h"
#include "ocl/memory.h"
#include "ops/upload.h"
#include "train/head_parts.h"

static clvgg_status build_kernels(vgg_head *head)
{
    vgg_kernel_list list = {.device = head->device};
    vgg_chain_list_kernels(&head->chain, &list);
    for (int i = 0; i < head->options.layer_count; i++) {
        head_layer *layer = &head->layers[i];
        if (!head_is_last(head, i))
            vgg_dropout_list_kernels(&list, layer->activation_node.type, layer->shape.dropout > 0,
                                     &layer->dropout, &layer->activation_grad);
    }
    vgg_loss_list_kernels(&list, &head->loss);
    for (int i = 0; i < head->options.layer_count; i++) {
        vgg_upload_list_program(&list, &head->layers[i].weight.pack, CLVGG_DTYPE_F32, false, NULL);
        vgg_upload_list_program(&list, &head->layers[i].bias.pack, CLVGG_DTYPE_F32, false, NULL);
    }
    return vgg_kernel_list_make(&list, NULL);
}

/* A buffer of numbers: CLBlast reads rows of a batch that were never written. */
static clvgg_status make_buffer(vgg_head *head, uint64_t bytes, float value, cl_mem *out)
{
    if (bytes == 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(vgg_device_memory_create(head->device, bytes, out));
    VGG_CL_PASS(clEnqueueFillBuffer(head->queue, *out, &value, sizeof value, 0, (size_t)bytes, 0,
                                    NULL, NULL));
    return CLVGG_STATUS_OK;
}

static clvgg_status make_buffers(vgg_head *head)
{
    for (int i = 0; i < HEAD_BUFFERS; i++)
        VGG_PASS(
            make_buffer(head, head->bytes[i], i == HEAD_ONES ? 1.0f : 0.0f, &head->buffers[i]));
    for (int l = 0; l < head->options.layer_count; l++)
        for (int i = 0; i < HEAD_LAYER_BUFFERS; i++)
            VGG_PASS(
                make_buffer(head, head->layers[l].bytes[i], 0.0f, &head->layers[l].buffers[i]));
    return CLVGG_STATUS_OK;
}

/* Tells the chain's stages where their values lie; each pass says what a dense layer reads. */
static void bind_stages(vgg_head *head)
{
    for (int i = 0; i < head->options.layer_count; i++) {
        head_layer *layer = &head->layers[i];
        const vgg_packed_weights *weights = &layer->weight.parts[VGG_HEAD_VALUE];
        const vgg_buffer activated = {layer->buffers[HEAD_ACTIVATED], 0};
        layer->dense->io.output = activated;
        vgg_stage_share(layer->dense, weights, &layer->bias.parts[VGG_HEAD_VALUE]);
        if (layer->activation != NULL)
            layer->activation->io = (vgg_op_io){.input = activated, .output = activated};
        if (layer->data != NULL)
            layer->data->gradient_io = (vgg_grad_io){.dy = {layer->buffers[HEAD_DELTA], 0},
                                                     .dx = {head->buffers[HEAD_DATA_GRAD], 0},
                                                     .weights = weights};
        for (int bias = 0; bias < 2; bias++) {
            head_parameter *parameter = head_parameter_of(head, i, bias);
            parameter->update->gradient_io = (vgg_grad_io){
                .x = bias ? (vgg_buffer){head->buffers[HEAD_ONES], 0} : head_input(head, i, true),
                .dy = {layer->buffers[HEAD_DELTA], 0},
                .hyper = {head->buffers[HEAD_HYPER], 0},
                .weights = &parameter->parts[VGG_HEAD_VALUE],
                .moments = {&parameter->parts[VGG_HEAD_MOMENT1],
                            &parameter->parts[VGG_HEAD_MOMENT2]}};
        }
    }
}

/* State begins at 0, padding included. */
static clvgg_status clear(vgg_head *head, const head_parameter *parameter,
                          const vgg_packed_weights *part)
{
    const float zero = 0.0f;
    for (int i = 0; i < part->piece_count; i++)
        VGG_CL_PASS(clEnqueueFillBuffer(
            head->queue, part->pieces[i].memory, &zero, sizeof zero, 0,
            (size_t)vgg_pack_bytes(&parameter->pack, part->pieces[i].rows), 0, NULL, NULL));
    return CLVGG_STATUS_OK;
}

static clvgg_status make_parameter(vgg_head *head, vgg_uploader *uploader, int layer, bool bias,
                                   vgg_head_source source, void *user)
{
    head_parameter *parameter = head_parameter_of(head, layer, bias);
    for (int part = VGG_HEAD_VALUE; part < head_part_count(head); part++)
        VGG_PASS(
            vgg_packed_weights_allocate(head->device, &parameter->pack, &parameter->parts[part]));
    VGG_PASS(vgg_head_write_part(head, uploader, layer, bias, VGG_HEAD_VALUE, source, user));
    for (int part = VGG_HEAD_MOMENT1; part < head_part_count(head); part++)
        VGG_PASS(clear(head, parameter, &parameter->parts[part]));
    return CLVGG_STATUS_OK;
}

/* Allocation is lazy on some devices, so compare with what the device says it has. */
static clvgg_status check_memory(const vgg_head *head)
{
    const uint64_t needed = vgg_head_bytes(head);
    if (needed <= head->device->info.global_memory_bytes)
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
                    "training with a batch of %d needs %.1f MiB, the device has %.1f MiB",
                    head->options.max_batch, (double)needed / 1048576.0,
                    (double)head->device->info.global_memory_bytes / 1048576.0);
}

/* Plans anew as long as kernels turn out to be wrong. */
static clvgg_status plan_verified(clvgg_device *device, const vgg_head_options *options,
                                  vgg_head **out)
{
    int distrusted;
    do {
        vgg_head_free(*out);
        *out = NULL;
        distrusted = 0;
        VGG_PASS(vgg_head_plan(device, options, out));
        if (device->runtime->verify)
            VGG_PASS(vgg_head_verify(*out, &distrusted));
    } while (distrusted > 0);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_head_create(clvgg_device *device, const vgg_head_options *options,
                             vgg_head_source source, void *user, vgg_head **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_head *head = NULL;
    vgg_uploader *uploader = NULL;
    *out = NULL;
    VGG_TRY(plan_verified(device, options, &head));
    VGG_TRY(check_memory(head));
    VGG_TRY(build_kernels(head));
    VGG_TRY(make_buffers(head));
    VGG_TRY(vgg_uploader_create(device, head->queue, &uploader));
    for (int i = 0; i < options->layer_count; i++)
        for (int bias = 0; bias < 2; bias++)
            VGG_TRY(make_parameter(head, uploader, i, bias, source, user));
    bind_stages(head);
    VGG_TRY(vgg_chain_allocate(&head->chain));
    VGG_CL(clFinish(head->queue));
    VGG_GIVE(out, head);
cleanup:
    vgg_uploader_free(uploader);
    vgg_head_free(head);
    return status;
}

static void free_parameter(head_parameter *parameter)
{
    for (int part = 0; part < VGG_HEAD_PART_COUNT; part++)
        vgg_packed_weights_free(&parameter->parts[part]);
}

static void free_buffers(cl_mem *buffers, int count)
{
    for (int i = 0; i < count; i++)
        VGG_RELEASE(MemObject, buffers[i]);
}

void vgg_head_free(vgg_head *head)
{
    if (head == NULL)
        return;
    if (head->queue != NULL)
        clFinish(head->queue);
    vgg_chain_release(&head->chain);
    for (int i = 0; i < head->options.layer_count; i++) {
        head_layer *layer = &head->layers[i];
        vgg_kernel_free(layer->dropout);
        vgg_kernel_free(layer->activation_grad);
        free_parameter(&layer->weight);
        free_parameter(&layer->bias);
        free_buffers(layer->buffers, HEAD_LAYER_BUFFERS);
    }
    free_buffers(head->buffers, HEAD_BUFFERS);
    vgg_kernel_free(head->loss);
    vgg_clip_release(&head->clip);
    VGG_RELEASE(CommandQueue, head->queue);
    vgg_device_release(head->device);
    vgg_free(head);
}
