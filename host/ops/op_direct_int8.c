/* ops/op_direct_int8.c — cl/direct_int8.cl: what quantised layers with int8 weights are, on every
 * device; the kernels that are fast are held against it. */
#include "ops/int8.h"

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    VGG_PASS(vgg_int8_configure(op, 1));
    op->pack.splittable = vgg_problem_conv(&op->problem).groups == 1;
    vgg_op_add_program(op, "direct_int8.cl", "direct_int8", "%s", "");
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const vgg_conv_attributes conv = vgg_problem_conv(&op->problem);
    const vgg_quantize_attributes *q = op->problem.quantized;
    const clvgg_shape in = vgg_shape_as_image(&op->problem.input);
    const clvgg_shape out = vgg_shape_as_image(&op->problem.output);
    const int64_t pixels = out.dims[1] * out.dims[2];
    for (int i = 0; i < io->weights->piece_count; i++) {
        const vgg_weight_piece *piece = &io->weights->pieces[i];
        const uint64_t outputs = (uint64_t)count * (uint64_t)(piece->rows * pixels);
        vgg_buffer bias = io->bias, output = io->output;
        bias.offset += (uint64_t)piece->first_row;
        output.offset += (uint64_t)(piece->first_row * pixels);
        vgg_args args = vgg_args_of(op->programs[0].kernel);
        VGG_ARG_BUFFERS(&args, io->input, (vgg_buffer){piece->memory, 0}, bias, output);
        vgg_arg_ulong(&args, (uint64_t)(out.dims[0] * pixels));
        vgg_arg_ulong(&args, outputs);
        VGG_ARG_INTS(&args, in.dims[0], in.dims[1], in.dims[2], piece->rows, out.dims[1],
                     out.dims[2], conv.kernel[0], conv.kernel[1], conv.stride[0], conv.stride[1],
                     conv.dilation[0], conv.dilation[1], conv.pad[VGG_TOP], conv.pad[VGG_LEFT],
                     conv.groups, op->problem.relu);
        vgg_arg_ulong(&args, vgg_pack_elements(&op->pack, piece->rows));
        vgg_arg_float(&args, q->scale);
        vgg_arg_float(&args, 1.0f / q->scale);
        VGG_ARG_INTS(&args, q->low, q->high);
        VGG_PASS(vgg_launch_linear(launch, &args, outputs));
    }
    return CLVGG_STATUS_OK;
}

const vgg_variant vgg_variant_conv_direct_int8 = {
    .name = "conv_direct_int8",
    .layers = VGG_LAYER_BIT(VGG_LAYER_CONV2D),
    .definition = true,
    .quantizes = true,
    .fuses_relu = true,
    .storages = 1u << CLVGG_STORAGE_INT8,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};

const vgg_variant vgg_variant_dense_direct_int8 = {
    .name = "dense_direct_int8",
    .layers = VGG_LAYER_BIT(VGG_LAYER_DENSE),
    .definition = true,
    .quantizes = true,
    .fuses_relu = true,
    .storages = 1u << CLVGG_STORAGE_INT8,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};
