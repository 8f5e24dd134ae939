/* ops/op_winograd_tiled.c — cl/winograd_tiled.cl: 3x3 stride 1 convolutions for GPUs by Winograd's
 * F(2x2) in one kernel: transforms and products in local memory and registers.
 */
#include "ops/winograd.h"

/* Default: 32 channels x 16 tiles, 256 work-items with 8 x 4 sums each at one of 16 positions, 12.5
 * KiB of local memory. 32 accumulators stay in registers on every GPU family; 8 x 8 spill on
 * Intel's older ones. */
/* Indices of op->parameters, and of the tunables. */
enum { CHANNELS, TILES, DEPTH, ITEM_CHANNELS, ITEM_TILES, STAGES, TILE_VALUES };
enum { POSITIONS = 16, EXCHANGED = 2, MAX_ACCUMULATORS = 64 };
static const vgg_tunable tunables[] = {{"TK", {16, 32, 64}},
                                       {"TT", {16, 32, 64}},
                                       {"TC", {2, 4, 8}},
                                       {"MK", {4, 8}},
                                       {"MT", {4, 8}},
                                       {"STAGES", {1, 2}},
                                       {0}};
static const int defaults[TILE_VALUES] = {32, 16, 4, 8, 4, 1};

/* Work-items of a group, by the same formula as the kernel's macros. */
static int group_items(const int *tile)
{
    return POSITIONS * (tile[CHANNELS] / tile[ITEM_CHANNELS]) * (tile[TILES] / tile[ITEM_TILES]);
}

static uint64_t local_bytes(const int *tile)
{
    const int products = tile[DEPTH] * (tile[CHANNELS] + tile[TILES]) + 8;
    const int slots = tile[CHANNELS] / tile[ITEM_CHANNELS] * EXCHANGED;
    const int exchange = slots * (tile[TILES] + 4) + 16;
    return (uint64_t)(products > exchange ? products : exchange) * POSITIONS * sizeof(float);
}

static int64_t image_tiles(const vgg_op *op)
{
    const int64_t *out = op->problem.output.dims;
    return vgg_ceil_div(out[1], 2) * vgg_ceil_div(out[2], 2);
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    int *tile = op->parameters;
    for (int i = 0; i < TILE_VALUES; i++)
        tile[i] = vgg_op_chosen(op, i, defaults[i]);
    const int items = group_items(tile);
    VGG_PASS(vgg_require_winograd(op));
    VGG_CHECK(items % tile[TILES] == 0 &&
                  tile[ITEM_CHANNELS] * tile[ITEM_TILES] <= MAX_ACCUMULATORS,
              CLVGG_STATUS_UNSUPPORTED, "winograd_f2_tiled: no work-groups of %dx%d by %dx%d",
              tile[CHANNELS], tile[TILES], tile[ITEM_CHANNELS], tile[ITEM_TILES]);
    VGG_PASS(vgg_require_group(traits, "winograd_f2_tiled", items, local_bytes(tile)));
    op->pack = vgg_problem_pack(&op->problem, tile[CHANNELS]);
    op->pack.block = tile[DEPTH];
    op->pack.winograd = 2;
    vgg_op_add_program(op, "winograd_tiled.cl", "winograd_tiled",
                       "-DTK=%d -DTT=%d -DTC=%d -DMK=%d -DMT=%d -DSTAGES=%d", tile[CHANNELS],
                       tile[TILES], tile[DEPTH], tile[ITEM_CHANNELS], tile[ITEM_TILES],
                       tile[STAGES]);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const int64_t *out = op->problem.output.dims;
    const int64_t tiles = count * image_tiles(op);
    vgg_args args = vgg_conv_args(op, io);
    VGG_ARG_INTS(&args, op->problem.relu, op->problem.pool != NULL, vgg_ceil_div(out[1], 2),
                 vgg_ceil_div(out[2], 2), tiles);
    const size_t local[2] = {(size_t)group_items(op->parameters), 1};
    const size_t global[2] = {(size_t)vgg_ceil_div(tiles, op->parameters[TILES]) * local[0],
                              (size_t)vgg_ceil_div(out[0], op->parameters[CHANNELS])};
    return vgg_launch_kernel(launch, &args, 2, global, local);
}

/* Counts the products' FLOPs; the transforms' additions are few beside them. */
static uint64_t executed_flops(const vgg_op *op)
{
    return 2 * (uint64_t)(POSITIONS * image_tiles(op) * op->problem.input.dims[0] *
                          op->problem.output.dims[0]);
}

const vgg_variant vgg_variant_winograd_f2_tiled = {
    .name = "winograd_f2_tiled",
    VGG_WINOGRAD_ROW,
    .winograd = {2, VGG_WINOGRAD_TILED},
    .error_bound = 1e-6,
    .storage_error_bound = {[CLVGG_STORAGE_F16] = 8e-4, [CLVGG_STORAGE_BF16] = 6e-3},
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
    .executed_flops = executed_flops,
};
