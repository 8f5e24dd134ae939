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

vgg_parameter_source vgg_model_parameter_source(const clvgg_model *model)
{
    return (vgg_parameter_source){(void *)model, model->id,    parameter_dtype, read_parameter,
                                  NULL,          weight_inner, read_turned};
}
