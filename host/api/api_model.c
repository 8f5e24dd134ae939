/* api/api_model.c — implements clvgg/model.h. */
#include "api/scope.h"
#include "base/alloc.h"
#include "base/text.h"
#include "graph/fold.h"
#include "model/model.h"
#include "tensor/dtype.h"

void clvgg_model_options_defaults(clvgg_model_options *options)
{
    if (options != NULL)
        *options = (clvgg_model_options){.struct_size = sizeof *options};
}

clvgg_status clvgg_model_load(clvgg_runtime *runtime, const char *path,
                              const clvgg_model_options *options, clvgg_model **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(runtime, path);
    VGG_API_OPTIONS(clvgg_model_options, options);
    VGG_API_REQUIRE(options->input_height >= 0 && options->input_width >= 0);
    VGG_API_RETURN(&runtime->scope, vgg_model_load(runtime, path, options, out));
}

void clvgg_model_description_defaults(clvgg_model_description *description)
{
    if (description == NULL)
        return;
    *description = (clvgg_model_description){.struct_size = sizeof *description,
                                             .architecture = "vgg16",
                                             .input_channels = 3,
                                             .input_height = 224,
                                             .input_width = 224,
                                             .head = {4096, 4096},
                                             .class_count = 1000};
    clvgg_preprocess_defaults(&description->preprocess);
}

clvgg_status clvgg_model_random_weights(void *user, const char *tensor, const clvgg_shape *shape,
                                        uint64_t first, uint64_t count, float *values)
{
    VGG_API_GIVEN(user, tensor, shape);
    VGG_API_REQUIRE(values != NULL || count == 0);
    vgg_model_random_weights(*(const uint64_t *)user, tensor, shape, first, count, values);
    return CLVGG_STATUS_OK;
}

clvgg_status clvgg_model_build(clvgg_runtime *runtime, const clvgg_model_description *description,
                               clvgg_model **out)
{
    VGG_API_OUT(out);
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_STRUCT(description);
    VGG_API_REQUIRE(description->architecture != NULL);
    VGG_API_REQUIRE(description->source != NULL);
    VGG_API_RETURN(&runtime->scope, vgg_model_build(runtime, description, out));
}

clvgg_status clvgg_model_save(const clvgg_model *model, const char *path, clvgg_dtype dtype)
{
    VGG_API_GIVEN(model, path);
    VGG_API_REQUIRE(dtype == CLVGG_DTYPE_F32 || dtype == CLVGG_DTYPE_F16 ||
                    dtype == CLVGG_DTYPE_BF16);
    VGG_API_RETURN(model->scope, vgg_model_save(model, path, dtype));
}

clvgg_model *clvgg_model_retain(clvgg_model *model)
{
    if (model != NULL)
        vgg_model_retain(model);
    return model;
}

void clvgg_model_free(clvgg_model *model)
{
    vgg_model_free(model);
}

const char *clvgg_model_name(const clvgg_model *model)
{
    return model->name;
}

int clvgg_model_reads(const clvgg_model *model, const char *path)
{
    return vgg_model_reads(model, path);
}

const char *clvgg_model_architecture(const clvgg_model *model)
{
    return model->architecture;
}

size_t clvgg_model_class_count(const clvgg_model *model)
{
    return model->class_count;
}

const char *clvgg_model_label(const clvgg_model *model, size_t index)
{
    return model->labels != NULL && index < model->class_count ? model->labels[index] : NULL;
}

void clvgg_model_preprocess(const clvgg_model *model, clvgg_preprocess *out)
{
    *out = model->preprocess;
}

const char *clvgg_model_preprocess_origin(const clvgg_model *model)
{
    return model->preprocess_origin;
}

const char *clvgg_model_format(const clvgg_model *model)
{
    return model->weights != NULL ? vgg_weights_format_name(model->weights) : NULL;
}

const char *clvgg_model_notes(const clvgg_model *model)
{
    return model->notes != NULL ? model->notes : "";
}

const char *clvgg_model_metadata(const clvgg_model *model, const char *key)
{
    return model->weights != NULL && key != NULL ? vgg_weights_metadata(model->weights, key) : NULL;
}

uint64_t clvgg_model_parameter_count(const clvgg_model *model)
{
    uint64_t count = 0;
    for (int i = 0; i < model->graph->count; i++)
        count += vgg_graph_node_parameters(model->graph, i);
    return count;
}

uint64_t clvgg_model_flops(const clvgg_model *model)
{
    uint64_t flops = 0;
    for (int i = 0; i < model->graph->count; i++)
        flops += vgg_graph_node_flops(model->graph, i);
    return flops;
}

size_t clvgg_model_layer_count(const clvgg_model *model)
{
    return (size_t)model->graph->count;
}

clvgg_status clvgg_model_find_layer(const clvgg_model *model, const char *name, size_t *index)
{
    VGG_API_GIVEN(model, name, index);
    int node = 0;
    const clvgg_status status = vgg_graph_require(model->graph, name, "", &node);
    *index = (size_t)node;
    return status;
}

clvgg_status clvgg_model_layer(const clvgg_model *model, size_t index, clvgg_layer_info *info)
{
    VGG_API_REQUIRE(model != NULL);
    VGG_API_STRUCT(info);
    VGG_API_REQUIRE(index < clvgg_model_layer_count(model));
    const vgg_node *node = &model->graph->nodes[index];
    *info =
        (clvgg_layer_info){.struct_size = sizeof *info,
                           .name = node->name,
                           .type = vgg_layer_type_name(node->type),
                           .input = node->inputs[0],
                           .folds_into = vgg_graph_folds_into(model->graph, (int)index),
                           .output = node->output,
                           .parameter_count = vgg_graph_node_parameters(model->graph, (int)index),
                           .flops = vgg_graph_node_flops(model->graph, (int)index)};
    vgg_node_describe(node, info->attributes, sizeof info->attributes);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_parameter(const clvgg_model *model, size_t layer, bool bias,
                                   clvgg_shape *shape, float *values)
{
    clvgg_status status = CLVGG_STATUS_OK;
    void *raw = NULL;
    const vgg_parameter *parameter = vgg_model_parameter(model, (int)layer, bias);
    VGG_REQUIRE(parameter != NULL, CLVGG_STATUS_NOT_FOUND, "layer '%s' has no %s",
                model->graph->nodes[layer].name, bias ? "bias" : "weight");
    *shape = parameter->shape;
    if (values == NULL)
        goto cleanup;
    uint64_t count = 1;
    for (int i = 0; i < shape->rank; i++)
        count *= (uint64_t)shape->dims[i];
    raw = vgg_calloc(count, vgg_dtype_bytes(parameter->dtype));
    VGG_REQUIRE(raw != NULL, CLVGG_STATUS_OUT_OF_MEMORY, "no memory for the weights of layer '%s'",
                model->graph->nodes[layer].name);
    VGG_TRY(vgg_model_read_parameter(model, parameter, 0, count, raw));
    vgg_to_f32(parameter->dtype, raw, count, values);
cleanup:
    vgg_free(raw);
    return status;
}

clvgg_status clvgg_model_parameter(const clvgg_model *model, size_t layer, int bias,
                                   clvgg_shape *shape, float *values)
{
    VGG_API_GIVEN(model, shape);
    VGG_API_REQUIRE(layer < clvgg_model_layer_count(model));
    VGG_API_RETURN(model->scope, read_parameter(model, layer, bias != 0, shape, values));
}

static clvgg_status print_graph(const clvgg_model *model, clvgg_graph_format format, char *text,
                                size_t capacity, size_t *length)
{
    vgg_text whole = {0};
    if (format == CLVGG_GRAPH_DOT)
        vgg_graph_write_dot(model->graph, &whole);
    else
        vgg_graph_write_json(model->graph, &whole);
    return vgg_api_hand_out(&whole, text, capacity, length);
}

clvgg_status clvgg_model_print_graph(const clvgg_model *model, clvgg_graph_format format,
                                     char *text, size_t capacity, size_t *length)
{
    VGG_API_REQUIRE(length != NULL);
    *length = 0;
    VGG_API_REQUIRE(model != NULL);
    VGG_API_REQUIRE(format == CLVGG_GRAPH_DOT || format == CLVGG_GRAPH_JSON);
    VGG_API_REQUIRE(text != NULL || capacity == 0);
    VGG_API_RETURN(model->scope, print_graph(model, format, text, capacity, length));
}
