/* ops/op_conv_winograd.c — cl/winograd_blocked.cl: 3x3 stride 1 convolutions for CPUs by Winograd's
 * F(6x6), F(4x4) and F(2x2), in two ways through memory: `fused` keeps a block of tiles in a core's
 * cache through all steps, `staged` reads every weight once.
 */
#include "ops/winograd.h"

/* op->parameters; of `fused` BLOCK_TILES and SLOTS, of `staged` IMAGES */
enum { TILE, TILES_IN_REGISTERS, CHANNEL_BLOCKS, BLOCK_TILES, SLOTS, IMAGES };
enum { BLOCKS = 2 };
enum { FUSED_KIB = 1536 }; /* of transformed tiles, at most */
enum { FUSED_TILES = 28 }; /* a block; with more, tiles push weights out of a 1 MiB L2 */
/* Below, memory isn't what counts; more doesn't stay in a CPU's last cache. */
enum { STAGED_LEAST_BYTES = 4 << 20, STAGED_MOST_BYTES = 16 << 20 };
enum { BLOCKS_A_CORE = 2 }; /* work-items a core: evens out what cores are busy with besides */

enum { CHOOSE_REGISTERS, CHOOSE_BLOCKS, CHOOSE_BYTES, CHOOSE_BLOCKS_A_CORE };
#define COMMON_TUNABLES                                                                            \
    {"TW", {4, 5, 6, 7, 8, 9, 10, 12, 14, 28}},                                                    \
    {                                                                                              \
        "KB",                                                                                      \
        {                                                                                          \
            1, 2, 3, 4                                                                             \
        }                                                                                          \
    }
static const vgg_tunable fused_tunables[] = {COMMON_TUNABLES,
                                             {"fused_KiB", {128, 256, 512, 768, 1024, 1536}},
                                             {"blocks_a_core", {1, 2, 4, 8}},
                                             {0}};
static const vgg_tunable staged_tunables[] = {
    COMMON_TUNABLES, {"staged_MiB", {4, 8, 16, 32, 64, 128}}, {0}};

/* Elements of one transformed position of a channel count, rounded up to what kernels touch. */
static int64_t padded_channels(const vgg_op *op, int64_t channels, int blocks)
{
    const int64_t unit = (int64_t)op->input_block * blocks;
    return vgg_ceil_div(channels, unit) * unit;
}

static int64_t tile_positions(const vgg_op *op)
{
    const int64_t side = op->parameters[TILE] + 2;
    return side * side;
}

/* Tiles of one image. */
static int64_t image_tiles(const vgg_op *op)
{
    const int64_t *out = op->problem.output.dims;
    return vgg_ceil_div(out[1], op->parameters[TILE]) * vgg_ceil_div(out[2], op->parameters[TILE]);
}

/* float32 values that one tile has in its transformed states: all input channels, and the output
 * channels that are in work at a time. */
static int64_t tile_values(const vgg_op *op, int64_t out_channels)
{
    return tile_positions(op) * (padded_channels(op, op->problem.input.dims[0], 1) +
                                 padded_channels(op, out_channels, op->parameters[CHANNEL_BLOCKS]));
}

static int64_t padded_tiles(const vgg_op *op, int64_t images)
{
    const int unit = op->parameters[TILES_IN_REGISTERS];
    return vgg_ceil_div(images * image_tiles(op), unit) * unit;
}

/* Images that the staged way may transform at a time: as many as are no larger, transformed, than
 * the weights. With fewer, reading the weights again costs more; with more, the images' own way
 * through memory. */
static int64_t most_images(const vgg_op *op)
{
    const vgg_problem *problem = &op->problem;
    const int64_t weight_bytes = problem->input.dims[0] * problem->output.dims[0] *
                                 tile_positions(op) * (int64_t)sizeof(float);
    const int64_t least = weight_bytes > STAGED_LEAST_BYTES ? weight_bytes : STAGED_LEAST_BYTES;
    const int64_t budget = least < STAGED_MOST_BYTES ? least : STAGED_MOST_BYTES;
    const int64_t bytes =
        image_tiles(op) * tile_values(op, problem->output.dims[0]) * (int64_t)sizeof(float);
    const int chosen_mib = vgg_op_chosen(op, CHOOSE_BYTES, 0);
    const int64_t fit = (chosen_mib > 0 ? (int64_t)chosen_mib << 20 : budget) / bytes;
    return fit < 1 ? 1 : fit < problem->max_batch ? fit : problem->max_batch;
}

/* The products' time for a batch that is cut after every `images`, counted in tiles: a register
 * tile costs one more than it holds. */
static int64_t products_cost(const vgg_op *op, int64_t images, int registers)
{
    const int64_t tiles = image_tiles(op), batch = op->problem.max_batch;
    const int64_t whole = batch / images * vgg_ceil_div(images * tiles, registers);
    return (whole + vgg_ceil_div(batch % images * tiles, registers)) * (registers + 1);
}

/* The register tile, of at most `rows`, and the images a cut, `least` to `most`, that waste least.
 */
static void choose_tiles(vgg_op *op, int vector_width, int rows, int64_t least, int64_t most)
{
    static const int wide[] = {14, 13, 12, 10, 8}, narrow[] = {6, 5, 4};
    const int *candidates = vector_width == 8 ? narrow : wide;
    const int count = vector_width == 8 ? 3 : 5, chosen = vgg_op_chosen(op, CHOOSE_REGISTERS, 0);
    int64_t best = INT64_MAX;
    for (int64_t images = most; images >= least; images--)
        for (int i = 0; i < (chosen > 0 ? 1 : count); i++) {
            const int wanted = chosen > 0 ? chosen : candidates[i];
            const int registers = wanted < rows ? wanted : rows;
            const int64_t cost = products_cost(op, images, registers);
            if (cost >= best)
                continue;
            best = cost;
            op->parameters[TILES_IN_REGISTERS] = chosen > 0 ? chosen : registers;
            op->parameters[IMAGES] = (int)images;
        }
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const int64_t channels = op->problem.input.dims[0];
    const int width = traits->vector_width, tile = op->variant->winograd.tile;
    const char *name = op->variant->name;
    const bool fused = op->variant->winograd.way == VGG_WINOGRAD_FUSED;
    VGG_CHECK(width >= 4, CLVGG_STATUS_UNSUPPORTED, "%s is for CPUs with vector registers", name);
    VGG_PASS(vgg_require_winograd(op));
    op->input_block = op->output_block = width;
    op->float32_weights = tile > 2 && vgg_winograd_f4_keeps_float32(&op->problem);
    op->parameters[TILE] = tile;
    const int64_t tiles = image_tiles(op) * op->problem.max_batch;
    const int blocks = vgg_op_chosen(op, CHOOSE_BLOCKS, BLOCKS);
    const int rows = vgg_register_rows(traits, blocks);
    op->parameters[CHANNEL_BLOCKS] = blocks;
    const int64_t most = fused ? op->problem.max_batch : most_images(op);
    choose_tiles(op, width, rows, fused ? most : (most + 1) / 2, most);
    const int registers = op->parameters[TILES_IN_REGISTERS];
    VGG_CHECK(registers <= rows, CLVGG_STATUS_UNSUPPORTED,
              "%s: tiles of %dx%d vectors don't fit the registers, at most %dx%d", name, registers,
              blocks, rows, blocks);
    op->pack = vgg_problem_pack(&op->problem, width * blocks);
    op->pack.block = width;
    op->pack.winograd = tile;
    const char *options = "-DVW=%d -DM=%d -DTW=%d -DKB=%d";
    if (fused) {
        const int64_t values = tile_values(op, (int64_t)width * blocks);
        const int64_t bytes_a_tile = values * (int64_t)sizeof(float);
        const int64_t budget = (int64_t)vgg_op_chosen(op, CHOOSE_BYTES, FUSED_KIB) << 10;
        int64_t block = budget / bytes_a_tile / registers * registers;
        VGG_CHECK(block > 0, CLVGG_STATUS_UNSUPPORTED, "%s: %lld channels don't fit a core's cache",
                  name, (long long)channels);
        /* Every core should have several blocks to work on. */
        const int64_t slots =
            (int64_t)traits->compute_units * vgg_op_chosen(op, CHOOSE_BLOCKS_A_CORE, BLOCKS_A_CORE);
        const int64_t share = vgg_ceil_div(vgg_ceil_div(tiles, slots), registers) * registers;
        block = block < share ? block : share;
        if (vgg_op_chosen(op, CHOOSE_BYTES, 0) == 0 && block > FUSED_TILES)
            block = FUSED_TILES / registers * registers;
        op->parameters[BLOCK_TILES] = (int)block;
        op->parameters[SLOTS] = (int)slots;
        op->workspace_elements = (uint64_t)(slots * block * values);
        vgg_op_add_program(op, "winograd_blocked.cl", "winograd_fused", options, width, tile,
                           registers, blocks);
    } else {
        op->workspace_elements = (uint64_t)(padded_tiles(op, op->parameters[IMAGES]) *
                                            tile_values(op, op->problem.output.dims[0]));
        static const char *const kernels[] = {"winograd_input", "winograd_products",
                                              "winograd_output"};
        for (int i = 0; i < 3; i++)
            vgg_op_add_program(op, "winograd_blocked.cl", kernels[i], options, width, tile,
                               registers, blocks);
    }
    return CLVGG_STATUS_OK;
}

/* C, H, W, K, OH, OW, top, left, relu, pool, tile rows, tile columns, tiles of `images` images. */
static void arg_geometry(vgg_args *args, const vgg_op *op, int64_t images)
{
    const int64_t *out = op->problem.output.dims;
    vgg_arg_conv_geometry(args, op);
    VGG_ARG_INTS(args, op->problem.relu, op->problem.pool != NULL,
                 vgg_ceil_div(out[1], op->parameters[TILE]),
                 vgg_ceil_div(out[2], op->parameters[TILE]), images * image_tiles(op));
}

static clvgg_status enqueue_fused(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                  int count)
{
    const size_t local = 1, global = (size_t)op->parameters[SLOTS];
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, (vgg_buffer){io->weights->pieces[0].memory, 0}, io->bias,
                    io->output);
    arg_geometry(&args, op, count);
    vgg_arg_buffer(&args, io->workspace);
    vgg_arg_int(&args, op->parameters[BLOCK_TILES] / op->parameters[TILES_IN_REGISTERS]);
    return vgg_launch_kernel(launch, &args, 1, &global, &local);
}

/* The three steps over `images` images. */
static clvgg_status enqueue_stages(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                   int64_t images)
{
    const int64_t tiles = padded_tiles(op, images), channels = op->problem.input.dims[0];
    const int64_t out_channels = op->problem.output.dims[0], width = op->input_block;
    const size_t runs = (size_t)(tiles / op->parameters[TILES_IN_REGISTERS]);
    const size_t local[2] = {1, 1};
    const vgg_buffer products = {
        io->workspace.memory, io->workspace.offset + (uint64_t)(tile_positions(op) * tiles *
                                                                padded_channels(op, channels, 1))};

    vgg_args args = vgg_args_of(op->programs[0].kernel);
    vgg_arg_buffer(&args, io->input);
    arg_geometry(&args, op, images);
    vgg_arg_buffer(&args, io->workspace);
    const size_t inputs[2] = {runs, (size_t)vgg_ceil_div(channels, width)};
    VGG_PASS(vgg_launch_kernel(launch, &args, 2, inputs, local));

    args = vgg_args_of(op->programs[1].kernel);
    VGG_ARG_BUFFERS(&args, io->workspace, (vgg_buffer){io->weights->pieces[0].memory, 0}, products);
    VGG_ARG_INTS(&args, channels, (int64_t)runs);
    const size_t panels[2] = {(size_t)vgg_ceil_div(out_channels, op->pack.panel),
                              (size_t)tile_positions(op)};
    VGG_PASS(vgg_launch_kernel(launch, &args, 2, panels, local));

    args = vgg_args_of(op->programs[2].kernel);
    VGG_ARG_BUFFERS(&args, products, io->bias, io->output);
    arg_geometry(&args, op, images);
    const size_t outputs[2] = {runs, (size_t)vgg_ceil_div(out_channels, width)};
    return vgg_launch_kernel(launch, &args, 2, outputs, local);
}

static clvgg_status enqueue_staged(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                   int count)
{
    const int64_t step = op->parameters[IMAGES];
    for (int64_t image = 0; image < count; image += step) {
        vgg_op_io part = *io;
        part.input.offset +=
            (uint64_t)image * vgg_layout_elements(&op->problem.input, op->input_block);
        part.output.offset +=
            (uint64_t)image * vgg_layout_elements(&op->problem.result, op->output_block);
        VGG_PASS(enqueue_stages(op, launch, &part, step < count - image ? step : count - image));
    }
    return CLVGG_STATUS_OK;
}

/* Counts the products' FLOPs; the transforms' additions are few beside them. */
static uint64_t executed_flops(const vgg_op *op)
{
    return 2 * (uint64_t)(tile_positions(op) * image_tiles(op) * op->problem.input.dims[0] *
                          op->problem.output.dims[0]);
}

/* Bounds on the relative L2 error against exact arithmetic, normal inputs behind a ReLU. */
#define F6_ERROR 1e-5
#define F4_ERROR 5e-6
#define F2_ERROR 1e-6
/* Error bounds with weights rounded after the transform. F(4x4) sums what cancels: with bfloat16 it
 * would be some 1.4e-2 a layer, more than a whole network may lose. */
#define F4_F16_ERROR 3e-3
#define F2_F16_ERROR 8e-4
#define F2_BF16_ERROR 6e-3

/* What rows of one way have in common. */
#define FUSED_FUNCTIONS                                                                            \
    .tunables = fused_tunables, .configure = configure, .enqueue = enqueue_fused,                  \
    .executed_flops = executed_flops
#define STAGED_FUNCTIONS                                                                           \
    .tunables = staged_tunables, .configure = configure, .enqueue = enqueue_staged,                \
    .executed_flops = executed_flops

const vgg_variant vgg_variant_winograd_f6_fused = {
    .name = "winograd_f6_fused",
    VGG_WINOGRAD_ROW,
    .winograd = {6, VGG_WINOGRAD_FUSED},
    .error_bound = F6_ERROR, /* never with weights rounded after the transform */
    FUSED_FUNCTIONS,
};

const vgg_variant vgg_variant_winograd_f4_fused = {
    .name = "winograd_f4_fused",
    VGG_WINOGRAD_ROW,
    .winograd = {4, VGG_WINOGRAD_FUSED},
    .error_bound = F4_ERROR,
    .storage_error_bound = {[CLVGG_STORAGE_F16] = F4_F16_ERROR},
    FUSED_FUNCTIONS,
};

const vgg_variant vgg_variant_winograd_f4_staged = {
    .name = "winograd_f4_staged",
    VGG_WINOGRAD_ROW,
    .winograd = {4, VGG_WINOGRAD_STAGED},
    .error_bound = F4_ERROR,
    .storage_error_bound = {[CLVGG_STORAGE_F16] = F4_F16_ERROR},
    STAGED_FUNCTIONS,
};

const vgg_variant vgg_variant_winograd_f2_fused = {
    .name = "winograd_f2_fused",
    VGG_WINOGRAD_ROW,
    .winograd = {2, VGG_WINOGRAD_FUSED},
    .error_bound = F2_ERROR,
    .storage_error_bound =
        {[CLVGG_STORAGE_F16] = F2_F16_ERROR, [CLVGG_STORAGE_BF16] = F2_BF16_ERROR},
    FUSED_FUNCTIONS,
};

const vgg_variant vgg_variant_winograd_f2_staged = {
    .name = "winograd_f2_staged",
    VGG_WINOGRAD_ROW,
    .winograd = {2, VGG_WINOGRAD_STAGED},
    .error_bound = F2_ERROR,
    .storage_error_bound =
        {[CLVGG_STORAGE_F16] = F2_F16_ERROR, [CLVGG_STORAGE_BF16] = F2_BF16_ERROR},
    STAGED_FUNCTIONS,
};
