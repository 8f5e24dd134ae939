/* ops/op_dense_tiled.c — cl/gemm_tiled.cl: dense layers for GPUs, many images at a time. Each
 * weight is read once for all images of a tile; sums are cut into slices until there is work for
 * every compute unit, then added up in order.
 */
#include "ops/op.h"

/* Indices of op->parameters; all but the last are tunables too. */
enum { ROWS, COLUMNS, DEPTH, ITEM_ROWS, ITEM_COLUMNS, SLICE, TILE_VALUES };
enum { GEMM, SUM }; /* op->programs */
enum { LEAST_BATCH = 9, MAX_ACCUMULATORS = 64, GROUPS_A_UNIT = 8, LEAST_SLICE = 256 };
static const vgg_tunable tunables[] = {{"TM", {16, 32, 64, 128}},
                                       {"TN", {16, 32, 64}},
                                       {"TR", {8, 16, 32}},
                                       {"MM", {4, 8}},
                                       {"MN", {4, 8}},
                                       {"SLICE", {256, 512, 1024, 2048, 4096, 8192}},
                                       {0}};

static int group_items(const int *tile)
{
    return tile[ROWS] / tile[ITEM_ROWS] * (tile[COLUMNS] / tile[ITEM_COLUMNS]);
}

/* Columns that waste little on this batch; 4 x 4 sums an item, or 4 x 8. */
static void choose_tile(vgg_op *op)
{
    int *tile = op->parameters;
    const int batch = op->problem.max_batch;
    const int columns = batch <= 16 ? 16 : batch <= 32 ? 32 : 64;
    const int defaults[SLICE] = {64, columns, 16, 4, columns == 16 ? 4 : 8};
    for (int i = 0; i < SLICE; i++)
        tile[i] = vgg_op_chosen(op, i, defaults[i]);
}

/* Depth of a slice: as deep as leaves several work-groups for each compute unit. */
static int choose_slice(const vgg_op *op, const vgg_traits *traits)
{
    const int *tile = op->parameters;
    const int64_t groups = vgg_ceil_div(op->pack.rows, tile[ROWS]) *
                           vgg_ceil_div(op->problem.max_batch, tile[COLUMNS]);
    const int64_t wanted = vgg_ceil_div((int64_t)traits->compute_units * GROUPS_A_UNIT, groups);
    const int64_t share = vgg_ceil_div(op->pack.channels, wanted < 1 ? 1 : wanted);
    const int64_t depth = share < LEAST_SLICE ? LEAST_SLICE : share;
    return (int)(vgg_ceil_div(depth, tile[DEPTH]) * tile[DEPTH]);
}

static int64_t slice_count(const vgg_op *op)
{
    return vgg_ceil_div(op->pack.channels, op->parameters[SLICE]);
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    int *tile = op->parameters;
    VGG_CHECK(op->problem.max_batch >= LEAST_BATCH, CLVGG_STATUS_UNSUPPORTED,
              "dense_tiled is for batches of %d and more", LEAST_BATCH);
    choose_tile(op);
    const int items = group_items(tile),
              least = items > VGG_LINEAR_LOCAL ? items : VGG_LINEAR_LOCAL;
    const int bytes = tile[DEPTH] * (tile[ROWS] + tile[COLUMNS] + 4) * (int)sizeof(float);
    VGG_CHECK(tile[ITEM_ROWS] * tile[ITEM_COLUMNS] <= MAX_ACCUMULATORS, CLVGG_STATUS_UNSUPPORTED,
              "dense_tiled: %dx%d accumulators don't fit the registers", tile[ITEM_ROWS],
              tile[ITEM_COLUMNS]);
    VGG_PASS(vgg_require_group(traits, "dense_tiled", least, (uint64_t)bytes));
    op->pack = vgg_problem_pack(&op->problem, tile[ROWS]);
    tile[SLICE] = vgg_op_chosen(op, SLICE, choose_slice(op, traits));
    op->workspace_elements = (uint64_t)(slice_count(op) * op->problem.max_batch * op->pack.rows);
    vgg_op_add_program(op, "gemm_tiled.cl", "gemm_tiled",
                       "-DDENSE=1 -DTM=%d -DTN=%d -DTR=%d -DMM=%d -DMN=%d -DSLICE=%d", tile[ROWS],
                       tile[COLUMNS], tile[DEPTH], tile[ITEM_ROWS], tile[ITEM_COLUMNS],
                       tile[SLICE]);
    vgg_op_add_program(op, "gemm_tiled.cl", "gemm_sum", "%s", op->programs[GEMM].options);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue_piece(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                  const vgg_weight_piece *piece, int count)
{
    const int *tile = op->parameters;
    vgg_args args = vgg_args_of(op->programs[GEMM].kernel);
    VGG_ARG_BUFFERS(&args, (vgg_buffer){piece->memory, 0}, io->input, io->workspace);
    VGG_ARG_INTS(&args, piece->rows, count, op->pack.channels, piece->first_row, op->pack.rows);
    const size_t local[3] = {(size_t)group_items(tile), 1, 1};
    const size_t global[3] = {(size_t)vgg_ceil_div(count, tile[COLUMNS]) * local[0],
                              (size_t)vgg_ceil_div(piece->rows, tile[ROWS]),
                              (size_t)slice_count(op)};
    return vgg_launch_kernel(launch, &args, 3, global, local);
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const uint64_t elements = (uint64_t)(count * op->pack.rows);
    for (int i = 0; i < io->weights->piece_count; i++)
        VGG_PASS(enqueue_piece(op, launch, io, &io->weights->pieces[i], count));
    vgg_args args = vgg_args_of(op->programs[SUM].kernel);
    VGG_ARG_BUFFERS(&args, io->workspace, io->bias, io->output);
    vgg_arg_ulong(&args, elements);
    VGG_ARG_INTS(&args, slice_count(op), op->pack.rows, op->problem.relu);
    return vgg_launch_linear(launch, &args, elements);
}

/* Local memory is for GPUs. */
static vgg_rank rank(const vgg_variant *variant, const vgg_problem *problem,
                     const vgg_traits *traits)
{
    (void)variant, (void)problem;
    return traits->type == CLVGG_DEVICE_GPU ? VGG_RANK_USUAL : VGG_RANK_NEVER;
}

const vgg_variant vgg_variant_dense_tiled = {
    .name = "dense_tiled",
    .layers = VGG_LAYER_BIT(VGG_LAYER_DENSE),
    .fuses_relu = true,
    .rank = rank,
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
