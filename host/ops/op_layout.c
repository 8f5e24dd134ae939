/* ops/op_layout.c — cl/layout.cl: conversions between channel layouts, steps of their own. */
#include "ops/op.h"

enum { RUN = 64 }; /* pixels of a work-item: in all its channels they stay in the cache */

clvgg_status vgg_op_configure_layout(vgg_op *op, const clvgg_shape *shape, int from_block,
                                     int to_block, int max_batch)
{
    *op = (vgg_op){
        .variant = &vgg_variant_layout,
        .problem = {.input = *shape, .output = *shape, .result = *shape, .max_batch = max_batch},
        .input_block = from_block,
        .output_block = to_block};
    vgg_op_add_program(op, "layout.cl", "layout", "-DFROM=%d -DTO=%d -DRUN=%d", from_block,
                       to_block, RUN);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const clvgg_shape image = vgg_shape_as_image(&op->problem.result);
    const int64_t channels = image.dims[0], pixels = image.dims[1] * image.dims[2];
    const int block = op->input_block > op->output_block ? op->input_block : op->output_block;
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->output);
    VGG_ARG_INTS(&args, channels, pixels);
    const size_t global[3] = {(size_t)vgg_ceil_div(pixels, RUN),
                              (size_t)vgg_ceil_div(channels, block), (size_t)count};
    const size_t local[3] = {1, 1, 1};
    return vgg_launch_kernel(launch, &args, 3, global, local);
}

const vgg_variant vgg_variant_layout = {
    .name = "layout", /* heads no chain: the plan puts it between two steps */
    .enqueue = enqueue,
};

/* Features in CHW order are the image's values, plain. */
static clvgg_status configure_unflatten(vgg_op *op, const vgg_traits *traits)
{
    (void)traits;
    vgg_op_add_program(op, "layout.cl", "layout", "-DFROM=1 -DTO=1 -DRUN=%d", RUN);
    return CLVGG_STATUS_OK;
}

const vgg_variant vgg_variant_unflatten = {
    .name = "unflatten",
    .layers = VGG_LAYER_BIT(VGG_LAYER_UNFLATTEN),
    .definition = true,
    .configure = configure_unflatten,
    .enqueue = enqueue,
};
