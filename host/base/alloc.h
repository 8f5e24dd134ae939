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

/* pointer = zeroed array of `count`; jumps to cleanup with OUT_OF_MEMORY. */
#define VGG_NEW(pointer, count)                                                                    \
    do {                                                                                           \
        (pointer) = vgg_calloc((count), sizeof *(pointer));                                        \
        if ((pointer) == NULL) {                                                                   \
            status = CLVGG_STATUS_OUT_OF_MEMORY;                                                   \
            goto cleanup;                                                                          \
        }                                                                                          \
    } while (0)

/* pointer = copy of a string; jumps to cleanup with OUT_OF_MEMORY. */
#define VGG_DUP(pointer, text)                                                                     \
    do {                                                                                           \
        (pointer) = vgg_strdup(text);                                                              \
        if ((pointer) == NULL) {                                                                   \
            status = CLVGG_STATUS_OUT_OF_MEMORY;                                                   \
            goto cleanup;                                                                          \
        }                                                                                          \
    } while (0)

#endif
