/* api/api_verify.c — implements clvgg/verify.h. */
#include "clvgg/verify.h"

#include <string.h>

#include "api/scope.h"
#include "model/model.h"
#include "pipeline/model_source.h"
#include "plan/plan_sweep.h"
#include "vis/vis_networks.h"

void clvgg_verify_options_defaults(clvgg_verify_options *options)
{
    if (options != NULL)
        *options = (clvgg_verify_options){.struct_size = sizeof *options, .batch = 1};
}

/* On a device of its own (the same context), so that what is compiled for variants that nobody uses
 * isn't put into the cache of programs. */
static clvgg_status verify(clvgg_device *device, const clvgg_model *model,
                           const clvgg_verify_options *options, clvgg_verify_summary *summary)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_device *own = NULL;
    vgg_vis_networks vis = {.count = 0};
    const int last = model->graph->count - 1;
    const vgg_parameter_source source = vgg_model_parameter_source(model);
    vgg_sweep_network networks[1 + VGG_VIS_NETWORKS] = {
        {model->graph, &last, 1, &source, "the model"}};
    VGG_TRY(vgg_device_from_context(device->runtime, device->context, device->id, &own));
    own->foreign_context = device->foreign_context;
    VGG_TRY(vgg_vis_networks_make(model, &vis));
    memcpy(networks + 1, vis.networks, vis.count * sizeof *networks);
    VGG_TRY(vgg_plan_sweep(own, device, networks, 1 + vis.count, options, summary));
cleanup:
    vgg_vis_networks_free(&vis);
    vgg_device_release(own);
    return status;
}

clvgg_status clvgg_verify_model(clvgg_device *device, clvgg_model *model,
                                const clvgg_verify_options *options, clvgg_verify_summary *summary)
{
    VGG_API_GIVEN(device, model);
    VGG_API_STRUCT(summary);
    VGG_API_OPTIONS(clvgg_verify_options, options);
    VGG_API_REQUIRE(options->batch >= 1 && options->batch <= 4096);
    VGG_API_REQUIRE(options->budget_seconds >= 0 && options->budget_seconds <= 1e9);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    *summary = (clvgg_verify_summary){.struct_size = sizeof *summary};
    VGG_API_RETURN(model->scope, verify(device, model, options, summary));
}

typedef struct list_call {
    clvgg_distrusted_fn visit;
    void *user;
} list_call;

static void visit_distrusted(void *user, const char *problem, const char *variant,
                             const vgg_trust *trust)
{
    const list_call *call = user;
    const clvgg_distrusted kernel = {.struct_size = sizeof kernel,
                                     .variant = variant,
                                     .problem = problem,
                                     .verdict = trust->standing == VGG_TRUST_WRONG
                                                    ? CLVGG_VERIFY_WRONG
                                                    : CLVGG_VERIFY_UNBUILDABLE,
                                     .reason = trust->words};
    call->visit(call->user, &kernel);
}

clvgg_status clvgg_verify_list(clvgg_runtime *runtime, const clvgg_device_info *info,
                               clvgg_distrusted_fn visit, void *user)
{
    VGG_API_GIVEN(runtime, info);
    VGG_API_REQUIRE(visit != NULL);
    list_call call = {visit, user};
    VGG_API_RETURN(&runtime->scope, vgg_trust_visit(runtime, info, visit_distrusted, &call));
}
