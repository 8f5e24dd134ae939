/* ops/op_winograd_batched.c — 3x3 stride 1 convolutions for GPUs by Winograd's F(4x4): transforms
 * (cl/winograd_batched.cl) around 36 matrix products, by tiles in local memory (cl/gemm_tiled.cl)
 * or by sub-groups (cl/conv_subgroup.cl, to which a product is a 1x1 convolution of one row). Each
 * transformed value goes through memory, so it is for many channels: the products' work grows with
 * both counts.
 */
#include <stdio.h>

#include "ops/winograd.h"

/* Indices of op->parameters: a work-group's tile of a product, and how it is divided. Sub-groups
 * have rows, columns and lanes alone. */
enum {
    ROWS,
    COLUMNS,
    DEPTH,
    ITEM_ROWS,
    ITEM_COLUMNS,
    STAGED_MIB,
    TILE_VALUES,
    LANES = TILE_VALUES
};
enum { INPUT, PRODUCTS, OUTPUT }; /* op->programs */
enum { TILE = 4, POSITIONS = 36, MAX_ACCUMULATORS = 64, LOCAL = 64 };

/* Tunables, the parameters in their order. Default: 64 x 64 of a product a work-group, 64
 * work-items with 8 x 8 sums: one wavefront on AMD, two warps on NVIDIA, no spills on Intel. */
static const vgg_tunable tunables[] = {{"TM", {32, 64, 128}},
                                       {"TN", {16, 32, 64, 128}},
                                       {"TR", {4, 8, 16, 32}},
                                       {"MM", {4, 8}},
                                       {"MN", {4, 8}},
                                       {"staged_MiB", {16, 32, 64, 128, 256, 512}},
                                       {0}};
static const int defaults[TILE_VALUES] = {64, 64, 8, 8, 8, 128};

/* Tunables of the sub-group variant. Default: 32 x 16 of a product, 32 sums a lane in half of its
 * registers. */
enum { CHOOSE_LANES, CHOOSE_VECTORS, CHOOSE_COLUMNS, CHOOSE_STAGED_MIB };
enum { DEFAULT_VECTORS = 2, DEFAULT_COLUMNS = 16, MAX_SUB_GROUP_SUMS = 512 };
static const vgg_tunable sub_group_tunables[] = {{"S", {VGG_SUB_GROUP_8, VGG_SUB_GROUP_16}},
                                                 {"NK", {1, 2, 4}},
                                                 {"TW", {8, 16, 32}},
                                                 {"staged_MiB", {16, 32, 64, 128, 256, 512}},
                                                 {0}};

static int group_items(const int *tile)
{
    return tile[ROWS] / tile[ITEM_ROWS] * (tile[COLUMNS] / tile[ITEM_COLUMNS]);
}

static int64_t image_tiles(const vgg_op *op)
{
    const int64_t *out = op->problem.output.dims;
    return vgg_ceil_div(out[1], TILE) * vgg_ceil_div(out[2], TILE);
}

/* Tiles of some images, rounded up to whole work-groups of the products. */
static int64_t padded_tiles(const vgg_op *op, int64_t images)
{
    const int columns = op->parameters[COLUMNS];
    return vgg_ceil_div(images * image_tiles(op), columns) * columns;
}

/* Rows of a product: output channels in whole panels. */
static int64_t product_rows(const vgg_op *op)
{
    return vgg_ceil_div(op->pack.rows, op->pack.panel) * op->pack.panel;
}

/* Elements of `images` images before and after the products. */
static uint64_t input_elements(const vgg_op *op, int64_t images)
{
    return (uint64_t)(POSITIONS * op->pack.channels * padded_tiles(op, images));
}

static uint64_t product_elements(const vgg_op *op, int64_t images)
{
    return (uint64_t)(POSITIONS * product_rows(op) * padded_tiles(op, images));
}

/* Images at a time: what the workspace may hold. */
static int64_t staged_images(const vgg_op *op)
{
    const uint64_t budget = (uint64_t)op->parameters[STAGED_MIB] << 20;
    int64_t images = op->problem.max_batch;
    while (images > 1 &&
           (input_elements(op, images) + product_elements(op, images)) * sizeof(float) > budget)
        images--;
    return images;
}

static clvgg_status check_tile(const vgg_op *op, const vgg_traits *traits)
{
    const int *tile = op->parameters;
    const int items = group_items(tile);
    const int bytes = tile[DEPTH] * (tile[ROWS] + tile[COLUMNS]) * (int)sizeof(float);
    VGG_CHECK(tile[ITEM_ROWS] * tile[ITEM_COLUMNS] <= MAX_ACCUMULATORS, CLVGG_STATUS_UNSUPPORTED,
              "winograd_f4_batched: %dx%d accumulators don't fit the registers", tile[ITEM_ROWS],
              tile[ITEM_COLUMNS]);
    return vgg_require_group(traits, "winograd_f4_batched", items > LOCAL ? items : LOCAL,
                             (uint64_t)bytes);
}

/* Weights, workspace and programs, the products' being `file` with `options`; `block` rounds the
 * depth of weights up. */
static clvgg_status configure_steps(vgg_op *op, const vgg_traits *traits, int block,
                                    const char *file, const char *kernel, const char *options)
{
    op->pack = vgg_problem_pack(&op->problem, op->parameters[ROWS]);
    op->pack.block = block;
    op->pack.winograd = TILE;
    op->float32_weights = vgg_winograd_f4_keeps_float32(&op->problem);
    const int64_t images = staged_images(op);
    op->workspace_elements = input_elements(op, images) + product_elements(op, images);
    VGG_CHECK(op->workspace_elements * sizeof(float) <= traits->max_allocation_bytes,
              CLVGG_STATUS_UNSUPPORTED, "%s: a transformed image exceeds the largest allocation",
              op->variant->name);
    vgg_op_add_program(op, "winograd_batched.cl", "winograd_input", "%s", "");
    vgg_op_add_program(op, file, kernel, "%s", options);
    vgg_op_add_program(op, "winograd_batched.cl", "winograd_output", "%s", "");
    return CLVGG_STATUS_OK;
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    char options[96];
    int *tile = op->parameters;
    for (int i = 0; i < TILE_VALUES; i++)
        tile[i] = vgg_op_chosen(op, i, defaults[i]);
    VGG_PASS(vgg_require_winograd(op));
    VGG_PASS(check_tile(op, traits));
    snprintf(options, sizeof options, "-DDENSE=0 -DTM=%d -DTN=%d -DTR=%d -DMM=%d -DMN=%d",
             tile[ROWS], tile[COLUMNS], tile[DEPTH], tile[ITEM_ROWS], tile[ITEM_COLUMNS]);
    return configure_steps(op, traits, tile[DEPTH], "gemm_tiled.cl", "gemm_tiled", options);
}

static clvgg_status configure_sub_group(vgg_op *op, const vgg_traits *traits)
{
    char options[128];
    int *tile = op->parameters;
    const int lanes = vgg_op_chosen(op, CHOOSE_LANES, vgg_sub_group_lanes(traits));
    const int vectors = vgg_op_chosen(op, CHOOSE_VECTORS, DEFAULT_VECTORS);
    tile[LANES] = lanes;
    tile[ROWS] = lanes * vectors;
    tile[COLUMNS] = vgg_op_chosen(op, CHOOSE_COLUMNS, DEFAULT_COLUMNS);
    tile[STAGED_MIB] = vgg_op_chosen(op, CHOOSE_STAGED_MIB, defaults[STAGED_MIB]);
    VGG_PASS(vgg_require_winograd(op));
    VGG_PASS(vgg_require_sub_groups(op, traits, lanes));
    VGG_CHECK(tile[COLUMNS] % lanes == 0 && tile[ROWS] * tile[COLUMNS] <= MAX_SUB_GROUP_SUMS,
              CLVGG_STATUS_UNSUPPORTED,
              "winograd_f4_subgroup: %d columns aren't vectors of %d lanes, or %dx%d sums don't "
              "fit their registers",
              tile[COLUMNS], lanes, tile[ROWS], tile[COLUMNS]);
    VGG_PASS(vgg_require_group(traits, "winograd_f4_subgroup", LOCAL, 0));
    snprintf(options, sizeof options,
             "-DPRODUCTS=1 -DS=%d -DNK=%d -DTH=1 -DTW=%d -DKH=1 -DKW=1 -DSH=1 -DSW=1 -DDH=1 -DDW=1",
             lanes, vectors, tile[COLUMNS]);
    return configure_steps(op, traits, 1, "conv_subgroup.cl", "conv_subgroup", options);
}

/* tile rows, tile columns, tiles, padded tiles of `images` images */
static void arg_tiles(vgg_args *args, const vgg_op *op, int64_t images)
{
    const int64_t *out = op->problem.output.dims;
    VGG_ARG_INTS(args, vgg_ceil_div(out[1], TILE), vgg_ceil_div(out[2], TILE),
                 images * image_tiles(op), padded_tiles(op, images));
}

static clvgg_status enqueue_input(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                  int64_t images)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    vgg_args args = vgg_args_of(op->programs[INPUT].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->workspace);
    VGG_ARG_INTS(&args, op->problem.input.dims[0], op->problem.input.dims[1],
                 op->problem.input.dims[2], conv->pad[VGG_TOP], conv->pad[VGG_LEFT]);
    arg_tiles(&args, op, images);
    const size_t local[2] = {LOCAL, 1};
    const size_t global[2] = {(size_t)vgg_ceil_div(padded_tiles(op, images), LOCAL) * LOCAL,
                              (size_t)op->pack.channels};
    return vgg_launch_kernel(launch, &args, 2, global, local);
}

static clvgg_status enqueue_products(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                     vgg_buffer products, int64_t images)
{
    const int *tile = op->parameters;
    vgg_args args = vgg_args_of(op->programs[PRODUCTS].kernel);
    VGG_ARG_BUFFERS(&args, (vgg_buffer){io->weights->pieces[0].memory, 0}, io->workspace, products);
    VGG_ARG_INTS(&args, op->pack.rows, padded_tiles(op, images), op->pack.channels, 0, 0);
    const size_t local[3] = {(size_t)group_items(tile), 1, 1};
    const size_t global[3] = {(size_t)(padded_tiles(op, images) / tile[COLUMNS]) * local[0],
                              (size_t)(product_rows(op) / tile[ROWS]), POSITIONS};
    return vgg_launch_kernel(launch, &args, 3, global, local);
}

/* Enqueues the products by sub-groups, as a convolution of 36 images with one row each. */
static clvgg_status enqueue_sub_group_products(const vgg_op *op, vgg_launch *launch,
                                               const vgg_op_io *io, vgg_buffer products,
                                               int64_t images)
{
    const int *tile = op->parameters;
    const int64_t padded = padded_tiles(op, images);
    enum { TOP = 0, LEFT = 0, RELU = 0, POOL = 0 };
    vgg_args args = vgg_args_of(op->programs[PRODUCTS].kernel);
    /* The bias isn't read. */
    VGG_ARG_BUFFERS(&args, io->workspace, (vgg_buffer){io->weights->pieces[0].memory, 0}, io->bias,
                    products);
    VGG_ARG_INTS(&args, op->pack.channels, 1, padded, product_rows(op), 1, padded, TOP, LEFT, RELU,
                 POOL);
    const size_t local[3] = {(size_t)tile[LANES], 1, 1};
    const size_t global[3] = {(size_t)(padded / tile[COLUMNS]) * local[0],
                              (size_t)(product_rows(op) / tile[ROWS]), POSITIONS};
    return vgg_launch_kernel(launch, &args, 3, global, local);
}

static clvgg_status enqueue_output(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                   vgg_buffer products, int64_t images)
{
    vgg_args args = vgg_args_of(op->programs[OUTPUT].kernel);
    VGG_ARG_BUFFERS(&args, products, io->bias, io->output);
    VGG_ARG_INTS(&args, product_rows(op), op->problem.output.dims[0], op->problem.output.dims[1],
                 op->problem.output.dims[2], op->problem.relu, op->problem.pool != NULL);
    arg_tiles(&args, op, images);
    const size_t local[2] = {LOCAL, 1};
    const size_t global[2] = {(size_t)vgg_ceil_div(images * image_tiles(op), LOCAL) * LOCAL,
                              (size_t)op->pack.rows};
    return vgg_launch_kernel(launch, &args, 2, global, local);
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const int64_t step = staged_images(op);
    for (int64_t image = 0; image < count; image += step) {
        const int64_t images = step < count - image ? step : count - image;
        const vgg_op_io part = vgg_op_io_at(op, io, image);
        const vgg_buffer products = {io->workspace.memory,
                                     io->workspace.offset + input_elements(op, images)};
        VGG_PASS(enqueue_input(op, launch, &part, images));
        VGG_PASS((op->parameters[LANES] > 0 ? enqueue_sub_group_products : enqueue_products)(
            op, launch, &part, products, images));
        VGG_PASS(enqueue_output(op, launch, &part, products, images));
    }
    return CLVGG_STATUS_OK;
}

/* Counts the products' FLOPs; the transforms' additions are few beside them. */
static uint64_t executed_flops(const vgg_op *op)
{
    return 2 * (uint64_t)(POSITIONS * image_tiles(op) * op->pack.channels * op->pack.rows);
}

const vgg_variant vgg_variant_winograd_f4_batched = {
    .name = "winograd_f4_batched",
    VGG_WINOGRAD_ROW,
    .winograd = {4, VGG_WINOGRAD_BATCHED},
    .error_bound = 5e-6,
    .storage_error_bound = {[CLVGG_STORAGE_F16] = 3e-3}, /* as winograd_f4_staged */
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
    .executed_flops = executed_flops,
};

const vgg_variant vgg_variant_winograd_f4_subgroup = {
    .name = "winograd_f4_subgroup",
    VGG_WINOGRAD_ROW,
    .winograd = {4, VGG_WINOGRAD_SUB_GROUP},
    .sub_groups = true,
    .error_bound = 5e-6,
    .storage_error_bound = {[CLVGG_STORAGE_F16] = 3e-3},
    .tunables = sub_group_tunables,
    .configure = configure_sub_group,
    .enqueue = enqueue,
    .executed_flops = executed_flops,
};
