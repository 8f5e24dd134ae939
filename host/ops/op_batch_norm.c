/* ops/op_batch_norm.c — cl/batch_norm.cl: batch normalisation and its gradient, in any layout. The
 * op's weight is the scale of each channel and its bias the shift: plan/norm_source.h makes them of
 * the layer's parameters.
 */
#include "ops/op.h"

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const clvgg_shape image = vgg_shape_as_image(&op->problem.input);
    (void)traits;
    op->input_block = op->output_block = op->problem.input_block;
    op->pack = (vgg_pack){
        .rows = image.dims[0], .channels = 1, .spatial = 1, .block = 1, .panel = op->input_block};
    op->float32_weights = true;
    vgg_op_add_program(op, "batch_norm.cl", "batch_norm", "-DVW=%d", op->input_block);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const clvgg_shape image = vgg_shape_as_image(&op->problem.output);
    const uint64_t elements =
        (uint64_t)count * vgg_layout_elements(&op->problem.output, op->output_block);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, (vgg_buffer){io->weights->pieces[0].memory, 0}, io->bias,
                    io->output);
    vgg_arg_ulong(&args, elements);
    VGG_ARG_INTS(&args, vgg_ceil_div(image.dims[0], op->input_block),
                 image.dims[1] * image.dims[2]);
    return vgg_launch_linear(launch, &args, elements);
}

const vgg_variant vgg_variant_batch_norm = {
    .name = "batch_norm",
    .layers = VGG_LAYER_BIT(VGG_LAYER_BATCH_NORM) | VGG_LAYER_BIT(VGG_LAYER_BATCH_NORM_GRAD),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
