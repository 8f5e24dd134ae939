/* measure/reference.c — standard networks among models. */
#include "measure/reference.h"

#include <string.h>

#include "base/alloc.h"
#include "tensor/shape.h"

bool vgg_reference_seed(const clvgg_model *model, uint64_t *seed)
{
    if (model->source != clvgg_model_random_weights || model->base != NULL)
        return false;
    *seed = *(const uint64_t *)model->source_user;
    return true;
}

static uint64_t count_parameters(const vgg_graph *graph)
{
    uint64_t count = 0;
    for (int i = 0; i < graph->count; i++)
        count += vgg_graph_node_parameters(graph, i);
    return count;
}

const vgg_reference_logits *vgg_reference_find(const clvgg_model *model)
{
    static const clvgg_shape photograph = {3, {3, 224, 224}};
    uint64_t seed = 0;
    if (!vgg_reference_seed(model, &seed) || seed != VGG_REFERENCE_SEED ||
        model->class_count != VGG_REFERENCE_CLASSES ||
        !vgg_shape_equal(&model->graph->nodes[0].output, &photograph))
        return NULL;
    for (int i = 0; i < VGG_REFERENCE_NETWORKS; i++)
        if (strcmp(model->architecture, vgg_reference_networks[i].architecture) == 0 &&
            count_parameters(model->graph) == vgg_reference_networks[i].parameters)
            return &vgg_reference_networks[i];
    return NULL;
}

clvgg_status vgg_weights_hash(const clvgg_model *model, char hex[VGG_SHA256_HEX])
{
    enum { PIECE = 1 << 18 };
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_sha256 hash = vgg_sha256_begin();
    float *values = NULL;
    VGG_NEW(values, PIECE);
    for (size_t i = 0; i < model->parameter_count; i++) {
        const vgg_parameter *parameter = &model->parameters[i];
        const uint64_t elements = vgg_shape_elements(&parameter->shape);
        for (uint64_t first = 0; first < elements; first += PIECE) {
            const uint64_t left = elements - first, count = left < PIECE ? left : PIECE;
            VGG_TRY(vgg_model_read_parameter(model, parameter, first, count, values));
            vgg_sha256_add(&hash, values, count * sizeof *values);
        }
    }
    vgg_sha256_end_hex(&hash, hex);
cleanup:
    vgg_free(values);
    return status;
}
