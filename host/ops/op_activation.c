/* ops/op_activation.c — cl/activation.cl: ReLU, sigmoid and tanh where nothing fused them. */
#include "graph/layer.h"
#include "ops/op.h"

clvgg_status vgg_enqueue_activation(vgg_kernel *kernel, vgg_launch *launch,
                                    const vgg_activation_io *io)
{
    vgg_args args = vgg_args_of(kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->bias, io->output);
    vgg_arg_ulong(&args, io->count);
    VGG_ARG_INTS(&args, io->channels, io->inner);
    return vgg_launch_linear(launch, &args, io->count);
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    const vgg_activation *activation = vgg_layer_of(op->problem.node->type)->activation;
    /* Any layout, unless it makes something of the zeros behind the last channel. */
    if (!activation->moves_zero)
        op->input_block = op->output_block = op->problem.input_block;
    vgg_op_add_program(op, "activation.cl", "activation", "-DBIAS=0 -DFUNCTION=%d",
                       activation->function);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const vgg_activation_io values = {
        .input = io->input,
        .output = io->output,
        .count = (uint64_t)count * vgg_layout_elements(&op->problem.output, op->output_block),
        .channels = 1,
        .inner = 1};
    return vgg_enqueue_activation(op->programs[0].kernel, launch, &values);
}

const vgg_variant vgg_variant_activation = {
    .name = "activation",
    .layers = VGG_LAYER_BIT(VGG_LAYER_RELU) | VGG_LAYER_BIT(VGG_LAYER_SIGMOID) |
              VGG_LAYER_BIT(VGG_LAYER_TANH),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
