/* api/api_projector.c — implements clvgg/visualize.h's projections. */
#include "api/scope.h"
#include "vis/projector.h"

clvgg_status clvgg_model_receptive_field(const clvgg_model *model, const char *layer,
                                         clvgg_receptive_field *field)
{
    int node = 0;
    VGG_API_GIVEN(model, layer, field);
    VGG_PASS(vgg_graph_require(model->graph, layer, "", &node));
    *field = vgg_graph_receptive_field(model->graph, node);
    return CLVGG_STATUS_OK;
}

void clvgg_projector_options_defaults(clvgg_projector_options *options)
{
    if (options != NULL)
        *options = (clvgg_projector_options){.struct_size = sizeof *options, .max_batch = 1};
}

static clvgg_status create(clvgg_device *device, clvgg_model *model, const char *layer,
                           const clvgg_projector_options *options, clvgg_projector **out)
{
    int node = 0;
    VGG_PASS(vgg_graph_require(model->graph, layer, "", &node));
    return vgg_projector_create(device, model, node, options, out);
}

clvgg_status clvgg_projector_create(clvgg_device *device, clvgg_model *model, const char *layer,
                                    const clvgg_projector_options *options, clvgg_projector **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(device, model, layer);
    VGG_API_OPTIONS(clvgg_projector_options, options);
    VGG_API_REQUIRE(options->max_batch >= 1 && options->max_batch <= 65536);
    VGG_API_REQUIRE(options->mode >= CLVGG_PROJECTION_DECONV &&
                    options->mode <= CLVGG_PROJECTION_GRADIENT);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_RETURN(model->scope, create(device, model, layer, options, out));
}

void clvgg_projector_free(clvgg_projector *projector)
{
    if (projector == NULL)
        return;
    const vgg_scope *previous = vgg_scope_enter(projector->scope);
    vgg_projector_free(projector);
    vgg_scope_leave(previous);
}

void clvgg_projector_shapes(const clvgg_projector *projector, clvgg_shape *layer,
                            clvgg_shape *projection)
{
    const vgg_reverse_graph *reverse = &projector->reverse;
    *layer = reverse->graph->nodes[reverse->value].output;
    *projection = reverse->graph->nodes[reverse->projection].output;
}

clvgg_status clvgg_projector_run(clvgg_projector *projector, int count, const float *images,
                                 const clvgg_seed *seeds, float *projections, float *activations,
                                 float *to_values)
{
    VGG_API_REQUIRE(projector != NULL);
    VGG_API_REQUIRE(count >= 1);
    VGG_API_GIVEN(images, seeds, projections);
    VGG_API_RETURN(projector->scope, vgg_projector_run(projector, count, images, seeds, projections,
                                                       activations, to_values));
}
