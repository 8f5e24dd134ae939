/* ops/op_softmax.c — cl/softmax.cl: softmax of each image's features. */
#include "ops/op.h"

enum { GROUP_ITEMS = 64 };

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    vgg_op_add_program(op, "softmax.cl", "softmax", "-DWG=%d", GROUP_ITEMS);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->output);
    vgg_arg_int(&args, (int64_t)vgg_layout_elements(&op->problem.output, 1));
    const size_t local = GROUP_ITEMS, global = (size_t)count * GROUP_ITEMS;
    return vgg_launch_kernel(launch, &args, 1, &global, &local);
}

const vgg_variant vgg_variant_softmax = {
    .name = "softmax",
    .layers = VGG_LAYER_BIT(VGG_LAYER_SOFTMAX),
    .definition = true,
    .work_group = GROUP_ITEMS,
    .configure = configure,
    .enqueue = enqueue,
};
