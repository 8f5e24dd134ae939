/* ops/op_unpool.c — cl/unpool.cl: adjoints of pooling, in whatever layout the signal has. */
#include "ops/op.h"

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    op->input_block = op->output_block = op->second_block = op->problem.input_block;
    vgg_op_add_program(op, "unpool.cl", "unpool", "-DVW=%d -DAVERAGE=%d", op->input_block,
                       op->problem.node->type == VGG_LAYER_AVG_UNPOOL);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const vgg_pool_attributes *pool = &op->problem.node->attributes.unpool.pool;
    const int64_t *pooled = op->problem.input.dims, *out = op->problem.output.dims;
    const uint64_t pixels =
        (uint64_t)(count * vgg_ceil_div(out[0], op->output_block) * out[1] * out[2]);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->second, io->output);
    vgg_arg_ulong(&args, pixels);
    vgg_arg_pool_geometry(&args, pool, out, pooled);
    return vgg_launch_linear(launch, &args, pixels);
}

const vgg_variant vgg_variant_unpool = {
    .name = "unpool",
    .layers = VGG_LAYER_BIT(VGG_LAYER_UNPOOL) | VGG_LAYER_BIT(VGG_LAYER_AVG_UNPOOL),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
