/* weights/caffe/caffe_graph.c — a .caffemodel as a network: which of its layers are one, and its
 * input.
 *
 * A file holds the network that was trained: layers of data, accuracy and loss stand around the one
 * that is wanted, and copies ("Split") where one output goes to two of them. Source: BVLC/caffe,
 * src/caffe/net.cpp and src/caffe/util/insert_splits.cpp.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "base/alloc.h"
#include "weights/caffe/caffe_layers.h"

typedef VggCaffe__Layer caffe_layer;

typedef struct builder {
    const vgg_caffe *caffe;
    vgg_caffe_network *out;
    const char *blob; /* that the latest layer gives; NULL before the first */
    int64_t input[3];
} builder;

/* ---- the chain ---- */

/* Says whether a blob is what the latest layer gives, or a copy of it, which Caffe names
 * BLOB_LAYER_INDEX_split_NUMBER. */
static bool is_current(const builder *b, const char *blob)
{
    const size_t length = b->blob != NULL ? strlen(b->blob) : 0;
    return b->blob == NULL || strcmp(blob, b->blob) == 0 ||
           (strncmp(blob, b->blob, length) == 0 && blob[length] == '_' &&
            strstr(blob + length, "_split_") != NULL);
}

static clvgg_status check_chain(builder *b, const caffe_layer *layer)
{
    const size_t most = vgg_caffe_is(layer, "SoftmaxWithLoss") ? 2 : 1; /* with the label */
    VGG_CHECK(layer->n_bottom >= 1 && layer->n_bottom <= most && layer->n_top <= 1,
              CLVGG_STATUS_UNSUPPORTED,
              "layer '%s' (%s) has %zu inputs and %zu outputs; networks of layers one behind "
              "another are read",
              layer->name, layer->type, layer->n_bottom, layer->n_top);
    VGG_CHECK(is_current(b, layer->bottom[0]), CLVGG_STATUS_UNSUPPORTED,
              "layer '%s' reads '%s', not what the layer before it gives, '%s'; networks of layers "
              "one behind another are read",
              layer->name, layer->bottom[0], b->blob);
    b->blob = layer->n_top == 1 ? layer->top[0] : "";
    return CLVGG_STATUS_OK;
}

static clvgg_status add_layer(builder *b, const caffe_layer *layer)
{
    const vgg_caffe_layer_type *type = vgg_caffe_type_of(layer);
    if (type == NULL)
        return vgg_caffe_unsupported(layer, "layers of this type aren't read");
    if (type->add == NULL && type->plain == VGG_LAYER_INPUT)
        return CLVGG_STATUS_OK;
    if (!vgg_caffe_has_parameters(layer, type))
        return vgg_caffe_unsupported(layer, "the file doesn't hold its parameters");
    /* Another loss, of an auxiliary classifier or of the other phase. */
    if (vgg_caffe_is(layer, "SoftmaxWithLoss") &&
        vgg_graph_find(b->out->sequence.graph, "prob") >= 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(check_chain(b, layer));
    return vgg_caffe_add(b->out, layer, type);
}

/* ---- the input ---- */

static const caffe_layer *first_of(const vgg_caffe *caffe, const char *type)
{
    for (size_t i = 0; i < caffe->count; i++)
        if (vgg_caffe_is(&caffe->layers[i], type))
            return &caffe->layers[i];
    return NULL;
}

/* Dimension `axis` of the first weights of a type, counted from 0 over the four of old. */
static int64_t dim_of(const vgg_caffe *caffe, const char *type, int axis)
{
    const caffe_layer *layer = first_of(caffe, type);
    clvgg_shape shape;
    if (layer == NULL || layer->n_blobs == 0 ||
        vgg_caffe_shape(caffe, layer, 0, &shape) != CLVGG_STATUS_OK || shape.rank < 2)
        return 0;
    return axis == 3 ? shape.dims[shape.rank - 1] : shape.dims[axis];
}

static void take_shape(const VggCaffe__BlobShape *shape, int64_t input[3])
{
    if (shape->n_dim == 4)
        memcpy(input, shape->dim + 1, 3 * sizeof *input);
}

/* What the file states; 0 where it doesn't. */
static void find_input(const vgg_caffe *caffe, int64_t input[3])
{
    const VggCaffe__Net *net = caffe->net;
    const caffe_layer *layer = first_of(caffe, "Input");
    if (net->n_input_shape > 0)
        take_shape(net->input_shape[0], input);
    else if (net->n_input_dim >= 4)
        for (int i = 0; i < 3; i++)
            input[i] = net->input_dim[i + 1];
    else if (layer != NULL && layer->input_param != NULL && layer->input_param->n_shape > 0)
        take_shape(layer->input_param->shape[0], input);
    for (size_t i = 0; i < caffe->count && input[1] == 0; i++)
        if (caffe->layers[i].transform_param != NULL)
            input[1] = input[2] = caffe->layers[i].transform_param->crop_size;
    if (input[0] == 0) {
        layer = first_of(caffe, "Convolution");
        const VggCaffe__Convolution *p = layer != NULL ? layer->convolution_param : NULL;
        input[0] = dim_of(caffe, "Convolution", 1) * (p != NULL ? p->group : 1);
        if (input[0] == 0)
            input[0] = 3; /* what is wrong with the weights is said where they are read */
    }
}

/* ---- the whole ---- */

static clvgg_status build(builder *b)
{
    vgg_caffe_network *out = b->out;
    b->blob = NULL;
    VGG_PASS(vgg_graph_create(b->input[0], b->input[1], b->input[2], &out->sequence.graph));
    /* A layer is two nodes at most; the input and a softmax come with them. */
    VGG_NEW_PASS(out->layer_of, 2 * b->caffe->count + 2);
    VGG_NEW_PASS(out->scale_of, 2 * b->caffe->count + 2);
    for (size_t i = 0; i < b->caffe->count; i++)
        VGG_PASS(add_layer(b, &b->caffe->layers[i]));
    VGG_CHECK(out->sequence.graph->count > 1, CLVGG_STATUS_UNSUPPORTED,
              "has no layer that computes");
    return vgg_sequence_end(&out->sequence);
}

static clvgg_status build_square(void *user, int64_t side, vgg_graph **out)
{
    builder *b = user;
    vgg_caffe_network network = {0};
    b->out = &network;
    b->input[1] = b->input[2] = side;
    const clvgg_status status = build(b);
    if (status == CLVGG_STATUS_OK)
        VGG_GIVE(out, network.sequence.graph);
    vgg_caffe_network_free(&network);
    return status;
}

bool vgg_caffe_has_network(const vgg_caffe *caffe)
{
    size_t weighted = 0;
    for (size_t i = 0; i < caffe->count; i++) {
        const caffe_layer *layer = &caffe->layers[i];
        const vgg_caffe_layer_type *type = vgg_caffe_type_of(layer);
        if (layer->n_blobs > 0 && type != NULL) {
            if (!vgg_caffe_has_parameters(layer, type) || layer->n_bottom == 0)
                return false;
            weighted++;
        }
    }
    return weighted > 0;
}

clvgg_status vgg_caffe_graph(const vgg_caffe *caffe, vgg_caffe_network *out)
{
    builder b = {.caffe = caffe};
    find_input(caffe, b.input);
    if (b.input[1] == 0 || b.input[2] == 0) {
        int64_t side;
        VGG_PASS(vgg_sequence_find_side(build_square, &b, dim_of(caffe, "InnerProduct", 3), &side));
        b.input[1] = b.input[2] = side;
    }
    b.out = out;
    return build(&b);
}

void vgg_caffe_network_free(vgg_caffe_network *network)
{
    vgg_graph_free(network->sequence.graph);
    vgg_free(network->layer_of);
    vgg_free(network->scale_of);
    *network = (vgg_caffe_network){0};
}

#else

typedef int vgg_caffe_graph_is_absent; /* C wants something in every file */

#endif
