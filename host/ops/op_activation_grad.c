/* ops/op_activation_grad.c — cl/activation_grad.cl: back through activations, in any layout. */
#include "ops/op.h"

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    op->input_block = op->output_block = op->second_block = op->problem.input_block;
    vgg_op_add_program(op, "activation_grad.cl", "activation_grad", "-DSLOPE=%d",
                       (int)op->problem.node->attributes.slope);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const uint64_t elements =
        (uint64_t)count * vgg_layout_elements(&op->problem.output, op->output_block);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->second, io->output);
    vgg_arg_ulong(&args, elements);
    return vgg_launch_linear(launch, &args, elements);
}

const vgg_variant vgg_variant_activation_grad = {
    .name = "activation_grad",
    .layers = VGG_LAYER_BIT(VGG_LAYER_ACTIVATION_GRAD),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
