/* grad/train_steps.c — cl/dropout.cl, cl/cross_entropy.cl and cl/gradient_norm.cl. */
#include "grad/train_steps.h"

#include <stdio.h>

#include "graph/layer.h"
#include "ocl/program.h"

/* ---- dropout ---- */

void vgg_dropout_list_kernels(vgg_kernel_list *list, vgg_layer_type type, bool dropout,
                              vgg_kernel **forward, vgg_kernel **backward)
{
    char options[64];
    snprintf(options, sizeof options, "-DFUNCTION=%d -DDROPOUT=%d",
             vgg_layer_of(type)->activation->function, dropout);
    if (dropout)
        vgg_kernel_list_add(list, "dropout.cl", options, "dropout", forward);
    vgg_kernel_list_add(list, "dropout.cl", options, "activation_grad", backward);
}

static void arg_key(vgg_args *args, const vgg_dropout_key *key)
{
    vgg_arg_ulong(args, key->seed);
    vgg_arg_ulong(args, key->step);
    vgg_arg_uint(args, (uint32_t)key->layer);
    vgg_arg_uint(args, (uint32_t)((double)key->rate * 4294967296.0));
    vgg_arg_float(args, (float)(1.0 / (1.0 - (double)key->rate)));
}

clvgg_status vgg_dropout_enqueue(vgg_kernel *forward, vgg_launch *launch, vgg_buffer x,
                                 vgg_buffer y, uint64_t count, const vgg_dropout_key *key)
{
    vgg_args args = vgg_args_of(forward);
    VGG_ARG_BUFFERS(&args, x, y);
    vgg_arg_ulong(&args, count);
    arg_key(&args, key);
    return vgg_launch_linear(launch, &args, (count + 3) / 4);
}

clvgg_status vgg_activation_grad_enqueue(vgg_kernel *backward, vgg_launch *launch,
                                         const vgg_activation_grad_io *io, uint64_t count,
                                         const vgg_dropout_key *key)
{
    vgg_args args = vgg_args_of(backward);
    VGG_ARG_BUFFERS(&args, io->dy, io->a, io->dx);
    vgg_arg_ulong(&args, count);
    vgg_arg_int(&args, io->slices);
    vgg_arg_ulong(&args, io->stride);
    arg_key(&args, key);
    return vgg_launch_linear(launch, &args, (count + 3) / 4);
}

/* ---- loss ---- */

void vgg_loss_list_kernels(vgg_kernel_list *list, vgg_kernel **kernel)
{
    char options[32];
    snprintf(options, sizeof options, "-DWG=%d", VGG_LINEAR_LOCAL);
    vgg_kernel_list_add(list, "cross_entropy.cl", options, "cross_entropy", kernel);
}

clvgg_status vgg_loss_enqueue(vgg_kernel *kernel, vgg_launch *launch, const vgg_loss_io *io,
                              int count, int64_t classes, float smoothing)
{
    vgg_args args = vgg_args_of(kernel);
    VGG_ARG_BUFFERS(&args, io->logits, io->labels, io->gradient, io->losses, io->hits);
    vgg_arg_int(&args, classes);
    vgg_arg_float(&args, smoothing);
    vgg_arg_float(&args, 1.0f / (float)count);
    return vgg_launch_linear(launch, &args, (uint64_t)count * VGG_LINEAR_LOCAL);
}

/* ---- clipping ---- */

clvgg_status vgg_clip_build(clvgg_device *device, const vgg_traits *traits, vgg_clip *clip)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char options[64];
    *clip = (vgg_clip){0};
    snprintf(options, sizeof options, "-DVW=%d -DWG=%d -DSPLIT=%d", traits->vector_width,
             VGG_LINEAR_LOCAL, VGG_CLIP_SPLIT);
    VGG_TRY(vgg_program_kernel(device, "gradient_norm.cl", options, "gradient_norm", &clip->norm,
                               NULL));
    VGG_TRY(
        vgg_program_kernel(device, "gradient_norm.cl", options, "clip_scale", &clip->scale, NULL));
cleanup:
    if (status != CLVGG_STATUS_OK)
        vgg_clip_release(clip);
    return status;
}

void vgg_clip_release(vgg_clip *clip)
{
    vgg_kernel_free(clip->norm);
    vgg_kernel_free(clip->scale);
    *clip = (vgg_clip){0};
}

clvgg_status vgg_clip_enqueue_norm(const vgg_clip *clip, vgg_launch *launch,
                                   const vgg_grad_op *update, const vgg_grad_io *io,
                                   vgg_buffer sums, int count)
{
    vgg_args args = vgg_args_of(clip->norm);
    VGG_ARG_BUFFERS(&args, io->x, io->dy, sums);
    VGG_ARG_INTS(&args, update->problem.pack.channels, update->problem.pack.rows);
    const size_t local[3] = {VGG_LINEAR_LOCAL, 1, 1};
    const size_t global[3] = {local[0], (size_t)count, VGG_CLIP_SPLIT};
    return vgg_launch_kernel(launch, &args, 3, global, local);
}

clvgg_status vgg_clip_enqueue_scale(const vgg_clip *clip, vgg_launch *launch,
                                    const vgg_clip_sums *sums, int count, double most,
                                    vgg_buffer hyper)
{
    vgg_args args = vgg_args_of(clip->scale);
    VGG_ARG_BUFFERS(&args, (vgg_buffer){sums->memory, 0}, hyper);
    VGG_ARG_INTS(&args, count, sums->layers, sums->stride);
    vgg_arg_float(&args, (float)most);
    return vgg_launch_linear(launch, &args, VGG_LINEAR_LOCAL);
}
