/* train/finetune_run.c — features, then epochs: steps, evaluation, checkpoints. */
#include <math.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "train/evaluation.h"
#include "train/finetune.h"

static const double adam_beta2 = 0.999, adam_epsilon = 1e-8; /* Kingma & Ba's */

static double seconds_since(double start_ms)
{
    return (vgg_clock_ms() - start_ms) * 1e-3;
}

/* A wish to stop stays one: not every event is followed by a place to stop. */
bool vgg_finetune_tell(clvgg_finetune *finetune, clvgg_finetune_event *event)
{
    const clvgg_finetune_options *options = &finetune->options;
    if (options->progress == NULL)
        return true;
    event->struct_size = sizeof *event;
    event->epoch = finetune->state.epoch;
    event->epochs = options->epochs;
    event->step = finetune->state.step;
    event->steps = finetune->schedule.total_steps;
    event->seconds = seconds_since(finetune->start_ms);
    if (options->progress(options->user, event) != 0)
        finetune->stopping = true;
    return !finetune->stopping;
}

static clvgg_status cancelled(const clvgg_finetune *finetune)
{
    return vgg_fail(CLVGG_STATUS_CANCELLED, "stopped in epoch %d, behind step %llu",
                    finetune->state.epoch, (unsigned long long)finetune->state.step);
}

/* ---- features ---- */

static bool report_photographs(void *user, uint64_t done, uint64_t total)
{
    clvgg_finetune *finetune = user;
    clvgg_finetune_event event = {.type = finetune->checking ? CLVGG_FINETUNE_CHECK
                                                             : CLVGG_FINETUNE_FEATURES,
                                  .done = done,
                                  .total = total};
    return vgg_finetune_tell(finetune, &event);
}

clvgg_status vgg_finetune_check(clvgg_finetune *finetune)
{
    clvgg_status status = CLVGG_STATUS_OK;
    finetune->start_ms = vgg_clock_ms();
    finetune->stopping = false;
    finetune->checking = true;
    VGG_TRY(vgg_features_check(finetune->features, finetune->items, finetune->item_count,
                               report_photographs, finetune));
    VGG_TRY(vgg_finetune_settle(finetune));
cleanup:
    finetune->checking = false;
    return status;
}

static clvgg_status fill_features(clvgg_finetune *finetune)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(vgg_features_fill(finetune->features, finetune->items, finetune->item_count,
                              report_photographs, finetune));
    VGG_TRY(vgg_finetune_settle(finetune));
cleanup:
    vgg_frozen_stop(&finetune->frozen); /* its memory is the head's now */
    return status;
}

/* ---- evaluation ---- */

/* Probabilities of one image, and −ln of the true class's. */
static double softmax(const float *logits, size_t count, size_t truth, float *probabilities)
{
    double most = (double)logits[0], sum = 0;
    for (size_t c = 1; c < count; c++)
        most = (double)logits[c] > most ? (double)logits[c] : most;
    for (size_t c = 0; c < count; c++)
        sum += exp((double)logits[c] - most);
    for (size_t c = 0; c < count; c++)
        probabilities[c] = (float)(exp((double)logits[c] - most) / sum);
    return log(sum) + most - (double)logits[truth];
}

/* Evaluates one batch of validation images, from `first` on. */
static clvgg_status evaluate_batch(clvgg_finetune *finetune, const float *features, size_t first,
                                   int count, float *logits, clvgg_evaluation *evaluation,
                                   double *loss_sum)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t classes = finetune->val->files->class_count;
    float *probabilities = NULL;
    VGG_NEW(probabilities, classes);
    VGG_TRY(vgg_head_infer(finetune->head, count, features, logits));
    for (int i = 0; i < count; i++) {
        const size_t image = first + (size_t)i;
        const size_t truth = vgg_dataset_image_at(finetune->val, image)->class_index;
        const double loss = softmax(logits + (size_t)i * classes, classes, truth, probabilities);
        VGG_REQUIRE(
            isfinite(loss), CLVGG_STATUS_NON_FINITE, "%s: its loss behind step %llu is no number",
            vgg_dataset_image_path(finetune->val, image), (unsigned long long)finetune->state.step);
        *loss_sum += loss;
        VGG_TRY(vgg_evaluation_add(evaluation, truth, probabilities));
    }
cleanup:
    vgg_free(probabilities);
    return status;
}

/* All validation images, as they are. */
static clvgg_status evaluate(clvgg_finetune *finetune, clvgg_evaluation *evaluation,
                             double *mean_loss)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t images = finetune->val->count;
    const int batch = finetune->options.batch;
    vgg_feature_stream *stream = NULL;
    float *features = NULL, *logits = NULL;
    double loss_sum = 0;
    size_t first = 0;
    VGG_NEW(features, (size_t)batch * finetune->frozen.feature_count);
    VGG_NEW(logits, (size_t)batch * finetune->val->files->class_count);
    VGG_TRY(vgg_feature_stream_open(finetune->features,
                                    finetune->items + finetune->item_count - images, images, batch,
                                    &stream));
    for (int count = 1; count > 0; first += (size_t)count) {
        VGG_TRY(vgg_finetune_next(finetune, stream, features, &count));
        if (count > 0)
            VGG_TRY(
                evaluate_batch(finetune, features, first, count, logits, evaluation, &loss_sum));
    }
    *mean_loss = loss_sum / (double)images;
cleanup:
    vgg_feature_stream_close(stream);
    vgg_free(features);
    vgg_free(logits);
    return status;
}

/* ---- checkpoints ---- */

static clvgg_status save_last(clvgg_finetune *finetune)
{
    if (finetune->last_path == NULL)
        return CLVGG_STATUS_OK;
    const vgg_checkpoint_layers layers = vgg_finetune_layers(finetune, true);
    VGG_PASS(vgg_checkpoint_write(finetune->last_path, finetune->settings.bytes, &finetune->state,
                                  &layers));
    clvgg_finetune_event event = {.type = CLVGG_FINETUNE_SAVED, .path = finetune->last_path};
    /* A wish to stop is heard behind the step or epoch. */
    (void)vgg_finetune_tell(finetune, &event);
    return CLVGG_STATUS_OK;
}

static clvgg_status add_epoch(vgg_train_state *state, const clvgg_finetune_epoch *epoch)
{
    clvgg_finetune_epoch *grown =
        vgg_realloc(state->epochs, state->epoch_count + 1, sizeof *state->epochs);
    if (grown == NULL)
        return vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "no memory for another epoch's figures");
    state->epochs = grown;
    state->epochs[state->epoch_count++] = *epoch;
    return CLVGG_STATUS_OK;
}

static double best_loss(const vgg_train_state *state)
{
    return state->epoch_count == 0 ? (double)INFINITY : state->epochs[state->best_epoch].val_loss;
}

/* Evaluates what has been trained as `epoch`, and moves the state behind it. */
static clvgg_status end_epoch(clvgg_finetune *finetune, int epoch, double start_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_train_state *state = &finetune->state;
    clvgg_evaluation *evaluation = NULL;
    clvgg_evaluation_summary summary = {.struct_size = sizeof summary};
    clvgg_finetune_epoch figures = {.struct_size = sizeof figures, .epoch = epoch};
    VGG_TRY(vgg_evaluation_create(finetune->device->runtime, finetune->val->files->class_count,
                                  &evaluation));
    VGG_TRY(evaluate(finetune, evaluation, &figures.val_loss));
    vgg_evaluation_summarize(evaluation, &summary);
    figures.step = state->step;
    figures.lr = epoch == 0 ? 0 : vgg_schedule_lr(&finetune->schedule, state->step);
    figures.train_loss = epoch == 0 ? (double)NAN : state->loss_sum / (double)state->position;
    figures.train_accuracy =
        epoch == 0 ? (double)NAN : (double)state->correct / (double)state->position;
    figures.val_accuracy = summary.accuracy;
    figures.val_auc = summary.auc;
    figures.seconds = state->seconds + seconds_since(start_ms);
    figures.best = figures.val_loss < best_loss(state);
    VGG_TRY(add_epoch(state, &figures));
    if (figures.best)
        state->best_epoch = epoch;
    state->epoch = epoch + 1;
    state->position = state->correct = 0;
    state->loss_sum = state->seconds = 0;
    if (figures.best && finetune->options.keep == CLVGG_KEEP_BEST)
        VGG_TRY(vgg_finetune_keep_best(finetune));
    VGG_TRY(save_last(finetune));
    clvgg_finetune_event event = {.type = CLVGG_FINETUNE_EPOCH, .epoch_figures = &figures};
    if (!vgg_finetune_tell(finetune, &event))
        status = cancelled(finetune);
cleanup:
    vgg_evaluation_free(evaluation);
    return status;
}

/* ---- steps ---- */

static vgg_head_step step_of(const clvgg_finetune *finetune)
{
    const clvgg_finetune_options *options = &finetune->options;
    const uint64_t step = finetune->state.step + 1;
    return (vgg_head_step){.step = step,
                           .lr = vgg_schedule_lr(&finetune->schedule, step),
                           .momentum = options->momentum,
                           .beta2 = adam_beta2,
                           .epsilon = adam_epsilon,
                           .weight_decay = options->weight_decay,
                           .clip_norm = options->clip_norm};
}

/* Trains on one batch and moves the state on. */
static clvgg_status train_batch(clvgg_finetune *finetune, const vgg_feature_item *items, int count,
                                const float *features, int32_t *labels, float *losses)
{
    vgg_train_state *state = &finetune->state;
    const vgg_head_step step = step_of(finetune);
    int correct = 0;
    for (int i = 0; i < count; i++)
        labels[i] = (int32_t)vgg_dataset_image_at(finetune->train, items[i].image)->class_index;
    const clvgg_status status =
        vgg_head_train(finetune->head, count, features, labels, &step, losses, &correct);
    if (status == CLVGG_STATUS_NON_FINITE)
        vgg_message_prefix("step %llu, learning rate %g", (unsigned long long)step.step, step.lr);
    VGG_PASS(status);
    for (int i = 0; i < count; i++)
        state->loss_sum += (double)losses[i];
    state->correct += (uint64_t)correct;
    state->position += (uint64_t)count;
    state->step = step.step;
    return CLVGG_STATUS_OK;
}

/* The epoch's images, each by one of its views. */
static clvgg_status order_epoch(const clvgg_finetune *finetune, vgg_feature_item *items)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t images = finetune->train->count;
    const clvgg_finetune_options *options = &finetune->options;
    const int epoch = finetune->state.epoch;
    uint32_t *order = NULL;
    VGG_NEW(order, images);
    vgg_epoch_order(options->seed, epoch, images, order);
    for (size_t i = 0; i < images; i++)
        items[i] =
            (vgg_feature_item){finetune->train, order[i],
                               vgg_epoch_view(options->seed, epoch, order[i], options->views)};
cleanup:
    vgg_free(order);
    return status;
}

static bool report_step(clvgg_finetune *finetune)
{
    const vgg_train_state *state = &finetune->state;
    const double done = (double)state->position;
    clvgg_finetune_event event = {.type = CLVGG_FINETUNE_STEP,
                                  .done = state->position,
                                  .total = finetune->train->count,
                                  .loss = state->loss_sum / done,
                                  .accuracy = (double)state->correct / done,
                                  .lr = vgg_schedule_lr(&finetune->schedule, state->step)};
    return vgg_finetune_tell(finetune, &event);
}

/* Behind a step: a checkpoint when it is time, or when the caller wants to stop. */
static clvgg_status after_step(clvgg_finetune *finetune, bool go_on, double *saved_ms)
{
    const double every = finetune->options.checkpoint_seconds;
    if (go_on && (every <= 0 || seconds_since(*saved_ms) < every))
        return CLVGG_STATUS_OK;
    VGG_PASS(save_last(finetune));
    *saved_ms = vgg_clock_ms();
    return finetune->stopping ? cancelled(finetune) : CLVGG_STATUS_OK;
}

/* The rest of the epoch in work. */
static clvgg_status train_epoch(clvgg_finetune *finetune, double *saved_ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_train_state *state = &finetune->state;
    const size_t images = finetune->train->count;
    const size_t batch = (size_t)finetune->options.batch;
    const double start_ms = vgg_clock_ms(), before = state->seconds;
    vgg_feature_stream *stream = NULL;
    vgg_feature_item *items = NULL;
    float *features = NULL, *losses = NULL;
    int32_t *labels = NULL;
    VGG_NEW(items, images);
    VGG_NEW(features, batch * finetune->frozen.feature_count);
    VGG_NEW(losses, batch);
    VGG_NEW(labels, batch);
    VGG_TRY(order_epoch(finetune, items));
    VGG_TRY(vgg_feature_stream_open(finetune->features, items + state->position,
                                    images - (size_t)state->position, (int)batch, &stream));
    while (state->position < images) {
        int count = 0;
        VGG_TRY(vgg_finetune_next(finetune, stream, features, &count));
        VGG_TRY(train_batch(finetune, items + state->position, count, features, labels, losses));
        state->seconds = before + seconds_since(start_ms);
        VGG_TRY(after_step(finetune, report_step(finetune), saved_ms));
    }
cleanup:
    vgg_feature_stream_close(stream);
    vgg_free(items);
    vgg_free(features);
    vgg_free(losses);
    vgg_free(labels);
    return status;
}

/* ---- from first to last ---- */

static bool out_of_patience(const clvgg_finetune *finetune)
{
    const int patience = finetune->options.patience;
    return patience > 0 && finetune->state.epoch - 1 - finetune->state.best_epoch >= patience;
}

/* The head on the device, with first values or a checkpoint's. */
static clvgg_status start_head(clvgg_finetune *finetune)
{
    vgg_head_free(finetune->head);
    finetune->head = NULL;
    VGG_PASS(vgg_head_create(finetune->device, &finetune->head_options, vgg_finetune_initial,
                             finetune, &finetune->head));
    if (finetune->left_out_count == 0)
        vgg_text_puts(&finetune->settings, "left out=none\n");
    vgg_text_printf(&finetune->settings, "features divided by=2^%d\nkernels=%016llx\n",
                    finetune->scale_exponent,
                    (unsigned long long)vgg_head_fingerprint(finetune->head));
    VGG_CHECK(!finetune->settings.failed, CLVGG_STATUS_OUT_OF_MEMORY,
              "no memory for a description");
    if (finetune->resumed == NULL)
        return CLVGG_STATUS_OK;
    VGG_PASS(vgg_finetune_check_position(finetune));
    VGG_PASS(vgg_checkpoint_compare(finetune->resumed, finetune->settings.bytes, true));
    const vgg_checkpoint_layers layers = vgg_finetune_layers(finetune, true);
    VGG_PASS(vgg_checkpoint_restore(finetune->resumed, &layers));
    vgg_checkpoint_close(finetune->resumed);
    finetune->resumed = NULL;
    return CLVGG_STATUS_OK;
}

/* The weights that are kept once more, for what the caller asks about them. */
static clvgg_status finish(clvgg_finetune *finetune)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t classes = finetune->val->files->class_count;
    clvgg_evaluation *evaluation = NULL;
    uint64_t *confusion = NULL;
    double loss;
    if (finetune->options.keep == CLVGG_KEEP_BEST)
        VGG_TRY(vgg_finetune_restore_best(finetune));
    VGG_TRY(vgg_evaluation_create(finetune->device->runtime, classes, &evaluation));
    VGG_TRY(evaluate(finetune, evaluation, &loss));
    VGG_NEW(confusion, classes * classes);
    for (size_t truth = 0; truth < classes; truth++)
        for (size_t predicted = 0; predicted < classes; predicted++)
            confusion[truth * classes + predicted] =
                vgg_evaluation_confusion(evaluation, truth, predicted);
    finetune->confusion = confusion;
cleanup:
    vgg_evaluation_free(evaluation);
    return status;
}

clvgg_status vgg_finetune_run(clvgg_finetune *finetune)
{
    vgg_train_state *state = &finetune->state;
    VGG_CHECK(finetune->confusion == NULL && finetune->head == NULL, CLVGG_STATUS_INVALID_ARGUMENT,
              "it has run already: make another to go on");
    finetune->start_ms = vgg_clock_ms();
    finetune->stopping = false;
    VGG_PASS(vgg_finetune_make_folder(finetune));
    VGG_PASS(finetune->options.cache_dir != NULL ? fill_features(finetune)
                                                 : vgg_finetune_check(finetune));
    VGG_PASS(vgg_finetune_find_scale(finetune));
    VGG_PASS(start_head(finetune));
    if (state->epoch_count == 0) {
        state->epoch = 0;
        VGG_PASS(end_epoch(finetune, 0, vgg_clock_ms()));
    }
    double saved_ms = vgg_clock_ms();
    while (state->epoch <= finetune->options.epochs && !out_of_patience(finetune)) {
        VGG_PASS(train_epoch(finetune, &saved_ms));
        VGG_PASS(end_epoch(finetune, state->epoch, vgg_clock_ms()));
        saved_ms = vgg_clock_ms();
    }
    return finish(finetune);
}
