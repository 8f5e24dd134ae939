/* ops/op_col2im.c — cl/col2im.cl: behind the 1x1 convolution that a strided transposed one begins
 * with. Reads the convolution's layout, writes the plain one.
 */
#include "ops/op.h"

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    const vgg_conv_attributes *conv = &op->problem.node->attributes.col2im.conv;
    char options[128];
    op->input_block = op->problem.input_block;
    vgg_conv_options(conv, options, sizeof options);
    vgg_op_add_program(op, "col2im.cl", "col2im", "-DVW=%d %s", op->input_block, options);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.col2im.conv;
    const int64_t *in = op->problem.input.dims, *out = op->problem.output.dims;
    const uint64_t elements = (uint64_t)(count * out[0] * out[1] * out[2]);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->output);
    vgg_arg_ulong(&args, elements);
    VGG_ARG_INTS(&args, out[0], out[1], out[2], in[1], in[2], conv->pad[VGG_TOP],
                 conv->pad[VGG_LEFT]);
    return vgg_launch_linear(launch, &args, elements);
}

const vgg_variant vgg_variant_col2im = {
    .name = "col2im",
    .layers = VGG_LAYER_BIT(VGG_LAYER_COL2IM),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
