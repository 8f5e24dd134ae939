/* ops/op_lrn.c — cl/lrn.cl: local response normalisation and its gradient, in any layout. */
#include "ops/op.h"

static bool is_gradient(const vgg_op *op)
{
    return op->problem.node->type == VGG_LAYER_LRN_GRAD;
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    op->input_block = op->output_block = op->second_block = op->problem.input_block;
    vgg_op_add_program(op, "lrn.cl", "lrn", "-DVW=%d -DGRADIENT=%d", op->input_block,
                       is_gradient(op));
    return CLVGG_STATUS_OK;
}

/* Windows that reach beyond all channels are cut, so that kernels add without overflow. */
static int64_t at_most(int64_t reach, int64_t channels)
{
    return reach < channels ? reach : channels;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const vgg_lrn_attributes *lrn = &op->problem.node->attributes.lrn;
    const int64_t *dims = op->problem.output.dims;
    const uint64_t elements =
        (uint64_t)count * vgg_layout_elements(&op->problem.output, op->output_block);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    if (is_gradient(op))
        vgg_arg_buffer(&args, io->second); /* the forward layer's input */
    VGG_ARG_BUFFERS(&args, io->input, io->output);
    vgg_arg_ulong(&args, elements);
    VGG_ARG_INTS(&args, dims[0], dims[1] * dims[2], at_most(lrn->size / 2, dims[0]),
                 at_most((lrn->size - 1) / 2, dims[0]));
    vgg_arg_float(&args, lrn->k);
    vgg_arg_float(&args, lrn->alpha / (float)lrn->size);
    vgg_arg_float(&args, lrn->beta);
    return vgg_launch_linear(launch, &args, elements);
}

const vgg_variant vgg_variant_lrn = {
    .name = "lrn",
    .layers = VGG_LAYER_BIT(VGG_LAYER_LOCAL_RESPONSE_NORM) | VGG_LAYER_BIT(VGG_LAYER_LRN_GRAD),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
