/* exec/chain_run.c — a flat walk over the stages, band by band: bind what changed since the pass
 * before (ocl/args.h), enqueue. Nothing is allocated, but for the times of a timed pass.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "exec/chain.h"

/* A stage for some images: what a pass is walked by. Begins as {0}. */
typedef struct chain_piece {
    int stage, image, images;
} chain_piece;

/* The next piece of a pass of `count` images; false behind the last. */
static bool next_piece(const vgg_chain *chain, int count, chain_piece *piece)
{
    const vgg_stage *stage = piece->images > 0 ? chain->stages[piece->stage] : NULL;
    if (stage != NULL && piece->stage + 1 < stage->band_end) {
        piece->stage++;
    } else if (stage != NULL && piece->image + piece->images < count) {
        piece->stage = stage->band_first;
        piece->image += piece->images;
    } else if (stage != NULL) {
        piece->stage++;
        piece->image = 0;
    }
    if (piece->stage == chain->count)
        return false;
    const int most = chain->stages[piece->stage]->band_images, left = count - piece->image;
    piece->images = most < left ? most : left;
    return true;
}

static clvgg_status enqueue_images(const vgg_stage *stage, vgg_launch *launch, int image, int count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    if (stage->is_gradient) {
        status = vgg_grad_enqueue(&stage->gradient, launch, &stage->gradient_io, count);
    } else {
        vgg_op_io io = vgg_op_io_at(&stage->op, &stage->io, image);
        if (stage->input_stays)
            io.input = stage->io.input;
        if (stage->output_stays)
            io.output = stage->io.output;
        status = vgg_op_enqueue(&stage->op, launch, &io, count);
    }
    if (status != CLVGG_STATUS_OK && stage->name[0] != '\0')
        vgg_message_prefix("%s (%s)", stage->name,
                           stage->is_gradient ? stage->gradient.variant->name
                                              : stage->op.variant->name);
    return status;
}

clvgg_status vgg_stage_enqueue(const vgg_stage *stage, vgg_launch *launch, int count)
{
    return enqueue_images(stage, launch, 0, count);
}

clvgg_status vgg_chain_enqueue(vgg_chain *chain, vgg_launch *launch, int count, bool timed)
{
    int pieces = 0;
    for (chain_piece piece = {0}; timed && next_piece(chain, count, &piece);)
        pieces++;
    if (timed)
        VGG_NEW_PASS(chain->ended, (size_t)pieces);
    for (chain_piece piece = {0}; next_piece(chain, count, &piece);) {
        VGG_PASS(enqueue_images(chain->stages[piece.stage], launch, piece.image, piece.images));
        if (timed) {
            VGG_PASS(
                vgg_stamp_take(chain->device, launch->last, &chain->ended[chain->ended_count]));
            chain->ended_count++;
        }
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_chain_read_times(vgg_chain *chain, int count, const vgg_stamp *begun)
{
    const vgg_stamp *before = begun, *after = chain->ended;
    double ms = 0;
    for (int i = 0; i < chain->count; i++)
        chain->stages[i]->ms = 0.0;
    for (chain_piece piece = {0}; next_piece(chain, count, &piece); before = after++) {
        VGG_PASS(vgg_stamp_between(before, after, &ms));
        chain->stages[piece.stage]->ms += ms;
    }
    return CLVGG_STATUS_OK;
}

void vgg_chain_forget_times(vgg_chain *chain)
{
    for (int i = 0; i < chain->ended_count; i++)
        vgg_stamp_release(&chain->ended[i]);
    vgg_free(chain->ended);
    chain->ended = NULL;
    chain->ended_count = 0;
}

clvgg_status vgg_chain_run(vgg_chain *chain, cl_command_queue queue, int count, double *ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_launch launch = vgg_launch_begin(queue, false, 0, NULL);
    const double start = vgg_clock_ms();
    VGG_TRY(vgg_chain_enqueue(chain, &launch, count, false));
    VGG_CL(clFinish(queue));
    *ms = vgg_clock_ms() - start;
cleanup:
    if (status != CLVGG_STATUS_OK)
        clFinish(queue);
    vgg_launch_abandon(&launch);
    return status;
}
