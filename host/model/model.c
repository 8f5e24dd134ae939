/* model/model.c — a model's parts and life: building without a file, reading parameters, counting
 * references. Loading is in model_load.c, saving in model_save.c.
 */
#include "model/model.h"

#include "base/alloc.h"
#include "graph/layer.h"
#include "model/assemble.h"
#include "model/int8_weights.h"
#include "model/labels.h"
#include "model/norm_fold.h"
#include "model/preprocess.h"
#include "model/read_entry.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

/* Ids must not repeat in the process, as they key weights that devices share between sessions. */
static atomic_uint_least64_t last_id;

static clvgg_status add_parameter(clvgg_model *model, int node, int position)
{
    const vgg_node *layer = &model->graph->nodes[node];
    vgg_parameter *parameter = &model->parameters[model->parameter_count];
    vgg_text name = {0};
    vgg_text_puts(&name, layer->name);
    vgg_text_puts(&name, ".");
    vgg_text_puts(&name, vgg_layer_of(layer->type)->parameters[position].name);
    char *owned;
    VGG_PASS(vgg_text_take(&name, layer->name, &owned));
    *parameter = (vgg_parameter){.name = owned,
                                 .node = node,
                                 .position = position,
                                 .shape = vgg_graph_parameter_shape(model->graph, node, position),
                                 .dtype = CLVGG_DTYPE_F32};
    model->parameter_count++;
    return CLVGG_STATUS_OK;
}

static clvgg_status list_parameters(clvgg_model *model)
{
    const vgg_graph *graph = model->graph;
    size_t most = 0;
    for (int i = 0; i < graph->count; i++)
        most += (size_t)vgg_layer_of(graph->nodes[i].type)->parameter_count;
    VGG_NEW_PASS(model->parameters, most);
    for (int i = 0; i < graph->count; i++)
        for (int p = 0; p < vgg_layer_of(graph->nodes[i].type)->parameter_count; p++)
            if (vgg_node_has_parameter(&graph->nodes[i], p))
                VGG_PASS(add_parameter(model, i, p));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_model_assemble(const vgg_scope *scope, vgg_graph *graph, clvgg_model **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_model *model = NULL;
    *out = NULL;
    VGG_NEW(model, 1);
    atomic_init(&model->references, 1);
    model->scope = scope;
    model->id = atomic_fetch_add(&last_id, 1) + 1;
    model->graph = graph;
    VGG_TRY(list_parameters(model));
    int logits = vgg_graph_find(graph, "logits");
    if (logits >= 0)
        model->class_count = (size_t)vgg_shape_elements(&graph->nodes[logits].output);
    VGG_GIVE(out, model);
cleanup:
    if (model != NULL)
        model->graph = NULL; /* stays the caller's */
    vgg_model_free(model);
    return status;
}

clvgg_status vgg_model_set_preprocess(clvgg_model *model, const clvgg_preprocess *preprocess,
                                      const char *origin)
{
    const int64_t *input = model->graph->nodes[0].output.dims;
    const bool averaged = preprocess->channels == 3 && input[0] == 1;
    vgg_text text = {0};
    model->preprocess = *preprocess;
    model->preprocess.struct_size = sizeof model->preprocess;
    vgg_model_preprocess_fit(&model->preprocess, (int)input[0], (int)input[1], (int)input[2]);
    if (!vgg_model_preprocess_is_for_photographs(&model->preprocess))
        origin = "none: no photograph has so many channels";
    vgg_text_printf(&text, "%s%s", origin, averaged ? ", averaged for grey" : "");
    return vgg_text_take(&text, "a model's description", &model->preprocess_origin);
}

clvgg_status vgg_model_from_graph(clvgg_runtime *runtime, vgg_graph *graph,
                                  clvgg_tensor_source source, void *source_user, clvgg_model **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_model *model = NULL;
    clvgg_preprocess preprocess = vgg_convention_preprocess(VGG_CONVENTION_TORCHVISION);
    *out = NULL;
    VGG_TRY(vgg_model_assemble(&runtime->scope, graph, &model));
    model->source = source;
    model->source_user = source_user;
    VGG_TRY(vgg_model_set_preprocess(model, &preprocess, "assumed: torchvision's"));
    VGG_DUP(model->name, "custom");
    VGG_DUP(model->architecture, "custom");
    VGG_GIVE(out, model);
cleanup:
    if (model != NULL)
        model->graph = NULL; /* stays the caller's */
    vgg_model_free(model);
    return status;
}

clvgg_status vgg_model_build(clvgg_runtime *runtime, const clvgg_model_description *description,
                             clvgg_model **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *graph = NULL;
    clvgg_model *model = NULL;
    const int64_t head[3] = {description->head[0], description->head[1], description->class_count};
    *out = NULL;
    VGG_TRY(vgg_model_preprocess_check(&description->preprocess));
    VGG_TRY(vgg_graph_build_vgg(description->architecture, description->input_channels,
                                description->input_height, description->input_width, head, &graph));
    VGG_TRY(vgg_model_assemble(&runtime->scope, graph, &model));
    graph = NULL;
    model->source = description->source;
    model->source_user = description->source_user;
    VGG_TRY(vgg_model_set_preprocess(model, &description->preprocess, "given by the caller"));
    VGG_DUP(model->name, description->architecture);
    VGG_DUP(model->architecture, description->architecture);
    if (description->labels != NULL)
        VGG_TRY(vgg_labels_copy(description->labels, model->class_count, &model->labels));
    else
        VGG_TRY(vgg_labels_generate(model->class_count, &model->labels));
    VGG_GIVE(out, model);
cleanup:
    vgg_graph_free(graph);
    vgg_model_free(model);
    return status;
}

clvgg_status vgg_model_require_photographs(const clvgg_model *model)
{
    VGG_CHECK(vgg_model_preprocess_is_for_photographs(&model->preprocess), CLVGG_STATUS_UNSUPPORTED,
              "%s: takes %d channels; a photograph gives 3, or 1 in grey", model->name,
              model->preprocess.channels);
    return CLVGG_STATUS_OK;
}

bool vgg_model_reads(const clvgg_model *model, const char *path)
{
    for (; model != NULL; model = model->base)
        if (model->weights != NULL && vgg_weights_reads(model->weights, path))
            return true;
    return false;
}

void vgg_model_retain(clvgg_model *model)
{
    atomic_fetch_add(&model->references, 1);
}

void vgg_model_free(clvgg_model *model)
{
    if (model == NULL || atomic_fetch_sub(&model->references, 1) > 1)
        return;
    for (size_t i = 0; i < model->parameter_count; i++)
        vgg_free(model->parameters[i].name);
    vgg_free(model->parameters);
    vgg_free(model->folds);
    vgg_labels_free(model->labels, model->class_count);
    vgg_graph_free(model->graph);
    vgg_weights_close(model->weights);
    vgg_model_free(model->base);
    vgg_free(model->training);
    vgg_free(model->head_source);
    vgg_free(model->quantized);
    vgg_free(model->preprocess_origin);
    vgg_free(model->notes);
    vgg_free(model->architecture);
    vgg_free(model->name);
    vgg_free(model);
}

const vgg_parameter *vgg_model_parameter(const clvgg_model *model, int node, int position)
{
    for (size_t i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].node == node && model->parameters[i].position == position)
            return &model->parameters[i];
    return NULL;
}

uint64_t vgg_model_parameter_bytes(const clvgg_model *model, int node, int position)
{
    const vgg_parameter *parameter = vgg_model_parameter(model, node, position);
    if (parameter == NULL)
        return 0;
    const vgg_parameter *from = parameter->inherited != NULL ? parameter->inherited : parameter;
    return vgg_shape_elements(&parameter->shape) *
           vgg_dtype_bytes(from->entry != NULL ? from->entry->dtype : from->dtype);
}

/* Values of a caller's source. */
static clvgg_status read_source(const clvgg_model *model, const vgg_parameter *parameter,
                                uint64_t first, uint64_t count, void *data)
{
    const clvgg_status given =
        model->source(model->source_user, parameter->name, &parameter->shape, first, count, data);
    VGG_CHECK(given == CLVGG_STATUS_OK, given, "the source of tensor '%s' failed: %s",
              parameter->name, vgg_status_name(given));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_model_read_parameter(const clvgg_model *model, const vgg_parameter *parameter,
                                      uint64_t first, uint64_t count, void *data)
{
    const vgg_layer *layer = vgg_layer_of(model->graph->nodes[parameter->node].type);
    const bool variance = layer->parameters[parameter->position].variance;
    if (parameter->inherited != NULL && parameter->int8)
        return vgg_int8_read_rounded(model->base, parameter->inherited, first, count, data);
    if (parameter->inherited != NULL)
        return vgg_model_read_parameter(model->base, parameter->inherited, first, count, data);
    if (parameter->fold != NULL)
        return vgg_norm_fold_read(model, parameter, first, count, data);
    if (parameter->entry != NULL)
        return vgg_model_read_entry(model, parameter->entry, variance, first, count, data);
    VGG_PASS(read_source(model, parameter, first, count, data));
    return vgg_model_check_values(model, parameter->name, variance, parameter->dtype, first, count,
                                  data);
}

uint64_t vgg_model_inner(const clvgg_model *model, const vgg_parameter *parameter)
{
    const vgg_tensor_entry *entry = parameter->entry;
    if (parameter->int8)
        return 0;
    if (parameter->inherited != NULL)
        return vgg_model_inner(model->base, parameter->inherited);
    if (entry == NULL || parameter->fold != NULL ||
        entry->shape.dims[0] != parameter->shape.dims[0])
        return 0;
    return vgg_weights_inner(model->weights, entry);
}

clvgg_status vgg_model_read_turned(const clvgg_model *model, const vgg_parameter *parameter,
                                   uint64_t first, uint64_t count, void *data)
{
    const vgg_tensor_entry *entry = parameter->entry;
    if (parameter->inherited != NULL)
        return vgg_model_read_turned(model->base, parameter->inherited, first, count, data);
    return vgg_model_read_entry_turned(model, entry, first, count, data);
}
