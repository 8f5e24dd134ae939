/* weights/torch/pickle_internal.h — the machine that pickles are programs for; of pickle*.c alone.
 */
#ifndef VGG_WEIGHTS_PICKLE_INTERNAL_H
#define VGG_WEIGHTS_PICKLE_INTERNAL_H

#include "weights/torch/pickle.h"

enum {
    VGG_PICKLE_WINDOW_BYTES = 4096,
    VGG_PICKLE_LONGEST_TEXT = 65536, /* of those that are kept */
    VGG_PICKLE_LONGEST_NAME = 512,   /* of a module, or of what is in it */
    VGG_PICKLE_LARGEST_STACK = 1 << 20,
    VGG_PICKLE_LARGEST_MEMO = 1 << 20,
    VGG_PICKLE_LARGEST_PROGRAM = 1 << 24, /* instructions */
};

typedef struct vgg_pickle_machine {
    vgg_pickle_heap *heap;
    vgg_pickle_source *source;
    unsigned char window[VGG_PICKLE_WINDOW_BYTES]; /* of the source, from window_at on */
    uint64_t window_at;
    size_t window_bytes;
    vgg_pickled **stack;
    size_t count, capacity;
    size_t *marks; /* numbers of values on the stack when each was set */
    size_t mark_count, mark_capacity;
    vgg_pickled **memo;
    size_t memo_count; /* slots, of which some may be empty */
    size_t memo_next;  /* values that were remembered without a number */
    const vgg_pickled **persistent;
    size_t persistent_count, persistent_capacity;
    bool stopped;
} vgg_pickle_machine;

/* ---- pickle_input.c ---- */

clvgg_status vgg_pickle_bytes(vgg_pickle_machine *machine, void *data, size_t bytes);
/* A little-endian number of 1, 2, 4 or 8 bytes. */
clvgg_status vgg_pickle_number(vgg_pickle_machine *machine, size_t bytes, uint64_t *value);
clvgg_status vgg_pickle_skip(vgg_pickle_machine *machine, uint64_t bytes);
/* A line without its end, at most VGG_PICKLE_LONGEST_NAME bytes and a NUL. */
clvgg_status vgg_pickle_line(vgg_pickle_machine *machine, char *line);

/* ---- pickle_scalars.c ---- */

/* Does an instruction that pushes a plain value. */
clvgg_status vgg_pickle_scalar(vgg_pickle_machine *machine, unsigned op);

/* ---- pickle_stack.c ---- */

clvgg_status vgg_pickle_make(vgg_pickle_machine *machine, vgg_pickled_kind kind, vgg_pickled **out);
clvgg_status vgg_pickle_push(vgg_pickle_machine *machine, vgg_pickled *value);
/* Makes a value of a kind that has an integer, or nothing, and pushes it. */
clvgg_status vgg_pickle_push_new(vgg_pickle_machine *machine, vgg_pickled_kind kind,
                                 int64_t integer);
/* The number of values below the latest mark, which only what takes the mark may touch. */
size_t vgg_pickle_floor(const vgg_pickle_machine *machine);
clvgg_status vgg_pickle_pop(vgg_pickle_machine *machine, vgg_pickled **out);
/* The value on top, which stays. */
clvgg_status vgg_pickle_top(vgg_pickle_machine *machine, vgg_pickled **out);
clvgg_status vgg_pickle_set_mark(vgg_pickle_machine *machine);
/* Forgets the latest mark: the values above it are the last *count on the stack. */
clvgg_status vgg_pickle_take_mark(vgg_pickle_machine *machine, size_t *count);
/* Takes the last `count` values off the stack and puts them behind the items of `value`. */
clvgg_status vgg_pickle_gather(vgg_pickle_machine *machine, vgg_pickled *value, size_t count);
clvgg_status vgg_pickle_remember(vgg_pickle_machine *machine, uint64_t index);
clvgg_status vgg_pickle_recall(vgg_pickle_machine *machine, uint64_t index);

#endif
