/* ops/op_dense_int8.c — cl/dense_int8.cl: dense layers of quantised values by int8 weights, on
 * CPUs.
 */
#include "ops/int8.h"

enum { QUANTIZE, MULTIPLY };            /* op->programs */
enum { CHOOSE_IMAGES, CHOOSE_VECTORS }; /* tunables */
static const vgg_tunable tunables[] = {{"TN", {1, 2, 4, 6, 8, 12}}, {"KB", {1, 2, 4, 8}}, {0}};
enum { PIECE = 1024 }; /* features that a work-item quantises */

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    enum { VECTORS = 4, IMAGES = 6 };
    const int batch = op->problem.max_batch;
    const int vectors = vgg_op_chosen(op, CHOOSE_VECTORS, VECTORS);
    const int most = vgg_register_rows(traits, vectors);
    const int best = batch < IMAGES ? batch : IMAGES;
    const int images = vgg_op_chosen(op, CHOOSE_IMAGES, best < most ? best : most);
    VGG_CHECK(images <= most, CLVGG_STATUS_UNSUPPORTED,
              "dense_int8: tiles of %dx%d vectors don't fit the registers, at most %dx%d", images,
              vectors, most, vectors);
    VGG_PASS(vgg_int8_require_cpu(op, traits));
    VGG_PASS(vgg_int8_configure(op, vectors));
    const int64_t features = op->pack.channels;
    const int64_t bytes = vgg_ceil_div(features, VGG_INT8_LANES) * VGG_INT8_LANES;
    op->workspace_elements =
        (uint64_t)(batch * (bytes / (int64_t)sizeof(float) + vgg_ceil_div(features, PIECE)));
    vgg_op_add_program(op, "dense_int8.cl", "quantize_bytes", "-DPIECE=%d", PIECE);
    vgg_op_add_program(op, "dense_int8.cl", "dense_int8", "-DTN=%d -DKB=%d -DDOT=%d", images,
                       vectors, (int)traits->byte_products);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue_piece(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                  const vgg_weight_piece *piece, int count)
{
    const vgg_quantize_attributes *q = op->problem.quantized;
    const size_t local = 1, global = (size_t)vgg_ceil_div(piece->rows, op->pack.panel);
    vgg_args args = vgg_args_of(op->programs[MULTIPLY].kernel);
    VGG_ARG_BUFFERS(&args, io->workspace, (vgg_buffer){piece->memory, 0}, io->bias, io->output);
    VGG_ARG_INTS(&args, count, op->pack.channels, op->pack.rows, piece->first_row, op->problem.relu,
                 vgg_ceil_div(op->pack.channels, PIECE));
    vgg_arg_ulong(&args, vgg_pack_elements(&op->pack, piece->rows));
    vgg_arg_float(&args, q->scale);
    VGG_ARG_INTS(&args, q->low);
    return vgg_launch_kernel(launch, &args, 1, &global, &local);
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const vgg_quantize_attributes *q = op->problem.quantized;
    const size_t local[2] = {1, 1};
    const size_t global[2] = {(size_t)count, (size_t)vgg_ceil_div(op->pack.channels, PIECE)};
    vgg_args args = vgg_args_of(op->programs[QUANTIZE].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->workspace);
    VGG_ARG_INTS(&args, count, op->pack.channels);
    vgg_arg_float(&args, 1.0f / q->scale);
    VGG_ARG_INTS(&args, q->low, q->high);
    VGG_PASS(vgg_launch_kernel(launch, &args, 2, global, local));
    for (int i = 0; i < io->weights->piece_count; i++)
        VGG_PASS(enqueue_piece(op, launch, io, &io->weights->pieces[i], count));
    return CLVGG_STATUS_OK;
}

/* Dense layers wait for their weights, and bytes are a quarter of them. */
static vgg_rank rank(const vgg_variant *variant, const vgg_problem *problem,
                     const vgg_traits *traits)
{
    (void)variant, (void)problem;
    return traits->type == CLVGG_DEVICE_CPU ? VGG_RANK_BEST : VGG_RANK_LAST;
}

const vgg_variant vgg_variant_dense_int8 = {
    .name = "dense_int8",
    .layers = VGG_LAYER_BIT(VGG_LAYER_DENSE),
    .quantizes = true,
    .fuses_relu = true,
    .storages = 1u << CLVGG_STORAGE_INT8,
    .rank = rank,
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
