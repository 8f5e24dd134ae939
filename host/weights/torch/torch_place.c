/* weights/torch/torch_place.c — where a tensor's values lie: views are checked, then read in place.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/torch/torch.h"

/* Values of a member that isn't stored as it is. */
typedef struct packed_member {
    const vgg_archive *archive;
    const vgg_archive_member *member;
} packed_member;

typedef struct place {
    vgg_strided view; /* its source is `packed`, or the file */
    packed_member packed;
} place;

typedef struct places {
    size_t count, capacity;
    place *all;
} places;

static clvgg_status read_packed(const void *source, uint64_t offset, void *data, size_t bytes)
{
    const packed_member *packed = source;
    return vgg_archive_read(packed->archive, packed->member, offset, data, bytes);
}

static clvgg_status check_view(const vgg_torch_tensor *tensor, const vgg_torch_storage *storage,
                               const vgg_strided *view)
{
    uint64_t needed, end;
    const uint64_t there = storage->bytes / tensor->type->bytes;
    VGG_CHECK(tensor->limit <= there, CLVGG_STATUS_BAD_FILE,
              "its storage \"%s\" is said to have %" PRIu64 " elements of %s, but %" PRIu64
              " are there",
              tensor->storage, tensor->limit, tensor->type->name, there);
    VGG_CHECK(vgg_strided_extent(view, &needed) &&
                  !__builtin_add_overflow(needed, needed > 0 ? tensor->offset : 0, &end) &&
                  end <= tensor->limit,
              CLVGG_STATUS_BAD_FILE,
              "its shape and strides reach beyond storage \"%s\", which has %" PRIu64 " elements",
              tensor->storage, tensor->limit);
    return CLVGG_STATUS_OK;
}

/* Views that repeat a storage's values claim any size; beyond this many they aren't read. */
enum { LARGEST_REPEATED = 1 << 16 };

/* Says whether a view's values lie side by side in its order. */
static bool is_contiguous(const vgg_strided *view)
{
    int64_t block = 1;
    for (int i = view->rank - 1; i >= 0; i--) {
        if (view->dims[i] != 1 && view->strides[i] != block)
            return false;
        block *= view->dims[i];
    }
    return true;
}

/* Checks a tensor's view, and says where its values lie. */
static clvgg_status find_place(const vgg_torch_reader *reader, const vgg_torch_tensor *tensor,
                               uint64_t count, place *made)
{
    vgg_torch_storage storage = {0};
    memcpy(made->view.dims, tensor->dims, sizeof tensor->dims);
    memcpy(made->view.strides, tensor->strides, sizeof tensor->strides);
    made->view.rank = tensor->rank;
    made->view.is_double = tensor->type->is_double;
    if (count == 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(reader->find_storage(reader, tensor->storage, &storage));
    VGG_PASS(check_view(tensor, &storage, &made->view));
    made->view.offset = storage.offset + tensor->offset * tensor->type->bytes;
    if (storage.member != NULL && !storage.member->stored) {
        /* Packed bytes are read fast in order alone. */
        VGG_CHECK(is_contiguous(&made->view), CLVGG_STATUS_UNSUPPORTED,
                  "is a view of a compressed storage; save it again with torch.save()");
        made->packed = (packed_member){reader->weights->archive, storage.member};
    } else if (storage.member != NULL) {
        made->view.offset += storage.member->offset;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status add_foreign(vgg_weights *weights, const char *name, const clvgg_shape *shape,
                                const char *type)
{
    VGG_PASS(vgg_weights_keep(weights, type, strlen(type), &type));
    return vgg_weights_add(weights, name, shape, CLVGG_DTYPE_F32, type, 0);
}

clvgg_status vgg_torch_add(vgg_torch_reader *reader, const char *name,
                           const vgg_torch_tensor *tensor)
{
    vgg_weights *weights = reader->weights;
    clvgg_shape shape = {.rank = tensor->rank};
    place made = {0};
    uint64_t count;
    if (tensor->type == NULL)
        return add_foreign(weights, name, &shape, tensor->odd);
    memcpy(shape.dims, tensor->dims, sizeof shape.dims);
    VGG_CHECK(vgg_shape_count(&shape, &count), CLVGG_STATUS_BAD_FILE,
              "tensor \"%s\": the product of its dimensions overflows", name);
    VGG_PASS(vgg_prefixed(find_place(reader, tensor, count, &made), "tensor \"%s\"", name));
    if (tensor->odd != NULL || tensor->type->dtype < 0)
        return add_foreign(weights, name, &shape,
                           tensor->odd != NULL ? tensor->odd : tensor->type->name);
    if (count > LARGEST_REPEATED && count > tensor->limit)
        return add_foreign(weights, name, &shape, "an expanded view");
    if (weights->own == NULL)
        VGG_PASS(VGG_MADE(weights->own = vgg_calloc(1, sizeof(places))));
    places *own = weights->own;
    VGG_GROW_PASS(own->all, own->count, own->capacity, 64);
    own->all[own->count++] = made;
    return vgg_weights_add(weights, name, &shape, (clvgg_dtype)tensor->type->dtype, NULL,
                           own->count - 1);
}

clvgg_status vgg_torch_read(const vgg_weights *weights, size_t slot, uint64_t first, uint64_t count,
                            void *data)
{
    const places *own = weights->own;
    const clvgg_dtype dtype = weights->slots[slot].entry.dtype;
    const place *from = &own->all[weights->slots[slot].place];
    vgg_strided view = from->view;
    if (count == 0)
        return CLVGG_STATUS_OK;
    view.source = from->packed.member != NULL ? (const void *)&from->packed : weights->file;
    view.read_bytes = from->packed.member != NULL ? read_packed : vgg_strided_from_file;
    if (from->packed.member == NULL && is_contiguous(&view))
        return vgg_contiguous_read(weights->file, &(vgg_contiguous){view.offset, view.is_double},
                                   dtype, first, count, data);
    return vgg_strided_read(&view, dtype, first, count, data);
}

void vgg_torch_close(vgg_weights *weights)
{
    places *own = weights->own;
    if (own != NULL)
        vgg_free(own->all);
    vgg_free(own);
}

clvgg_status vgg_torch_finish(vgg_torch_reader *reader, clvgg_status status)
{
    const char *path = reader->weights->path;
    vgg_pickle_heap_free(&reader->heap);
    if (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_OUT_OF_MEMORY &&
        strstr(vgg_message(), path) == NULL)
        vgg_message_prefix("%s", path);
    return status;
}
