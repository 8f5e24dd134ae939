/* plan/plan_verify.c — a plan's steps held against their layers' definitions, where nothing is
 * known of them on this device yet: with the plan's own weights as they were packed, in its own
 * memory, and one image that each step gets by itself.
 */
#include <stdio.h>

#include "base/log.h"
#include "plan/plan.h"
#include "tensor/dtype.h"
#include "verify/probe.h"

enum { SAMPLES = 192, PIECE = 1024 };

/* The `user` of a vgg_channel_source that reads a plan's parameters. */
typedef struct step_parameters {
    const vgg_parameter_source *source;
    const vgg_plan_step *step;
} step_parameters;

/* Weights are what they became when they were packed: kernels that transform them first have an
 * error bound for that. */
static void round_to_storage(const vgg_op *op, int parameter, size_t count, float *values)
{
    uint16_t halves[PIECE];
    const clvgg_dtype dtype = vgg_storage_element(op->pack.storage);
    if (parameter != VGG_WEIGHT || op->pack.panel == 0 || op->pack.winograd != 0 ||
        dtype == CLVGG_DTYPE_F32)
        return;
    vgg_from_f32(dtype, values, count, halves);
    vgg_to_f32(dtype, halves, count, values);
}

static clvgg_status read_channel(void *user, int parameter, int64_t k, uint64_t count,
                                 float *values)
{
    const step_parameters *from = user;
    const vgg_parameter_source *source = from->source;
    const int node = from->step->first_node;
    const clvgg_dtype dtype = source->dtype(source->user, node, parameter);
    uint64_t raw[PIECE]; /* as large as any element type needs */
    for (uint64_t done = 0, some; done < count; done += some) {
        some = count - done < PIECE ? count - done : PIECE;
        VGG_PASS(
            source->read(source->user, node, parameter, (uint64_t)k * count + done, some, raw));
        vgg_to_f32(dtype, raw, (size_t)some, values + done);
        round_to_storage(&from->step->stage->op, parameter, (size_t)some, values + done);
    }
    return CLVGG_STATUS_OK;
}

/* Says once a plan what takes a moment. */
static void tell(const vgg_plan *plan, bool *told)
{
    if (!*told)
        vgg_log(CLVGG_LOG_INFO, "checking the kernels on this device%s",
                plan->device->runtime->cache != NULL ? ", once" : "");
    *told = true;
}

static clvgg_status probe_step(vgg_plan *plan, const vgg_plan_step *step,
                               const vgg_parameter_source *source, vgg_trust *trust)
{
    step_parameters from = {source, step};
    vgg_finding finding;
    const vgg_probe probe = {.stage = step->stage,
                             .queue = plan->queue,
                             .images = 1,
                             .repeats = 2,
                             .samples = SAMPLES,
                             /* all channels of convolutions; dense layers' rows are long */
                             .channels = step->stage->op.problem.result.rank == 3 ? INT32_MAX : 0,
                             .seed = 1,
                             .parameters = {&from, read_channel}};
    VGG_PASS(vgg_prefixed(vgg_probe_run(&probe, &finding), "checking %s (%s)", step->stage->name,
                          step->stage->op.variant->name));
    trust->standing = finding.right ? VGG_TRUST_RIGHT : VGG_TRUST_WRONG;
    snprintf(trust->words, sizeof trust->words, "%s", finding.words);
    return CLVGG_STATUS_OK;
}

static void warn(const vgg_plan_step *step, const vgg_trust *trust)
{
    vgg_log(CLVGG_LOG_WARNING, "%s: %s gives wrong values on this device (%s); %s",
            step->stage->name, step->stage->op.variant->name, trust->words,
            step->forced ? "it was asked for" : "another is used");
}

clvgg_status vgg_plan_verify(vgg_plan *plan, const vgg_parameter_source *source, int *distrusted)
{
    bool told = false;
    *distrusted = 0;
    for (int i = 0; i < plan->step_count; i++) {
        const vgg_plan_step *step = &plan->steps[i];
        const vgg_op *op = &step->stage->op;
        vgg_trust trust;
        if (!vgg_definition_exists(&op->problem))
            continue;
        VGG_PASS(vgg_trust_find(plan->device, op, &trust));
        if (trust.standing != VGG_TRUST_UNKNOWN)
            continue;
        tell(plan, &told);
        VGG_PASS(probe_step(plan, step, source, &trust));
        VGG_PASS(vgg_trust_keep(plan->device, op, &trust));
        if (trust.standing == VGG_TRUST_RIGHT)
            continue;
        warn(step, &trust);
        *distrusted += !step->forced;
    }
    return told ? vgg_plan_clear(plan) : CLVGG_STATUS_OK;
}

clvgg_status vgg_plan_find_unbuildable(vgg_plan *plan, int *distrusted)
{
    *distrusted = 0;
    for (int i = 0; i < plan->step_count; i++) {
        const vgg_plan_step *step = &plan->steps[i];
        vgg_kernel_list list = {.device = plan->device};
        vgg_trust trust = {.standing = VGG_TRUST_UNBUILDABLE};
        vgg_op_release(&step->stage->op);
        vgg_op_list_kernels(&step->stage->op, &list);
        if (vgg_kernel_list_make(&list, NULL) != CLVGG_STATUS_BUILD_FAILED)
            continue;
        snprintf(trust.words, sizeof trust.words, "%s", vgg_message());
        VGG_PASS(vgg_trust_keep(plan->device, &step->stage->op, &trust));
        if (step->forced)
            continue;
        vgg_log(CLVGG_LOG_WARNING, "%s: %s doesn't build on this device; another is used",
                step->stage->name, step->stage->op.variant->name);
        ++*distrusted;
    }
    return CLVGG_STATUS_OK;
}
