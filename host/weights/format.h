/* weights/format.h — what a format's row has, and what its open() fills in.
 *
 * A format is a file weights_NAME.c that defines its row, and a word in format_list.h. weights.c
 * opens the file and asks each row in turn whether it is its format's; it also builds the index by
 * name, refuses doubled names, checks ranges and frees all but what close() frees.
 */
#ifndef VGG_WEIGHTS_FORMAT_H
#define VGG_WEIGHTS_FORMAT_H

#include <stdbool.h>

#include "base/sha256.h"
#include "graph/graph.h"
#include "weights/archive.h"
#include "weights/format_list.h"
#include "weights/weights.h"

enum { VGG_LARGEST_TENSOR_COUNT = 65536 };

typedef struct vgg_tensor_slot {
    vgg_tensor_entry entry;
    size_t place; /* the format's own number of the tensor: an index into `own`, say */
    /* The element type's name where it is no clvgg_dtype; of `entry` only the name is set then. */
    const char *foreign_dtype;
} vgg_tensor_slot;

struct vgg_weights {
    const struct vgg_weights_format *format;
    char *path;         /* as it was named, or of the file that stands for the folder */
    char *folder;       /* that was named; NULL: a file was */
    vgg_file *file;     /* of that path; NULL: it is a folder */
    vgg_file_id *parts; /* every file that is read; vgg_weights_open_part() */
    size_t part_count, part_capacity;
    char signature[VGG_SHA256_HEX]; /* vgg_weights_signature(); "": none */
    vgg_archive *archive;   /* of a zip's members; NULL: it is none */
    void *own;              /* the format's: where values lie */
    char *strings;          /* one block that names, keys and values may point into */
    struct vgg_kept *kept;  /* others: vgg_weights_keep() */
    vgg_tensor_slot *slots; /* those that can be read first, each part in file order */
    size_t slot_count, slot_capacity, readable_count;
    const vgg_tensor_slot **by_name; /* all slots, sorted; made by weights.c */
    vgg_metadata_entry *metadata;
    size_t metadata_count, metadata_capacity;
    vgg_graph *graph;              /* the network, where the format holds one */
    const char *preprocess_origin; /* of the preprocessing that the format states, in words */
    vgg_text notes;                /* a line each: what was taken of the file, what wasn't */
};

/* What identifies a format. */
typedef struct vgg_candidate {
    const char *path;
    const vgg_file *file; /* NULL: a folder */
    unsigned char head[512];
    size_t bytes;               /* of head: fewer where the file is shorter, 0 for a folder */
    const vgg_archive *archive; /* NULL: no zip, or this build can't read any */
} vgg_candidate;

typedef struct vgg_weights_format {
    const char *name; /* "a NumPy archive (.npz)" */
    /* Says whether a file or folder is of this format. */
    bool (*matches)(const vgg_candidate *candidate);
    /* Checks the file, or files, and fills in slots (vgg_weights_add()), metadata and `own`;
     * weights.c frees them on failure too. A format that holds a network either builds it as
     * `graph`, with tensors named after its layers ("conv1_1.weight"), or states it, and whatever
     * else it knows, as clvgg's own files do: as metadata (clvgg.graph as JSON, clvgg.preprocess,
     * clvgg.classes), which model/ reads. NULL: the format is recognised, so that the message can
     * say what the file is, but not read; then the rest is NULL too. */
    clvgg_status (*open)(vgg_weights *weights);
    /* Elements [first, first + count) of a slot, which lie in its range, in entry.dtype, wherever
     * and however they are stored. Thread-safe. */
    clvgg_status (*read)(const vgg_weights *weights, size_t slot, uint64_t first, uint64_t count,
                         void *data);
    /* Where a slot's values lie; NULL: not with strides. A format may have no such function. */
    const struct vgg_strided *(*strided)(const vgg_weights *weights, size_t slot);
    /* Frees `own`, which may be half made or NULL. */
    void (*close)(vgg_weights *weights);
    /* Without open(): what reading needs that this build lacks, "libzip"; or NULL, and what to do
     * with such a file, "save it with torch.save(model.state_dict(), …)". */
    const char *needs, *advice;
} vgg_weights_format;

#define VGG_WEIGHTS_FORMAT_DECLARE(name) extern const vgg_weights_format vgg_weights_##name;
VGG_WEIGHTS_FORMATS(VGG_WEIGHTS_FORMAT_DECLARE)

/* ---- for open() ---- */

/* Opens a file that belongs to the weights: every one is opened so, and closed by who opened it.
 * Errors: those of vgg_file_open(); *out is NULL then. */
clvgg_status vgg_weights_open_part(vgg_weights *weights, const char *path, vgg_file **out);
/* Adds a file that was opened otherwise. */
clvgg_status vgg_weights_add_part(vgg_weights *weights, const vgg_file *file);
/* Signs the parts as they are, all having been added. */
void vgg_weights_sign(vgg_weights *weights);
/* Adds the files of other weights, which are read for these. */
clvgg_status vgg_weights_take_parts(vgg_weights *weights, const vgg_weights *from);
/* Copies text[length], with a NUL behind it, into memory that lives as long as `weights`. */
clvgg_status vgg_weights_keep(vgg_weights *weights, const char *text, size_t length,
                              const char **out);
/* Adds a tensor, whose name is copied. foreign_dtype: a constant, or kept; NULL: read() gives
 * `dtype`. Errors: BAD_FILE (a product of dimensions that overflows, too many tensors). */
clvgg_status vgg_weights_add(vgg_weights *weights, const char *name, const clvgg_shape *shape,
                             clvgg_dtype dtype, const char *foreign_dtype, size_t place);
/* Adds metadata; both texts are copied. */
clvgg_status vgg_weights_state(vgg_weights *weights, const char *key, const char *value);
/* For weights.c. */
void vgg_weights_free_kept(vgg_weights *weights);
/* Adds a line to the notes. */
void vgg_weights_note(vgg_weights *weights, const char *format, ...) VGG_PRINTF(2, 3);

/* ---- for read() ---- */

/* Values that lie side by side in a file: where the first one is, and whether they are float64, to
 * be rounded to float32. */
typedef struct vgg_contiguous {
    uint64_t offset;
    bool is_double;
} vgg_contiguous;
/* The work of read() for such values: those that aren't float64 are in `dtype` already. */
clvgg_status vgg_contiguous_read(const vgg_file *file, const vgg_contiguous *from,
                                 clvgg_dtype dtype, uint64_t first, uint64_t count, void *data);

/* Values that lie with strides: of a view, or of a layout other than the canonical one. */
typedef struct vgg_strided {
    /* Exactly `bytes` at `offset` of the source; thread-safe. */
    clvgg_status (*read_bytes)(const void *source, uint64_t offset, void *data, size_t bytes);
    const void *source;
    uint64_t offset; /* of element 0 */
    bool is_double;  /* float64, to be rounded to float32; else they are in the slot's dtype */
    int rank;
    int64_t dims[CLVGG_MAX_RANK];    /* of the slot's shape, perhaps split: their product is its */
    int64_t strides[CLVGG_MAX_RANK]; /* in elements, 0 or more */
} vgg_strided;
/* read_bytes() of a `const vgg_file *`. */
clvgg_status vgg_strided_from_file(const void *file, uint64_t offset, void *data, size_t bytes);
/* One element after the last that `strided` reads, from element 0 on. False: it overflows. */
bool vgg_strided_extent(const vgg_strided *strided, uint64_t *elements);
clvgg_status vgg_strided_read(const vgg_strided *from, clvgg_dtype dtype, uint64_t first,
                              uint64_t count, void *data);

#endif
