/* weights/caffe/weights_caffe.c — Caffe's .caffemodel: a protobuf message of layers with their
 * weights, of the generation with `layers`, whose types are numbers and whose blobs have four
 * dimensions, or of that with `layer`.
 *
 * A file that has its layers' parameters gives the network; in one that holds weights alone, the
 * layers' names tell what they are, for the names of Caffe's VGGs are the ones that clvgg has.
 */
#include <stdio.h>
#include <string.h>

#include "weights/format.h"

/* Length of a length-delimited field at *at, behind its key; moves *at to its content. False: there
 * is no length. */
static bool read_length(const vgg_candidate *candidate, size_t *at, uint64_t *length)
{
    *length = 0;
    for (unsigned shift = 0; shift < 35 && *at < candidate->bytes; shift += 7) {
        const unsigned char byte = candidate->head[(*at)++];
        *length |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return *length <= vgg_file_size(candidate->file);
    }
    return false;
}

static bool is_printable(const vgg_candidate *candidate, size_t at, uint64_t length)
{
    if (length == 0 || at > candidate->bytes || length > candidate->bytes - at)
        return false;
    for (size_t i = at; i < at + length; i++)
        if (candidate->head[i] < 0x20 || candidate->head[i] > 0x7E)
            return false;
    return true;
}

/* A field of a network behind its name: layers, input, input_dim, force_backward, state,
 * debug_info, input_shape, or layer. */
static bool is_net_field(const vgg_candidate *candidate, size_t at)
{
    static const unsigned char keys[] = {0x12, 0x1A, 0x20, 0x22, 0x28, 0x32, 0x38, 0x42};
    const unsigned char *key = candidate->head + at;
    if (at + 1 >= candidate->bytes)
        return at == candidate->bytes;
    return memchr(keys, key[0], sizeof keys) != NULL || (key[0] == 0xA2 && key[1] == 0x06);
}

/* Protobuf has no magic. A network begins with its name, or with a layer, which begins with its own
 * name, or its first input's or output's. */
static bool matches(const vgg_candidate *candidate)
{
    const unsigned char *head = candidate->head;
    uint64_t length;
    size_t at = 1;
    if (candidate->bytes < 8 || candidate->file == NULL)
        return false;
    if (head[0] == 0x0A)
        return read_length(candidate, &at, &length) && is_printable(candidate, at, length) &&
               is_net_field(candidate, at + (size_t)length);
    if (head[0] != 0x12 && (head[0] != 0xA2 || head[1] != 0x06))
        return false;
    at = head[0] == 0x12 ? 1 : 2;
    if (!read_length(candidate, &at, &length) || at >= candidate->bytes)
        return false;
    const unsigned char key = head[at++];
    return (key == 0x0A || key == 0x12 || key == 0x1A || key == 0x22) &&
           read_length(candidate, &at, &length) && is_printable(candidate, at, length);
}

#ifdef CLVGG_HAVE_PROTOBUF_C

#include "base/alloc.h"
#include "base/text.h"
#include "graph/layer.h"
#include "tensor/shape.h"
#include "weights/caffe/caffe.h"

/* ---- tensors ---- */

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

static clvgg_status add_network(vgg_weights *weights, const vgg_caffe_network *network)
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
static clvgg_status add_named(vgg_weights *weights, const VggCaffe__Layer *layer)
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

/* ---- preprocessing ---- */

static const VggCaffe__Transformation *find_transformation(const vgg_caffe *caffe)
{
    for (size_t i = 0; i < caffe->count; i++)
        if (caffe->layers[i].transform_param != NULL)
            return caffe->layers[i].transform_param;
    return NULL;
}

/* Caffe reads pictures as BGR, 0 to 255; the mean that is taken away is in the layer of data, or in
 * a file of its own. */
static clvgg_status state_preprocess(vgg_weights *weights)
{
    static const double usual[] = {103.939, 116.779, 123.68};
    const VggCaffe__Transformation *t = find_transformation(weights->own);
    const size_t means = t != NULL ? t->n_mean_value : 0;
    const double scale = t != NULL && t->scale > 0 ? (double)t->scale : 1;
    vgg_text json = {0};
    if (weights->graph->nodes[0].output.dims[0] != 3)
        return CLVGG_STATUS_OK;
    /* (pixel − mean) · scale is pixel · 1 − mean, over a deviation of 1 / scale. */
    vgg_text_puts(&json, "{\"channels\": \"BGR\", \"scale\": 1, \"mean\": [");
    for (size_t i = 0; i < 3; i++) {
        vgg_text_puts(&json, i > 0 ? ", " : "");
        vgg_text_json_number(&json, means == 3   ? (double)t->mean_value[i]
                                    : means == 1 ? (double)t->mean_value[0]
                                                 : usual[i]);
    }
    vgg_text_puts(&json, "], \"std\": [");
    for (size_t i = 0; i < 3; i++) {
        vgg_text_puts(&json, i > 0 ? ", " : "");
        vgg_text_json_number(&json, 1 / scale);
    }
    vgg_text_puts(&json, "]}");
    clvgg_status status = vgg_text_check(&json, "preprocessing");
    if (status == CLVGG_STATUS_OK)
        status = vgg_weights_state(weights, "clvgg.preprocess", vgg_text_string(&json));
    vgg_text_free(&json);
    weights->preprocess_origin = means == 3 || means == 1
                                     ? "Caffe's, with the mean from the file's layer of data"
                                 : vgg_graph_find(weights->graph, "conv1_1") > 0
                                     ? "Caffe's VGG, from the file's format and names"
                                     : "assumed: Caffe's VGG, from the file's format";
    return status;
}

/* ---- opening ---- */

static clvgg_status open_network(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_caffe_network network = {0};
    VGG_TRY(vgg_caffe_graph(weights->own, &network));
    VGG_GIVE(&weights->graph, network.sequence.graph);
    VGG_TRY(add_network(weights, &network));
    VGG_TRY(state_preprocess(weights));
cleanup:
    vgg_caffe_network_free(&network);
    return status;
}

static clvgg_status open_model(vgg_weights *weights)
{
    vgg_caffe *own = NULL;
    VGG_NEW_PASS(own, 1);
    weights->own = own;
    VGG_PASS(vgg_caffe_open(weights->file, own));
    if (vgg_caffe_has_network(own))
        return vgg_prefixed(open_network(weights), "%s", weights->path);
    for (size_t i = 0; i < own->count; i++)
        VGG_PASS(vgg_prefixed(add_named(weights, &own->layers[i]), "%s", weights->path));
    VGG_CHECK(weights->slot_count > 0, CLVGG_STATUS_BAD_FILE,
              "%s: is a Caffe network without weights; the .caffemodel has them", weights->path);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_values(const vgg_weights *weights, size_t slot, uint64_t first,
                                uint64_t count, void *data)
{
    const vgg_caffe *own = weights->own;
    return vgg_caffe_read(weights->file, own, &own->values[weights->slots[slot].place], first,
                          count, data);
}

static void close_model(vgg_weights *weights)
{
    vgg_caffe *own = weights->own;
    if (own == NULL)
        return;
    vgg_caffe_free(own);
    vgg_free(own);
}

const vgg_weights_format vgg_weights_caffe = {.name = "a Caffe model (.caffemodel)",
                                              .matches = matches,
                                              .open = open_model,
                                              .read = read_values,
                                              .close = close_model};

#else

const vgg_weights_format vgg_weights_caffe = {
    .name = "a Caffe model (.caffemodel)", .matches = matches, .needs = "protobuf-c"};

#endif
