/* weights/torch/pickle.h — Python's pickles (protocols 2 to 5) as plain data. Nothing in them is
 * run.
 *
 * A pickle is a program for a stack machine that may name any function of Python and have it
 * called. Here a name stays a name, and a call becomes an OBJECT that says what would have been
 * called, with what. Those who read such objects know the few that mean something to them.
 *
 * Source: CPython's Lib/pickletools.py, which states what each instruction does.
 */
#ifndef VGG_WEIGHTS_PICKLE_H
#define VGG_WEIGHTS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum vgg_pickled_kind {
    VGG_PICKLED_NONE,
    VGG_PICKLED_BOOL,
    VGG_PICKLED_INTEGER,
    VGG_PICKLED_FRACTION,
    VGG_PICKLED_TEXT,     /* a string, or bytes that are no longer than one may be */
    VGG_PICKLED_SEQUENCE, /* a tuple, a list, a set */
    VGG_PICKLED_DICT,
    VGG_PICKLED_GLOBAL,     /* text: "module.name" */
    VGG_PICKLED_OBJECT,     /* what callable(*arguments) would have returned */
    VGG_PICKLED_PERSISTENT, /* what the file's owner keeps elsewhere: arguments are its name */
    VGG_PICKLED_OTHER,      /* longer texts; text: the bytes of an integer beyond 64 bits */
} vgg_pickled_kind;

typedef struct vgg_pickled vgg_pickled;
struct vgg_pickled {
    vgg_pickled_kind kind;
    uint32_t count; /* of items or, of a text, of bytes in front of its NUL */
    uint32_t capacity;
    union {
        int64_t integer; /* and 0 or 1 of a BOOL */
        double fraction;
        const char *text;
        vgg_pickled **items; /* of a DICT, and set in an OBJECT: a key, its value, a key … */
    };
    const vgg_pickled *callable, *arguments;
    const vgg_pickled *state; /* what an OBJECT would have been told to restore, or NULL */
};

/* Memory of pickles, all of it freed together, and bounded. Zero-initialise. */
typedef struct vgg_pickle_heap {
    struct vgg_pickle_block *block;
    size_t bytes;
} vgg_pickle_heap;
void vgg_pickle_heap_free(vgg_pickle_heap *heap);
/* Zeroed. BAD_FILE beyond the bound. */
clvgg_status vgg_pickle_allocate(vgg_pickle_heap *heap, size_t bytes, void **out);

/* Bytes that pickles are in, one behind another perhaps. */
typedef struct vgg_pickle_source {
    /* Exactly `bytes` at `offset`. */
    clvgg_status (*read)(const void *source, uint64_t offset, void *data, size_t bytes);
    const void *source;
    uint64_t offset, end; /* of the next byte, and behind the last */
} vgg_pickle_source;

typedef struct vgg_pickle {
    const vgg_pickled *root;
    const vgg_pickled **persistent; /* every PERSISTENT in it, in order */
    size_t persistent_count;
} vgg_pickle;

/* Reads one pickle; the source's offset is then behind it. Errors: BAD_FILE, with the byte where,
 * UNSUPPORTED, IO. */
clvgg_status vgg_pickle_read(vgg_pickle_heap *heap, vgg_pickle_source *source, vgg_pickle *out);

/* ---- looking at values; all of them take NULL ---- */

/* The text of a TEXT without NULs in it; else NULL. */
const char *vgg_pickled_text(const vgg_pickled *value);
bool vgg_pickled_is(const vgg_pickled *value, const char *text);
/* An INTEGER that is 0 or more. */
bool vgg_pickled_count(const vgg_pickled *value, uint64_t *count);
/* An item of a SEQUENCE; NULL: there is none. */
const vgg_pickled *vgg_pickled_item(const vgg_pickled *value, size_t index);
/* The value of a text key of a DICT, or set in an OBJECT; of several the last. */
const vgg_pickled *vgg_pickled_find(const vgg_pickled *value, const char *key);

#endif
