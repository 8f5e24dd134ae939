/* verify/sweep.c — see sweep.h. */
#include "verify/sweep.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ocl/clock.h"
#include "tensor/shape.h"
#include "verify/candidate.h"
#include "verify/sweep_list.h"
#include "verify/trust.h"

enum { SAMPLES = 2048, REPEATS = 3, FULL_REPEATS = 6 };

typedef struct sweep {
    clvgg_device *device, *keeper;
    vgg_traits traits;
    const clvgg_verify_options *options;
    clvgg_verify_summary *summary;
    vgg_sweep_list list;
    size_t now;
    vgg_reference reference;
    double start_ms;
} sweep;

/* ---- one candidate ---- */

static bool is_over(const sweep *s)
{
    const double budget = s->options->budget_seconds;
    return s->summary->stopped || (budget > 0 && (vgg_clock_ms() - s->start_ms) / 1e3 > budget);
}

static void tell(sweep *s, const char *variant, const char *parameters,
                 clvgg_verify_verdict verdict, const vgg_candidate_finding *found,
                 const char *reason)
{
    const vgg_sweep_item *work = &s->list.items[s->now];
    const clvgg_verify_event event = {.struct_size = sizeof event,
                                      .chain = s->now,
                                      .chain_count = s->list.count,
                                      .layers = work->what->layers,
                                      .problem = work->problem,
                                      .variant = variant,
                                      .parameters = parameters,
                                      .verdict = verdict,
                                      .error = found->finding.largest,
                                      .error_l2 = found->l2,
                                      .error_bound = found->bound,
                                      .reason = reason,
                                      .seconds = (vgg_clock_ms() - s->start_ms) / 1e3};
    s->summary->right += verdict == CLVGG_VERIFY_RIGHT;
    s->summary->wrong += verdict == CLVGG_VERIFY_WRONG;
    s->summary->unbuildable += verdict == CLVGG_VERIFY_UNBUILDABLE;
    if (s->options->progress != NULL && s->options->progress(s->options->user, &event) != 0)
        s->summary->stopped = 1;
}

/* What a failure says of a candidate; false: it says nothing, and ends the sweep. */
static bool judge_failure(clvgg_status status, clvgg_verify_verdict *verdict)
{
    *verdict = status == CLVGG_STATUS_BUILD_FAILED || status == CLVGG_STATUS_OPENCL
                   ? CLVGG_VERIFY_UNBUILDABLE
                   : CLVGG_VERIFY_REFUSED;
    return *verdict == CLVGG_VERIFY_UNBUILDABLE || status == CLVGG_STATUS_UNSUPPORTED ||
           status == CLVGG_STATUS_OUT_OF_DEVICE_MEMORY;
}

/* What a run found, or why it failed. */
typedef struct outcome {
    clvgg_status status;
    vgg_candidate_finding found;
    const char *variant, *parameters;
    bool definition;
} outcome;

/* Keeps and tells it. */
static clvgg_status conclude(sweep *s, const vgg_subject *subject, const outcome *out)
{
    vgg_trust trust = {0};
    clvgg_verify_verdict verdict;
    const clvgg_status status = out->status;
    if (status == CLVGG_STATUS_OK)
        verdict = out->found.finding.right ? CLVGG_VERIFY_RIGHT : CLVGG_VERIFY_WRONG;
    else if (!judge_failure(status, &verdict))
        return status;
    const char *reason = status == CLVGG_STATUS_OK ? out->found.finding.words : vgg_message();
    snprintf(trust.words, sizeof trust.words, "%s", reason);
    trust.standing = verdict == CLVGG_VERIFY_RIGHT   ? VGG_TRUST_RIGHT
                     : verdict == CLVGG_VERIFY_WRONG ? VGG_TRUST_WRONG
                                                     : VGG_TRUST_UNBUILDABLE;
    tell(s, out->variant, out->parameters, verdict, &out->found, reason);
    /* A build may fail for reasons that pass, which then all builds do. */
    const bool for_now =
        verdict == CLVGG_VERIFY_UNBUILDABLE &&
        (status != CLVGG_STATUS_BUILD_FAILED || out->definition || s->summary->right == 0);
    return verdict != CLVGG_VERIFY_REFUSED ? vgg_trust_keep(s->keeper, subject, &trust, for_now)
                                           : CLVGG_STATUS_OK;
}

/* Runs a configured op; `answers` as of vgg_candidate_run(). */
static clvgg_status check_op(sweep *s, const vgg_op *op, float *answers)
{
    char parameters[256];
    vgg_subject subject;
    vgg_choice_describe(op->variant, &op->choice, parameters, sizeof parameters);
    outcome out = {.variant = op->variant->name,
                   .parameters = parameters,
                   .definition = op->variant->definition};
    out.status = vgg_candidate_run(&s->reference, op, answers, &out.found);
    vgg_subject_of_op(s->keeper, op, &subject);
    return conclude(s, &subject, &out);
}

static clvgg_status check_candidate(sweep *s, const vgg_variant *variant, const vgg_choice *choice)
{
    const vgg_sweep_chain *what = s->list.items[s->now].what;
    const vgg_candidate_finding none = {0};
    vgg_problem problem = what->op->problem;
    vgg_op op;
    problem.pool = NULL;
    problem.result = problem.output;
    const bool takes_relu = !problem.relu || variant->fuses_relu;
    problem.relu = problem.relu && variant->fuses_relu;
    const clvgg_status status = vgg_op_configure_chain(
        &op, variant, &problem, takes_relu ? what->poolable : NULL, &s->traits, choice);
    if (status == CLVGG_STATUS_UNSUPPORTED) {
        char parameters[256];
        vgg_choice_describe(variant, choice, parameters, sizeof parameters);
        tell(s, variant->name, parameters, CLVGG_VERIFY_REFUSED, &none, vgg_message());
        return CLVGG_STATUS_OK;
    }
    VGG_PASS(status);
    return check_op(s, &op, NULL);
}

/* ---- one chain ---- */

/* Runs the defining variant on the layer alone: what it gives is what others are held against,
 * where samples of it are what the definition on the host gives. That is checked, and told, once.
 */
static clvgg_status run_definition(sweep *s, bool again)
{
    static const vgg_choice defaults = {{0}};
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_sweep_item *item = &s->list.items[s->now];
    vgg_problem problem = item->what->op->problem;
    const vgg_variant *definition = vgg_variant_definition_of(problem.node->type);
    const size_t right = s->summary->right;
    vgg_reference once = s->reference;
    vgg_candidate_finding found;
    vgg_op op;
    float *values = NULL;
    once.repeats = 1;
    problem.pool = NULL;
    problem.relu = false;
    problem.result = problem.output;
    VGG_NEW(values, (size_t)problem.max_batch * (size_t)vgg_shape_elements(&problem.output));
    VGG_TRY(vgg_op_configure_chain(&op, definition, &problem, NULL, &s->traits, &defaults));
    VGG_TRY(again ? vgg_candidate_run(&once, &op, values, &found) : check_op(s, &op, values));
    item->defined = again ? found.finding.right : s->summary->right > right;
    if (item->defined) {
        s->reference.values = values;
        values = NULL;
    }
cleanup:
    vgg_free(values);
    return status;
}

/* Every value of every tunable, one at a time. */
static clvgg_status check_values(sweep *s, const vgg_variant *variant)
{
    for (int t = 0; variant->tunables != NULL && variant->tunables[t].name != NULL; t++)
        for (int v = 0; v < VGG_TUNABLE_VALUES && variant->tunables[t].values[v] != 0; v++) {
            vgg_choice choice = {{0}};
            choice.values[t] = variant->tunables[t].values[v];
            if (!is_over(s))
                VGG_PASS(check_candidate(s, variant, &choice));
        }
    return CLVGG_STATUS_OK;
}

/* CLBlast's kernels take a CPU's compiler up to half a minute. */
static bool takes_long(const sweep *s, const vgg_variant *variant)
{
    return variant->uses_clblast && s->traits.type == CLVGG_DEVICE_CPU && !s->options->full;
}

/* The definition has been on the layer alone, which is all of the chain where it can't take the
 * ReLU along. */
static bool is_checked(const vgg_variant *variant, const vgg_problem *problem)
{
    return variant->definition && !variant->quantizes && !(problem->relu && variant->fuses_relu);
}

static clvgg_status check_gradients(sweep *s)
{
    const vgg_sweep_item *work = &s->list.items[s->now];
    const vgg_candidate_finding none = {0};
    for (size_t i = 0; i < vgg_grad_variant_count && !is_over(s); i++) {
        const vgg_grad_variant *variant = vgg_grad_variants[i];
        vgg_subject subject;
        vgg_grad_op op;
        if (variant->gradient != work->gradient.gradient)
            continue;
        const clvgg_status status = vgg_grad_configure(&op, variant, &work->gradient, &s->traits);
        if (status == CLVGG_STATUS_UNSUPPORTED) {
            tell(s, variant->name, "", CLVGG_VERIFY_REFUSED, &none, vgg_message());
            continue;
        }
        VGG_PASS(status);
        outcome out = {
            .variant = variant->name, .parameters = "", .definition = variant->definition};
        out.status = vgg_gradient_check(s->device, s->reference.queue, &op, &out.found.finding);
        out.found.l2 = out.found.finding.l2;
        out.found.bound = vgg_rule_is_adam(work->gradient.rule) ? 4e-6 : 0;
        vgg_subject_of_gradient(&op, &subject);
        VGG_PASS(conclude(s, &subject, &out));
    }
    return CLVGG_STATUS_OK;
}

/* Says whether a walk has something to do with a variant on the chain at hand. */
static bool is_wanted(const sweep *s, const vgg_variant *variant)
{
    const vgg_problem *problem = &s->list.items[s->now].what->op->problem;
    return !is_checked(variant, problem) && !takes_long(s, variant) &&
           vgg_variant_computes(variant, problem->node->type);
}

static clvgg_status check_variants(sweep *s)
{
    static const vgg_choice defaults = {{0}};
    const vgg_sweep_item *item = &s->list.items[s->now];
    if (item->is_gradient)
        return check_gradients(s);
    if (item->what->op->problem.node == NULL)
        return check_op(s, item->what->op, NULL);
    VGG_PASS(run_definition(s, false));
    for (size_t i = 0; i < vgg_variant_count && !is_over(s); i++)
        if (is_wanted(s, vgg_variants[i]))
            VGG_PASS(check_candidate(s, vgg_variants[i], &defaults));
    return CLVGG_STATUS_OK;
}

/* What tuning may try beside the defaults. */
static clvgg_status check_tunables(sweep *s)
{
    const vgg_sweep_item *item = &s->list.items[s->now];
    if (item->is_gradient || item->what->op->problem.node == NULL)
        return CLVGG_STATUS_OK;
    if (item->defined)
        VGG_PASS(run_definition(s, true));
    for (size_t i = 0; i < vgg_variant_count && !is_over(s); i++)
        if (is_wanted(s, vgg_variants[i]))
            VGG_PASS(check_values(s, vgg_variants[i]));
    return CLVGG_STATUS_OK;
}

/* Goes through all chains until the budget has ended, which leaves `left` and the one at work. */
static clvgg_status walk(sweep *s, clvgg_status (*check)(sweep *), size_t *left)
{
    *left = s->list.count;
    for (s->now = 0; s->now < s->list.count && !is_over(s); s->now++) {
        VGG_PASS(vgg_prefixed(check(s), "%s", s->list.items[s->now].what->layers));
        vgg_free(s->reference.values);
        s->reference.values = NULL;
        *left -= !is_over(s);
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_verify_sweep(clvgg_device *device, clvgg_device *keeper,
                              const vgg_sweep_chain *chains, size_t count,
                              const clvgg_verify_options *options, clvgg_verify_summary *summary)
{
    clvgg_status status = CLVGG_STATUS_OK;
    sweep s = {.device = device,
               .keeper = keeper,
               .options = options,
               .summary = summary,
               .reference = {.device = device,
                             .repeats = options->full ? FULL_REPEATS : REPEATS,
                             .samples = SAMPLES},
               .start_ms = vgg_clock_ms()};
    VGG_TRY(vgg_clock_queue(device, false, &s.reference.queue));
    VGG_TRY(vgg_traits_for(device, options->execution.storage, true, &s.traits));
    s.traits.queue = s.reference.queue;
    VGG_TRY(vgg_sweep_list_make(keeper, &s.traits, chains, count, options->full, &s.list));
    summary->chains = s.list.count;
    /* All of what is used without tuning comes before any of what tuning may try. */
    VGG_TRY(walk(&s, check_variants, &summary->left));
    if (options->full)
        VGG_TRY(walk(&s, check_tunables, &summary->left_values));
cleanup:
    summary->seconds = (vgg_clock_ms() - s.start_ms) / 1e3;
    vgg_free(s.reference.values);
    VGG_RELEASE(CommandQueue, s.reference.queue);
    vgg_free(s.list.items);
    return status;
}
