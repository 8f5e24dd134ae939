/* ops/op_conv_blocked.c — cl/conv_blocked.cl: direct convolution for CPUs, blocked channels. */
#include "ops/op.h"

enum { TILE_WIDTH, CHANNEL_BLOCKS }; /* op->parameters, and tunables */
static const vgg_tunable tunables[] = {
    {"TW", {2, 4, 6, 7, 8, 10, 12, 14, 16, 28}}, {"KB", {1, 2, 3, 4}}, {0}};
enum { MAX_LINE_BYTES = 16 << 10 }; /* private memory for input pixels */

/* Output pixels of a work-item: the width that wastes least on this image. With KB vectors of
 * weights and a value in flight, TW * KB accumulators have to fit the registers: 32 of them, but
 * 16 where the vector is 8 wide (AVX). A pixel more a tile costs about one tile's loads less. */
static int choose_tile_width(int vector_width, int64_t out_width)
{
    static const int wide[] = {14, 12, 8, 4}, narrow[] = {6, 4, 2};
    const int *candidates = vector_width == 8 ? narrow : wide;
    const int count = vector_width == 8 ? 3 : 4;
    int best = candidates[0];
    int64_t best_cost = INT64_MAX;
    for (int i = 0; i < count; i++) {
        const int64_t cost = vgg_ceil_div(out_width, candidates[i]) * (candidates[i] + 1);
        if (cost < best_cost) {
            best_cost = cost;
            best = candidates[i];
        }
    }
    return best;
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const int64_t channels = op->problem.input.dims[0];
    const int width = traits->vector_width;
    VGG_CHECK(width >= 4, CLVGG_STATUS_UNSUPPORTED,
              "conv_blocked is for CPUs with vector registers");
    VGG_CHECK(conv->groups == 1, CLVGG_STATUS_UNSUPPORTED, "conv_blocked needs groups 1, not %lld",
              (long long)conv->groups);
    const int planar = channels <= VGG_MAX_PLANAR_CHANNELS ? (int)channels : 0;
    const int blocks = vgg_op_chosen(op, CHANNEL_BLOCKS, 2);
    const int rows = vgg_register_rows(traits, blocks);
    const int best = choose_tile_width(width, op->problem.output.dims[2]);
    const int tile = vgg_op_chosen(op, TILE_WIDTH, best < rows ? best : rows & ~1);
    VGG_CHECK(tile <= rows, CLVGG_STATUS_UNSUPPORTED,
              "conv_blocked: tiles of %dx%d vectors don't fit the registers, at most %dx%d", tile,
              blocks, rows, blocks);
    VGG_CHECK(op->problem.pool == NULL || tile % 2 == 0, CLVGG_STATUS_UNSUPPORTED,
              "conv_blocked: pooling needs tiles of even width, not %d", tile);
    const int64_t line =
        (tile - 1) * conv->stride[1] + (conv->kernel[1] - 1) * conv->dilation[1] + 1;
    VGG_CHECK(line * (planar ? planar : width) * (int64_t)sizeof(float) <= MAX_LINE_BYTES,
              CLVGG_STATUS_UNSUPPORTED, "conv_blocked: %lld input pixels under a tile are too many",
              (long long)line);

    op->parameters[TILE_WIDTH] = tile;
    op->parameters[CHANNEL_BLOCKS] = blocks;
    op->input_block = planar ? 1 : width;
    op->output_block = width;
    op->pack = vgg_problem_pack(&op->problem, width * op->parameters[CHANNEL_BLOCKS]);
    op->pack.block = planar ? planar : width;
    char window[96];
    vgg_conv_options(conv, window, sizeof window);
    vgg_op_add_program(op, "conv_blocked.cl", "conv_blocked",
                       "-DVW=%d -DTW=%d -DKB=%d -DPLANAR=%d %s", width, tile,
                       op->parameters[CHANNEL_BLOCKS], planar, window);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const int64_t *out = op->problem.output.dims;
    const bool pool = op->problem.pool != NULL;
    vgg_args args = vgg_conv_args(op, io);
    VGG_ARG_INTS(&args, op->problem.relu, pool);
    const int64_t rows = pool ? out[1] / 2 : out[1];
    const size_t local[2] = {1, 1};
    const size_t global[2] = {
        (size_t)(vgg_ceil_div(out[2], op->parameters[TILE_WIDTH]) * rows * count),
        (size_t)vgg_ceil_div(op->pack.rows, op->pack.panel)};
    return vgg_launch_kernel(launch, &args, 2, global, local);
}

const vgg_variant vgg_variant_conv_blocked = {
    .name = "conv_blocked",
    .layers = VGG_LAYER_BIT(VGG_LAYER_CONV2D),
    .fuses_relu = true,
    .fuses_pool = true,
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
