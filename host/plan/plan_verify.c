/* plan/plan_verify.c — a plan's steps held against their layers' definitions, where nothing is
 * known of them on this device yet: with the plan's own weights as they were packed, in its own
 * memory, and one image that each step gets by itself.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "plan/plan.h"
#include "tensor/dtype.h"
#include "verify/probe.h"
#include "verify/rounded.h"

enum { SAMPLES = 192 };

/* The `user` of a vgg_channel_source that reads a plan's parameters. */
typedef struct step_parameters {
    const vgg_parameter_source *source;
    const vgg_plan_step *step;
} step_parameters;

static clvgg_status read_channel(void *user, int parameter, int64_t k, uint64_t count,
                                 float *values)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const step_parameters *from = user;
    const vgg_parameter_source *source = from->source;
    const int node = from->step->first_node;
    uint64_t *raw = NULL; /* as large as any element type needs */
    VGG_NEW(raw, (size_t)count);
    VGG_TRY(source->read(source->user, node, parameter, (uint64_t)k * count, count, raw));
    vgg_to_f32(source->dtype(source->user, node, parameter), raw, (size_t)count, values);
    vgg_round_as_packed(&from->step->stage->op, parameter, (size_t)count, values);
cleanup:
    vgg_free(raw);
    return status;
}

/* The log says once a plan what takes a moment. */
static void tell(const vgg_plan *plan, bool *told)
{
    if (!*told)
        vgg_log(CLVGG_LOG_INFO, "checking the kernels on this device%s",
                plan->device->runtime->cache != NULL ? ", once" : "");
    *told = true;
}

static clvgg_status probe_step(vgg_plan *plan, const vgg_plan_step *step,
                               const vgg_parameter_source *source, vgg_trust *trust, bool *for_now)
{
    step_parameters from = {source, step};
    vgg_finding finding;
    const int batch = step->stage->op.problem.max_batch, band = step->stage->band_images;
    const vgg_probe probe = {.stage = step->stage,
                             .queue = plan->queue,
                             .images = batch > 1 && band > 1 ? 2 : 1,
                             .repeats = 2,
                             .samples = SAMPLES,
                             /* all channels of convolutions; dense layers' rows are long */
                             .channels = step->stage->op.problem.result.rank == 3 ? INT32_MAX : 0,
                             .seed = 1,
                             .parameters = {&from, read_channel}};
    const clvgg_status status = vgg_probe_run(&probe, &finding);
    *for_now = status == CLVGG_STATUS_OPENCL && !step->forced;
    if (*for_now) { /* it can't be launched here, or CLBlast can't build it */
        trust->standing = VGG_TRUST_UNBUILDABLE;
        snprintf(trust->words, sizeof trust->words, "%s", vgg_message());
        return CLVGG_STATUS_OK;
    }
    VGG_PASS(
        vgg_prefixed(status, "checking %s (%s)", step->stage->name, step->stage->op.variant->name));
    trust->standing = finding.right ? VGG_TRUST_RIGHT : VGG_TRUST_WRONG;
    snprintf(trust->words, sizeof trust->words, "%s", finding.words);
    return CLVGG_STATUS_OK;
}

static void warn(const vgg_plan_step *step, const vgg_trust *trust)
{
    vgg_log(CLVGG_LOG_WARNING, "%s: %s %s on this device (%.*s); %s", step->stage->name,
            step->stage->op.variant->name,
            trust->standing == VGG_TRUST_WRONG ? "gives wrong values" : "doesn't build or run",
            (int)strcspn(trust->words, "\n"), trust->words,
            step->forced ? "it was asked for" : "it isn't used");
}

clvgg_status vgg_plan_verify(vgg_plan *plan, const vgg_parameter_source *source, int *distrusted)
{
    bool told = false;
    *distrusted = 0;
    for (int i = 0; i < plan->step_count; i++) {
        const vgg_plan_step *step = &plan->steps[i];
        const vgg_op *op = &step->stage->op;
        vgg_subject subject;
        vgg_trust trust;
        bool for_now = false;
        if (!vgg_definition_exists(&op->problem))
            continue;
        vgg_subject_of_op(plan->device, op, &subject);
        VGG_PASS(vgg_trust_find(plan->device, &subject, &trust));
        if (trust.standing != VGG_TRUST_UNKNOWN)
            continue;
        tell(plan, &told);
        VGG_PASS(probe_step(plan, step, source, &trust, &for_now));
        VGG_PASS(vgg_trust_keep(plan->device, &subject, &trust, for_now));
        if (trust.standing == VGG_TRUST_RIGHT)
            continue;
        warn(step, &trust);
        *distrusted += !step->forced;
    }
    return told ? vgg_plan_clear(plan) : CLVGG_STATUS_OK;
}

/* Says whether a step's kernels build by themselves. */
static bool builds(vgg_plan *plan, const vgg_plan_step *step)
{
    vgg_kernel_list list = {.device = plan->device};
    vgg_op_release(&step->stage->op);
    vgg_op_list_kernels(&step->stage->op, &list);
    return vgg_kernel_list_make(&list, NULL) != CLVGG_STATUS_BUILD_FAILED;
}

/* Where nothing builds it isn't the kernels: a full disk, say, or no memory. */
clvgg_status vgg_plan_find_unbuildable(vgg_plan *plan, int *distrusted)
{
    bool any = false;
    *distrusted = 0;
    for (int i = 0; i < plan->step_count; i++)
        any = builds(plan, &plan->steps[i]) || any;
    for (int i = 0; i < plan->step_count && any; i++) {
        const vgg_plan_step *step = &plan->steps[i];
        vgg_subject subject;
        vgg_trust trust = {.standing = VGG_TRUST_UNBUILDABLE};
        if (step->forced || step->stage->op.variant->definition || builds(plan, step))
            continue;
        snprintf(trust.words, sizeof trust.words, "%s", vgg_message());
        vgg_subject_of_op(plan->device, &step->stage->op, &subject);
        VGG_PASS(vgg_trust_keep(plan->device, &subject, &trust, false));
        warn(step, &trust);
        ++*distrusted;
    }
    return CLVGG_STATUS_OK;
}
