/* weights/format.h — what a format's row has, and what its open() fills in.
 *
 * A format is a file weights_NAME.c that defines its row, and a word in the list below. weights.c
 * opens the file and asks each row in turn whether it is its format's; it also builds the index by
 * name, refuses doubled names, checks ranges and frees all but what close() frees.
 */
#ifndef VGG_WEIGHTS_FORMAT_H
#define VGG_WEIGHTS_FORMAT_H

#include <stdbool.h>

#include "weights/weights.h"

enum { VGG_LARGEST_TENSOR_COUNT = 65536 };

typedef struct vgg_tensor_slot {
    vgg_tensor_entry entry;
    /* The element type's name where it is no clvgg_dtype; of `entry` only the name is set then. */
    const char *foreign_dtype;
} vgg_tensor_slot;

struct vgg_weights {
    const struct vgg_weights_format *format;
    vgg_file *file;         /* the one that was named; a format may open others */
    void *own;              /* the format's: where values lie */
    char *strings;          /* one block that all names, keys and values point into */
    vgg_tensor_slot *slots; /* those that can be read first, each part in file order */
    size_t slot_count, readable_count;
    const vgg_tensor_slot **by_name; /* all slots, sorted; made by weights.c */
    vgg_metadata_entry *metadata;
    size_t metadata_count;
};

typedef struct vgg_weights_format {
    const char *name; /* "a NumPy archive (.npz)" */
    /* Says whether a file that begins with head[bytes] is of this format. */
    bool (*matches)(const unsigned char *head, size_t bytes);
    /* Checks the file, or files, and fills in slots, strings, metadata and `own`; weights.c frees
     * them on failure too. A format that holds a network states it, and whatever else it
     * knows, as clvgg's own files do: as metadata (clvgg.graph as JSON, clvgg.preprocess,
     * clvgg.classes), which model/ reads. NULL: the format is recognised, so that the message can
     * say what the file is, but not read; then the rest is NULL too. */
    clvgg_status (*open)(vgg_weights *weights);
    /* Elements [first, first + count) of a slot, which lie in its range, in entry.dtype, wherever
     * and however they are stored. Thread-safe. */
    clvgg_status (*read)(const vgg_weights *weights, size_t slot, uint64_t first, uint64_t count,
                         void *data);
    /* Frees `own`, which may be half made or NULL. */
    void (*close)(vgg_weights *weights);
} vgg_weights_format;

/* The formats, in the order in which they are asked: safetensors before pickles, as the length in
 * its front can look like a pickle's beginning, but a pickle has no '{' at byte 8. */
#define VGG_WEIGHTS_FORMATS(row)                                                                   \
    row(npz) row(zip) row(safetensors) row(pickle) row(hdf5) row(npy) row(onnx) row(caffe)
#define VGG_WEIGHTS_FORMAT_DECLARE(name) extern const vgg_weights_format vgg_weights_##name;
VGG_WEIGHTS_FORMATS(VGG_WEIGHTS_FORMAT_DECLARE)

/* Values that lie side by side in a file: where the first one is, and whether they are float64, to
 * be rounded to float32. */
typedef struct vgg_contiguous {
    uint64_t offset;
    bool is_double;
} vgg_contiguous;
/* The work of read() for such values: those that aren't float64 are in `dtype` already. */
clvgg_status vgg_contiguous_read(const vgg_file *file, const vgg_contiguous *from,
                                 clvgg_dtype dtype, uint64_t first, uint64_t count, void *data);

#endif
