/* weights/numpy/npy_values.c — see npy_values.h; the format itself: tensor/npy_header.c. */
#include "weights/numpy/npy_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/npy.h"
#include "tensor/shape.h"

enum { LONGEST_NAME = 256 };

/* Element types that are read; the others, of the other byte order too, are foreign. */
static const struct {
    const char *descr;
    unsigned bytes;
    bool is_double;
    clvgg_dtype dtype;
} element_types[] = {
    {"<f4", 4, false, CLVGG_DTYPE_F32},
    {"<f2", 2, false, CLVGG_DTYPE_F16},
    {"<f8", 8, true, CLVGG_DTYPE_F32},
};
enum { ELEMENT_TYPES = sizeof element_types / sizeof *element_types };

/* ---- names ---- */

/* "conv1_1" or "fc6": says whether name[0…length) is of a layer that these endings belong to. */
static bool is_layer(const char *name, size_t length)
{
    const size_t start = strncmp(name, "conv", 4) == 0 ? 4 : strncmp(name, "fc", 2) == 0 ? 2 : 0;
    return start > 0 && length > start && strspn(name + start, "0123456789_") >= length - start;
}

/* "conv1_1_w", "conv1_1_W" and their kind become "conv1_1.weight"; others stay. */
static void make_canonical(const char *name, char canonical[LONGEST_NAME])
{
    static const struct {
        const char *ending, *parameter;
    } endings[] = {
        {"_w", "weight"},      {"_W", "weight"},  {"_b", "bias"},         {"_B", "bias"},
        {"_weight", "weight"}, {"_bias", "bias"}, {"_weights", "weight"}, {"_biases", "bias"},
    };
    const size_t length = strlen(name);
    snprintf(canonical, LONGEST_NAME, "%s", name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t ending = strlen(endings[i].ending);
        if (length > ending && strcmp(name + length - ending, endings[i].ending) == 0 &&
            is_layer(name, length - ending))
            snprintf(canonical, LONGEST_NAME, "%.*s.%s", (int)(length - ending), name,
                     endings[i].parameter);
    }
}

/* ---- values ---- */

/* Reads and parses the header; `from->offset` becomes the first element's. */
static clvgg_status read_header(vgg_strided *from, uint64_t bytes, vgg_npy_header *header)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char prefix[VGG_NPY_PREFIX_BYTES] = {0};
    const size_t available = bytes < sizeof prefix ? (size_t)bytes : sizeof prefix;
    uint64_t start, length;
    char *text = NULL;
    VGG_TRY(from->read_bytes(from->source, 0, prefix, available));
    VGG_TRY(vgg_npy_parse_prefix(prefix, available, bytes, &start, &length));
    VGG_NEW(text, (size_t)length);
    VGG_TRY(from->read_bytes(from->source, start, text, (size_t)length));
    VGG_TRY(vgg_npy_parse_header(text, (size_t)length, header));
    from->offset = start + length;
cleanup:
    vgg_free(text);
    return status;
}

/* Dimensions and strides of the array; Fortran's order has the first dimension innermost. */
static void set_strides(const vgg_npy_header *header, vgg_strided *from)
{
    const int rank = header->shape.rank;
    int64_t stride = 1;
    from->rank = rank;
    for (int i = 0; i < rank; i++) {
        const int axis = header->fortran_order ? i : rank - 1 - i;
        from->dims[axis] = header->shape.dims[axis];
        from->strides[axis] = stride;
        stride *= from->dims[axis] > 0 ? from->dims[axis] : 1;
    }
}

clvgg_status vgg_npy_add(vgg_weights *weights, const char *name, uint64_t bytes, size_t place,
                         vgg_strided *from)
{
    vgg_npy_header header;
    char text[128], canonical[LONGEST_NAME];
    const char *foreign = NULL;
    size_t type = 0;
    VGG_CHECK(strlen(name) + sizeof "weight" < LONGEST_NAME, CLVGG_STATUS_BAD_FILE,
              "its name is longer than %d bytes", LONGEST_NAME);
    VGG_PASS(read_header(from, bytes, &header));
    make_canonical(name, canonical);
    while (type < ELEMENT_TYPES && strcmp(header.descr, element_types[type].descr) != 0)
        type++;
    if (type == ELEMENT_TYPES) {
        VGG_PASS(vgg_weights_keep(weights, header.descr, strlen(header.descr), &foreign));
        return vgg_weights_add(weights, canonical, &header.shape, CLVGG_DTYPE_F32, foreign, place);
    }
    const uint64_t count = vgg_shape_elements(&header.shape);
    VGG_CHECK(count * element_types[type].bytes == bytes - from->offset, CLVGG_STATUS_BAD_FILE,
              "shape %s of '%s' needs %" PRIu64 " bytes behind the header, there are %" PRIu64,
              vgg_shape_text(&header.shape, text, sizeof text), header.descr,
              count * element_types[type].bytes, bytes - from->offset);
    from->is_double = element_types[type].is_double;
    set_strides(&header, from);
    return vgg_weights_add(weights, canonical, &header.shape, element_types[type].dtype, NULL,
                           place);
}
