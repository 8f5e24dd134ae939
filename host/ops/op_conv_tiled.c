/* ops/op_conv_tiled.c — cl/conv_tiled.cl: implicit GEMM with local memory, for GPUs. */
#include "ops/op.h"

/* Default tile: 64 channels x 64 pixels, 128 work-items with 4 x 8 outputs each. 32 accumulators
 * stay in registers on every GPU family (no spills on Intel at SIMD16), 8 KiB of local memory. */
enum { CHANNELS, PIXELS, DEPTH, ITEM_CHANNELS, ITEM_PIXELS, TILE_VALUES }; /* also tunables */
enum { MAX_ACCUMULATORS = 64 };
static const vgg_tunable tunables[] = {{"TK", {16, 32, 64, 128}}, {"TP", {16, 32, 64, 128}},
                                       {"TR", {4, 8, 16, 32}},    {"MK", {1, 2, 4, 8}},
                                       {"MP", {1, 2, 4, 8}},      {0}};
static const int defaults[TILE_VALUES] = {64, 64, 16, 4, 8};

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    VGG_CHECK(conv->groups == 1, CLVGG_STATUS_UNSUPPORTED, "conv_tiled needs groups 1, not %lld",
              (long long)conv->groups);
    int *tile = op->parameters;
    for (int i = 0; i < TILE_VALUES; i++)
        tile[i] = vgg_op_chosen(op, i, defaults[i]);
    const int items = tile[CHANNELS] / tile[ITEM_CHANNELS] * (tile[PIXELS] / tile[ITEM_PIXELS]);
    const int local_bytes = tile[DEPTH] * (tile[CHANNELS] + tile[PIXELS]) * (int)sizeof(float);
    VGG_PASS(vgg_require_group(traits, "conv_tiled", items, (uint64_t)local_bytes));
    VGG_CHECK(tile[ITEM_CHANNELS] * tile[ITEM_PIXELS] <= MAX_ACCUMULATORS, CLVGG_STATUS_UNSUPPORTED,
              "conv_tiled: %dx%d accumulators don't fit the registers", tile[ITEM_CHANNELS],
              tile[ITEM_PIXELS]);
    op->pack = vgg_problem_pack(&op->problem, tile[CHANNELS]);
    char window[96];
    vgg_conv_options(conv, window, sizeof window);
    vgg_op_add_program(op, "conv_tiled.cl", "conv_tiled",
                       "-DTK=%d -DTP=%d -DTR=%d -DMK=%d -DMP=%d %s", tile[CHANNELS], tile[PIXELS],
                       tile[DEPTH], tile[ITEM_CHANNELS], tile[ITEM_PIXELS], window);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const int64_t *out = op->problem.output.dims;
    vgg_args args = vgg_conv_args(op, io);
    vgg_arg_int(&args, op->problem.relu);
    const int *tile = op->parameters;
    const size_t local[3] = {(size_t)(tile[PIXELS] / tile[ITEM_PIXELS]),
                             (size_t)(tile[CHANNELS] / tile[ITEM_CHANNELS]), 1};
    const size_t global[3] = {(size_t)vgg_ceil_div(out[1] * out[2], tile[PIXELS]) * local[0],
                              (size_t)vgg_ceil_div(out[0], tile[CHANNELS]) * local[1],
                              (size_t)count};
    return vgg_launch_kernel(launch, &args, 3, global, local);
}

/* Local memory is for GPUs. Worse than slow on Mesa's llvmpipe: it ends, silently, what a work-item
 * loops beyond 65,535 times in all, which tiles of a deep layer do. */
static vgg_rank rank(const vgg_variant *variant, const vgg_problem *problem,
                     const vgg_traits *traits)
{
    (void)variant, (void)problem;
    return traits->type == CLVGG_DEVICE_CPU ? VGG_RANK_LAST : VGG_RANK_USUAL;
}

const vgg_variant vgg_variant_conv_tiled = {
    .name = "conv_tiled",
    .layers = VGG_LAYER_BIT(VGG_LAYER_CONV2D),
    .fuses_relu = true,
    .rank = rank,
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
