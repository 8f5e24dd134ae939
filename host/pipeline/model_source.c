/* pipeline/model_source.c — reads a plan's parameters from a model. */
#include "pipeline/model_source.h"

static clvgg_dtype parameter_dtype(void *user, int node, int parameter)
{
    return vgg_model_parameter(user, node, parameter)->dtype;
}

static clvgg_status read_parameter(void *user, int node, int parameter, uint64_t first,
                                   uint64_t count, void *data)
{
    return vgg_model_read_parameter(user, vgg_model_parameter(user, node, parameter), first, count,
                                    data);
}

static uint64_t weight_inner(void *user, int node)
{
    return vgg_model_inner(user, vgg_model_parameter(user, node, VGG_WEIGHT));
}

static clvgg_status read_turned(void *user, int node, uint64_t first, uint64_t count, void *data)
{
    return vgg_model_read_turned(user, vgg_model_parameter(user, node, VGG_WEIGHT), first, count,
                                 data);
}

/* A layer that took a batch normalisation in has other values than the file. */
static bool weight_name(void *user, int node, vgg_weight_name *out)
{
    const clvgg_model *model = user;
    const vgg_parameter *parameter = vgg_model_parameter(model, node, VGG_WEIGHT);
    if (parameter->entry == NULL || parameter->fold != NULL || parameter->inherited != NULL)
        return false;
    *out = (vgg_weight_name){parameter->name, vgg_weights_signature(model->weights)};
    return out->signature != NULL;
}

vgg_parameter_source vgg_model_parameter_source(const clvgg_model *model)
{
    return (vgg_parameter_source){(void *)model, model->id,    parameter_dtype, read_parameter,
                                  NULL,          weight_inner, read_turned,     weight_name};
}
