/* api/api_session.c — implements clvgg/session.h but for clvgg_classify_file() and streams. */
#include <stdio.h>

#include "api/scope.h"
#include "api/session.h"
#include "base/alloc.h"
#include "pipeline/model_source.h"

void clvgg_session_options_defaults(clvgg_session_options *options)
{
    static const char *const logits[] = {"logits"};
    if (options != NULL)
        *options = (clvgg_session_options){
            .struct_size = sizeof *options, .max_batch = 1, .outputs = logits, .output_count = 1};
}

static clvgg_status find_outputs(const clvgg_model *model, const clvgg_session_options *options,
                                 int *nodes)
{
    for (size_t i = 0; i < options->output_count; i++)
        VGG_PASS(vgg_prefixed(
            vgg_graph_require(model->graph, options->outputs[i], " to take values from", &nodes[i]),
            "%s", model->name));
    return CLVGG_STATUS_OK;
}

static clvgg_status create(clvgg_device *device, clvgg_model *model,
                           const clvgg_session_options *options, clvgg_session **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_session *session = NULL;
    int *nodes = NULL;
    VGG_NEW(nodes, options->output_count);
    VGG_TRY(find_outputs(model, options, nodes));
    VGG_NEW(session, 1);
    session->scope = model->scope;
    vgg_model_retain(model);
    session->model = model;
    const vgg_parameter_source source = vgg_model_parameter_source(model);
    const vgg_plan_options plan_options = {
        .max_batch = options->max_batch,
        .outputs = nodes,
        .output_count = (int)options->output_count,
        .execution = options->execution,
        .profile = options->profile != 0,
        .plan_only = options->plan_only != 0,
    };
    VGG_TRY(vgg_runner_create(device, model->graph, &source, &plan_options,
                              options->shrink_to_fit != 0, &session->runner));
    VGG_GIVE(out, session);
cleanup:
    vgg_free(nodes);
    clvgg_session_free(session);
    return status;
}

clvgg_status clvgg_session_create(clvgg_device *device, clvgg_model *model,
                                  const clvgg_session_options *options, clvgg_session **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(device, model);
    VGG_API_OPTIONS(clvgg_session_options, options);
    VGG_API_REQUIRE(options->max_batch >= 1 && options->max_batch <= 65536);
    VGG_API_REQUIRE(options->output_count >= 1 && options->output_count <= 64);
    VGG_API_REQUIRE(options->outputs != NULL);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_RETURN(model->scope, create(device, model, options, out));
}

void clvgg_session_free(clvgg_session *session)
{
    if (session == NULL)
        return;
    vgg_runner_free(session->runner);
    vgg_model_free(session->model);
    vgg_free(session);
}

clvgg_status clvgg_session_run(clvgg_session *session, int count, const float *input,
                               float *const *outputs)
{
    VGG_API_REQUIRE(session != NULL);
    VGG_API_REQUIRE(count >= 1);
    VGG_API_GIVEN(input, outputs);
    VGG_API_RETURN(session->scope, vgg_runner_run(session->runner, count, &input, outputs));
}

void clvgg_session_input_shape(const clvgg_session *session, clvgg_shape *shape)
{
    *shape = session->model->graph->nodes[0].output;
}

clvgg_status clvgg_session_output_shape(const clvgg_session *session, size_t index,
                                        clvgg_shape *shape)
{
    VGG_API_GIVEN(session, shape);
    VGG_API_REQUIRE(index < (size_t)session->runner->options.output_count);
    *shape = session->model->graph->nodes[session->runner->options.outputs[index]].output;
    return CLVGG_STATUS_OK;
}

void clvgg_session_get_stats(const clvgg_session *session, clvgg_session_stats *stats)
{
    static const vgg_plan none;
    const vgg_runner *runner = session->runner;
    const vgg_plan *plan = runner->plan != NULL ? runner->plan : &none;
    *stats = (clvgg_session_stats){.struct_size = sizeof *stats,
                                   .storage = runner->options.execution.storage,
                                   .max_batch = runner->options.max_batch,
                                   .weight_bytes = plan->weight_bytes,
                                   .arena_bytes = plan->arena_bytes,
                                   .arena_bound_bytes = plan->arena_bound_bytes,
                                   .unshared_bytes = plan->unshared_bytes,
                                   .plan_ms = plan->plan_ms,
                                   .compile_ms = plan->compile_ms,
                                   .weights_ms = plan->weights_ms,
                                   .image_count = runner->image_count,
                                   .run_ms = runner->run_ms,
                                   .stream_wait_ms = session->stream_wait_ms,
                                   .fingerprint = plan->fingerprint};
}

size_t clvgg_session_step_count(const clvgg_session *session)
{
    const vgg_plan *plan = session->runner->plan;
    return plan != NULL ? (size_t)plan->step_count : 0;
}

static void describe_weights(const clvgg_model *model, const vgg_plan_step *step,
                             clvgg_step_info *info)
{
    const vgg_pack *pack = &step->stage->op.pack;
    info->weight_storage = pack->storage;
    info->winograd_tile = pack->winograd;
    info->weight_count = (uint64_t)(pack->rows * pack->channels * pack->spatial);
    info->model_weight_bytes = vgg_model_parameter_bytes(model, step->first_node, VGG_WEIGHT);
    info->bias_bytes = vgg_bias_bytes(pack);
    info->model_bias_bytes = vgg_model_parameter_bytes(model, step->first_node, VGG_BIAS);
}

clvgg_status clvgg_session_step(const clvgg_session *session, size_t index, clvgg_step_info *info)
{
    VGG_API_REQUIRE(session != NULL);
    VGG_API_STRUCT(info);
    VGG_API_REQUIRE(index < clvgg_session_step_count(session));
    const vgg_plan_step *step = &session->runner->plan->steps[index];
    const vgg_op *op = &step->stage->op;
    *info = (clvgg_step_info){.struct_size = sizeof *info,
                              .type = "",
                              .variant = op->variant->name,
                              .tuned = step->tuned,
                              .weight_bytes = vgg_plan_step_weight_bytes(step),
                              .workspace_bytes = op->workspace_elements * sizeof(float),
                              .ms = step->stage->ms,
                              .value_bytes = vgg_problem_value_bytes(&op->problem)};
    if (op->problem.node != NULL) { /* not a conversion */
        info->type = vgg_layer_type_name(op->problem.node->type);
        info->flops = vgg_graph_node_flops(session->model->graph, step->first_node);
    }
    if (op->pack.panel != 0)
        describe_weights(session->model, step, info);
    info->executed_flops =
        op->variant->executed_flops != NULL ? op->variant->executed_flops(op) : info->flops;
    vgg_choice_describe(op->variant, &op->choice, info->choice, sizeof info->choice);
    snprintf(info->layers, sizeof info->layers, "%s", step->stage->name);
    return CLVGG_STATUS_OK;
}
