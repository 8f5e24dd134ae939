/* cli/eval/eval_against.c — `--against`: the same photographs through two models, side by side. */
#include <math.h>
#include <string.h>

#include "cli/eval/eval.h"
#include "cli/interrupt.h"
#include "report/format.h"

/* Both models at work on a stream's batches. */
typedef struct pair {
    cli_eval *eval;
    clvgg_model *other;
    clvgg_session *sessions[2]; /* the evaluated model's, the other's */
    float *logits[2];           /* [batch][classes] */
    float *images;              /* [batch][an image's input] */
    clvgg_stream_item *items;   /* [2 × batch] */
    size_t batch, classes;
    vgg_progress progress;
} pair;

/* ---- two models that can be compared ---- */

static bool same_preprocess(const clvgg_preprocess *a, const clvgg_preprocess *b)
{
    return a->mode == b->mode && a->resize_short == b->resize_short && a->height == b->height &&
           a->width == b->width && a->channels == b->channels &&
           (a->order == b->order || a->channels == 1) && a->scale == b->scale &&
           memcmp(a->mean, b->mean, (size_t)a->channels * sizeof *a->mean) == 0 &&
           memcmp(a->std, b->std, (size_t)a->channels * sizeof *a->std) == 0;
}

static clvgg_status load_other(pair *p)
{
    const cli_context *context = &p->eval->run.context;
    const char *path = p->eval->arguments->against, *name = clvgg_model_name(context->model);
    clvgg_preprocess ours, theirs;
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    options.input_height = context->arguments->input_size.height;
    options.input_width = context->arguments->input_size.width;
    VGG_PASS(clvgg_model_load(context->runtime, path, &options, &p->other));
    VGG_CHECK(clvgg_model_class_count(p->other) == p->classes, CLVGG_STATUS_UNSUPPORTED,
              "%s has %zu classes, %s has %zu: their logits can't be compared", path,
              clvgg_model_class_count(p->other), name, p->classes);
    clvgg_preprocess_defaults(&ours);
    clvgg_preprocess_defaults(&theirs);
    clvgg_model_preprocess(context->model, &ours);
    clvgg_model_preprocess(p->other, &theirs);
    VGG_CHECK(same_preprocess(&ours, &theirs), CLVGG_STATUS_UNSUPPORTED,
              "%s wants photographs prepared otherwise than %s: their logits can't be compared",
              path, name);
    return CLVGG_STATUS_OK;
}

/* The other model is the measure of this one: it has no kernels or storage of the caller's choice.
 */
static clvgg_status make_sessions(pair *p)
{
    const cli_run *run = &p->eval->run;
    clvgg_session_options options;
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_options_defaults(&options);
    options.execution = cli_execution(&run->arguments->execution);
    options.max_batch = cli_run_batch(run, clvgg_dataset_count(p->eval->dataset));
    options.shrink_to_fit = 1;
    options.outputs = &(const char *){"logits"};
    options.output_count = 1;
    VGG_PASS(
        clvgg_session_create(run->context.device, run->context.model, &options, &p->sessions[0]));
    clvgg_session_get_stats(p->sessions[0], &stats);
    options.max_batch = stats.max_batch;
    options.execution =
        (clvgg_execution){.memory_limit_bytes = run->arguments->execution.memory_limit_bytes};
    VGG_PASS(clvgg_session_create(run->context.device, p->other, &options, &p->sessions[1]));
    p->batch = (size_t)stats.max_batch;
    for (int i = 0; i < 2; i++)
        VGG_MEMORY_NEW_PASS(p->logits[i], p->batch * p->classes, "the logits of two models");
    VGG_MEMORY_NEW_PASS(p->images, p->batch * cli_context_input_elements(&run->context),
                        "the photographs of two models");
    VGG_MEMORY_NEW_PASS(p->items, 2 * p->batch, "the photographs of two models");
    return CLVGG_STATUS_OK;
}

/* ---- what they give ---- */

static size_t largest(const float *logits, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

static void count_image(pair *p, size_t row)
{
    cli_against *against = &p->eval->against;
    const float *is = p->logits[0] + row * p->classes, *should = p->logits[1] + row * p->classes;
    double difference = 0, size = 0;
    for (size_t i = 0; i < p->classes; i++) {
        const double off = (double)is[i] - (double)should[i];
        difference += off * off;
        size += (double)should[i] * (double)should[i];
    }
    against->images++;
    against->agreeing += largest(is, p->classes) == largest(should, p->classes);
    against->difference += difference;
    against->size += size;
    if (size > 0 && sqrt(difference / size) > against->worst)
        against->worst = sqrt(difference / size);
}

/* One delivery of the stream. Photographs that can't be read are named by the evaluation. */
static clvgg_status run_batch(pair *p, size_t count)
{
    size_t sound = 0;
    for (size_t i = 0; i < count; i++) {
        VGG_CHECK(p->items[i].status != CLVGG_STATUS_OUT_OF_MEMORY, CLVGG_STATUS_OUT_OF_MEMORY,
                  "%s", p->items[i].message);
        sound += p->items[i].status == CLVGG_STATUS_OK;
    }
    for (int i = 0; i < 2 && sound > 0; i++)
        VGG_PASS(clvgg_session_run(p->sessions[i], (int)sound, p->images, &p->logits[i]));
    for (size_t row = 0; row < sound; row++)
        count_image(p, row);
    return CLVGG_STATUS_OK;
}

static clvgg_status compare_all(pair *p)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const cli_run *run = &p->eval->run;
    clvgg_image_stream *stream = NULL;
    clvgg_image_stream_options options;
    clvgg_image_stream_options_defaults(&options);
    options.preprocess = run->context.preprocess;
    options.max_batch = (int)p->batch;
    options.memory_limit_bytes = run->arguments->execution.memory_limit_bytes;
    VGG_TRY(clvgg_image_stream_open(run->context.runtime, run->paths.items, run->paths.count,
                                    &options, &stream));
    if (!run->arguments->context.quiet)
        p->progress =
            vgg_progress_start(&run->cli->err_style, "comparing", clvgg_image_stream_count(stream));
    for (size_t count = 1, done = 0; count > 0; done += count) {
        VGG_TRY(clvgg_image_stream_next(stream, p->images, p->items, 2 * p->batch, &count));
        VGG_TRY(run_batch(p, count));
        vgg_progress_update(&p->progress, done + count);
        VGG_REQUIRE(cli_interrupt_signal() == 0, CLVGG_STATUS_CANCELLED, "interrupted");
    }
cleanup:
    vgg_progress_finish(&p->progress);
    clvgg_image_stream_close(stream);
    return status;
}

clvgg_status cli_eval_compare(cli_eval *eval)
{
    clvgg_status status = CLVGG_STATUS_OK;
    pair p = {.eval = eval, .classes = clvgg_model_class_count(eval->run.context.model)};
    VGG_TRY(load_other(&p));
    VGG_TRY(make_sessions(&p));
    cli_interrupt_watch();
    VGG_TRY(compare_all(&p));
cleanup:
    vgg_message_hold(); /* a failure's, which is printed behind this */
    for (int i = 0; i < 2; i++) {
        clvgg_session_free(p.sessions[i]);
        vgg_memory_free(p.logits[i]);
    }
    vgg_memory_free(p.images);
    vgg_memory_free(p.items);
    clvgg_model_free(p.other);
    vgg_message_release();
    return status;
}

/* ---- how it is told ---- */

static double error_of(const cli_against *against)
{
    return against->size > 0 ? sqrt(against->difference / against->size) : NAN;
}

void cli_eval_against_text(const cli_eval *eval, vgg_text *text)
{
    const cli_against *against = &eval->against;
    if (against->images == 0)
        return;
    vgg_text_name(text, "against   ", eval->arguments->against, "");
    vgg_text_printf(
        text,
        ": the same class in %.2f %% (%s of %s), logits %.4f apart (relative L2; at most %.4f)\n",
        100 * (double)against->agreeing / (double)against->images, VGG_COUNT(against->agreeing),
        VGG_COUNT(against->images), error_of(against), against->worst);
}

void cli_eval_against_json(const cli_eval *eval, vgg_json *json)
{
    const cli_against *against = &eval->against;
    if (against->images == 0)
        return;
    vgg_json_begin_object(json, "against");
    vgg_json_string(json, "model", eval->arguments->against);
    vgg_json_bytes(json, "images", against->images);
    vgg_json_bytes(json, "agreeing", against->agreeing);
    vgg_json_number(json, "error", error_of(against));
    vgg_json_number(json, "worst_error", against->worst);
    vgg_json_end(json);
}
