/* weights/ncnn/weights_ncnn.c — ncnn's pair of files: NAME.param describes the network, NAME.bin
 * holds its weights. Either one is named; the other lies beside it.
 *
 * Weights follow each other in the order of the layers. Those of a convolution or InnerProduct
 * begin with four bytes that say how they are stored, and end at a multiple of four bytes from
 * there; biases, and what a BatchNorm has, are plain float32. Source: ncnn's
 * docs/developer-guide/param-and-model-file-structure.md and modelbin.cpp.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/format.h"
#include "weights/ncnn/ncnn.h"
#include "weights/peek.h"

#define FLAG_FLOAT32 UINT32_C(0)
#define FLAG_FLOAT16 UINT32_C(0x01306B47)
#define FLAG_INT8 UINT32_C(0x000D4B38)
#define FLAG_SCALED UINT32_C(0x0002C056) /* float32, for layers with scales of their own */

enum { LONGEST_PATH = 4096 };

typedef struct ncnn_places {
    vgg_file *bin, *param; /* the one that weights->file isn't is owned */
    vgg_ncnn_network network;
    int *nodes;
    uint64_t at; /* in the .bin, while it is walked */
    size_t count, capacity;
    vgg_contiguous *places;
} ncnn_places;

/* The path of the file beside; false: `path` doesn't end so, or is too long. */
static bool find_beside(const char *path, const char *ending, const char *other,
                        char beside[LONGEST_PATH])
{
    const size_t length = strlen(path), tail = strlen(ending);
    if (length <= tail || strcmp(path + length - tail, ending) != 0 || length + 8 > LONGEST_PATH)
        return false;
    snprintf(beside, LONGEST_PATH, "%.*s%s", (int)(length - tail), path, other);
    return true;
}

static bool begins_with_magic(const unsigned char *head, size_t bytes)
{
    const size_t length = strlen(VGG_NCNN_MAGIC);
    return bytes > length && memcmp(head, VGG_NCNN_MAGIC, length) == 0 &&
           strchr("\r\n \t", head[length]) != NULL;
}

/* A .bin has no mark of its own, but a description beside it. */
static bool matches(const vgg_candidate *candidate)
{
    char beside[LONGEST_PATH];
    unsigned char head[16];
    if (begins_with_magic(candidate->head, candidate->bytes))
        return true;
    if (candidate->file == NULL || !find_beside(candidate->path, ".bin", ".param", beside))
        return false;
    const size_t bytes = vgg_peek(beside, head, sizeof head);
    return begins_with_magic(head, bytes);
}

/* ---- the walk over the .bin ---- */

static clvgg_status add_tensor(vgg_weights *weights, int node, int position, clvgg_dtype dtype)
{
    ncnn_places *own = weights->own;
    const clvgg_shape shape = vgg_graph_parameter_shape(weights->graph, node, position);
    const uint64_t bytes = vgg_shape_elements(&shape) * vgg_dtype_bytes(dtype);
    const uint64_t size = vgg_file_size(own->bin);
    char name[VGG_MAX_NAME_LENGTH + 32];
    snprintf(name, sizeof name, "%s.%s", weights->graph->nodes[node].name,
             vgg_layer_of(weights->graph->nodes[node].type)->parameters[position].name);
    VGG_CHECK(bytes <= size - own->at, CLVGG_STATUS_BAD_FILE,
              "%s: %s needs %" PRIu64 " bytes from byte %" PRIu64 " on, the file has %" PRIu64,
              vgg_file_path(own->bin), name, bytes, own->at, size);
    VGG_GROW_PASS(own->places, own->count, own->capacity, 64);
    own->places[own->count] = (vgg_contiguous){.offset = own->at};
    VGG_PASS(vgg_weights_add(weights, name, &shape, dtype, NULL, own->count++));
    own->at += bytes;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_flag(ncnn_places *own, const vgg_ncnn_layer *layer, clvgg_dtype *dtype)
{
    const char *path = vgg_file_path(own->bin);
    unsigned char bytes[4];
    VGG_CHECK(vgg_file_size(own->bin) - own->at >= sizeof bytes, CLVGG_STATUS_BAD_FILE,
              "%s: ends before the weights of layer '%.64s'", path, layer->name);
    VGG_PASS(vgg_file_read(own->bin, own->at, bytes, sizeof bytes));
    own->at += sizeof bytes;
    const uint32_t flag = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                          (uint32_t)bytes[3] << 24;
    VGG_CHECK(flag != FLAG_INT8 && flag != FLAG_SCALED, CLVGG_STATUS_UNSUPPORTED,
              "%s: layer '%.64s' is quantised to int8; take the file from before ncnn2int8", path,
              layer->name);
    VGG_CHECK(flag == FLAG_FLOAT32 || flag == FLAG_FLOAT16, CLVGG_STATUS_BAD_FILE,
              "%s: layer '%.64s': its weights have the mark 0x%08" PRIX32
              "; float32 (0) and float16 (0x%08" PRIX32 ") are read",
              path, layer->name, flag, FLAG_FLOAT16);
    *dtype = flag == FLAG_FLOAT32 ? CLVGG_DTYPE_F32 : CLVGG_DTYPE_F16;
    return CLVGG_STATUS_OK;
}

/* The description says how many weights there are, and so does the network's shape. */
static clvgg_status check_count(const vgg_weights *weights, const vgg_ncnn_layer *layer, int node)
{
    const clvgg_shape shape = vgg_graph_parameter_shape(weights->graph, node, VGG_WEIGHT);
    const int64_t stated = vgg_ncnn_integer(layer, vgg_ncnn_is_convolution(layer) ? 6 : 2, 0);
    char text[128];
    VGG_CHECK((uint64_t)stated == vgg_shape_elements(&shape), CLVGG_STATUS_BAD_FILE,
              "%s: layer '%.64s' states %" PRId64 " weights, its shape is %s", weights->path,
              layer->name, stated, vgg_shape_text(&shape, text, sizeof text));
    VGG_CHECK(vgg_ncnn_integer(layer, 8, 0) == 0, CLVGG_STATUS_UNSUPPORTED,
              "%s: layer '%.64s' is quantised to int8; take the file from before ncnn2int8",
              weights->path, layer->name);
    return CLVGG_STATUS_OK;
}

static clvgg_status add_layer(vgg_weights *weights, const vgg_ncnn_layer *layer, int node)
{
    static const int norm_order[] = {VGG_WEIGHT, VGG_MEAN, VGG_VARIANCE, VGG_BIAS};
    ncnn_places *own = weights->own;
    clvgg_dtype dtype = CLVGG_DTYPE_F32;
    if (weights->graph->nodes[node].type == VGG_LAYER_BATCH_NORM) {
        for (int i = 0; i < 4; i++)
            VGG_PASS(add_tensor(weights, node, norm_order[i], CLVGG_DTYPE_F32));
        return CLVGG_STATUS_OK;
    }
    VGG_PASS(check_count(weights, layer, node));
    VGG_PASS(read_flag(own, layer, &dtype));
    const uint64_t start = own->at;
    VGG_PASS(add_tensor(weights, node, VGG_WEIGHT, dtype));
    own->at = start + (own->at - start + 3) / 4 * 4;
    VGG_CHECK(own->at <= vgg_file_size(own->bin), CLVGG_STATUS_BAD_FILE,
              "%s: ends within the weights of layer '%.64s'", vgg_file_path(own->bin), layer->name);
    return vgg_node_has_parameter(&weights->graph->nodes[node], VGG_BIAS)
               ? add_tensor(weights, node, VGG_BIAS, CLVGG_DTYPE_F32)
               : CLVGG_STATUS_OK;
}

/* ---- opening ---- */

static clvgg_status open_pair(vgg_weights *weights, ncnn_places *own)
{
    char beside[LONGEST_PATH], head[16] = {0};
    const uint64_t size = vgg_file_size(weights->file);
    VGG_PASS(
        vgg_file_read(weights->file, 0, head, size < sizeof head ? (size_t)size : sizeof head));
    const bool is_param = begins_with_magic((const unsigned char *)head, sizeof head);
    VGG_CHECK(find_beside(weights->path, is_param ? ".param" : ".bin", is_param ? ".bin" : ".param",
                          beside),
              CLVGG_STATUS_BAD_FILE,
              "%s: is an ncnn model's description; its name must end with .param, and the weights "
              "lie beside it as .bin",
              weights->path);
    VGG_PASS(
        vgg_prefixed(vgg_weights_open_part(weights, beside, is_param ? &own->bin : &own->param),
                     "%s", weights->path));
    *(is_param ? &own->param : &own->bin) = weights->file;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_network(vgg_weights *weights, ncnn_places *own)
{
    const uint64_t size = vgg_file_size(own->param);
    char *text = NULL;
    VGG_CHECK(size <= VGG_NCNN_LARGEST_TEXT, CLVGG_STATUS_BAD_FILE,
              "%s: has %" PRIu64 " bytes, a description has at most %d", vgg_file_path(own->param),
              size, VGG_NCNN_LARGEST_TEXT);
    VGG_NEW_PASS(text, (size_t)size + 1);
    own->network.text = text;
    VGG_PASS(vgg_file_read(own->param, 0, text, (size_t)size));
    VGG_PASS(vgg_prefixed(vgg_ncnn_parse(text, (size_t)size, &own->network), "%s",
                          vgg_file_path(own->param)));
    return vgg_prefixed(vgg_ncnn_graph(&own->network, &weights->graph, &own->nodes), "%s",
                        vgg_file_path(own->param));
}

static clvgg_status open_files(vgg_weights *weights)
{
    ncnn_places *own = NULL;
    VGG_NEW_PASS(own, 1);
    weights->own = own;
    VGG_PASS(open_pair(weights, own));
    VGG_PASS(read_network(weights, own));
    for (size_t i = 0; i < own->network.count; i++)
        if (own->nodes[i] >= 0)
            VGG_PASS(add_layer(weights, &own->network.layers[i], own->nodes[i]));
    VGG_CHECK(own->at == vgg_file_size(own->bin), CLVGG_STATUS_BAD_FILE,
              "%s: the network's weights end at byte %" PRIu64 ", the file has %" PRIu64
              ": it belongs to another description",
              vgg_file_path(own->bin), own->at, vgg_file_size(own->bin));
    return CLVGG_STATUS_OK;
}

static clvgg_status read_values(const vgg_weights *weights, size_t slot, uint64_t first,
                                uint64_t count, void *data)
{
    const ncnn_places *own = weights->own;
    const vgg_tensor_slot *tensor = &weights->slots[slot];
    return vgg_contiguous_read(own->bin, &own->places[tensor->place], tensor->entry.dtype, first,
                               count, data);
}

static void close_files(vgg_weights *weights)
{
    ncnn_places *own = weights->own;
    if (own == NULL)
        return;
    if (own->bin != weights->file)
        vgg_file_close(own->bin);
    if (own->param != weights->file)
        vgg_file_close(own->param);
    vgg_ncnn_free(&own->network);
    vgg_free(own->nodes);
    vgg_free(own->places);
    vgg_free(own);
}

const vgg_weights_format vgg_weights_ncnn = {.name = "an ncnn model (.param and .bin)",
                                             .matches = matches,
                                             .open = open_files,
                                             .read = read_values,
                                             .close = close_files};
