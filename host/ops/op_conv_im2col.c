/* ops/op_conv_im2col.c — convolution as im2col and CLBlast's GEMM, a slab of output rows at a time.
 *
 * For each image and group: columns [C/g*KH*KW][pixels] = im2col(x), y [K/g][pixels] = w · columns,
 * then bias and ReLU in place. The slab bounds the columns to some MiB.
 */
#include "ops/clblast.h"
#include "ops/op.h"

enum { SLAB_PIXELS }; /* op->parameters */
enum { COLUMNS_MIB = 32 };
static const vgg_tunable tunables[] = {{"columns_MiB", {4, 8, 16, 32, 64, 128}}, {0}};

static vgg_gemm slab_gemm(const vgg_op *op, int64_t pixels)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const int64_t *out = op->problem.output.dims;
    const int64_t depth = op->pack.channels * op->pack.spatial;
    return (vgg_gemm){.m = out[0] / conv->groups,
                      .n = pixels,
                      .k = depth,
                      .lda = depth,
                      .ldb = pixels,
                      .ldc = out[1] * out[2]};
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const int64_t *out = op->problem.output.dims, pixels = out[1] * out[2];
    op->pack = vgg_problem_pack(&op->problem, 1);
    const int64_t columns = vgg_op_chosen(op, 0, COLUMNS_MIB) * INT64_C(262144);
    int64_t slab_rows = columns / (op->pack.channels * op->pack.spatial) / out[2];
    slab_rows = slab_rows < 1 ? 1 : slab_rows > out[1] ? out[1] : slab_rows;
    op->parameters[SLAB_PIXELS] = (int)(slab_rows * out[2]);

    op->workspace_elements =
        (uint64_t)(op->pack.channels * op->pack.spatial * op->parameters[SLAB_PIXELS]);
    if (traits->queue != NULL) {
        uint64_t last = 0;
        const vgg_gemm whole = slab_gemm(op, op->parameters[SLAB_PIXELS]);
        const vgg_gemm rest = slab_gemm(op, pixels % op->parameters[SLAB_PIXELS]);
        VGG_PASS(vgg_clblast_workspace(&whole, traits->queue, &op->clblast_elements));
        if (rest.n > 0)
            VGG_PASS(vgg_clblast_workspace(&rest, traits->queue, &last));
        if (last > op->clblast_elements)
            op->clblast_elements = last;
    }
    vgg_op_add_program(op, "im2col.cl", "im2col", "%s", "");
    vgg_op_add_program(op, "activation.cl", "activation", "-DBIAS=1 -DFUNCTION=%d",
                       op->problem.relu);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue_im2col(const vgg_op *op, vgg_launch *launch, vgg_buffer input,
                                   vgg_buffer columns, int64_t first_pixel, int64_t pixels)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const uint64_t count = (uint64_t)(op->pack.channels * op->pack.spatial * pixels);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, input, columns);
    vgg_arg_ulong(&args, count);
    VGG_ARG_INTS(&args, pixels, first_pixel, op->problem.input.dims[1], op->problem.input.dims[2],
                 op->problem.output.dims[2], conv->kernel[0], conv->kernel[1], conv->stride[0],
                 conv->stride[1], conv->dilation[0], conv->dilation[1], conv->pad[VGG_TOP],
                 conv->pad[VGG_LEFT]);
    return vgg_launch_linear(launch, &args, count);
}

/* Enqueues the convolution of one image and one group. */
static clvgg_status enqueue_group(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                  int64_t image, int64_t group)
{
    const int64_t *in = op->problem.input.dims, *out = op->problem.output.dims;
    const int64_t pixels = out[1] * out[2], slab = op->parameters[SLAB_PIXELS];
    const int64_t group_rows = out[0] / op->problem.node->attributes.conv.groups;
    vgg_buffer input = io->input, output = io->output;
    const vgg_buffer weights = {
        io->weights->pieces[0].memory,
        (uint64_t)(group * group_rows * op->pack.channels * op->pack.spatial)};
    input.offset += (uint64_t)((image * in[0] + group * op->pack.channels) * in[1] * in[2]);
    output.offset += (uint64_t)((image * out[0] + group * group_rows) * pixels);
    for (int64_t first = 0; first < pixels; first += slab) {
        const vgg_gemm gemm = slab_gemm(op, slab < pixels - first ? slab : pixels - first);
        const vgg_buffer to = {output.memory, output.offset + (uint64_t)first};
        VGG_PASS(enqueue_im2col(op, launch, input, io->workspace, first, gemm.n));
        VGG_PASS(
            vgg_clblast_gemm(launch, &gemm, weights, io->workspace, to, io->clblast_workspace));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const int64_t *out = op->problem.output.dims;
    for (int64_t image = 0; image < count; image++)
        for (int64_t group = 0; group < op->problem.node->attributes.conv.groups; group++)
            VGG_PASS(enqueue_group(op, launch, io, image, group));
    const vgg_activation_io sums = {.input = io->output,
                                    .output = io->output,
                                    .bias = io->bias,
                                    .count = (uint64_t)(count * out[0] * out[1] * out[2]),
                                    .channels = out[0],
                                    .inner = out[1] * out[2]};
    return vgg_enqueue_activation(op->programs[1].kernel, launch, &sums);
}

/* im2col costs memory, and CLBlast's untuned kernels are 10 to 30 times too slow on CPUs. */
static vgg_rank rank(const vgg_variant *variant, const vgg_problem *problem,
                     const vgg_traits *traits)
{
    (void)variant, (void)problem, (void)traits;
    return VGG_RANK_LAST;
}

const vgg_variant vgg_variant_conv_im2col = {
    .name = "conv_im2col_clblast",
    .layers = VGG_LAYER_BIT(VGG_LAYER_CONV2D),
    .uses_clblast = true,
    .fuses_relu = true,
    .storages = 1u << CLVGG_STORAGE_F32,
    .work_group = VGG_LINEAR_LOCAL,
    .rank = rank,
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
