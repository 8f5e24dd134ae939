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
#define VGG_DUP(pointer, text) VGG_TRY(VGG_MADE((pointer) = vgg_strdup(text)))
#define VGG_DUP_PASS(pointer, text) VGG_PASS(VGG_MADE((pointer) = vgg_strdup(text)))

#endif
