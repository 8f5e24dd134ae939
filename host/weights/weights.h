/* weights/weights.h — files of named tensors behind one interface, whatever their format
 * (format.h).
 *
 * Opening reads and checks what describes the tensors; their values are read on demand.
 */
#ifndef VGG_WEIGHTS_WEIGHTS_H
#define VGG_WEIGHTS_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/status.h"
#include "clvgg/tensor.h"

typedef struct vgg_tensor_entry {
    const char *name;
    clvgg_dtype dtype; /* as vgg_weights_read() gives the values */
    clvgg_shape shape;
    uint64_t count; /* elements */
    bool int8; /* in the file they are int8 times a scale for each row (tensor/int8_row.h), which
                  lies in a tensor of its own; F32 as read, int8 as written */
} vgg_tensor_entry;

typedef struct vgg_weights vgg_weights;

/* Identifies by content, opens, validates a file or folder. Errors: NOT_FOUND, IO, BAD_FILE,
 * UNSUPPORTED. */
clvgg_status vgg_weights_open(const char *path, vgg_weights **out);
void vgg_weights_close(vgg_weights *weights);
const char *vgg_weights_path(const vgg_weights *weights);
/* Says whether the file at `path` is one of those that the weights are read from, or any other in
 * the folder that was named, by whatever name or link. */
bool vgg_weights_reads(const vgg_weights *weights, const char *path);
/* What tells the files, as they were when they were opened, from any others, and from themselves
 * after a change: their places on disks, sizes and times. NULL: it can't be told, as they were
 * changed a moment ago. */
const char *vgg_weights_signature(const vgg_weights *weights);
size_t vgg_weights_count(const vgg_weights *weights);
const vgg_tensor_entry *vgg_weights_entry(const vgg_weights *weights, size_t index);
/* NULL when there is no tensor of that name. */
const vgg_tensor_entry *vgg_weights_find(const vgg_weights *weights, const char *name);
/* Tensors of other element types (a counter of batches as I64) don't make a file unreadable; they
 * are left out of the above. The type's name in the file for such a tensor, NULL for any other. */
const char *vgg_weights_foreign_dtype(const vgg_weights *weights, const char *name);
/* Value of a metadata key, or NULL; keys by index for copying. */
const char *vgg_weights_metadata(const vgg_weights *weights, const char *key);
size_t vgg_weights_metadata_count(const vgg_weights *weights);
void vgg_weights_metadata_at(const vgg_weights *weights, size_t index, const char **key,
                             const char **value);
/* The network that the format states, whose layers tensors are named after; NULL: it states none.
 */
const struct vgg_graph *vgg_weights_graph(const vgg_weights *weights);
/* Where the preprocessing that the metadata states comes from, in words; NULL: from the file. */
const char *vgg_weights_preprocess_origin(const vgg_weights *weights);
/* What was taken of the file and what wasn't, a line each; "" where there is nothing to say. */
const char *vgg_weights_notes(const vgg_weights *weights);
const char *vgg_weights_format_name(const vgg_weights *weights);
/* Formats by index, for lists: the name, or NULL behind the last. *needs: what this build lacks to
 * read it, or NULL. *reads: whether this version does, given that. */
const char *vgg_weights_format_at(size_t index, bool *reads, const char **needs);
/* What to do with a file of a format that isn't read, or NULL. */
const char *vgg_weights_format_advice(size_t index);
/* Elements [first, first + count) in the entry's type, into `data`. Thread-safe. */
clvgg_status vgg_weights_read(const vgg_weights *weights, const vgg_tensor_entry *entry,
                              uint64_t first, uint64_t count, void *data);
/* Where a tensor lies in its file with rows (all behind the first dimension) across, as
 * [columns / inner][inner][rows], column c of a row at [c % (columns / inner)][c / (columns /
 * inner)]: `inner`, more than 0. vgg_weights_read_turned() gives its elements in that order,
 * vgg_weights_read() costs more. */
uint64_t vgg_weights_inner(const vgg_weights *weights, const vgg_tensor_entry *entry);
clvgg_status vgg_weights_read_turned(const vgg_weights *weights, const vgg_tensor_entry *entry,
                                     uint64_t first, uint64_t count, void *data);

/* Behind the name of a tensor of int8 weights: the float32 scales of its rows. */
#define VGG_SCALE_SUFFIX "_scale"

/* Writes safetensors: tensors in the order given, metadata sorted by key, so equal input gives
 * equal bytes. `tensors` give name, dtype, shape, int8 (count is ignored); values come from
 * `read` in pieces of at most 4 MiB, as they are in the file. Atomic. */
typedef clvgg_status (*vgg_tensor_reader)(void *user, size_t tensor, uint64_t first, uint64_t count,
                                          void *data);
typedef struct vgg_metadata_entry {
    const char *key, *value;
} vgg_metadata_entry;
clvgg_status vgg_weights_write(const char *path, const vgg_tensor_entry *tensors, size_t count,
                               const vgg_metadata_entry *metadata, size_t metadata_count,
                               vgg_tensor_reader read, void *user);

#endif
