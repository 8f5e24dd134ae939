/* train/finetune_project.c — a few batches of noise, timed: how long all of it will take. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "train/finetune.h"

enum { TIMED = 3 };

/* Milliseconds of one image's features, decoding aside: it goes on beside the device. */
static clvgg_status time_features(clvgg_finetune *finetune, double *image_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_frozen *frozen = &finetune->frozen;
    float *images = NULL, *features = NULL;
    double best = 0;
    VGG_NEW(images, (size_t)frozen->batch * frozen->input_count);
    VGG_NEW(features, (size_t)frozen->batch * frozen->feature_count);
    vgg_random_fill(images, (size_t)frozen->batch * frozen->input_count, 0, 1);
    for (int i = 0; i < TIMED; i++) { /* the first builds and uploads, so it never is the best */
        const double start = vgg_clock_ms();
        VGG_TRY(vgg_frozen_compute(frozen, frozen->batch, images, features));
        const double ms = vgg_clock_ms() - start;
        best = i == 0 || ms < best ? ms : best;
    }
    *image_ms = best / frozen->batch;
cleanup:
    vgg_frozen_stop(frozen);
    vgg_free(images);
    vgg_free(features);
    return status;
}

/* Milliseconds of a training step and of a forward pass of a batch. */
static clvgg_status time_head(clvgg_finetune *finetune, double *step_ms, double *infer_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int batch = finetune->options.batch;
    const size_t count = (size_t)batch * finetune->frozen.feature_count;
    vgg_head *head = NULL;
    float *features = NULL, *losses = NULL, *logits = NULL;
    int32_t *labels = NULL;
    VGG_NEW(features, count);
    VGG_NEW(losses, (size_t)batch);
    VGG_NEW(labels, (size_t)batch);
    VGG_NEW(logits, (size_t)batch * finetune->train->files->class_count);
    vgg_random_fill(features, count, 0, 1);
    VGG_TRY(vgg_head_create(finetune->device, &finetune->head_options, vgg_finetune_initial,
                            finetune, &head));
    for (int i = 0; i < TIMED; i++) {
        const vgg_head_step step = {
            .step = (uint64_t)i + 1, .lr = 1e-6, .momentum = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
        const double start = vgg_clock_ms();
        VGG_TRY(vgg_head_train(head, batch, features, labels, &step, losses, NULL));
        const double middle = vgg_clock_ms();
        VGG_TRY(vgg_head_infer(head, batch, features, logits));
        const double end = vgg_clock_ms();
        *step_ms = i == 0 || middle - start < *step_ms ? middle - start : *step_ms;
        *infer_ms = i == 0 || end - middle < *infer_ms ? end - middle : *infer_ms;
    }
cleanup:
    vgg_head_free(head);
    vgg_free(features);
    vgg_free(losses);
    vgg_free(labels);
    vgg_free(logits);
    return status;
}

clvgg_status vgg_finetune_project(clvgg_finetune *finetune, double *features_seconds,
                                  double *epoch_seconds)
{
    clvgg_finetune_plan plan;
    double image_ms = 0, step_ms = 0, infer_ms = 0;
    vgg_finetune_get_plan(finetune, &plan);
    if (finetune->options.cache_dir == NULL || plan.cached_images < plan.feature_images)
        VGG_PASS(time_features(finetune, &image_ms));
    VGG_PASS(time_head(finetune, &step_ms, &infer_ms));
    const double batches = (double)(plan.val_images + (uint64_t)finetune->options.batch - 1) /
                           (double)finetune->options.batch;
    *features_seconds = 1e-3 * image_ms * (double)(plan.feature_images - plan.cached_images);
    *epoch_seconds = 1e-3 * (step_ms * (double)plan.steps_an_epoch + infer_ms * batches);
    if (finetune->options.cache_dir == NULL) { /* each epoch computes its own */
        *features_seconds = 0;
        *epoch_seconds += 1e-3 * image_ms * (double)(plan.train_images + plan.val_images);
    }
    return CLVGG_STATUS_OK;
}
