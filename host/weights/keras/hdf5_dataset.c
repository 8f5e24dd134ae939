/* weights/keras/hdf5_dataset.c — what a data set of an HDF5 file is, by the messages of its header:
 * dataspace, datatype and layout.
 */
#include <inttypes.h>
#include <string.h>

#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/keras/hdf5_header.h"

/* Classes of datatypes, and of layouts. */
enum { FIXED_POINT = 0, FLOATING_POINT = 1, OPAQUE = 5 };
enum { COMPACT = 0, CONTIGUOUS = 1, CHUNKED = 2, VIRTUAL = 3 };

/* Behind what a type is that isn't read. */
#define FLOATS "; float32, float16, bfloat16 and float64 are read"

bool vgg_hdf5_read_space(hdf5_bytes bytes, int *rank, uint64_t dims[VGG_HDF5_LARGEST_RANK])
{
    const uint64_t version = vgg_hdf5_take(&bytes, 1);
    *rank = (int)vgg_hdf5_take(&bytes, 1);
    vgg_hdf5_take(&bytes, 1);
    const uint64_t type = vgg_hdf5_take(&bytes, 1);
    if (version == 1)
        vgg_hdf5_skip(&bytes, 4);
    if ((version != 1 && version != 2) || (version == 2 && type > 1) ||
        *rank > VGG_HDF5_LARGEST_RANK)
        return false;
    for (int i = 0; i < *rank; i++)
        dims[i] = vgg_hdf5_take(&bytes, 8);
    return !bytes.failed;
}

/* A float by where its parts lie. */
typedef struct float_parts {
    uint64_t size, offset, bits, exponent, exponent_bits, mantissa, mantissa_bits, bias;
} float_parts;

static bool is_float(const float_parts *parts, uint64_t sign, uint64_t size, uint64_t exponent_bits,
                     uint64_t mantissa_bits)
{
    const uint64_t bias = (UINT64_C(1) << (exponent_bits - 1)) - 1;
    return parts->size == size && parts->offset == 0 && parts->bits == 8 * size &&
           sign == 8 * size - 1 && parts->exponent == mantissa_bits &&
           parts->exponent_bits == exponent_bits && parts->mantissa == 0 &&
           parts->mantissa_bits == mantissa_bits && parts->bias == bias;
}

static void describe_float(hdf5_bytes *bytes, uint64_t order, uint64_t sign, uint64_t size,
                           vgg_hdf5_dataset *set)
{
    float_parts parts = {.size = size};
    parts.offset = vgg_hdf5_take(bytes, 2);
    parts.bits = vgg_hdf5_take(bytes, 2);
    parts.exponent = vgg_hdf5_take(bytes, 1);
    parts.exponent_bits = vgg_hdf5_take(bytes, 1);
    parts.mantissa = vgg_hdf5_take(bytes, 1);
    parts.mantissa_bits = vgg_hdf5_take(bytes, 1);
    parts.bias = vgg_hdf5_take(bytes, 4);
    if ((order & 0x41) != 0)
        set->foreign = "is big-endian" FLOATS;
    else if (is_float(&parts, sign, 8, 11, 52))
        set->is_double = true;
    else if (is_float(&parts, sign, 2, 5, 10))
        set->dtype = CLVGG_DTYPE_F16;
    else if (is_float(&parts, sign, 2, 8, 7))
        set->dtype = CLVGG_DTYPE_BF16;
    else if (!is_float(&parts, sign, 4, 8, 23))
        set->foreign = "is of a float type of another layout" FLOATS;
}

/* h5py stores a bfloat16 array as opaque elements of two bytes, which nothing else is here. */
static void describe_type(hdf5_bytes bytes, vgg_hdf5_dataset *set)
{
    const uint64_t class = vgg_hdf5_take(&bytes, 1) & 0x0F;
    const uint64_t order = vgg_hdf5_take(&bytes, 1), sign = vgg_hdf5_take(&bytes, 1);
    vgg_hdf5_take(&bytes, 1);
    const uint64_t size = vgg_hdf5_take(&bytes, 4);
    set->dtype = CLVGG_DTYPE_F32;
    if (class == FLOATING_POINT)
        describe_float(&bytes, order, sign, size, set);
    else if (class == OPAQUE && size == 2)
        set->dtype = CLVGG_DTYPE_BF16;
    else if (class == FIXED_POINT)
        set->foreign =
            size == 1 ? "is of type int8: quantised" FLOATS : "is of an integer type" FLOATS;
    else
        set->foreign = "holds no numbers" FLOATS;
    if (bytes.failed)
        set->foreign = "is of an unknown type" FLOATS;
}

/* A data set under way. */
typedef struct description {
    vgg_hdf5 *file;
    vgg_hdf5_dataset *set;
    uint64_t stored; /* bytes */
    bool has_space, has_type, has_layout;
} description;

static clvgg_status describe_space(const description *of, const hdf5_message *message)
{
    uint64_t dims[VGG_HDF5_LARGEST_RANK];
    int rank;
    if (message->shared || !vgg_hdf5_read_space(message->data, &rank, dims))
        return vgg_hdf5_fail(of->file, "a data set's dimensions can't be read");
    if (rank > CLVGG_MAX_RANK) {
        of->set->foreign = "has too many dimensions";
        rank = 0;
    }
    of->set->shape.rank = rank;
    for (int i = 0; i < rank; i++) {
        if (dims[i] > INT64_MAX)
            return vgg_hdf5_fail(of->file, "a data set's dimension overflows");
        of->set->shape.dims[i] = (int64_t)dims[i];
    }
    return CLVGG_STATUS_OK;
}

/* Values in the header itself, or side by side somewhere. */
static clvgg_status describe_layout(description *of, const hdf5_message *message)
{
    hdf5_bytes bytes = message->data;
    const uint64_t version = vgg_hdf5_take(&bytes, 1), class = vgg_hdf5_take(&bytes, 1);
    VGG_CHECK(class != VIRTUAL, CLVGG_STATUS_BAD_FILE,
              "%s: data set \"%s\" is virtual: its values lie in other files, which aren't read",
              of->file->name, of->set->path);
    if ((version != 3 && version != 4) || class == CHUNKED) {
        of->set->foreign = "is stored in chunks, perhaps packed, which isn't read: "
                           "\"h5repack -l CONTI -f NONE OLD.h5 NEW.h5\" stores it as Keras does";
        return CLVGG_STATUS_OK;
    }
    if (class == COMPACT) {
        of->stored = vgg_hdf5_take(&bytes, 2);
        of->set->offset = message->offset + (message->data.left - bytes.left);
        if (of->stored > bytes.left)
            bytes.failed = true;
    } else if (class == CONTIGUOUS) {
        of->set->offset = vgg_hdf5_take(&bytes, 8);
        of->stored = vgg_hdf5_take(&bytes, 8);
    } else {
        bytes.failed = true;
    }
    return bytes.failed ? vgg_hdf5_fail(of->file, "a data set's layout can't be read")
                        : CLVGG_STATUS_OK;
}

static clvgg_status visit(void *user, const hdf5_message *message)
{
    description *of = user;
    switch (message->type) {
    case VGG_HDF5_DATASPACE:
        of->has_space = true;
        return describe_space(of, message);
    case VGG_HDF5_DATATYPE:
        of->has_type = true;
        if (message->shared)
            of->set->foreign = "is of a type that has a name of its own" FLOATS;
        else
            describe_type(message->data, of->set);
        return CLVGG_STATUS_OK;
    case VGG_HDF5_LAYOUT:
        of->has_layout = true;
        return describe_layout(of, message);
    case VGG_HDF5_EXTERNAL:
        return vgg_fail(CLVGG_STATUS_BAD_FILE,
                        "%s: data set \"%s\": its values lie in another file, which isn't read",
                        of->file->name, of->set->path);
    default:
        return CLVGG_STATUS_OK;
    }
}

clvgg_status vgg_hdf5_describe(vgg_hdf5 *file, uint64_t header, vgg_hdf5_dataset *set)
{
    description of = {.file = file, .set = set};
    uint64_t count, bytes;
    VGG_PASS(vgg_hdf5_visit_messages(file, header, visit, &of));
    VGG_CHECK(of.has_space && of.has_type && of.has_layout, CLVGG_STATUS_BAD_FILE,
              "%s: \"%s\" is neither a group nor a whole data set", file->name, set->path);
    if (set->foreign != NULL)
        return CLVGG_STATUS_OK;
    const size_t element = set->is_double ? sizeof(double) : vgg_dtype_bytes(set->dtype);
    const uint64_t room = file->source.bytes;
    const bool fits = vgg_shape_count(&set->shape, &count) &&
                      !__builtin_mul_overflow(count, (uint64_t)element, &bytes) &&
                      bytes <= of.stored &&
                      (bytes == 0 || (set->offset <= room && bytes <= room - set->offset));
    VGG_CHECK(fits, CLVGG_STATUS_BAD_FILE,
              "%s: data set \"%s\" claims more bytes than the file holds for it", file->name,
              set->path);
    set->offset += file->source.offset;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_hdf5_read(const vgg_hdf5_dataset *from, uint64_t at, void *data, size_t bytes)
{
    return vgg_file_read(from->file->source.file, from->offset + at, data, bytes);
}
