/* base/alloc.h — host memory. Every block remembers its allocator, so freeing needs no scope. */
#ifndef VGG_BASE_ALLOC_H
#define VGG_BASE_ALLOC_H

#include <stddef.h>

#include "base/status.h"

/* count × size zeroed bytes from the thread's scope; NULL on overflow or exhaustion, with the
 * message written. A count of 0 gives a valid pointer. */
void *vgg_calloc(size_t count, size_t size);
/* Resizes to count × size bytes, new bytes undefined; the old block stays valid on failure. */
void *vgg_realloc(void *memory, size_t count, size_t size);
char *vgg_strdup(const char *text);
char *vgg_strndup(const char *text, size_t length);
void vgg_free(void *memory);

#define VGG_MADE(pointer) ((pointer) != NULL ? CLVGG_STATUS_OK : CLVGG_STATUS_OUT_OF_MEMORY)
/* pointer = zeroed array of `count`, or copy of a string; jumps to cleanup with OUT_OF_MEMORY, or
 * returns it from a function that owns nothing. */
#define VGG_NEW(pointer, count)                                                                    \
    VGG_TRY(VGG_MADE((pointer) = vgg_calloc((count), sizeof *(pointer))))
#define VGG_NEW_PASS(pointer, count)                                                               \
    VGG_PASS(VGG_MADE((pointer) = vgg_calloc((count), sizeof *(pointer))))
/* Makes room for another element in an array that is full: twice as many, `first` to begin with. */
#define VGG_GROW_PASS(array, count, capacity, first)                                               \
    do {                                                                                           \
        if ((count) == (capacity)) {                                                               \
            const size_t vgg_more = (capacity) > 0 ? 2 * (size_t)(capacity) : (first);             \
            void *vgg_grown = vgg_realloc((array), vgg_more, sizeof *(array));                     \
            VGG_PASS(VGG_MADE(vgg_grown));                                                         \
            (array) = vgg_grown;                                                                   \
            (capacity) = (capacity) > 0 ? 2 * (capacity) : (first);                                \
        }                                                                                          \
    } while (0)
#define VGG_DUP(pointer, text) VGG_TRY(VGG_MADE((pointer) = vgg_strdup(text)))
#define VGG_DUP_PASS(pointer, text) VGG_PASS(VGG_MADE((pointer) = vgg_strdup(text)))

#endif
