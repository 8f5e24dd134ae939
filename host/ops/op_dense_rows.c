/* ops/op_dense_rows.c — cl/dense_rows.cl: dense layers for GPUs, a work-group a weight row. */
#include "ops/op.h"

enum { IMAGES, ITEMS }; /* op->parameters, and tunables */
enum { DEFAULT_ITEMS = 64, MAX_IMAGES = 8 };
static const vgg_tunable tunables[] = {{"TN", {1, 2, 4, 8, 16}}, {"WG", {32, 64, 128, 256}}, {0}};

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    const int batch = op->problem.max_batch;
    const int images = vgg_op_chosen(op, IMAGES, batch < MAX_IMAGES ? batch : MAX_IMAGES);
    const int items = vgg_op_chosen(op, ITEMS, DEFAULT_ITEMS);
    const uint64_t local_bytes = (uint64_t)images * (uint64_t)items * sizeof(float);
    VGG_PASS(vgg_require_group(traits, "dense_rows", items, local_bytes));
    op->parameters[IMAGES] = images;
    op->parameters[ITEMS] = items;
    op->pack = vgg_problem_pack(&op->problem, 1);
    vgg_op_add_program(op, "dense_rows.cl", "dense_rows", "-DWG=%d -DTN=%d", items, images);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    for (int i = 0; i < io->weights->piece_count; i++) {
        const vgg_weight_piece *piece = &io->weights->pieces[i];
        vgg_args args = vgg_dense_args(op, io, piece, piece->first_row, count);
        const size_t local[2] = {(size_t)op->parameters[ITEMS], 1};
        const size_t global[2] = {(size_t)piece->rows * local[0],
                                  (size_t)vgg_ceil_div(count, op->parameters[IMAGES])};
        VGG_PASS(vgg_launch_kernel(launch, &args, 2, global, local));
    }
    return CLVGG_STATUS_OK;
}

const vgg_variant vgg_variant_dense_rows = {
    .name = "dense_rows",
    .layers = VGG_LAYER_BIT(VGG_LAYER_DENSE),
    .fuses_relu = true,
    .tunables = tunables,
    .configure = configure,
    .enqueue = enqueue,
};
