/* weights/caffe/caffe_file.c — unpacks a .caffemodel, and reads its blobs.
 *
 * Source: BVLC/caffe, src/caffe/proto/caffe.proto, and Blob::FromProto() in src/caffe/blob.cpp.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include "weights/caffe/caffe.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/shape.h"
#include "weights/protobuf_unpack.h"
#include "weights/sequence.h"

/* ---- what is copied of the file ---- */

#define FIELDS(array) .fields = (array), .field_count = sizeof(array) / sizeof *(array)
#define KEEP(number)                                                                               \
    {                                                                                              \
        number, VGG_PROTOBUF_KEEP, NULL                                                            \
    }
#define LEAVE(number)                                                                              \
    {                                                                                              \
        number, VGG_PROTOBUF_LEAVE, NULL                                                           \
    }
#define INTO(number, message)                                                                      \
    {                                                                                              \
        number, VGG_PROTOBUF_INTO, &(message)                                                      \
    }

static const vgg_protobuf_field blob_fields[] = {KEEP(1), KEEP(2),  KEEP(3), KEEP(4),
                                                 KEEP(7), LEAVE(5), LEAVE(8)};
static const vgg_protobuf_message blob = {"BlobProto", FIELDS(blob_fields)};
static const vgg_protobuf_field layer_fields[] = {
    KEEP(1),   KEEP(2),   KEEP(3),   KEEP(4),   INTO(7, blob), KEEP(8),   KEEP(100), KEEP(106),
    KEEP(108), KEEP(117), KEEP(118), KEEP(121), KEEP(123),     KEEP(139), KEEP(142), KEEP(143)};
static const vgg_protobuf_message layer = {"LayerParameter", FIELDS(layer_fields)};
static const vgg_protobuf_field old_layer_fields[] = {
    KEEP(2),  KEEP(3),  KEEP(4),  KEEP(5),  INTO(6, blob), KEEP(10), KEEP(12),
    KEEP(17), KEEP(18), KEEP(19), KEEP(30), KEEP(32),      KEEP(36)};
static const vgg_protobuf_message old_layer = {"V1LayerParameter", FIELDS(old_layer_fields)};
static const vgg_protobuf_field net_fields[] = {KEEP(1), INTO(2, old_layer), KEEP(3), KEEP(4),
                                                KEEP(8), INTO(100, layer)};
static const vgg_protobuf_message net = {"NetParameter", FIELDS(net_fields)};

/* ---- layers ---- */

/* Names of the types that the older generation numbers. */
static const char *old_type(int type)
{
    static const char *const names[] = {
        [1] = "Accuracy",   [3] = "Concat",      [4] = "Convolution",
        [5] = "Data",       [6] = "Dropout",     [8] = "Flatten",
        [9] = "HDF5Data",   [12] = "ImageData",  [14] = "InnerProduct",
        [15] = "LRN",       [17] = "Pooling",    [18] = "ReLU",
        [19] = "Sigmoid",   [20] = "Softmax",    [21] = "SoftmaxWithLoss",
        [22] = "Split",     [23] = "TanH",       [24] = "WindowData",
        [25] = "Eltwise",   [29] = "MemoryData", [30] = "ArgMax",
        [32] = "DummyData", [36] = "Silence",    [39] = "Deconvolution"};
    static const int count = sizeof names / sizeof *names;
    return type > 0 && type < count && names[type] != NULL ? names[type] : "";
}

static VggCaffe__Layer as_new(const VggCaffe__OldLayer *old)
{
    VggCaffe__Layer made = VGG_CAFFE__LAYER__INIT;
    made.name = old->name;
    made.type = old->has_type ? (char *)old_type(old->type) : NULL;
    made.n_bottom = old->n_bottom;
    made.bottom = old->bottom;
    made.n_top = old->n_top;
    made.top = old->top;
    made.n_blobs = old->n_blobs;
    made.blobs = old->blobs;
    made.n_include = old->n_include;
    made.include = old->include;
    made.transform_param = old->transform_param;
    made.convolution_param = old->convolution_param;
    made.dropout_param = old->dropout_param;
    made.inner_product_param = old->inner_product_param;
    made.lrn_param = old->lrn_param;
    made.pooling_param = old->pooling_param;
    made.relu_param = old->relu_param;
    return made;
}

static clvgg_status list_layers(const char *path, vgg_caffe *out)
{
    const VggCaffe__Net *unpacked = out->net;
    VGG_CHECK(unpacked->n_layer == 0 || unpacked->n_layers == 0, CLVGG_STATUS_BAD_FILE,
              "%s: has layers of two generations of Caffe", path);
    out->count = unpacked->n_layer + unpacked->n_layers;
    VGG_CHECK(out->count > 0, CLVGG_STATUS_BAD_FILE, "%s: is a Caffe network without layers", path);
    VGG_CHECK(out->count <= VGG_SEQUENCE_LONGEST, CLVGG_STATUS_UNSUPPORTED,
              "%s: has %zu layers, more than %d", path, out->count, VGG_SEQUENCE_LONGEST);
    VGG_NEW_PASS(out->layers, out->count);
    for (size_t i = 0; i < out->count; i++) {
        out->layers[i] = unpacked->n_layer > 0 ? *unpacked->layer[i] : as_new(unpacked->layers[i]);
        VGG_CHECK(out->layers[i].name != NULL, CLVGG_STATUS_UNSUPPORTED,
                  "%s: layer %zu has no name, as in files from before Caffe's layers had types; "
                  "Caffe's upgrade_net_proto_binary makes a newer file of it",
                  path, i);
        if (out->layers[i].type == NULL)
            out->layers[i].type = (char *)"";
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_caffe_open(const vgg_file *file, vgg_caffe *out)
{
    ProtobufCMessage *message = NULL;
    VGG_PASS(vgg_protobuf_skeleton_read(file, &net, &out->skeleton));
    VGG_PASS(vgg_protobuf_unpack(vgg_file_path(file), &out->skeleton, &vgg_caffe__net__descriptor,
                                 &message));
    out->net = (VggCaffe__Net *)message;
    return list_layers(vgg_file_path(file), out);
}

void vgg_caffe_free(vgg_caffe *caffe)
{
    vgg_protobuf_free((ProtobufCMessage *)caffe->net);
    vgg_protobuf_skeleton_free(&caffe->skeleton);
    vgg_free(caffe->layers);
    vgg_free(caffe->values);
    *caffe = (vgg_caffe){0};
}

/* ---- blobs ---- */

static bool is_double(const VggCaffe__Blob *from)
{
    return from->n_data_place == 0 && from->n_double_data_place > 0;
}

static clvgg_status read_dims(const VggCaffe__Blob *from, clvgg_shape *shape)
{
    const bool legacy = from->has_num || from->has_channels || from->has_height || from->has_width;
    *shape = (clvgg_shape){4, {from->num, from->channels, from->height, from->width}};
    if (!legacy) {
        const size_t rank = from->shape != NULL ? from->shape->n_dim : 0;
        VGG_CHECK(rank <= CLVGG_MAX_RANK, CLVGG_STATUS_UNSUPPORTED, "has %zu dimensions", rank);
        *shape = (clvgg_shape){(int)rank, {0}};
        for (size_t i = 0; i < rank; i++)
            shape->dims[i] = from->shape->dim[i];
    }
    for (int i = 0; i < shape->rank; i++)
        VGG_CHECK(shape->dims[i] >= 1, CLVGG_STATUS_BAD_FILE, "dimension %d is %" PRId64, i,
                  shape->dims[i]);
    return CLVGG_STATUS_OK;
}

static clvgg_status check_blob(const vgg_caffe *caffe, const VggCaffe__Blob *from,
                               clvgg_shape *shape)
{
    const size_t size = is_double(from) ? sizeof(double) : sizeof(float);
    uint64_t count = 0;
    char text[128];
    VGG_PASS(read_dims(from, shape));
    const uint64_t bytes =
        is_double(from)
            ? vgg_protobuf_bytes(&caffe->skeleton, from->double_data_place,
                                 from->n_double_data_place)
            : vgg_protobuf_bytes(&caffe->skeleton, from->data_place, from->n_data_place);
    VGG_CHECK(vgg_shape_count(shape, &count) && count <= UINT64_MAX / size && count * size == bytes,
              CLVGG_STATUS_BAD_FILE, "shape %s doesn't go with %" PRIu64 " bytes of float%zu",
              vgg_shape_text(shape, text, sizeof text), bytes, 8 * size);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_caffe_shape(const vgg_caffe *caffe, const VggCaffe__Layer *from, size_t index,
                             clvgg_shape *shape)
{
    VGG_CHECK(index < from->n_blobs, CLVGG_STATUS_BAD_FILE, "layer '%s' (%s) has %zu blobs",
              from->name, from->type, from->n_blobs);
    return vgg_prefixed(check_blob(caffe, from->blobs[index], shape), "layer '%s', blob %zu",
                        from->name, index);
}

static clvgg_status read_doubles(const vgg_file *file, const vgg_caffe *caffe,
                                 const VggCaffe__Blob *from, uint64_t first, uint64_t count,
                                 float *data)
{
    double piece[512];
    while (count > 0) {
        const size_t some = count < 512 ? (size_t)count : 512;
        VGG_PASS(vgg_protobuf_read(file, &caffe->skeleton, from->double_data_place,
                                   from->n_double_data_place, first * sizeof *piece, piece,
                                   some * sizeof *piece));
        for (size_t i = 0; i < some; i++)
            data[i] = (float)piece[i];
        data += some;
        first += some;
        count -= some;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_caffe_read(const vgg_file *file, const vgg_caffe *caffe,
                            const vgg_caffe_values *values, uint64_t first, uint64_t count,
                            float *data)
{
    const VggCaffe__Blob *from = values->blob;
    if (from == NULL) {
        for (uint64_t i = 0; i < count; i++)
            data[i] = values->constant;
        return CLVGG_STATUS_OK;
    }
    if (is_double(from))
        VGG_PASS(read_doubles(file, caffe, from, first, count, data));
    else
        VGG_PASS(vgg_protobuf_read(file, &caffe->skeleton, from->data_place, from->n_data_place,
                                   first * sizeof *data, data, (size_t)count * sizeof *data));
    for (uint64_t i = 0; values->factor != 1 && i < count; i++)
        data[i] *= values->factor;
    return CLVGG_STATUS_OK;
}

#else

typedef int vgg_caffe_is_absent; /* C wants something in every file */

#endif
