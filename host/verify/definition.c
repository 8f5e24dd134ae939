/* verify/definition.c — see definition.h. */
#include "verify/definition.h"

#include <math.h>

#include "base/alloc.h"
#include "tensor/shape.h"

bool vgg_definition_exists(const vgg_problem *problem)
{
    return problem->node == NULL || vgg_layer_of(problem->node->type)->element != NULL;
}

clvgg_status vgg_definition_open(const vgg_problem *problem, const vgg_channel_source *source,
                                 vgg_definition *definition)
{
    *definition = (vgg_definition){.problem = problem, .source = source};
    for (int p = 0; problem->node != NULL && p <= VGG_VARIANCE; p++) {
        if (!vgg_node_has_parameter(problem->node, p))
            continue;
        const vgg_layer_parameter *parameter = &vgg_layer_of(problem->node->type)->parameters[p];
        const clvgg_shape shape = parameter->shape(problem->node, &problem->input);
        definition->row_elements[p] = vgg_shape_elements(&shape) / (uint64_t)shape.dims[0];
        VGG_NEW_PASS(definition->rows[p], (size_t)definition->row_elements[p]);
        VGG_NEW_PASS(definition->sizes[p], (size_t)definition->row_elements[p]);
    }
    if (problem->pool != NULL)
        VGG_NEW_PASS(definition->plane,
                     (size_t)(problem->output.dims[1] * problem->output.dims[2]));
    return CLVGG_STATUS_OK;
}

void vgg_definition_close(vgg_definition *definition)
{
    for (int p = 0; p <= VGG_VARIANCE; p++) {
        vgg_free(definition->rows[p]);
        vgg_free(definition->sizes[p]);
    }
    vgg_free(definition->plane);
}

clvgg_status vgg_definition_take_channel(vgg_definition *definition, int64_t k)
{
    const vgg_channel_source *source = definition->source;
    for (int p = 0; p <= VGG_VARIANCE; p++) {
        if (definition->rows[p] == NULL)
            continue;
        VGG_PASS(
            source->read(source->user, p, k, definition->row_elements[p], definition->rows[p]));
        for (uint64_t i = 0; i < definition->row_elements[p]; i++)
            /* What a mean takes away is a term too. */
            definition->sizes[p][i] =
                p == VGG_MEAN ? -fabsf(definition->rows[p][i]) : fabsf(definition->rows[p][i]);
    }
    return CLVGG_STATUS_OK;
}

/* Of the layer and its ReLU, with parameters `rows`. */
static double before_pool(const vgg_definition *definition, float *const *rows,
                          const vgg_definition_image *image, const int64_t at[3])
{
    vgg_element element = {.node = definition->problem->node,
                           .input = &definition->problem->input,
                           .x = image->x,
                           .second = image->second,
                           .at = {at[0], at[1], at[2]}};
    if (element.node == NULL)
        return vgg_element_input(&element);
    for (int p = 0; p <= VGG_VARIANCE; p++)
        element.rows[p] = rows[p];
    const double value = vgg_layer_of(element.node->type)->element(&element);
    return definition->problem->relu ? vgg_layer_relu.activation->value(value) : value;
}

/* Puts what the pooling's element reads where it reads it. */
static double behind_pool(const vgg_definition *definition, float *const *rows_of,
                          const vgg_definition_image *image, const int64_t at[3])
{
    const vgg_problem *problem = definition->problem;
    const vgg_layer *pool = vgg_layer_of(problem->pool->type);
    const clvgg_shape plane = {3, {1, problem->output.dims[1], problem->output.dims[2]}};
    const vgg_element element = {
        .node = problem->pool, .input = &plane, .x = definition->plane, .at = {0, at[1], at[2]}};
    vgg_window rows, columns;
    pool->window(problem->pool, &plane, 0, &rows);
    pool->window(problem->pool, &plane, 1, &columns);
    for (int64_t i = 0; i < rows.kernel * columns.kernel; i++) {
        const int64_t inner[3] = {at[0], at[1] * rows.stride - rows.pad + i / columns.kernel,
                                  at[2] * columns.stride - columns.pad + i % columns.kernel};
        if (inner[1] >= 0 && inner[1] < plane.dims[1] && inner[2] >= 0 && inner[2] < plane.dims[2])
            definition->plane[inner[1] * plane.dims[2] + inner[2]] =
                (float)before_pool(definition, rows_of, image, inner);
    }
    return pool->element(&element);
}

double vgg_definition_element(const vgg_definition *definition, const vgg_definition_image *image,
                              const int64_t at[3])
{
    return definition->problem->pool != NULL ? behind_pool(definition, definition->rows, image, at)
                                             : before_pool(definition, definition->rows, image, at);
}

int32_t vgg_definition_side_element(const vgg_definition *definition,
                                    const vgg_definition_image *image, const int64_t at[3])
{
    const vgg_problem *problem = definition->problem;
    const vgg_element element = {.node = problem->node,
                                 .input = &problem->input,
                                 .x = image->x,
                                 .second = image->second,
                                 .at = {at[0], at[1], at[2]}};
    return vgg_layer_of(problem->node->type)->side_element(&element);
}

double vgg_definition_size(const vgg_definition *definition, const vgg_definition_image *image,
                           const int64_t at[3])
{
    return definition->problem->pool != NULL
               ? behind_pool(definition, definition->sizes, image, at)
               : before_pool(definition, definition->sizes, image, at);
}

bool vgg_definition_is_products(const vgg_problem *problem)
{
    return problem->node != NULL && vgg_layer_of(problem->node->type)->as_convolution != NULL;
}

uint64_t vgg_definition_terms(const vgg_problem *problem)
{
    const vgg_layer *layer = problem->node != NULL ? vgg_layer_of(problem->node->type) : NULL;
    if (layer != NULL && layer->scale_and_shift != NULL)
        return 3; /* x, the mean and the bias, scaled */
    if (layer != NULL && layer->most_addends != NULL)
        return (uint64_t)layer->most_addends(problem->node);
    if (!vgg_definition_is_products(problem))
        return 0;
    const vgg_conv_attributes conv = vgg_problem_conv(problem);
    const clvgg_shape in = vgg_shape_as_image(&problem->input);
    return (uint64_t)(in.dims[0] / conv.groups * conv.kernel[0] * conv.kernel[1]) + 1;
}
