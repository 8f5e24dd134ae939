/* ops/op_conv_amx.c — cl/conv_amx.cl: convolution by bfloat16 tiles of x86 CPUs that have AMX. */
#include "ops/op.h"
#include "ops/strips.h"

enum { TILE_PIXELS, STRIP_ROWS, UNIT_PANELS, SLOTS }; /* op->parameters */
enum { CHOOSE_TILE_PIXELS, CHOOSE_STRIP_KIB, CHOOSE_UNITS_A_CORE };
static const vgg_tunable tunables[] = {{"TP", {4, 7, 8, 10, 12, 14, 16}},
                                       {"strip_KiB", {16, 64, 128, 256, 512, 1024}},
                                       {"units_a_core", {1, 2, 4, 8}},
                                       {0}};
enum { BLOCK = 16, PANEL = 32, MAX_TILE_PIXELS = 16 };
/* Converted input of a unit: half of a 2 MiB L2 that two threads share, the rest is for weights. */
enum { STRIP_KIB = 512 };
enum { UNITS_A_CORE = 2, SLOTS_A_CORE = 4 }; /* strips.h */

/* Pixels of a tile: a tile of fewer rows takes less time, so the width that wastes least on this
 * image. Reading weights costs about one pixel's time a tile. Even where pairs are pooled. */
static int choose_tile_pixels(int64_t out_width, bool pool)
{
    int best = MAX_TILE_PIXELS;
    for (int p = MAX_TILE_PIXELS - 1; p > 0; p--)
        if (!(pool && p % 2 != 0) &&
            vgg_ceil_div(out_width, p) * (p + 1) < vgg_ceil_div(out_width, best) * (best + 1))
            best = p;
    return best;
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const bool pool = op->problem.pool != NULL;
    VGG_CHECK(traits->amx && traits->vector_width == BLOCK, CLVGG_STATUS_UNSUPPORTED,
              "conv_amx is for CPUs with AMX tiles of bfloat16, through runtimes that let kernels "
              "use them");
    VGG_CHECK(conv->groups == 1, CLVGG_STATUS_UNSUPPORTED, "conv_amx needs groups 1, not %lld",
              (long long)conv->groups);
    const int pixels =
        vgg_op_chosen(op, CHOOSE_TILE_PIXELS, choose_tile_pixels(op->problem.output.dims[2], pool));
    VGG_CHECK(!pool || pixels % 2 == 0, CLVGG_STATUS_UNSUPPORTED,
              "conv_amx: pooling needs tiles of even width, not %d", pixels);
    op->parameters[TILE_PIXELS] = pixels;
    op->input_block = op->output_block = BLOCK;
    op->pack = vgg_problem_pack(&op->problem, PANEL);
    op->pack.block = PANEL;
    op->pack.pairs = true;
    const vgg_strip_needs needs = {
        pixels, vgg_ceil_div(op->problem.input.dims[0], PANEL) * PANEL * (int64_t)sizeof(uint16_t),
        (int64_t)vgg_op_chosen(op, CHOOSE_STRIP_KIB, STRIP_KIB) << 10,
        vgg_op_chosen(op, CHOOSE_UNITS_A_CORE, UNITS_A_CORE), SLOTS_A_CORE};
    const vgg_strips strips = vgg_strips_divide(op, traits, &needs);
    op->parameters[STRIP_ROWS] = strips.rows;
    op->parameters[UNIT_PANELS] = strips.unit_panels;
    op->parameters[SLOTS] = strips.slots;
    op->workspace_elements = strips.workspace_bytes / sizeof(float);
    char window[96];
    vgg_conv_options(conv, window, sizeof window);
    vgg_op_add_program(op, "conv_amx.cl", "conv_amx", "-DTP=%d %s", pixels, window);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const size_t local = 1, global = (size_t)op->parameters[SLOTS];
    vgg_args args = vgg_conv_args(op, io);
    VGG_ARG_INTS(&args, op->problem.relu, op->problem.pool != NULL);
    vgg_arg_buffer(&args, io->workspace);
    VGG_ARG_INTS(&args, count, op->parameters[STRIP_ROWS], op->parameters[UNIT_PANELS]);
    return vgg_launch_kernel(launch, &args, 1, &global, &local);
}

/* AMX, where available, is ten times faster than float32 vectors; a first layer's few channels
 * would be padded to 32. */
static vgg_rank rank(const vgg_variant *variant, const vgg_problem *problem,
                     const vgg_traits *traits)
{
    (void)variant, (void)traits;
    return problem->input.dims[0] > VGG_MAX_PLANAR_CHANNELS ? VGG_RANK_BEST : VGG_RANK_LAST;
}

const vgg_variant vgg_variant_conv_amx = {
    .name = "conv_amx",
    .layers = VGG_LAYER_BIT(VGG_LAYER_CONV2D),
    .fuses_relu = true,
    .fuses_pool = true,
    .storages = 1u << CLVGG_STORAGE_BF16,
    .rank = rank,
    /* Sums of products alone, of inputs and weights that are rounded to bfloat16. */
    .storage_error_bound = {[CLVGG_STORAGE_BF16] = 4e-3},
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
