/* model/model_load_bind.c — each parameter of a network is bound to a tensor that fits. */
#include "base/alloc.h"
#include "base/log.h"
#include "graph/layer.h"
#include "model/model_load.h"
#include "model/norm_fold.h"
#include "tensor/shape.h"

/* What a parameter of the network has to be. */
typedef struct wanted {
    int node, position; /* in load->graph */
    clvgg_shape shape;
} wanted;

static clvgg_status check_tensor(const vgg_load *load, const wanted *w,
                                 const vgg_tensor_entry *entry)
{
    char actual[128], expected[128];
    const clvgg_shape *shape = &w->shape;
    const vgg_node *node = &load->graph->nodes[w->node];
    const int64_t *input = load->graph->nodes[0].output.dims;
    bool same_width = entry->shape.rank >= 2 && entry->shape.dims[0] == shape->dims[0];
    VGG_CHECK(vgg_binding_shape_fits(&entry->shape, shape) || shape->rank != 2 || !same_width,
              CLVGG_STATUS_SHAPE_MISMATCH,
              "an input of %lld x %lld leaves %lld features for %s, its tensor '%s' takes %llu",
              (long long)input[1], (long long)input[2], (long long)shape->dims[1], node->name,
              entry->name, (unsigned long long)(entry->count / (uint64_t)shape->dims[0]));
    VGG_CHECK(vgg_binding_shape_fits(&entry->shape, shape), CLVGG_STATUS_SHAPE_MISMATCH,
              "tensor '%s' has shape %s, %s.%s needs %s", entry->name,
              vgg_shape_text(&entry->shape, actual, sizeof actual), node->name,
              vgg_layer_of(node->type)->parameters[w->position].name,
              vgg_shape_text(shape, expected, sizeof expected));
    return CLVGG_STATUS_OK;
}

/* The tensor of a parameter of the file's network. *out is NULL where the node hasn't got it. */
static clvgg_status find_tensor(const vgg_load *load, int node, int position,
                                const vgg_tensor_entry **out)
{
    char name[VGG_TENSOR_NAME_CAPACITY];
    const wanted w = {node, position, vgg_graph_parameter_shape(load->graph, node, position)};
    *out = NULL;
    if (!vgg_node_has_parameter(&load->graph->nodes[node], position))
        return CLVGG_STATUS_OK;
    vgg_binding_tensor_name(&load->binding, load->graph, node, position, name);
    *out = vgg_weights_find(load->weights, name);
    if (*out == NULL)
        return vgg_binding_fail_missing(load->weights, name);
    return check_tensor(load, &w, *out);
}

/* Binds what node `node` of the file's network took in, its weight's parameter first. */
static clvgg_status bind_fold(vgg_load *load, clvgg_model *model, int node, int norm,
                              const vgg_norm_fold **out)
{
    vgg_norm_fold *fold = &model->folds[load->fold_count++];
    fold->norm.type = load->graph->nodes[norm].type;
    fold->norm.attributes = load->graph->nodes[norm].attributes;
    for (int p = 0; p <= VGG_VARIANCE; p++)
        VGG_PASS(find_tensor(load, norm, p, &fold->parts[p]));
    *out = fold;
    return find_tensor(load, node, VGG_BIAS, &fold->bias);
}

clvgg_status vgg_load_parameters(vgg_load *load, clvgg_model *model)
{
    const vgg_folded *folded = &load->folded;
    const vgg_norm_fold *fold = NULL; /* of the latest node */
    int latest = -1;
    VGG_NEW_PASS(model->folds, (size_t)folded->count);
    for (size_t i = 0; i < model->parameter_count; i++) {
        vgg_parameter *parameter = &model->parameters[i];
        const int at = parameter->node, node = folded->graph != NULL ? folded->origin[at] : at;
        const int norm = folded->graph != NULL ? folded->norm[at] : -1;
        VGG_PASS(find_tensor(load, node, parameter->position, &parameter->entry));
        if (norm >= 0 && at != latest)
            VGG_PASS(bind_fold(load, model, node, norm, &fold));
        latest = at;
        parameter->fold = norm >= 0 ? fold : NULL;
        parameter->int8 = norm < 0 && parameter->entry->int8;
        parameter->dtype = norm >= 0 ? CLVGG_DTYPE_F32 : parameter->entry->dtype;
    }
    return CLVGG_STATUS_OK;
}

static bool is_bound(const vgg_load *load, const clvgg_model *model, const vgg_tensor_entry *entry)
{
    bool bound = vgg_binding_leaves_out(&load->binding, entry->name);
    for (size_t i = 0; i < model->parameter_count; i++)
        bound = bound || model->parameters[i].entry == entry;
    for (size_t i = 0; i < load->fold_count; i++)
        for (int p = 0; p <= VGG_VARIANCE; p++)
            bound = bound || model->folds[i].parts[p] == entry;
    return bound;
}

void vgg_load_warn_of_unused(const vgg_load *load, const clvgg_model *model)
{
    const vgg_tensor_entry *first = NULL;
    size_t unused = 0;
    for (size_t i = vgg_weights_count(load->weights); i-- > 0;) {
        const vgg_tensor_entry *entry = vgg_weights_entry(load->weights, i);
        if (is_bound(load, model, entry))
            continue;
        first = entry;
        unused++;
    }
    if (unused > 0)
        vgg_log(CLVGG_LOG_WARNING, "%s: tensors that no layer uses: %zu, the first is '%s'",
                vgg_weights_path(load->weights), unused, first->name);
}
