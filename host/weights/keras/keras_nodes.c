/* weights/keras/keras_nodes.c — nodes of the network that a Keras file holds, and their tensors in
 * our layouts.
 *
 * Keras keeps a convolution's kernel as height, width, in, out, a dense layer's as in, out, and
 * flattens as height, width, channel whatever its data format is.
 */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

const clvgg_shape *vgg_keras_shape(const keras_build *build)
{
    return &build->graph->nodes[build->graph->count - 1].output;
}

static bool is_taken(const vgg_graph *graph, const char *name)
{
    for (int i = 0; i < graph->count; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return true;
    return false;
}

/* Layers of two nested models may have the same name. */
clvgg_status vgg_keras_add(keras_build *build, const char *name, vgg_layer_type type,
                           const vgg_attributes *attributes)
{
    char own[VGG_MAX_NAME_LENGTH + 1];
    snprintf(own, sizeof own, "%s", name);
    for (int i = 2; i < VGG_MAX_NODES && is_taken(build->graph, own); i++)
        snprintf(own, sizeof own, "%.200s_%d", name, i);
    VGG_CHECK(!build->padded || type == VGG_LAYER_CONV2D, CLVGG_STATUS_UNSUPPORTED,
              "layer '%s': ZeroPadding2D in front of it is supported in front of Conv2D alone",
              name);
    return vgg_graph_add(build->graph, own, type, attributes, build->graph->count - 1, NULL);
}

clvgg_status vgg_keras_add_bound(keras_build *build, const char *name, vgg_layer_type type,
                                 const vgg_attributes *attributes, keras_bound bound)
{
    vgg_keras *keras = build->keras;
    VGG_PASS(vgg_keras_add(build, name, type, attributes));
    VGG_GROW_PASS(keras->bound, keras->bound_count, keras->bound_capacity, 64);
    bound.node = build->graph->count - 1;
    memcpy(bound.features, build->features, sizeof bound.features);
    keras->bound[keras->bound_count++] = bound;
    if (type == VGG_LAYER_DENSE)
        memset(build->features, 0, sizeof build->features);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_keras_add_activation(keras_build *build, const char *layer, const char *name,
                                      const char *activation)
{
    static const struct {
        const char *name;
        vgg_layer_type type;
    } known[] = {{"relu", VGG_LAYER_RELU},
                 {"softmax", VGG_LAYER_SOFTMAX},
                 {"sigmoid", VGG_LAYER_SIGMOID},
                 {"tanh", VGG_LAYER_TANH}};
    if (activation == NULL || strcmp(activation, "linear") == 0)
        return CLVGG_STATUS_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(activation, known[i].name) == 0)
            return vgg_keras_add(build, name, known[i].type, NULL);
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "layer '%s': activation '%s' isn't supported; relu, softmax, sigmoid, tanh and "
                    "linear are",
                    layer, activation);
}

clvgg_status vgg_keras_add_flatten(keras_build *build, const char *name, bool in_keras_order)
{
    const clvgg_shape shape = *vgg_keras_shape(build);
    if (shape.rank != 3)
        return CLVGG_STATUS_OK; /* it is flat already */
    VGG_PASS(vgg_keras_add(build, name, VGG_LAYER_FLATTEN, NULL));
    if (in_keras_order && shape.dims[1] * shape.dims[2] > 1)
        memcpy(build->features, shape.dims, sizeof build->features);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_keras_add_global_pool(keras_build *build, const char *name, bool is_max,
                                       bool keeps_dims)
{
    char flat[VGG_MAX_NAME_LENGTH + 1];
    const vgg_attributes whole = {.pool = {.adaptive = {1, 1}}};
    VGG_PASS(vgg_keras_add(build, name, is_max ? VGG_LAYER_MAX_POOL : VGG_LAYER_AVG_POOL, &whole));
    if (keeps_dims)
        return CLVGG_STATUS_OK;
    snprintf(flat, sizeof flat, "%.200s_flatten", name);
    return vgg_keras_add(build, flat, VGG_LAYER_FLATTEN, NULL);
}

/* ---- tensors ---- */

static clvgg_status read_bytes(const void *source, uint64_t offset, void *data, size_t bytes)
{
    const keras_place *place = source;
    return vgg_hdf5_read(place->set, offset, data, bytes);
}

/* Describes our layout over the stored one; the shapes have been compared. */
static void describe_layout(const keras_bound *bound, const clvgg_shape *ours, vgg_strided *to)
{
    const int64_t *d = ours->dims, *f = bound->features;
    const bool permuted = f[0] != 0;
    if (ours->rank == 4) { /* out, in, height · width of height, width, in, out */
        to->rank = 3;
        memcpy(to->dims, (int64_t[]){d[0], d[1], d[2] * d[3]}, 3 * sizeof *d);
        memcpy(to->strides, (int64_t[]){1, d[0], d[1] * d[0]}, 3 * sizeof *d);
    } else if (ours->rank == 2 && permuted) { /* out, c, h · w of (h, w, c), out */
        to->rank = 3;
        memcpy(to->dims, (int64_t[]){d[0], f[0], f[1] * f[2]}, 3 * sizeof *d);
        memcpy(to->strides, (int64_t[]){1, d[0], f[0] * d[0]}, 3 * sizeof *d);
    } else if (ours->rank == 2) {
        to->rank = 2;
        memcpy(to->dims, (int64_t[]){d[0], d[1]}, 2 * sizeof *d);
        memcpy(to->strides, (int64_t[]){1, d[0]}, 2 * sizeof *d);
    } else if (permuted && d[0] == f[0] * f[1] * f[2]) { /* batch norm of flattened features */
        to->rank = 2;
        memcpy(to->dims, (int64_t[]){f[0], f[1] * f[2]}, 2 * sizeof *d);
        memcpy(to->strides, (int64_t[]){1, f[0]}, 2 * sizeof *d);
    } else {
        to->rank = 1;
        to->dims[0] = d[0];
        to->strides[0] = 1;
    }
}

/* The stored shape that fits ours. */
static clvgg_shape stored_shape(const clvgg_shape *ours)
{
    const int64_t *d = ours->dims;
    if (ours->rank == 4)
        return (clvgg_shape){4, {d[2], d[3], d[1], d[0]}};
    if (ours->rank == 2)
        return (clvgg_shape){2, {d[1], d[0]}};
    return *ours;
}

clvgg_status vgg_keras_add_place(vgg_keras *keras, const vgg_hdf5_dataset *set, float constant,
                                 keras_place **out)
{
    VGG_GROW_PASS(keras->places, keras->place_count, keras->place_capacity, 64);
    VGG_NEW_PASS(*out, 1);
    keras->places[keras->place_count++] = *out;
    **out = (keras_place){.set = set,
                          .constant = constant,
                          .strided = {.read_bytes = read_bytes,
                                      .source = *out,
                                      .is_double = set != NULL && set->is_double}};
    return CLVGG_STATUS_OK;
}

static clvgg_status check_variable(const vgg_node *node, const vgg_hdf5_dataset *set,
                                   const clvgg_shape *ours)
{
    char expected[128], actual[128];
    const clvgg_shape wanted = stored_shape(ours);
    VGG_CHECK(set->foreign == NULL, CLVGG_STATUS_UNSUPPORTED, "layer '%s': data set \"%s\" %s",
              node->name, set->path, set->foreign);
    VGG_CHECK(vgg_shape_equal(&set->shape, &wanted), CLVGG_STATUS_SHAPE_MISMATCH,
              "layer '%s': data set \"%s\" of %s has shape %s, the network needs %s", node->name,
              set->path, set->file->name, vgg_shape_text(&set->shape, actual, sizeof actual),
              vgg_shape_text(&wanted, expected, sizeof expected));
    return CLVGG_STATUS_OK;
}

static clvgg_status bind_parameter(keras_build *build, const keras_bound *bound, int position)
{
    vgg_keras *keras = build->keras;
    const vgg_node *node = &build->graph->nodes[bound->node];
    const clvgg_shape ours = vgg_graph_parameter_shape(build->graph, bound->node, position);
    const bool is_norm = node->type == VGG_LAYER_BATCH_NORM;
    const vgg_hdf5_dataset *set = vgg_keras_variable(bound, is_norm, position);
    const char *word = vgg_layer_of(node->type)->parameters[position].name;
    const bool implied = is_norm && ((position == VGG_WEIGHT && !bound->has_scale) ||
                                     (position == VGG_BIAS && !bound->has_center));
    char name[VGG_MAX_NAME_LENGTH + 32];
    keras_place *place = NULL;
    VGG_CHECK(set != NULL || implied, CLVGG_STATUS_BAD_FILE,
              "layer '%s': its %s isn't among the variables of \"%s\"", node->name, word,
              bound->group->path);
    if (set != NULL)
        VGG_PASS(check_variable(node, set, &ours));
    VGG_PASS(vgg_keras_add_place(keras, set, position == VGG_WEIGHT ? 1.0f : 0.0f, &place));
    describe_layout(bound, &ours, &place->strided);
    snprintf(name, sizeof name, "%s.%s", node->name, word);
    return vgg_weights_add(keras->weights, name, &ours, set != NULL ? set->dtype : CLVGG_DTYPE_F32,
                           NULL, keras->place_count - 1);
}

clvgg_status vgg_keras_bind(keras_build *build)
{
    const vgg_keras *keras = build->keras;
    for (size_t i = 0; i < keras->bound_count; i++) {
        const vgg_node *node = &build->graph->nodes[keras->bound[i].node];
        for (int p = 0; p < vgg_layer_of(node->type)->parameter_count; p++)
            if (vgg_node_has_parameter(node, p))
                VGG_PASS(bind_parameter(build, &keras->bound[i], p));
    }
    return CLVGG_STATUS_OK;
}
#endif
