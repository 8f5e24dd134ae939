/* ops/op_conv_winograd.c — cl/winograd_blocked.cl: 3x3 stride 1 convolutions for CPUs by Winograd's
 * F(6x6), F(4x4) and F(2x2), in three ways through memory: `fused` keeps a block of tiles in a
 * core's cache through all steps, `staged` reads every weight once, `panels` (whose products are
 * cl/winograd_panels.cl) holds weights as they are and transforms them in the cache.
 */
#include "ops/winograd.h"
#include "ops/winograd_tiles.h"

enum { BLOCKS = 2 };
enum { FUSED_KIB = 1536 };  /* of transformed tiles, at most */
enum { FUSED_TILES = 28 };  /* a block; with more, tiles push weights out of a 1 MiB L2 */
enum { GROUP_BLOCKS = 4 };  /* of input channels, transformed at a time: stay in a 1 MiB L2 */
enum { BLOCKS_A_CORE = 2 }; /* work-items a core: evens out what cores are busy with besides */
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
static const vgg_tunable panels_tunables[] = {COMMON_TUNABLES,
                                              {"staged_MiB", {4, 8, 16, 32, 64, 128}},
                                              {"blocks_a_core", {1, 2, 4, 8}},
                                              {"GC", {1, 2, 4, 8}},
                                              {0}};

/* Work-items that share out a layer where each core may have several. */
static int64_t choose_slots(const vgg_op *op, const vgg_traits *traits)
{
    return (int64_t)traits->compute_units *
           vgg_op_chosen(op, VGG_CHOOSE_BLOCKS_A_CORE, BLOCKS_A_CORE);
}

static void add_program(vgg_op *op, const char *kernel)
{
    vgg_op_add_program(op, "winograd_blocked.cl", kernel, "-DVW=%d -DM=%d -DTW=%d -DKB=%d",
                       op->input_block, op->parameters[VGG_WINOGRAD_TILE],
                       op->parameters[VGG_WINOGRAD_REGISTERS], op->parameters[VGG_WINOGRAD_BLOCKS]);
}

static clvgg_status configure_fused(vgg_op *op, const vgg_traits *traits)
{
    const int registers = op->parameters[VGG_WINOGRAD_REGISTERS];
    const int64_t tiles = vgg_winograd_image_tiles(op) * op->problem.max_batch;
    const int64_t values = vgg_winograd_tile_values(op, op->pack.panel);
    const int64_t bytes_a_tile = values * (int64_t)sizeof(float);
    const int64_t budget = (int64_t)vgg_op_chosen(op, VGG_CHOOSE_BYTES, FUSED_KIB) << 10;
    int64_t block = budget / bytes_a_tile / registers * registers;
    VGG_CHECK(block > 0, CLVGG_STATUS_UNSUPPORTED, "%s: %lld channels don't fit a core's cache",
              op->variant->name, (long long)op->problem.input.dims[0]);
    /* Every core should have several blocks to work on. */
    const int64_t slots = choose_slots(op, traits);
    const int64_t share = vgg_ceil_div(vgg_ceil_div(tiles, slots), registers) * registers;
    block = block < share ? block : share;
    if (vgg_op_chosen(op, VGG_CHOOSE_BYTES, 0) == 0 && block > FUSED_TILES)
        block = FUSED_TILES / registers * registers;
    op->parameters[VGG_WINOGRAD_BLOCK_TILES] = (int)block;
    op->parameters[VGG_WINOGRAD_SLOTS] = (int)slots;
    op->workspace_elements = (uint64_t)(slots * block * values);
    add_program(op, "winograd_fused");
    return CLVGG_STATUS_OK;
}

/* Elements of scratch that cl/winograd_panels.cl has for each work-item. */
static int64_t scratch_elements(const vgg_op *op)
{
    enum { LINE = 16 };
    const int64_t channels = (int64_t)op->parameters[VGG_WINOGRAD_GROUP] * op->input_block;
    return (op->parameters[VGG_WINOGRAD_TILE] + 2) * (channels * 3 * op->pack.panel + LINE);
}

static void configure_panels(vgg_op *op, const vgg_traits *traits)
{
    const int registers = op->parameters[VGG_WINOGRAD_REGISTERS];
    const int64_t panels = vgg_ceil_div(op->pack.rows, op->pack.panel);
    const int64_t slots = choose_slots(op, traits);
    op->parameters[VGG_WINOGRAD_SLOTS] = (int)(slots < panels ? slots : panels);
    op->parameters[VGG_WINOGRAD_GROUP] = vgg_op_chosen(op, VGG_CHOOSE_GROUP, GROUP_BLOCKS);
    op->workspace_elements += (uint64_t)(op->parameters[VGG_WINOGRAD_SLOTS] * scratch_elements(op));
    vgg_op_add_program(op, "winograd_panels.cl", "winograd_panels",
                       "-DVW=%d -DTW=%d -DKB=%d -DGC=%d", op->input_block, registers,
                       op->parameters[VGG_WINOGRAD_BLOCKS], op->parameters[VGG_WINOGRAD_GROUP]);
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const int width = traits->vector_width, tile = op->variant->winograd.tile;
    const char *name = op->variant->name;
    const bool fused = op->variant->winograd.way == VGG_WINOGRAD_FUSED;
    const bool panels = op->variant->winograd.way == VGG_WINOGRAD_PANELS;
    VGG_CHECK(width >= 4, CLVGG_STATUS_UNSUPPORTED, "%s is for CPUs with vector registers", name);
    VGG_PASS(vgg_require_winograd(op));
    op->input_block = op->output_block = width;
    op->float32_weights = !panels && tile > 2 && vgg_winograd_f4_keeps_float32(&op->problem);
    op->parameters[VGG_WINOGRAD_TILE] = tile;
    const int blocks = vgg_op_chosen(op, VGG_CHOOSE_BLOCKS, BLOCKS);
    const int rows = vgg_register_rows(traits, blocks);
    op->parameters[VGG_WINOGRAD_BLOCKS] = blocks;
    const int64_t most = fused ? op->problem.max_batch : vgg_winograd_most_images(op);
    vgg_winograd_choose_tiles(op, width, rows, fused ? most : (most + 1) / 2, most);
    const int registers = op->parameters[VGG_WINOGRAD_REGISTERS];
    VGG_CHECK(registers <= rows, CLVGG_STATUS_UNSUPPORTED,
              "%s: tiles of %dx%d vectors don't fit the registers, at most %dx%d", name, registers,
              blocks, rows, blocks);
    op->pack = vgg_problem_pack(&op->problem, width * blocks);
    if (!panels) {
        op->pack.block = width;
        op->pack.winograd = tile;
    }
    if (fused)
        return configure_fused(op, traits);
    op->workspace_elements =
        (uint64_t)(vgg_winograd_padded_tiles(op, op->parameters[VGG_WINOGRAD_IMAGES]) *
                   vgg_winograd_tile_values(op, op->problem.output.dims[0]));
    add_program(op, "winograd_input");
    if (panels)
        configure_panels(op, traits);
    else
        add_program(op, "winograd_products");
    add_program(op, "winograd_output");
    return CLVGG_STATUS_OK;
}

/* C, H, W, K, OH, OW, top, left, relu, pool, tile rows, tile columns, tiles of `images` images. */
static void arg_geometry(vgg_args *args, const vgg_op *op, int64_t images)
{
    const int64_t *out = op->problem.output.dims;
    vgg_arg_conv_geometry(args, op);
    VGG_ARG_INTS(args, op->problem.relu, op->problem.pool != NULL,
                 vgg_ceil_div(out[1], op->parameters[VGG_WINOGRAD_TILE]),
                 vgg_ceil_div(out[2], op->parameters[VGG_WINOGRAD_TILE]),
                 images * vgg_winograd_image_tiles(op));
}

static clvgg_status enqueue_fused(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                  int count)
{
    const size_t local = 1, global = (size_t)op->parameters[VGG_WINOGRAD_SLOTS];
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, (vgg_buffer){io->weights->pieces[0].memory, 0}, io->bias,
                    io->output);
    arg_geometry(&args, op, count);
    vgg_arg_buffer(&args, io->workspace);
    vgg_arg_int(&args,
                op->parameters[VGG_WINOGRAD_BLOCK_TILES] / op->parameters[VGG_WINOGRAD_REGISTERS]);
    return vgg_launch_kernel(launch, &args, 1, &global, &local);
}

/* The three steps over `images` images. */
static clvgg_status enqueue_stages(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                   int64_t images)
{
    const int64_t tiles = vgg_winograd_padded_tiles(op, images),
                  channels = op->problem.input.dims[0];
    const int64_t out_channels = op->problem.output.dims[0], width = op->input_block;
    const size_t runs = (size_t)(tiles / op->parameters[VGG_WINOGRAD_REGISTERS]);
    const size_t local[2] = {1, 1};
    const vgg_buffer products = {io->workspace.memory,
                                 io->workspace.offset +
                                     (uint64_t)(vgg_winograd_positions(op) * tiles *
                                                vgg_winograd_channels(op, channels, 1))};
    const vgg_buffer scratch = {io->workspace.memory,
                                io->workspace.offset +
                                    (uint64_t)(tiles * vgg_winograd_tile_values(op, out_channels))};

    vgg_args args = vgg_args_of(op->programs[0].kernel);
    vgg_arg_buffer(&args, io->input);
    arg_geometry(&args, op, images);
    vgg_arg_buffer(&args, io->workspace);
    const size_t inputs[2] = {runs, (size_t)vgg_ceil_div(channels, width)};
    VGG_PASS(vgg_launch_kernel(launch, &args, 2, inputs, local));

    const int64_t panels = vgg_ceil_div(out_channels, op->pack.panel);
    args = vgg_args_of(op->programs[1].kernel);
    VGG_ARG_BUFFERS(&args, io->workspace, (vgg_buffer){io->weights->pieces[0].memory, 0}, products);
    if (op->variant->winograd.way == VGG_WINOGRAD_PANELS) {
        const size_t slots = (size_t)op->parameters[VGG_WINOGRAD_SLOTS];
        vgg_arg_buffer(&args, scratch);
        VGG_ARG_INTS(&args, channels, (int64_t)runs, panels);
        VGG_PASS(vgg_launch_kernel(launch, &args, 1, &slots, local));
    } else {
        const size_t positions[2] = {(size_t)panels, (size_t)vgg_winograd_positions(op)};
        VGG_ARG_INTS(&args, channels, (int64_t)runs);
        VGG_PASS(vgg_launch_kernel(launch, &args, 2, positions, local));
    }

    args = vgg_args_of(op->programs[2].kernel);
    VGG_ARG_BUFFERS(&args, products, io->bias, io->output);
    arg_geometry(&args, op, images);
    const size_t outputs[2] = {runs, (size_t)vgg_ceil_div(out_channels, width)};
    return vgg_launch_kernel(launch, &args, 2, outputs, local);
}

static clvgg_status enqueue_staged(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                   int count)
{
    const int64_t step = op->parameters[VGG_WINOGRAD_IMAGES];
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
    return 2 * (uint64_t)(vgg_winograd_positions(op) * vgg_winograd_image_tiles(op) *
                          op->problem.input.dims[0] * op->problem.output.dims[0]);
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

#define PANELS_FUNCTIONS                                                                           \
    .tunables = panels_tunables, .configure = configure, .enqueue = enqueue_staged,                \
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

/* Weights are rounded before their transform, if at all: the bounds hold for those. */
const vgg_variant vgg_variant_winograd_f4_panels = {
    .name = "winograd_f4_panels",
    VGG_WINOGRAD_ROW,
    .winograd = {4, VGG_WINOGRAD_PANELS},
    .error_bound = F4_ERROR,
    .storage_error_bound = {[CLVGG_STORAGE_F16] = F4_ERROR, [CLVGG_STORAGE_BF16] = F4_ERROR},
    PANELS_FUNCTIONS,
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
