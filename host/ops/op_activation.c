/* ops/op_activation.c — cl/activation.cl: ReLU, sigmoid and tanh where nothing fused them. */
#include "graph/layer.h"
#include "ops/op.h"

clvgg_status vgg_enqueue_activation(vgg_kernel *kernel, vgg_launch *launch, vgg_buffer input,
                                    vgg_buffer bias, vgg_buffer output, uint64_t count,
                                    int64_t channels, int64_t inner)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_args args = vgg_args_of(kernel);
    vgg_arg_buffer(&args, input);
    vgg_arg_buffer(&args, bias);
    vgg_arg_buffer(&args, output);
    vgg_arg_ulong(&args, count);
    vgg_arg_int(&args, channels);
    vgg_arg_int(&args, inner);
    VGG_TRY(vgg_args_end(&args));
    VGG_TRY(vgg_launch_linear(launch, kernel, count));
cleanup:
    return status;
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
    return vgg_enqueue_activation(
        op->programs[0].kernel, launch, io->input, (vgg_buffer){0}, io->output,
        (uint64_t)count * vgg_layout_elements(&op->problem.output, op->output_block), 1, 1);
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
