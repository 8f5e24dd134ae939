/* ops/op_conv_int8.c — cl/conv_int8.cl: convolution of quantised values by int8 weights, on CPUs.
 */
#include "ops/int8.h"
#include "ops/strips.h"

enum { STRIP_ROWS, UNIT_PANELS, SLOTS }; /* op->parameters */
enum { CHOOSE_PIXELS, CHOOSE_VECTORS, CHOOSE_STRIP_KIB, CHOOSE_UNITS_A_CORE };
static const vgg_tunable tunables[] = {{"TP", {4, 6, 7, 8, 10, 12, 14}},
                                       {"KB", {1, 2, 4}},
                                       {"strip_KiB", {16, 64, 128, 256, 512}},
                                       {"units_a_core", {1, 2, 4, 8}},
                                       {0}};
enum { VECTORS = 2, STRIP_KIB = 256, UNITS_A_CORE = 1, SLOTS_A_CORE = 1 };
enum { MOST_PIXELS = 8 }; /* sixteen sums keep both units busy; with more, loads of weights wait */

/* Pixels that are finished together: pairs, where they are pooled. */
static int span_of(int pixels, bool pool)
{
    return pool && pixels % 2 != 0 ? 2 * pixels : pixels;
}

/* The width that wastes least on this image, where reading weights costs about one pixel's time. */
static int choose_pixels(int64_t width, bool pool)
{
    int best = MOST_PIXELS;
    int64_t least = INT64_MAX;
    for (int p = MOST_PIXELS; p > 0; p--) {
        const int span = span_of(p, pool);
        const int64_t time = vgg_ceil_div(width, span) * (span / p) * (p + 1);
        if (time < least) {
            least = time;
            best = p;
        }
    }
    return best;
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const bool pool = op->problem.pool != NULL;
    VGG_CHECK(conv->groups == 1, CLVGG_STATUS_UNSUPPORTED, "conv_int8 needs groups 1, not %lld",
              (long long)conv->groups);
    const int vectors = vgg_op_chosen(op, CHOOSE_VECTORS, VECTORS);
    const int most = vgg_register_rows(traits, vectors);
    const int best = choose_pixels(op->problem.output.dims[2], pool);
    const int pixels = vgg_op_chosen(op, CHOOSE_PIXELS, best < most ? best : most);
    VGG_CHECK(pixels <= most, CLVGG_STATUS_UNSUPPORTED,
              "conv_int8: tiles of %d pixels and %d vectors don't fit the registers, at most %d",
              pixels, vectors, most);
    VGG_PASS(vgg_int8_require_cpu(op, traits));
    VGG_PASS(vgg_int8_configure(op, vectors));
    op->input_block = op->output_block = VGG_INT8_LANES;
    const vgg_strip_needs needs = {
        span_of(pixels, pool), vgg_ceil_div(op->pack.channels, VGG_INT8_LANES) * VGG_INT8_LANES,
        (int64_t)vgg_op_chosen(op, CHOOSE_STRIP_KIB, STRIP_KIB) << 10,
        vgg_op_chosen(op, CHOOSE_UNITS_A_CORE, UNITS_A_CORE), SLOTS_A_CORE};
    const vgg_strips strips = vgg_strips_divide(op, traits, &needs);
    op->parameters[STRIP_ROWS] = strips.rows;
    op->parameters[UNIT_PANELS] = strips.unit_panels;
    op->parameters[SLOTS] = strips.slots;
    op->workspace_elements = (strips.workspace_bytes + sizeof(float) - 1) / sizeof(float);
    char window[96];
    vgg_conv_options(conv, window, sizeof window);
    vgg_op_add_program(op, "conv_int8.cl", "conv_int8", "-DTP=%d -DKB=%d -DDOT=%d %s", pixels,
                       vectors, (int)traits->byte_products, window);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const size_t local = 1, global = (size_t)op->parameters[SLOTS];
    const vgg_quantize_attributes *q = op->problem.quantized;
    vgg_args args = vgg_conv_args(op, io);
    VGG_ARG_INTS(&args, op->problem.relu, op->problem.pool != NULL);
    vgg_arg_buffer(&args, io->workspace);
    VGG_ARG_INTS(&args, count, op->parameters[STRIP_ROWS], op->parameters[UNIT_PANELS]);
    vgg_arg_ulong(&args, vgg_pack_elements(&op->pack, op->pack.rows));
    vgg_arg_float(&args, q->scale);
    vgg_arg_float(&args, 1.0f / q->scale);
    VGG_ARG_INTS(&args, q->low, q->high);
    return vgg_launch_kernel(launch, &args, 1, &global, &local);
}

const vgg_variant vgg_variant_conv_int8 = {
    .name = "conv_int8",
    .layers = VGG_LAYER_BIT(VGG_LAYER_CONV2D),
    .quantizes = true,
    .fuses_relu = true,
    .fuses_pool = true,
    .storages = 1u << CLVGG_STORAGE_INT8,
    .rank = vgg_int8_rank_products,
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
