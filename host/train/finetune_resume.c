/* train/finetune_resume.c — the folder of a run: a checkpoint to go on from, and the best epoch's.
 *
 * A checkpoint may be anyone's file, and the two in a folder may be of different runs: a run that
 * was killed between writing best.ckpt and last.ckpt leaves a new one beside an old one.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "train/finetune.h"

static clvgg_status path_in(const char *folder, const char *name, char **out)
{
    vgg_text path = {0};
    vgg_text_printf(&path, "%s/%s", folder, name);
    return vgg_text_take(&path, name, out);
}

clvgg_status vgg_finetune_make_folder(const clvgg_finetune *finetune)
{
    const char *folder = finetune->options.run_dir;
    VGG_CHECK(folder == NULL || mkdir(folder, 0777) == 0 || errno == EEXIST, CLVGG_STATUS_IO,
              "%s: can't be made: %s", folder, strerror(errno));
    return CLVGG_STATUS_OK;
}

/* A position that training with these options comes through. */
static bool is_reachable(const clvgg_finetune *finetune, const vgg_train_state *state)
{
    const uint64_t images = finetune->train->count, batch = (uint64_t)finetune->options.batch;
    const uint64_t done = (uint64_t)(state->epoch - 1) * vgg_finetune_steps_an_epoch(finetune);
    return state->epoch <= finetune->options.epochs + 1 && state->position <= images &&
           (state->position % batch == 0 || state->position == images) &&
           (state->epoch <= finetune->options.epochs || state->position == 0) &&
           state->step == done + (state->position + batch - 1) / batch;
}

/* The best epoch's checkpoint of this run, of `epoch` or, where `later` will do, of one behind it:
 * training comes to that one again. */
static clvgg_status open_best(const clvgg_finetune *finetune, bool later, vgg_checkpoint **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int epoch = finetune->state.best_epoch;
    vgg_checkpoint *best = NULL;
    vgg_train_state state = {0};
    *out = NULL;
    VGG_TRY(vgg_checkpoint_open(finetune->best_path, &best));
    VGG_TRY(vgg_checkpoint_compare(best, finetune->settings.bytes, !later));
    VGG_TRY(vgg_checkpoint_state(best, &state));
    VGG_REQUIRE(state.best_epoch == epoch || (later && state.best_epoch > epoch),
                CLVGG_STATUS_UNSUPPORTED, "%s: is of epoch %d, not of the best one, %d",
                finetune->best_path, state.best_epoch, epoch);
    VGG_GIVE(out, best);
cleanup:
    vgg_free(state.epochs);
    vgg_checkpoint_close(best);
    return status;
}

clvgg_status vgg_finetune_open_best(const clvgg_finetune *finetune, vgg_checkpoint **best)
{
    return open_best(finetune, false, best);
}

clvgg_status vgg_finetune_read_checkpoint(clvgg_finetune *finetune)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_finetune_options *options = &finetune->options;
    const bool needs_best = options->keep == CLVGG_KEEP_BEST;
    vgg_checkpoint *best = NULL;
    finetune->state.epoch = 1;
    if (options->run_dir != NULL) {
        VGG_TRY(path_in(options->run_dir, "best.ckpt", &finetune->best_path));
        VGG_TRY(path_in(options->run_dir, "last.ckpt", &finetune->last_path));
    }
    if (options->resume == NULL)
        goto cleanup;
    VGG_REQUIRE(!needs_best || finetune->best_path != NULL, CLVGG_STATUS_INVALID_ARGUMENT,
                "going on from a checkpoint needs the folder with its best.ckpt");
    VGG_TRY(vgg_checkpoint_open(options->resume, &finetune->resumed));
    VGG_TRY(vgg_checkpoint_compare(finetune->resumed, finetune->settings.bytes, false));
    VGG_TRY(vgg_checkpoint_state(finetune->resumed, &finetune->state));
    if (needs_best)
        VGG_TRY(vgg_prefixed(open_best(finetune, true, &best),
                             "going on from %s needs the best epoch so far too", options->resume));
cleanup:
    vgg_checkpoint_close(best);
    return status;
}

clvgg_status vgg_finetune_check_position(const clvgg_finetune *finetune)
{
    VGG_CHECK(is_reachable(finetune, &finetune->state), CLVGG_STATUS_BAD_FILE,
              "%s: stands where training doesn't come through", finetune->options.resume);
    return CLVGG_STATUS_OK;
}
