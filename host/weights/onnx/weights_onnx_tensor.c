/* weights/onnx/weights_onnx_tensor.c — an ONNX tensor: its shape, the place of its values, reading
 * them.
 *
 * Values lie in raw_data, in a field of their type (float_data …), or in a file beside the model.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <inttypes.h>
#include <string.h>

#include "tensor/shape.h"
#include "weights/onnx/weights_onnx.h"

unsigned vgg_onnx_element_bytes(int type)
{
    switch (type) {
    case VGG_ONNX_FLOAT:
    case VGG_ONNX_INT32:
        return 4;
    case VGG_ONNX_INT64:
    case VGG_ONNX_DOUBLE:
        return 8;
    case VGG_ONNX_FLOAT16:
    case VGG_ONNX_BFLOAT16:
        return 2;
    default:
        return 0;
    }
}

bool vgg_onnx_is_float(int type)
{
    return type == VGG_ONNX_FLOAT || type == VGG_ONNX_DOUBLE || type == VGG_ONNX_FLOAT16 ||
           type == VGG_ONNX_BFLOAT16;
}

static clvgg_status read_shape(const VggOnnx__Tensor *t, vgg_onnx_tensor *out)
{
    VGG_CHECK(t->n_dims <= CLVGG_MAX_RANK, CLVGG_STATUS_UNSUPPORTED,
              "tensor '%.200s': has %zu dimensions, more than %d", out->name, t->n_dims,
              CLVGG_MAX_RANK);
    out->shape.rank = (int)t->n_dims;
    for (size_t i = 0; i < t->n_dims; i++)
        out->shape.dims[i] = t->dims[i];
    VGG_CHECK(vgg_shape_count(&out->shape, &out->count) && out->count <= UINT64_MAX / 16,
              CLVGG_STATUS_BAD_FILE,
              "tensor '%.200s': its dimensions are negative or their product overflows", out->name);
    return CLVGG_STATUS_OK;
}

/* The field of the element's type: places, and whether integers there are varints. */
static void find_typed(const VggOnnx__Tensor *t, vgg_onnx_tensor *out)
{
    switch (out->type) {
    case VGG_ONNX_FLOAT:
        out->places = t->float_data_place;
        out->place_count = t->n_float_data_place;
        break;
    case VGG_ONNX_DOUBLE:
        out->places = t->double_data_place;
        out->place_count = t->n_double_data_place;
        break;
    case VGG_ONNX_INT64:
        out->places = t->int64_data_place;
        out->place_count = t->n_int64_data_place;
        out->is_varints = true;
        break;
    default:
        out->places = t->int32_data_place;
        out->place_count = t->n_int32_data_place;
        out->is_varints = true;
        break;
    }
}

/* Values in the model's own file. */
static clvgg_status find_inside(vgg_onnx *onnx, const VggOnnx__Tensor *t, vgg_onnx_tensor *out,
                                uint64_t *bytes)
{
    out->skeleton = &onnx->skeleton;
    if (t->n_raw_data_place > 0) {
        const vgg_protobuf_place *place =
            &onnx->skeleton.places[t->raw_data_place[t->n_raw_data_place - 1]];
        VGG_CHECK(place->element == 0, CLVGG_STATUS_BAD_FILE,
                  "tensor '%.200s': its raw data are a number", out->name);
        out->skeleton = NULL;
        out->offset = place->offset;
        *bytes = place->bytes;
        return CLVGG_STATUS_OK;
    }
    find_typed(t, out);
    *bytes = vgg_protobuf_bytes(out->skeleton, out->places, out->place_count);
    /* A number of the wrong size, or half of one, would make a read fall between two places. */
    for (size_t i = 0; i < out->place_count && !out->is_varints; i++) {
        const vgg_protobuf_place *place = &out->skeleton->places[out->places[i]];
        const unsigned element = vgg_onnx_element_bytes(out->type);
        VGG_CHECK((place->element == 0 || place->element == element) && place->bytes % element == 0,
                  CLVGG_STATUS_BAD_FILE, "tensor '%.200s': values of another size than its type's",
                  out->name);
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_tensor_open(vgg_onnx *onnx, const VggOnnx__Tensor *t, vgg_onnx_tensor *out)
{
    *out = (vgg_onnx_tensor){
        .name = vgg_onnx_text(t->name), .type = t->data_type, .file = onnx->weights->file};
    const unsigned element = vgg_onnx_element_bytes(out->type);
    char text[128];
    uint64_t bytes = 0;
    VGG_CHECK(
        element > 0, CLVGG_STATUS_UNSUPPORTED,
        "tensor '%.200s': has elements of ONNX's type %d; float, float16, bfloat16 and double "
        "are read",
        out->name, out->type);
    VGG_PASS(read_shape(t, out));
    VGG_CHECK(t->n_segment_place == 0, CLVGG_STATUS_UNSUPPORTED,
              "tensor '%.200s': is stored in segments", out->name);
    if (t->data_location == 1)
        return vgg_onnx_external_find(onnx, t, out->count * element, out);
    VGG_PASS(find_inside(onnx, t, out, &bytes));
    VGG_CHECK(!out->is_varints || !vgg_onnx_is_float(out->type) || out->count == 0,
              CLVGG_STATUS_UNSUPPORTED,
              "tensor '%.200s': 16-bit values that aren't stored as raw data", out->name);
    VGG_CHECK(out->is_varints ? bytes >= out->count : bytes == out->count * element,
              CLVGG_STATUS_BAD_FILE,
              "tensor '%.200s': %" PRIu64 " bytes can't be %s of ONNX's type %d", out->name, bytes,
              vgg_shape_text(&out->shape, text, sizeof text), out->type);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_bytes(const void *source, uint64_t offset, void *data, size_t bytes)
{
    const vgg_onnx_tensor *t = source;
    if (t->skeleton == NULL)
        return vgg_file_read(t->file, t->offset + offset, data, bytes);
    return vgg_protobuf_read(t->file, t->skeleton, t->places, t->place_count, offset, data, bytes);
}

/* ---- integers ---- */

static clvgg_status read_varints(const vgg_onnx_tensor *t, int64_t *values)
{
    unsigned char bytes[10 * 64];
    const uint64_t size = vgg_protobuf_bytes(t->skeleton, t->places, t->place_count);
    size_t at = 0;
    VGG_CHECK(size <= sizeof bytes, CLVGG_STATUS_BAD_FILE, "tensor '%.200s': has too many bytes",
              t->name);
    for (size_t i = 0; i < t->place_count; i++)
        VGG_CHECK(t->skeleton->places[t->places[i]].element == 0, CLVGG_STATUS_BAD_FILE,
                  "tensor '%.200s': its integers aren't varints", t->name);
    VGG_PASS(read_bytes(t, 0, bytes, (size_t)size));
    for (uint64_t i = 0; i < t->count; i++) {
        uint64_t value = 0;
        unsigned shift = 0;
        do {
            VGG_CHECK(at < size && shift < 64, CLVGG_STATUS_BAD_FILE,
                      "tensor '%.200s': malformed integers", t->name);
            value |= (uint64_t)(bytes[at] & 0x7F) << shift;
            shift += 7;
        } while ((bytes[at++] & 0x80) != 0);
        values[i] = (int64_t)value;
    }
    VGG_CHECK(at == size, CLVGG_STATUS_BAD_FILE,
              "tensor '%.200s': more integers than its shape has", t->name);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_tensor_ints(const vgg_onnx_tensor *t, int64_t *values, size_t most,
                                  size_t *count)
{
    VGG_CHECK(t->type == VGG_ONNX_INT64 || t->type == VGG_ONNX_INT32, CLVGG_STATUS_BAD_FILE,
              "tensor '%.200s': isn't of integers", t->name);
    const bool is_wide = t->type == VGG_ONNX_INT64 && !t->is_varints;
    VGG_CHECK(t->count <= most && (is_wide || t->count <= 64), CLVGG_STATUS_UNSUPPORTED,
              "tensor '%.200s': has %" PRIu64 " integers where at most %zu are expected", t->name,
              t->count, is_wide || most < 64 ? most : 64);
    *count = (size_t)t->count;
    if (t->is_varints)
        return read_varints(t, values);
    if (t->type == VGG_ONNX_INT64)
        return read_bytes(t, 0, values, 8 * *count);
    int32_t narrow[64];
    VGG_PASS(read_bytes(t, 0, narrow, 4 * *count));
    for (size_t i = 0; i < *count; i++)
        values[i] = narrow[i];
    return CLVGG_STATUS_OK;
}

/* ---- views ---- */

void vgg_onnx_view_whole(const vgg_onnx_tensor *t, vgg_onnx_view *out)
{
    int64_t stride = 1;
    *out = (vgg_onnx_view){.tensor = *t, .rank = t->shape.rank};
    for (int i = t->shape.rank - 1; i >= 0; i--) {
        out->dims[i] = t->shape.dims[i];
        out->strides[i] = stride;
        stride *= t->count > 0 ? t->shape.dims[i] : 0; /* beside a 0 the others may be any */
    }
}

vgg_onnx_view vgg_onnx_view_filled(float fill, int64_t count)
{
    return (vgg_onnx_view){.is_filled = true, .fill = fill, .rank = 1, .dims = {count}};
}

clvgg_dtype vgg_onnx_view_dtype(const vgg_onnx_view *view)
{
    if (view->is_filled || view->is_inverse)
        return CLVGG_DTYPE_F32;
    return view->tensor.type == VGG_ONNX_FLOAT16    ? CLVGG_DTYPE_F16
           : view->tensor.type == VGG_ONNX_BFLOAT16 ? CLVGG_DTYPE_BF16
                                                    : CLVGG_DTYPE_F32;
}

vgg_strided vgg_onnx_view_strided(const vgg_onnx_view *view)
{
    vgg_strided from = {.read_bytes = read_bytes,
                        .source = &view->tensor,
                        .is_double = view->tensor.type == VGG_ONNX_DOUBLE,
                        .rank = view->rank};
    memcpy(from.dims, view->dims, sizeof from.dims);
    memcpy(from.strides, view->strides, sizeof from.strides);
    return from;
}

clvgg_status vgg_onnx_view_read(const vgg_onnx_view *view, uint64_t first, uint64_t count,
                                void *data)
{
    const vgg_strided from = vgg_onnx_view_strided(view);
    if (view->is_filled)
        for (uint64_t i = 0; i < count; i++)
            ((float *)data)[i] = view->fill;
    if (view->is_filled)
        return CLVGG_STATUS_OK;
    return vgg_strided_read(&from, vgg_onnx_view_dtype(view), first, count, data);
}

#else
typedef int vgg_onnx_tensor_is_absent; /* C wants something in every file */
#endif
