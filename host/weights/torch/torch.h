/* weights/torch/torch.h — what PyTorch's files have in common, whatever holds them: pickled objects
 * that say which storage's bytes each tensor views, and where its state dictionary is.
 */
#ifndef VGG_WEIGHTS_TORCH_H
#define VGG_WEIGHTS_TORCH_H

#include "weights/format.h"
#include "weights/torch/pickle.h"

/* An element type by any of its names, "FloatStorage" or "float32". */
typedef struct vgg_torch_type {
    const char *storage, *name;
    unsigned bytes;
    int dtype; /* a clvgg_dtype, or −1: foreign */
    bool is_double;
} vgg_torch_type;

/* A storage's bytes: in a member of a zip archive, or in the file itself. */
typedef struct vgg_torch_storage {
    const vgg_archive_member *member; /* NULL: in the file */
    uint64_t offset, bytes;
} vgg_torch_storage;

/* A view of a storage; strides and offset are numbers of elements. */
typedef struct vgg_torch_tensor {
    const vgg_torch_type *type;
    const char *storage; /* its key */
    uint64_t offset;
    uint64_t limit; /* elements that the storage is said to have */
    int rank;
    int64_t dims[CLVGG_MAX_RANK], strides[CLVGG_MAX_RANK];
    const char *odd; /* why its values can't be read, though all is well; or NULL */
} vgg_torch_tensor;

typedef struct vgg_torch_reader vgg_torch_reader;
struct vgg_torch_reader {
    vgg_weights *weights;
    vgg_pickle_heap heap;
    /* Where a storage's bytes are; BAD_FILE where there is none of that key. */
    clvgg_status (*find_storage)(const vgg_torch_reader *reader, const char *key,
                                 vgg_torch_storage *out);
    /* The tensor that a PERSISTENT stands for, or false. NULL: none does. */
    bool (*find_tensor)(const vgg_torch_reader *reader, const vgg_pickled *value,
                        vgg_torch_tensor *out);
    const void *user;
    size_t steps; /* values that were looked at */
};

/* ---- torch_tensor.c ---- */

/* The type of a class of storages, "torch.FloatStorage", or of an element type, "torch.float32".
 * NULL: no such is known. */
const vgg_torch_type *vgg_torch_type_of(const vgg_pickled *global);
/* The type of a name, "float32" or "FloatStorage"; NULL: no such is known. */
const vgg_torch_type *vgg_torch_type_named(const char *name);
/* The name of what an OBJECT calls; "" for other values. */
const char *vgg_torch_called(const vgg_pickled *value);
/* Says whether a value is a tensor, or would be one if what it calls were known. */
bool vgg_torch_is_tensor(const vgg_torch_reader *reader, const vgg_pickled *value);
/* What a value that is a tensor says. Errors: BAD_FILE. */
clvgg_status vgg_torch_tensor_of(const vgg_torch_reader *reader, const vgg_pickled *value,
                                 vgg_torch_tensor *out);

/* ---- torch_place.c ---- */

/* Adds a tensor as `name`, once its view is known to lie in its storage. */
clvgg_status vgg_torch_add(vgg_torch_reader *reader, const char *name,
                           const vgg_torch_tensor *tensor);
clvgg_status vgg_torch_read(const vgg_weights *weights, size_t slot, uint64_t first, uint64_t count,
                            void *data);
void vgg_torch_close(vgg_weights *weights);

/* Frees what the reader holds, and puts the file's name before a failure's message that lacks it.
 */
clvgg_status vgg_torch_finish(vgg_torch_reader *reader, clvgg_status status);

/* ---- torch_state.c ---- */

/* Adds all tensors of the state dictionary, or module, that a checkpoint holds, and notes what was
 * taken. Errors: BAD_FILE, UNSUPPORTED (there is none, or no saying which). */
clvgg_status vgg_torch_add_state(vgg_torch_reader *reader, const vgg_pickled *root);

/* ---- torch_tar.c ---- */

/* Says whether a file that begins so is a tar archive; `bytes` is 512 unless it is shorter. */
bool vgg_torch_is_tar(const unsigned char *head, size_t bytes);
/* Where each of the named files lies; `found` is zeroed before. Errors: BAD_FILE, UNSUPPORTED (one
 * of them isn't there), IO. */
clvgg_status vgg_torch_find_in_tar(const vgg_file *file, const char *const *names, size_t count,
                                   vgg_pickle_source *found);

/* ---- weights_torch_zip.c, in a build with libzip ---- */

/* Checks the order of bytes that an archive states in its folder, the first `bytes` of `folder`.
 * Errors: UNSUPPORTED (big-endian). */
clvgg_status vgg_torch_check_byte_order(const vgg_archive *archive, const char *folder, int bytes);

#endif
