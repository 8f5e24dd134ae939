/* tune/tune_chains.c — the order of chains, the budget that each gets, keeping what is found. */
#include "tune/tune_chains.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "tune/clblast_tuning.h"
#include "tune/tuner.h"
#include "tune/tuning.h"

/* CLBlast's kernels take a CPU's compiler up to half a minute: only where there is time. */
static const double clblast_on_cpu_ms = 45e3;

typedef struct chain {
    const vgg_tune_chain *what;
    char problem[VGG_TUNING_PROBLEM];
    int batch;
    size_t order; /* in which it was given, so that sorting repeats */
} chain;

typedef struct tuning_run {
    clvgg_device *device;
    vgg_traits traits;
    const clvgg_tune_options *options;
    clvgg_tune_summary *summary;
    vgg_tuning_source source;
    chain *chains;
    size_t chain_count, now;
    double start_ms;
    int judged, wrong; /* of the chain in work */
    bool stopped, clblast;
    bool clblast_now; /* in work are CLBlast's own parameters, before the chains */
} tuning_run;

/* ---- what there is to tune ---- */

static void add_chain(tuning_run *run, const vgg_tune_chain *what)
{
    chain *added = &run->chains[run->chain_count];
    *added =
        (chain){.what = what, .batch = what->untuned->problem.max_batch, .order = run->chain_count};
    vgg_tuning_describe(&what->untuned->problem, what->poolable, added->problem);
    for (size_t i = 0; i < run->chain_count; i++)
        if (run->chains[i].batch == added->batch &&
            strcmp(run->chains[i].problem, added->problem) == 0)
            return;
    run->chain_count++;
}

/* Orders chains by batch as given, and within a batch the dearest first, so that what the budget
 * leaves undone matters least. */
static int compare_chains(const void *a, const void *b)
{
    const chain *x = a, *y = b;
    if (x->batch == y->batch && x->what->cost != y->what->cost)
        return x->what->cost < y->what->cost ? 1 : -1;
    return x->order < y->order ? -1 : 1;
}

static clvgg_status list_chains(tuning_run *run, const vgg_tune_chain *chains, size_t count)
{
    VGG_NEW_PASS(run->chains, count);
    for (size_t i = 0; i < count; i++)
        add_chain(run, &chains[i]);
    qsort(run->chains, run->chain_count, sizeof *run->chains, compare_chains);
    return CLVGG_STATUS_OK;
}

/* ---- telling and asking ---- */

static bool ask(void *user)
{
    tuning_run *run = user;
    if (!run->stopped && run->options->progress != NULL)
        run->stopped = run->options->progress(run->options->user, NULL) != 0;
    return run->stopped;
}

static void tell(tuning_run *run, clvgg_tune_event *event)
{
    const chain *work = &run->chains[run->now];
    event->struct_size = sizeof *event;
    event->chain = run->now;
    event->chain_count = run->chain_count;
    event->layers = run->clblast_now ? "CLBlast's GEMM" : work->what->layers;
    event->batch = run->clblast_now ? 1 : work->batch;
    event->candidates = run->judged;
    event->wrong = run->wrong;
    event->seconds = (vgg_clock_ms() - run->start_ms) / 1e3;
    if (run->options->progress != NULL && run->options->progress(run->options->user, event) != 0)
        run->stopped = true;
}

static void tell_candidate(void *user, const vgg_tuner_event *judged)
{
    static const clvgg_tune_verdict verdicts[] = {
        [VGG_VERDICT_TIMED] = CLVGG_TUNE_TIMED,      [VGG_VERDICT_DROPPED] = CLVGG_TUNE_DROPPED,
        [VGG_VERDICT_WRONG] = CLVGG_TUNE_WRONG,      [VGG_VERDICT_REFUSED] = CLVGG_TUNE_REFUSED,
        [VGG_VERDICT_TOO_LONG] = CLVGG_TUNE_REFUSED,
    };
    tuning_run *run = user;
    char parameters[256];
    vgg_choice_describe(judged->variant, judged->choice, parameters, sizeof parameters);
    run->judged++;
    run->wrong += judged->verdict == VGG_VERDICT_WRONG;
    clvgg_tune_event event = {.verdict = verdicts[judged->verdict],
                              .variant = judged->variant->name,
                              .parameters = parameters,
                              .ms = judged->ms,
                              .reason = judged->verdict == VGG_VERDICT_TOO_LONG
                                            ? "would hold the device for more than half a second"
                                            : judged->reason};
    tell(run, &event);
}

static void tell_result(tuning_run *run, const vgg_tuning *tuning, clvgg_tune_verdict verdict)
{
    char parameters[256];
    vgg_choice_describe(tuning->variant, &tuning->choice, parameters, sizeof parameters);
    clvgg_tune_event event = {.verdict = verdict,
                              .variant = tuning->variant->name,
                              .parameters = parameters,
                              .ms = tuning->ms,
                              .default_ms = tuning->default_ms,
                              .reason = ""};
    tell(run, &event);
}

/* ---- one chain ---- */

static uint64_t seed_of(const tuning_run *run, const chain *work)
{
    const uint64_t start = run->options->seed * UINT64_C(0x9E3779B97F4A7C15);
    return vgg_hash_characters(start + (uint64_t)work->batch, work->problem);
}

/* Notes which kernel files the result's programs are made from. */
static clvgg_status note_kernels(const tuning_run *run, const vgg_tune_chain *what,
                                 vgg_tuning *tuning)
{
    vgg_problem problem = what->untuned->problem;
    vgg_op op;
    problem.pool = NULL;
    problem.result = problem.output;
    VGG_PASS(vgg_op_configure_chain(&op, tuning->variant, &problem, what->poolable, &run->traits,
                                    &tuning->choice));
    vgg_tuning_note_kernels(tuning, &op);
    return CLVGG_STATUS_OK;
}

static clvgg_status tune_chain(tuning_run *run, double slice_ms)
{
    const chain *work = &run->chains[run->now];
    const bool gpu = run->device->info.type == CLVGG_DEVICE_GPU;
    const vgg_tuner tuner = {.device = run->device,
                             .clblast = run->clblast && (gpu || slice_ms >= clblast_on_cpu_ms),
                             .seed = seed_of(run, work),
                             .deadline_ms = vgg_clock_ms() + slice_ms,
                             .report = tell_candidate,
                             .stop = ask,
                             .user = run};
    vgg_tuner_result result;
    run->judged = run->wrong = 0;
    const clvgg_status status =
        vgg_tuner_search(&tuner, work->what->untuned, work->what->poolable, &result);
    run->summary->candidates += (size_t)run->judged;
    run->summary->wrong += (size_t)run->wrong;
    if (vgg_tuner_is_refusal(status)) { /* doesn't stop the others */
        clvgg_tune_event event = {
            .verdict = CLVGG_TUNE_FAILED, .variant = "", .parameters = "", .reason = vgg_message()};
        run->summary->failed++;
        tell(run, &event);
        return CLVGG_STATUS_OK;
    }
    if (status != CLVGG_STATUS_OK || result.stopped)
        return status;
    vgg_tuning tuning = {.device = run->source.device,
                         .batch = work->batch,
                         .variant = result.variant,
                         .choice = result.choice,
                         .ms = result.ms,
                         .default_ms = result.default_ms};
    memcpy(tuning.problem, work->problem, sizeof tuning.problem);
    VGG_PASS(note_kernels(run, work->what, &tuning));
    VGG_PASS(vgg_tuning_keep(run->source.cache, &tuning, 1));
    run->summary->tuned++;
    run->summary->faster += !vgg_candidate_equal(
        result.variant, &result.choice, work->what->untuned->variant, &work->what->untuned->choice);
    tell_result(run, &tuning, CLVGG_TUNE_FOUND);
    return CLVGG_STATUS_OK;
}

/* Each chain gets an equal share of what is left. */
static clvgg_status tune_every_chain(tuning_run *run)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const double end_ms = run->start_ms + run->options->budget_seconds * 1e3;
    bool *known = NULL;
    size_t unknown = 0;
    vgg_tuning found;
    VGG_NEW(known, run->chain_count);
    for (size_t i = 0; i < run->chain_count; i++) {
        const chain *work = &run->chains[i];
        known[i] = !run->options->redo &&
                   vgg_tuning_find_own(&run->source, work->problem, work->batch, &found);
        unknown += !known[i];
    }
    for (run->now = 0; run->now < run->chain_count && !run->stopped; run->now++) {
        const chain *work = &run->chains[run->now];
        if (known[run->now]) {
            vgg_tuning_find_own(&run->source, work->problem, work->batch, &found);
            run->summary->known++;
            run->judged = run->wrong = 0;
            tell_result(run, &found, CLVGG_TUNE_KNOWN);
            continue;
        }
        const double left_ms = end_ms - vgg_clock_ms();
        if (left_ms > 0)
            VGG_TRY(tune_chain(run, left_ms / (double)unknown));
        unknown--;
    }
cleanup:
    vgg_free(known);
    return status;
}

/* CLBlast's own parameters, before the chains that may use it. */
static clvgg_status tune_clblast(tuning_run *run)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_tuner tuner = {.device = run->device,
                             .seed = run->options->seed,
                             .deadline_ms = run->start_ms + run->options->budget_seconds * 250,
                             .report = tell_candidate,
                             .stop = ask,
                             .user = run};
    vgg_tuner_result result;
    vgg_tuning tuning = {.device = run->source.device, .batch = 1, .problem = VGG_CLBLAST_PROBLEM};
    if (!run->options->clblast || !run->clblast ||
        (!run->options->redo &&
         vgg_tuning_find_own(&run->source, tuning.problem, tuning.batch, &tuning)))
        return status;
    run->clblast_now = true;
    VGG_TRY(vgg_clblast_tune(&tuner, &result));
    run->summary->candidates += (size_t)run->judged;
    run->summary->wrong += (size_t)run->wrong;
    if (result.choice.values[0] != 0) { /* something beat what CLBlast brings */
        tuning.variant = result.variant;
        tuning.choice = result.choice;
        tuning.ms = result.ms;
        tuning.default_ms = result.default_ms;
        VGG_TRY(vgg_tuning_keep(run->source.cache, &tuning, 1));
        tell_result(run, &tuning, CLVGG_TUNE_FOUND);
    }
cleanup:
    run->clblast_now = false;
    return status;
}

clvgg_status vgg_tune_chains(clvgg_device *device, const vgg_tune_chain *chains, size_t count,
                             const clvgg_tune_options *options, clvgg_tune_summary *summary)
{
    clvgg_status status = CLVGG_STATUS_OK;
    tuning_run run = {.device = device,
                      .options = options,
                      .summary = summary,
                      .start_ms = vgg_clock_ms(),
                      .clblast = !device->foreign_context};
    VGG_TRY(vgg_traits_for(device, options->execution.storage, false, &run.traits));
    VGG_TRY(vgg_tuning_open(device, &run.traits, device->runtime->cache, &run.source));
    VGG_TRY(list_chains(&run, chains, count));
    summary->chains = run.chain_count;
    VGG_TRY(tune_clblast(&run));
    VGG_TRY(tune_every_chain(&run));
    summary->left = run.chain_count - summary->known - summary->tuned - summary->failed;
    summary->stopped = run.stopped;
cleanup:
    summary->seconds = (vgg_clock_ms() - run.start_ms) / 1e3;
    vgg_free(run.chains);
    vgg_tuning_close(&run.source);
    return status;
}
