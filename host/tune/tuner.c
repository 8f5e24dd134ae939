/* tune/tuner.c — the search for one chain of layers. */
#include "tune/tuner.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/median.h"
#include "base/random.h"
#include "tune/tuning.h"

enum { MOST_CANDIDATES = 512, MOST_MOVES = VGG_MAX_TUNABLES * VGG_TUNABLE_VALUES };
static const double near_the_best = 1.3; /* whose values are searched too */

typedef struct candidate {
    const vgg_variant *variant;
    vgg_choice choice;
    double ms; /* 0: wasn't timed */
} candidate;

typedef struct search {
    const vgg_tuner *tuner;
    vgg_trial_bench bench;
    uint64_t random;
    candidate *tried;
    int tried_count;
    int best; /* index; the default is 0 */
    vgg_tuner_result *result;
} search;

static uint32_t draw(search *s, uint32_t below)
{
    return vgg_random_draw(&s->random) % below;
}

static bool stopped(const search *s)
{
    return s->tuner->stop != NULL && s->tuner->stop(s->tuner->user);
}

static bool is_over(const search *s)
{
    return stopped(s) || vgg_clock_ms() > s->tuner->deadline_ms ||
           s->tried_count == MOST_CANDIDATES;
}

static bool was_tried(const search *s, const vgg_variant *variant, const vgg_choice *choice)
{
    for (int i = 0; i < s->tried_count; i++)
        if (vgg_candidate_equal(s->tried[i].variant, &s->tried[i].choice, variant, choice))
            return true;
    return false;
}

bool vgg_tuner_is_refusal(clvgg_status status)
{
    return status == CLVGG_STATUS_UNSUPPORTED || status == CLVGG_STATUS_BUILD_FAILED ||
           status == CLVGG_STATUS_OUT_OF_DEVICE_MEMORY || status == CLVGG_STATUS_OPENCL;
}

void vgg_tuner_note(const vgg_tuner *tuner, vgg_tuner_result *result, const vgg_tuner_event *event)
{
    result->timed += event->verdict == VGG_VERDICT_TIMED;
    result->dropped += event->verdict == VGG_VERDICT_DROPPED;
    result->refused +=
        event->verdict == VGG_VERDICT_REFUSED || event->verdict == VGG_VERDICT_TOO_LONG;
    result->wrong += event->verdict == VGG_VERDICT_WRONG;
    if (tuner->report != NULL)
        tuner->report(tuner->user, event);
}

static void note(search *s, const vgg_tuner_event *event)
{
    char choice[128];
    vgg_choice_describe(event->variant, event->choice, choice, sizeof choice);
    if (event->verdict == VGG_VERDICT_WRONG)
        vgg_log(CLVGG_LOG_WARNING, "tuning: %s %s gives wrong results on this device",
                event->variant->name, choice);
    vgg_tuner_note(s->tuner, s->result, event);
}

/* Judges one candidate against the best so far. */
static clvgg_status try_candidate(search *s, const vgg_variant *variant, const vgg_choice *choice)
{
    vgg_chain trial = {0};
    vgg_verdict verdict = VGG_VERDICT_REFUSED;
    candidate *tried = &s->tried[s->tried_count];
    double ms = 0;
    *tried = (candidate){variant, *choice, 0};
    clvgg_status status = vgg_trial_prepare(&s->bench, variant, choice, &trial);
    if (status == CLVGG_STATUS_OK)
        status = vgg_trial_judge(&s->bench, &trial, s->tried_count > 0 ? s->tried[s->best].ms : 0,
                                 &verdict, &ms);
    vgg_chain_release(&trial);
    if (status != CLVGG_STATUS_OK && (!vgg_tuner_is_refusal(status) || s->tried_count == 0))
        return status;
    tried->ms = status == CLVGG_STATUS_OK && verdict == VGG_VERDICT_TIMED ? ms : 0;
    if (tried->ms > 0 && tried->ms < s->tried[s->best].ms)
        s->best = s->tried_count;
    s->tried_count++;
    if (status != CLVGG_STATUS_OK)
        verdict = VGG_VERDICT_REFUSED;
    note(s, &(vgg_tuner_event){variant, &tried->choice, verdict, ms,
                               status == CLVGG_STATUS_OK ? "" : vgg_message()});
    return CLVGG_STATUS_OK;
}

/* ---- algorithms ---- */

static clvgg_status try_variants(search *s)
{
    clvgg_status status = CLVGG_STATUS_OK;
    static const vgg_choice none = {{0}};
    const vgg_layer_type type = s->bench.problem.node->type;
    const vgg_variant **order = NULL;
    uint32_t count = 0;
    VGG_NEW(order, vgg_variant_count);
    for (size_t i = 0; i < vgg_variant_count; i++)
        if (vgg_variant_computes(vgg_variants[i], type) && !vgg_variants[i]->uses_clblast)
            order[count++] = vgg_variants[i];
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t j = draw(s, i);
        const vgg_variant *held = order[j];
        order[j] = order[i - 1];
        order[i - 1] = held;
    }
    /* CLBlast last: where it isn't tuned, its first call compiles for seconds. */
    for (size_t i = 0; i < vgg_variant_count; i++)
        if (vgg_variant_computes(vgg_variants[i], type) && vgg_variants[i]->uses_clblast &&
            s->tuner->clblast)
            order[count++] = vgg_variants[i];
    for (uint32_t i = 0; i < count && !is_over(s); i++)
        if (!was_tried(s, order[i], &none))
            VGG_TRY(try_candidate(s, order[i], &none));
cleanup:
    vgg_free(order);
    return status;
}

/* ---- values ---- */

typedef struct move {
    int tunable, value;
} move;

/* All values of all tunables, in an order drawn anew. */
static int list_moves(search *s, const vgg_variant *variant, move *moves)
{
    int count = 0;
    for (int t = 0; variant->tunables[t].name != NULL; t++)
        for (int v = 0; v < VGG_TUNABLE_VALUES && variant->tunables[t].values[v] != 0; v++)
            moves[count++] = (move){t, variant->tunables[t].values[v]};
    for (int i = count; i > 1; i--) {
        const uint32_t j = draw(s, (uint32_t)i);
        const move held = moves[j];
        moves[j] = moves[i - 1];
        moves[i - 1] = held;
    }
    return count;
}

/* Starts at a candidate, changes one value at a time and keeps a change that is faster, until no
 * change is. */
static clvgg_status improve(search *s, int from)
{
    const vgg_variant *variant = s->tried[from].variant;
    move moves[MOST_MOVES];
    int here = from;
    bool improved = variant->tunables != NULL;
    while (improved && !is_over(s)) {
        const int count = list_moves(s, variant, moves);
        improved = false;
        for (int i = 0; i < count && !is_over(s); i++) {
            vgg_choice choice = s->tried[here].choice;
            choice.values[moves[i].tunable] = moves[i].value;
            if (was_tried(s, variant, &choice))
                continue;
            VGG_PASS(try_candidate(s, variant, &choice));
            const candidate *last = &s->tried[s->tried_count - 1];
            if (last->ms > 0 && last->ms < s->tried[here].ms) {
                here = s->tried_count - 1;
                improved = true;
            }
        }
    }
    return CLVGG_STATUS_OK;
}

/* The variants' defaults that came near the best, the fastest first. */
static clvgg_status improve_the_near(search *s)
{
    const int first_count = s->tried_count;
    double above = 0;
    for (bool found = true; found && !is_over(s);) {
        int next = -1;
        for (int i = 0; i < first_count; i++)
            if (s->tried[i].ms > above && s->tried[i].ms < near_the_best * s->tried[s->best].ms &&
                (next < 0 || s->tried[i].ms < s->tried[next].ms))
                next = i;
        found = next >= 0;
        if (found) {
            above = s->tried[next].ms;
            VGG_PASS(improve(s, next));
        }
    }
    return CLVGG_STATUS_OK;
}

/* ---- the duel ---- */

/* Medians of the default and of the fastest, run in turns: what disturbs one disturbs both. */
static clvgg_status fight(search *s)
{
    enum { ROUNDS = 7 };
    clvgg_status status = CLVGG_STATUS_OK;
    const candidate *sides[2] = {&s->tried[0], &s->tried[s->best]};
    const int batch = s->bench.problem.max_batch;
    vgg_chain trials[2] = {{0}, {0}};
    double ms[2][ROUNDS], unused = 0;
    int rounds = 0;
    for (int i = 0; i < 2; i++) {
        VGG_TRY(vgg_trial_prepare(&s->bench, sides[i]->variant, &sides[i]->choice, &trials[i]));
        VGG_TRY(vgg_chain_run(&trials[i], s->bench.queue, batch, &unused));
    }
    for (double start = vgg_clock_ms();
         rounds < ROUNDS && (rounds == 0 || vgg_clock_ms() - start < 2 * VGG_TRIAL_PATIENCE_MS);
         rounds++)
        for (int i = 0; i < 2; i++)
            VGG_TRY(vgg_chain_run(&trials[i], s->bench.queue, batch, &ms[i][rounds]));
    s->result->default_ms = vgg_median(ms[0], (size_t)rounds);
    s->result->ms = vgg_median(ms[1], (size_t)rounds);
cleanup:
    for (int i = 0; i < 2; i++)
        vgg_chain_release(&trials[i]);
    return status;
}

static clvgg_status decide(search *s)
{
    vgg_tuner_result *result = s->result;
    result->default_ms = result->ms = s->tried[0].ms;
    if (s->best != 0) {
        const clvgg_status status = fight(s);
        if (status != CLVGG_STATUS_OK && !vgg_tuner_is_refusal(status))
            return status;
        if (status != CLVGG_STATUS_OK ||
            !(result->ms <= (1 - VGG_TUNER_GAIN) * result->default_ms)) {
            s->best = 0;
            result->ms = result->default_ms;
        }
    }
    result->variant = s->tried[s->best].variant;
    result->choice = s->tried[s->best].choice;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_tuner_search(const vgg_tuner *tuner, const vgg_op *like, const vgg_node *pool,
                              vgg_tuner_result *result)
{
    clvgg_status status = CLVGG_STATUS_OK;
    search s = {.tuner = tuner, .random = tuner->seed, .result = result};
    *result = (vgg_tuner_result){0};
    VGG_NEW(s.tried, MOST_CANDIDATES);
    VGG_TRY(vgg_trial_bench_open(tuner->device, like, pool, &s.bench));
    s.bench.stop = tuner->stop;
    s.bench.user = tuner->user;
    VGG_TRY(try_candidate(&s, like->variant, &like->choice));
    VGG_REQUIRE(s.tried[0].ms > 0, CLVGG_STATUS_OPENCL,
                "what runs untuned (%s) gives wrong results on this device, or takes too long",
                like->variant->name);
    VGG_TRY(try_variants(&s));
    VGG_TRY(improve_the_near(&s));
    result->stopped = stopped(&s);
    if (!result->stopped)
        VGG_TRY(decide(&s));
cleanup:
    vgg_trial_bench_close(&s.bench);
    vgg_free(s.tried);
    return status;
}
