/* report/memory.h — memory of the program's own: every piece says what it is for, so that a failed
 * allocation has a message that names it. */
#ifndef VGG_REPORT_MEMORY_H
#define VGG_REPORT_MEMORY_H

#include <stddef.h>

#include "base/status.h"

/* count × size zeroed bytes, or NULL with the message "out of memory: 3 x 8 bytes wanted for WHAT".
 * A count of 0 gives a valid pointer. */
void *vgg_memory_new(size_t count, size_t size, const char *what);
/* Resizes to count × size bytes, new bytes undefined; NULL likewise, and the old block stays. */
void *vgg_memory_grown(void *memory, size_t count, size_t size, const char *what);
char *vgg_memory_copy(const char *text, const char *what);
void vgg_memory_free(void *memory);
/* Returns the status of a call of base/, whose message for OUT_OF_MEMORY doesn't say what the
 * memory was for; this puts WHAT into it. */
clvgg_status vgg_memory_for(clvgg_status status, const char *what);

/* Stores what `call` gives, or jumps to cleanup with OUT_OF_MEMORY. */
#define VGG_MEMORY_TAKE(pointer, call)                                                             \
    do {                                                                                           \
        void *vgg_taken = (call);                                                                  \
        if (vgg_taken == NULL) {                                                                   \
            status = CLVGG_STATUS_OUT_OF_MEMORY;                                                   \
            goto cleanup;                                                                          \
        }                                                                                          \
        (pointer) = vgg_taken;                                                                     \
    } while (0)
/* pointer = zeroed array of `count`. */
#define VGG_MEMORY_NEW(pointer, count, what)                                                       \
    VGG_MEMORY_TAKE(pointer, vgg_memory_new((count), sizeof *(pointer), what))
/* pointer = the same array with room for `count`; the pointer stays valid on failure. */
#define VGG_MEMORY_GROW(pointer, count, what)                                                      \
    VGG_MEMORY_TAKE(pointer, vgg_memory_grown(pointer, (count), sizeof *(pointer), what))
/* pointer = copy of a string. */
#define VGG_MEMORY_COPY(pointer, text, what) VGG_MEMORY_TAKE(pointer, vgg_memory_copy(text, what))

/* The same for a function that owns nothing: it returns. */
#define VGG_MEMORY_TAKE_PASS(pointer, call)                                                        \
    do {                                                                                           \
        void *vgg_taken = (call);                                                                  \
        if (vgg_taken == NULL)                                                                     \
            return CLVGG_STATUS_OUT_OF_MEMORY;                                                     \
        (pointer) = vgg_taken;                                                                     \
    } while (0)
#define VGG_MEMORY_NEW_PASS(pointer, count, what)                                                  \
    VGG_MEMORY_TAKE_PASS(pointer, vgg_memory_new((count), sizeof *(pointer), what))
#define VGG_MEMORY_GROW_PASS(pointer, count, what)                                                 \
    VGG_MEMORY_TAKE_PASS(pointer, vgg_memory_grown(pointer, (count), sizeof *(pointer), what))
#define VGG_MEMORY_COPY_PASS(pointer, text, what)                                                  \
    VGG_MEMORY_TAKE_PASS(pointer, vgg_memory_copy(text, what))

#endif
