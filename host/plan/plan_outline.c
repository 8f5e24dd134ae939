/* plan/plan_outline.c — plans that are chosen and laid out alone, and their chains. */
#include "plan/plan_outline.h"

#include "base/alloc.h"

/* About the share of a pass that the step takes: computing, and reading weights. */
static double cost_of(const vgg_plan *plan, const vgg_plan_step *step)
{
    const double flops = (double)vgg_graph_node_flops(plan->graph, step->first_node);
    const double weights = (double)vgg_graph_node_parameters(plan->graph, step->first_node);
    return flops * plan->max_batch * 1e-11 + weights * 4e-10;
}

static void add_chains(vgg_plan_outline *outline, const vgg_plan *plan)
{
    for (int i = 0; i < plan->step_count; i++) {
        const vgg_plan_step *step = &plan->steps[i];
        if (step->stage->op.pack.panel != 0)
            outline->chains[outline->chain_count++] = (vgg_tune_chain){.untuned = &step->stage->op,
                                                                       .poolable = step->poolable,
                                                                       .layers = step->stage->name,
                                                                       .cost = cost_of(plan, step)};
    }
}

clvgg_status vgg_plan_outline_make(clvgg_device *device, const vgg_graph *graph,
                                   const clvgg_tune_options *options, vgg_plan_outline *out)
{
    int logits = 0;
    *out = (vgg_plan_outline){0};
    VGG_PASS(vgg_graph_require(graph, "logits", "", &logits));
    VGG_NEW_PASS(out->plans, options->batch_count);
    VGG_NEW_PASS(out->chains, options->batch_count * (size_t)graph->count);
    for (; out->plan_count < options->batch_count; out->plan_count++) {
        const vgg_plan_options plan_options = {.max_batch = options->batches[out->plan_count],
                                               .outputs = &logits,
                                               .output_count = 1,
                                               .execution = {.storage = options->execution.storage},
                                               .ignore_own_tuning = true,
                                               .ignore_trust = true,
                                               .plan_only = true};
        vgg_plan **plan = &out->plans[out->plan_count];
        VGG_PASS(vgg_plan_create(device, graph, NULL, &plan_options, plan));
        add_chains(out, *plan);
    }
    return CLVGG_STATUS_OK;
}

void vgg_plan_outline_free(vgg_plan_outline *outline)
{
    for (size_t i = 0; i < outline->plan_count; i++)
        vgg_plan_free(outline->plans[i]);
    vgg_free(outline->plans);
    vgg_free(outline->chains);
}
