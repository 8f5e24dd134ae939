/* ops/op_dense_blocked.c — cl/dense_blocked.cl: dense layers for CPUs. */
#include "ops/op.h"

enum { IMAGE_GROUP }; /* op->parameters */
enum { VECTORS = 2, REGISTER_IMAGES = 8, MAX_GROUP = 32 };

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_conv_attributes conv = vgg_problem_conv(&op->problem);
    const int width = traits->vector_width;
    VGG_REQUIRE(width >= 4, CLVGG_STATUS_UNSUPPORTED,
                "dense_blocked is for CPUs with vector registers");
    const int images = op->problem.max_batch == 1 ? 1 : width == 8 ? 4 : REGISTER_IMAGES;
    op->parameters[IMAGE_GROUP] = images == 1 ? 1 : MAX_GROUP;
    op->pack = (vgg_pack){.rows = conv.out_channels,
                          .channels = vgg_shape_as_image(&op->problem.input).dims[0],
                          .spatial = 1,
                          .block = 1,
                          .panel = width * VECTORS,
                          .splittable = true};
    vgg_op_add_program(op, "dense_blocked.cl", "dense_blocked",
                       "-DVW=%d -DKB=%d -DTN=%d -DGROUP=%d", width, VECTORS, images,
                       op->parameters[IMAGE_GROUP]);
cleanup:
    return status;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    for (int i = 0; i < io->weights->piece_count; i++) {
        const vgg_weight_piece *piece = &io->weights->pieces[i];
        vgg_args args = vgg_dense_args(op, io, piece, piece->first_row / op->pack.panel, count);
        VGG_TRY(vgg_args_end(&args));
        const size_t local[2] = {1, 1};
        const size_t global[2] = {(size_t)vgg_ceil_div(piece->rows, op->pack.panel),
                                  (size_t)vgg_ceil_div(count, op->parameters[IMAGE_GROUP])};
        VGG_TRY(vgg_launch_kernel(launch, op->programs[0].kernel, 2, global, local));
    }
cleanup:
    return status;
}

const vgg_variant vgg_variant_dense_blocked = {
    .name = "dense_blocked",
    .layers = VGG_LAYER_BIT(VGG_LAYER_DENSE),
    .configure = configure,
    .enqueue = enqueue,
};
