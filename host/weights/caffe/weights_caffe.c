/* weights/caffe/weights_caffe.c — Caffe's .caffemodel: a protobuf message of layers with their
 * weights, of the generation with `layers`, whose types are numbers and whose blobs have four
 * dimensions, or of that with `layer`.
 *
 * A file that has its layers' parameters gives the network; in one that holds weights alone, the
 * layers' names tell what they are, for the names of Caffe's VGGs are the ones that clvgg has.
 */
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
#include "weights/caffe/caffe.h"

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
    VGG_TRY(vgg_caffe_add_network(weights, &network));
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
        VGG_PASS(vgg_prefixed(vgg_caffe_add_named(weights, &own->layers[i]), "%s", weights->path));
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
