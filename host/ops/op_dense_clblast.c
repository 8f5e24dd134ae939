/* ops/op_dense_clblast.c — dense layers by CLBlast: y [n][O] = x [n][I] · w [O][I]ᵀ, then bias.
 *
 * The GEMM always has max_batch rows: CLBlast picks its kernel by size, and an image's bits must
 * not depend on how many others are in the batch.
 */
#include "ops/clblast.h"
#include "ops/op.h"

static vgg_gemm piece_gemm(const vgg_op *op, int64_t rows)
{
    return (vgg_gemm){.m = op->problem.max_batch,
                      .n = rows,
                      .k = op->pack.channels,
                      .transpose_b = true,
                      .lda = op->pack.channels,
                      .ldb = op->pack.channels,
                      .ldc = op->pack.rows};
}

static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    op->reads_full_batch = true;
    op->pack = vgg_problem_pack(&op->problem, 1);
    if (traits->queue != NULL) { /* a piece needs no more than the whole */
        const vgg_gemm gemm = piece_gemm(op, op->pack.rows);
        VGG_PASS(vgg_clblast_workspace(&gemm, traits->queue, &op->clblast_elements));
    }
    vgg_op_add_program(op, "activation.cl", "activation", "-DBIAS=1 -DFUNCTION=%d",
                       op->problem.relu);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    for (int i = 0; i < io->weights->piece_count; i++) {
        const vgg_weight_piece *piece = &io->weights->pieces[i];
        const vgg_gemm gemm = piece_gemm(op, piece->rows);
        const vgg_buffer to = {io->output.memory, io->output.offset + (uint64_t)piece->first_row};
        VGG_PASS(vgg_clblast_gemm(launch, &gemm, io->input, (vgg_buffer){piece->memory, 0}, to,
                                  io->clblast_workspace));
    }
    const vgg_activation_io sums = {.input = io->output,
                                    .output = io->output,
                                    .bias = io->bias,
                                    .count = (uint64_t)(count * op->pack.rows),
                                    .channels = op->pack.rows,
                                    .inner = 1};
    return vgg_enqueue_activation(op->programs[0].kernel, launch, &sums);
}

/* CLBlast's untuned kernels are 10 to 30 times too slow on CPUs; on a GPU its GEMM wins where the
 * batch makes it a large one: it doesn't cut long sums of few rows into slices, as dense_tiled
 * does. */
static vgg_rank rank(const vgg_variant *variant, const vgg_problem *problem,
                     const vgg_traits *traits)
{
    enum { LARGE_BATCH = 64 };
    (void)variant;
    return traits->type == CLVGG_DEVICE_GPU && problem->max_batch >= LARGE_BATCH ? VGG_RANK_BEST
                                                                                 : VGG_RANK_LAST;
}

const vgg_variant vgg_variant_dense_clblast = {
    .name = "dense_clblast",
    .layers = VGG_LAYER_BIT(VGG_LAYER_DENSE),
    .uses_clblast = true,
    .is_clblast_gemm = true,
    .fuses_relu = true,
    .storages = 1u << CLVGG_STORAGE_F32,
    .work_group = VGG_LINEAR_LOCAL,
    .rank = rank,
    .configure = configure,
    .enqueue = enqueue,
};
