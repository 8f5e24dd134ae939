/* ops/op_quantize.c — cl/quantize.cl: quantised values, by themselves. */
#include "ops/op.h"

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    op->input_block = op->output_block = op->problem.input_block;
    vgg_op_add_program(op, "quantize.cl", "quantize", "%s", "");
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const vgg_quantize_attributes *q = &op->problem.node->attributes.quantize;
    const uint64_t elements = vgg_layout_elements(&op->problem.output, op->output_block);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->output);
    vgg_arg_ulong(&args, (uint64_t)count * elements);
    vgg_arg_float(&args, q->scale);
    vgg_arg_float(&args, 1.0f / q->scale);
    vgg_arg_float(&args, (float)q->low);
    vgg_arg_float(&args, (float)q->high);
    return vgg_launch_linear(launch, &args, (uint64_t)count * elements);
}

const vgg_variant vgg_variant_quantize = {
    .name = "quantize",
    .layers = VGG_LAYER_BIT(VGG_LAYER_QUANTIZE),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
