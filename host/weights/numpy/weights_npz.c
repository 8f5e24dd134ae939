/* weights/numpy/weights_npz.c — NumPy's archives of arrays: numpy.savez() and
 * numpy.savez_compressed().
 *
 * A zip archive with a member NAME.npy for each array. Tensors are named after the arrays. An array
 * of Python objects is a pickle, which is never read: its type is foreign.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/numpy/npy_values.h"
#include "weights/numpy/npz_metadata.h"

static bool ends_with_npy(const char *name, size_t length)
{
    return length > 4 && memcmp(name + length - 4, ".npy", 4) == 0;
}

/* By the archive's directory or, without libzip, the first member's name at byte 30, whose length
 * lies at byte 26. */
static bool matches(const vgg_candidate *candidate)
{
    const unsigned char *head = candidate->head;
    if (!vgg_archive_matches(head, candidate->bytes))
        return false;
    if (candidate->archive == NULL) {
        const size_t length = candidate->bytes >= 30 ? head[26] | (size_t)head[27] << 8 : 0;
        return 30 + length <= candidate->bytes && ends_with_npy((const char *)head + 30, length);
    }
    const size_t count = vgg_archive_count(candidate->archive);
    for (size_t i = 0; i < count; i++) {
        const char *name = vgg_archive_member_at(candidate->archive, i)->name;
        if (!ends_with_npy(name, strlen(name)))
            return false;
    }
    return count > 0;
}

#ifdef CLVGG_HAVE_ZIP

#include <pthread.h>

/* A deflated array that isn't read in order is unpacked once, one at a time. */
typedef struct unpacked {
    pthread_mutex_t lock;
    const vgg_archive_member *member;
    char *data;
} unpacked;

typedef struct array {
    const vgg_archive *archive;
    const vgg_archive_member *member;
    unpacked *unpacked; /* NULL: it is read in order, or isn't deflated */
    vgg_strided values;
} array;

typedef struct npz {
    unpacked unpacked;
    bool lock_made;
    array arrays[];
} npz;

static clvgg_status read_unpacked(const array *from, uint64_t offset, void *data, size_t bytes)
{
    unpacked *kept = from->unpacked;
    clvgg_status status = CLVGG_STATUS_OK;
    pthread_mutex_lock(&kept->lock);
    if (kept->member != from->member) {
        vgg_free(kept->data);
        kept->data = NULL;
        kept->member = NULL;
        VGG_TRY(vgg_archive_read_all(from->archive, from->member, UINT64_MAX, &kept->data));
        kept->member = from->member;
    }
    memcpy(data, kept->data + offset, bytes);
cleanup:
    pthread_mutex_unlock(&kept->lock);
    return status;
}

static clvgg_status read_bytes(const void *source, uint64_t offset, void *data, size_t bytes)
{
    const array *from = source;
    return from->unpacked != NULL
               ? read_unpacked(from, offset, data, bytes)
               : vgg_archive_read(from->archive, from->member, offset, data, bytes);
}

/* Says whether elements lie in the tensor's order. */
static bool is_in_order(const vgg_strided *values)
{
    int64_t stride = 1;
    for (int i = values->rank - 1; i >= 0; i--) {
        if (values->dims[i] > 1 && values->strides[i] != stride)
            return false;
        stride *= values->dims[i];
    }
    return true;
}

static clvgg_status add_array(vgg_weights *weights, npz *own, size_t index)
{
    const vgg_archive_member *member = vgg_archive_member_at(weights->archive, index);
    array *to = &own->arrays[index];
    const char *name;
    to->archive = weights->archive;
    to->member = member;
    to->values.read_bytes = read_bytes;
    to->values.source = to;
    VGG_PASS(vgg_weights_keep(weights, member->name, strlen(member->name) - 4, &name));
    VGG_PASS(vgg_prefixed(vgg_npy_add(weights, name, member->bytes, index, &to->values),
                          "%s: array \"%s\"", weights->path, name));
    return CLVGG_STATUS_OK;
}

static vgg_strided *values_of(vgg_weights *weights, size_t place)
{
    return &((npz *)weights->own)->arrays[place].values;
}

static clvgg_status open_archive(vgg_weights *weights)
{
    const size_t count = vgg_archive_count(weights->archive);
    const uint64_t limit = VGG_LARGEST_UNPACKED(vgg_file_size(weights->file));
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        const vgg_archive_member *member = vgg_archive_member_at(weights->archive, i);
        VGG_CHECK(member->bytes <= limit - total, CLVGG_STATUS_BAD_FILE,
                  "%s: its arrays, up to \"%s\", unpack to more than %" PRIu64
                  " bytes, the file has %" PRIu64,
                  weights->path, member->name, limit, vgg_file_size(weights->file));
        total += member->bytes;
    }
    npz *own = vgg_calloc(1, sizeof *own + count * sizeof *own->arrays);
    VGG_PASS(VGG_MADE(own));
    weights->own = own;
    own->lock_made = pthread_mutex_init(&own->unpacked.lock, NULL) == 0;
    VGG_CHECK(own->lock_made, CLVGG_STATUS_OUT_OF_MEMORY, "no mutex can be made");
    const vgg_archive_member *metadata =
        vgg_archive_find(weights->archive, VGG_NPZ_METADATA ".npy");
    if (metadata != NULL)
        VGG_PASS(vgg_npz_read_metadata(weights, metadata));
    for (size_t i = 0; i < count; i++)
        if (vgg_archive_member_at(weights->archive, i) != metadata)
            VGG_PASS(add_array(weights, own, i));
    if (vgg_weights_metadata(weights, "clvgg.graph") == NULL) /* else it is clvgg's own file */
        VGG_PASS(vgg_npy_make_canonical(weights, values_of));
    for (size_t i = 0; i < count; i++)
        if (own->arrays[i].member != NULL && !own->arrays[i].member->stored &&
            !is_in_order(&own->arrays[i].values))
            own->arrays[i].unpacked = &own->unpacked;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_values(const vgg_weights *weights, size_t slot, uint64_t first,
                                uint64_t count, void *data)
{
    const npz *own = weights->own;
    const vgg_tensor_slot *tensor = &weights->slots[slot];
    return vgg_strided_read(&own->arrays[tensor->place].values, tensor->entry.dtype, first, count,
                            data);
}

static const vgg_strided *strided_of(const vgg_weights *weights, size_t slot)
{
    const npz *own = weights->own;
    return &own->arrays[weights->slots[slot].place].values;
}

static void close_archive(vgg_weights *weights)
{
    npz *own = weights->own;
    if (own == NULL)
        return;
    if (own->lock_made)
        pthread_mutex_destroy(&own->unpacked.lock);
    vgg_free(own->unpacked.data);
    vgg_free(own);
}

const vgg_weights_format vgg_weights_npz = {.name = "a NumPy archive (.npz)",
                                            .matches = matches,
                                            .open = open_archive,
                                            .read = read_values,
                                            .strided = strided_of,
                                            .close = close_archive};

#else

const vgg_weights_format vgg_weights_npz = {
    .name = "a NumPy archive (.npz)", .matches = matches, .needs = "libzip"};

#endif
