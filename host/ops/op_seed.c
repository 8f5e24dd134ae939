/* ops/op_seed.c — cl/seed.cl: where a walk back begins. */
#include "ops/op.h"

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    op->input_block = op->output_block = op->problem.input_block;
    vgg_op_add_program(op, "seed.cl", "seed", "-DVW=%d -DONES=%d", op->input_block,
                       op->problem.node->attributes.seed_ones);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const clvgg_shape image = vgg_shape_as_image(&op->problem.input);
    const uint64_t elements =
        (uint64_t)count * vgg_layout_elements(&op->problem.input, op->input_block);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->second, io->output);
    vgg_arg_ulong(&args, elements);
    VGG_ARG_INTS(&args, image.dims[0], image.dims[1] * image.dims[2]);
    return vgg_launch_linear(launch, &args, elements);
}

const vgg_variant vgg_variant_seed = {
    .name = "seed",
    .layers = VGG_LAYER_BIT(VGG_LAYER_SEED),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
