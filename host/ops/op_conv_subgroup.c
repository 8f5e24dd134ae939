/* ops/op_conv_subgroup.c — cl/conv_subgroup.cl: convolution by sub-groups, for Intel's GPUs.
 *
 * Not measured: counted, from the instructions that Intel's compiler makes of the kernel.
 */
#include <string.h>

#include "ops/op.h"

/* Indices of op->parameters, and of the tunables. */
enum { LANES, ITEM_CHANNELS, ROWS, COLUMNS, TILE_VALUES };
enum { READ_COST = 3 }; /* of a read with its addresses, in multiply-adds of a sub-group */
/* Sums of a sub-group: 64 registers of 8 float32, half of what a thread has. By default fewer, for
 * input rows and their addresses: as many as compile without spills for every width. */
enum { MAX_SUMS = 512, MAX_WINDOW_SUMS = 448, MAX_LARGE_SUMS = 320, MAX_UNKEPT_ROWS = 3 };
static const vgg_tunable tunables[] = {{"S", {VGG_SUB_GROUP_8, VGG_SUB_GROUP_16}},
                                       {"NK", {1, 2, 4}},
                                       {"TH", {1, 2, 3, 4}},
                                       {"TW", {1, 2, 4, 6, 7, 8, 10, 12, 13, 14, 16}},
                                       {0}};

/* Says whether an input row stays in registers for the next output row, by the kernel's own rule.
 */
static bool keeps_rows(const vgg_conv_attributes *conv)
{
    return conv->stride[0] == conv->dilation[0] && conv->kernel[0] * conv->kernel[1] <= 9;
}

/* Cost of a tile for one input channel, in multiply-adds: its own, and its reads of weights and of
 * input rows. */
static int64_t tile_cost(const vgg_conv_attributes *conv, const int *tile)
{
    const int64_t window = conv->kernel[0] * conv->kernel[1];
    const int64_t segment =
        (tile[COLUMNS] - 1) * conv->stride[1] + (conv->kernel[1] - 1) * conv->dilation[1] + 1;
    const int64_t vectors = vgg_ceil_div(segment, tile[LANES]);
    const int64_t rows =
        keeps_rows(conv) ? conv->kernel[0] + tile[ROWS] - 1 : conv->kernel[0] * tile[ROWS];
    return tile[ITEM_CHANNELS] * window * (tile[ROWS] * tile[COLUMNS] + READ_COST) +
           rows * vectors * READ_COST;
}

static int64_t tile_count(const vgg_op *op, const int *tile)
{
    const int64_t *out = op->problem.output.dims;
    return vgg_ceil_div(out[1], tile[ROWS]) * vgg_ceil_div(out[2], tile[COLUMNS]);
}

/* Cost of all tiles that the busiest compute unit gets. */
static int64_t plan_cost(const vgg_op *op, const vgg_traits *traits, const int *tile)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const int64_t panels = vgg_ceil_div(conv->out_channels, tile[LANES] * tile[ITEM_CHANNELS]);
    const int64_t units = traits->compute_units > 0 ? traits->compute_units : 1;
    return vgg_ceil_div(tile_count(op, tile) * panels * op->problem.max_batch, units) *
           tile_cost(conv, tile);
}

/* Pooling takes pairs of rows and of columns. */
static bool fits(const vgg_op *op, const int *tile, int most)
{
    const bool even = tile[ROWS] % 2 == 0 && tile[COLUMNS] % 2 == 0;
    return tile[LANES] * tile[ITEM_CHANNELS] * tile[ROWS] * tile[COLUMNS] <= most &&
           (op->problem.pool == NULL || even);
}

static int default_sums(const vgg_conv_attributes *conv)
{
    const int64_t window = conv->kernel[0] * conv->kernel[1];
    return window == 1 ? MAX_SUMS : window < 50 ? MAX_WINDOW_SUMS : MAX_LARGE_SUMS;
}

/* The cheapest tile of what was left open; one channel a lane, so that there are many pixels for
 * each weight that is read. */
static void choose_tile(vgg_op *op, const vgg_traits *traits)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const int *rows = tunables[ROWS].values, *columns = tunables[COLUMNS].values;
    int64_t best = INT64_MAX;
    int tile[TILE_VALUES] = {vgg_op_chosen(op, LANES, vgg_sub_group_lanes(traits)),
                             vgg_op_chosen(op, ITEM_CHANNELS, 1)};
    for (int i = 0; rows[i] != 0; i++)
        for (int j = 0; columns[j] != 0; j++) {
            tile[ROWS] = vgg_op_chosen(op, ROWS, rows[i]);
            tile[COLUMNS] = vgg_op_chosen(op, COLUMNS, columns[j]);
            const int64_t cost = plan_cost(op, traits, tile);
            if (cost < best && fits(op, tile, default_sums(conv)) &&
                (keeps_rows(conv) || tile[ROWS] <= MAX_UNKEPT_ROWS)) {
                best = cost;
                memcpy(op->parameters, tile, sizeof tile);
            }
        }
    if (best == INT64_MAX) /* chosen values that don't fit by default: checked below */
        memcpy(op->parameters, tile, sizeof tile);
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const int *tile = op->parameters;
    VGG_CHECK(conv->groups == 1, CLVGG_STATUS_UNSUPPORTED, "conv_subgroup needs groups 1, not %lld",
              (long long)conv->groups);
    choose_tile(op, traits);
    VGG_PASS(vgg_require_sub_groups(op, traits, tile[LANES]));
    VGG_CHECK(fits(op, tile, MAX_SUMS), CLVGG_STATUS_UNSUPPORTED,
              "conv_subgroup: %d x %d pixels by %d channels don't fit the registers of %d lanes, "
              "or their pooling isn't of whole windows",
              tile[ROWS], tile[COLUMNS], tile[ITEM_CHANNELS], tile[LANES]);
    op->pack = vgg_problem_pack(&op->problem, tile[LANES] * tile[ITEM_CHANNELS]);
    char window[96];
    vgg_conv_options(conv, window, sizeof window);
    vgg_op_add_program(op, "conv_subgroup.cl", "conv_subgroup", "-DS=%d -DNK=%d -DTH=%d -DTW=%d %s",
                       tile[LANES], tile[ITEM_CHANNELS], tile[ROWS], tile[COLUMNS], window);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const int *tile = op->parameters;
    vgg_args args = vgg_conv_args(op, io);
    VGG_ARG_INTS(&args, op->problem.relu, op->problem.pool != NULL);
    const size_t local[3] = {(size_t)tile[LANES], 1, 1};
    const size_t global[3] = {(size_t)tile_count(op, tile) * local[0],
                              (size_t)vgg_ceil_div(op->pack.rows, op->pack.panel), (size_t)count};
    return vgg_launch_kernel(launch, &args, 3, global, local);
}

static vgg_rank rank(const vgg_variant *variant, const vgg_problem *problem,
                     const vgg_traits *traits)
{
    (void)variant, (void)problem;
    return vgg_prefers_sub_groups(traits) ? VGG_RANK_USUAL : VGG_RANK_NEVER;
}

const vgg_variant vgg_variant_conv_subgroup = {
    .name = "conv_subgroup",
    .layers = VGG_LAYER_BIT(VGG_LAYER_CONV2D),
    .fuses_relu = true,
    .fuses_pool = true,
    .rank = rank,
    .sub_groups = true,
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
