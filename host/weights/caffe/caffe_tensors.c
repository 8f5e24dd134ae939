/* weights/caffe/caffe_tensors.c — the blobs of a .caffemodel's layers as tensors: of a network,
 * whose shapes they must have, or by the layers' names alone.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "graph/layer.h"
#include "tensor/shape.h"
#include "weights/caffe/caffe.h"

static clvgg_status add_tensor(vgg_weights *weights, const char *layer, const char *parameter,
                               const clvgg_shape *shape, const vgg_caffe_values *values)
{
    vgg_caffe *own = weights->own;
    vgg_text name = {0};
    VGG_GROW_PASS(own->values, own->value_count, own->value_capacity, 64);
    own->values[own->value_count] = *values;
    vgg_text_printf(&name, "%s.%s", layer, parameter);
    clvgg_status status = vgg_text_check(&name, "a tensor's name");
    if (status == CLVGG_STATUS_OK)
        status = vgg_weights_add(weights, vgg_text_string(&name), shape, CLVGG_DTYPE_F32, NULL,
                                 own->value_count++);
    vgg_text_free(&name);
    return status;
}

/* Both without the dimensions of 1 in front, which blobs have four of. */
static bool is_same_shape(const clvgg_shape *blob, const clvgg_shape *wanted)
{
    int i = 0, j = 0;
    while (i < blob->rank - 1 && blob->dims[i] == 1)
        i++;
    while (j < wanted->rank - 1 && wanted->dims[j] == 1)
        j++;
    return blob->rank - i == wanted->rank - j &&
           memcmp(blob->dims + i, wanted->dims + j,
                  (size_t)(wanted->rank - j) * sizeof *wanted->dims) == 0;
}

/* A parameter of a node, from a layer's blob. */
static clvgg_status add_blob(vgg_weights *weights, int node, int parameter,
                             const VggCaffe__Layer *layer, size_t blob, float factor)
{
    const vgg_node *of = &weights->graph->nodes[node];
    const clvgg_shape wanted = vgg_graph_parameter_shape(weights->graph, node, parameter);
    clvgg_shape shape;
    char actual[128], expected[128];
    VGG_PASS(vgg_caffe_shape(weights->own, layer, blob, &shape));
    VGG_CHECK(is_same_shape(&shape, &wanted), CLVGG_STATUS_SHAPE_MISMATCH,
              "layer '%s': blob %zu has shape %s, its %s has %s", layer->name, blob,
              vgg_shape_text(&shape, actual, sizeof actual),
              vgg_layer_of(of->type)->parameters[parameter].name,
              vgg_shape_text(&wanted, expected, sizeof expected));
    const vgg_caffe_values values = {.blob = layer->blobs[blob], .factor = factor};
    return add_tensor(weights, of->name, vgg_layer_of(of->type)->parameters[parameter].name,
                      &wanted, &values);
}

static clvgg_status add_constant(vgg_weights *weights, int node, int parameter, float constant)
{
    const vgg_node *of = &weights->graph->nodes[node];
    const clvgg_shape shape = vgg_graph_parameter_shape(weights->graph, node, parameter);
    return add_tensor(weights, of->name, vgg_layer_of(of->type)->parameters[parameter].name, &shape,
                      &(vgg_caffe_values){.constant = constant});
}

/* Statistics are sums, and the third blob says of how much: 0, of nothing, makes them 0 too. */
static clvgg_status add_statistics(vgg_weights *weights, int node, const VggCaffe__Layer *layer)
{
    const vgg_caffe *own = weights->own;
    float scale = 1;
    clvgg_shape shape;
    if (layer == NULL) {
        VGG_PASS(add_constant(weights, node, VGG_MEAN, 0));
        return add_constant(weights, node, VGG_VARIANCE, 1);
    }
    if (layer->n_blobs > 2) {
        const vgg_caffe_values values = {.blob = layer->blobs[2], .factor = 1};
        VGG_PASS(vgg_caffe_shape(own, layer, 2, &shape));
        VGG_PASS(vgg_caffe_read(weights->file, own, &values, 0, 1, &scale));
        scale = scale == 0 ? 0 : 1 / scale;
    }
    VGG_PASS(add_blob(weights, node, VGG_MEAN, layer, 0, scale));
    return add_blob(weights, node, VGG_VARIANCE, layer, 1, scale);
}

static clvgg_status add_norm(vgg_weights *weights, int node, const VggCaffe__Layer *layer,
                             const VggCaffe__Layer *scale)
{
    VGG_PASS(add_statistics(weights, node, layer));
    if (scale == NULL)
        return CLVGG_STATUS_OK;
    VGG_PASS(add_blob(weights, node, VGG_WEIGHT, scale, 0, 1));
    return scale->n_blobs > 1 ? add_blob(weights, node, VGG_BIAS, scale, 1, 1)
                              : add_constant(weights, node, VGG_BIAS, 0);
}

clvgg_status vgg_caffe_add_network(vgg_weights *weights, const vgg_caffe_network *network)
{
    for (int i = 1; i < weights->graph->count; i++) {
        const vgg_node *node = &weights->graph->nodes[i];
        const VggCaffe__Layer *layer = network->layer_of[i];
        if (node->type == VGG_LAYER_BATCH_NORM)
            VGG_PASS(add_norm(weights, i, layer, network->scale_of[i]));
        else if (vgg_layer_of(node->type)->parameter_count > 0) {
            VGG_PASS(add_blob(weights, i, VGG_WEIGHT, layer, 0, 1));
            if (vgg_node_has_parameter(node, VGG_BIAS))
                VGG_PASS(add_blob(weights, i, VGG_BIAS, layer, 1, 1));
        }
    }
    return CLVGG_STATUS_OK;
}

/* Of old, dense weights were 1 x 1 x out x in, and biases 1 x 1 x 1 x out. */
clvgg_status vgg_caffe_add_named(vgg_weights *weights, const VggCaffe__Layer *layer)
{
    static const char *const parameters[] = {"weight", "bias"};
    for (size_t i = 0; i < layer->n_blobs && i < 2; i++) {
        clvgg_shape shape;
        VGG_PASS(vgg_caffe_shape(weights->own, layer, i, &shape));
        const int least = i == 0 ? 2 : 1;
        while (shape.rank > least && shape.dims[0] == 1 &&
               (i == 1 || shape.dims[1] == 1 || shape.rank == 3)) {
            shape.rank--;
            memmove(shape.dims, shape.dims + 1, (size_t)shape.rank * sizeof *shape.dims);
        }
        VGG_PASS(add_tensor(weights, layer->name, parameters[i], &shape,
                            &(vgg_caffe_values){.blob = layer->blobs[i], .factor = 1}));
    }
    return CLVGG_STATUS_OK;
}

#else

typedef int vgg_caffe_tensors_are_absent; /* C wants something in every file */

#endif
