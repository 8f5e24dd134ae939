/* ops/op_pool.c — cl/pool.cl: max and average pooling, in whatever layout its input has. */
#include "ops/op.h"

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    op->input_block = op->output_block = op->problem.input_block;
    vgg_op_add_program(op, "pool.cl", "pool", "-DVW=%d -DAVERAGE=%d -DSWITCHES=%d", op->input_block,
                       op->problem.node->type == VGG_LAYER_AVG_POOL,
                       op->problem.node->attributes.pool.switches);
    return CLVGG_STATUS_OK;
}

void vgg_arg_pool_geometry(vgg_args *args, const vgg_pool_attributes *pool, const int64_t *image,
                           const int64_t *pooled)
{
    VGG_ARG_INTS(args, image[1], image[2], pooled[1], pooled[2], pool->kernel[0], pool->kernel[1],
                 pool->stride[0], pool->stride[1], pool->pad[0], pool->pad[1], pool->pad[2],
                 pool->pad[3], pool->adaptive[0] != 0, pool->count_include_pad);
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const vgg_pool_attributes *pool = &op->problem.node->attributes.pool;
    const int64_t *in = op->problem.input.dims, *out = op->problem.output.dims;
    const uint64_t windows =
        (uint64_t)(count * vgg_ceil_div(out[0], op->output_block) * out[1] * out[2]);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->output, io->switches);
    vgg_arg_ulong(&args, windows);
    vgg_arg_pool_geometry(&args, pool, in, out);
    return vgg_launch_linear(launch, &args, windows);
}

const vgg_variant vgg_variant_pool = {
    .name = "pool",
    .layers = VGG_LAYER_BIT(VGG_LAYER_MAX_POOL) | VGG_LAYER_BIT(VGG_LAYER_AVG_POOL),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
