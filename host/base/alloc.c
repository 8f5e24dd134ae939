/* base/alloc.c — allocation through the thread's scope, with the allocator kept before each block. */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/runtime.h"

/* Lies before every block. Its size is a multiple of max_align_t's alignment. */
typedef union block_header {
    struct {
        void (*release)(void *user, void *memory);
        void *user;
        size_t bytes;
    } from;
    max_align_t align[2];
} block_header;

static _Thread_local const vgg_scope *current_scope;

const vgg_scope *vgg_scope_enter(const vgg_scope *scope)
{
    const vgg_scope *previous = current_scope;
    current_scope = scope;
    return previous;
}

void vgg_scope_leave(const vgg_scope *previous)
{
    current_scope = previous;
}

const vgg_scope *vgg_scope_current(void)
{
    return current_scope;
}

static block_header *allocate_block(size_t count, size_t size)
{
    block_header *header = NULL;
    const vgg_scope *scope = current_scope;
    if (size == 0 || count <= (SIZE_MAX - sizeof *header) / size) {
        size_t bytes = sizeof *header + count * size;
        header = scope && scope->allocate ? scope->allocate(scope->allocator_user, bytes)
                                          : malloc(bytes);
    }
    if (header == NULL) {
        vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "out of memory: %zu x %zu bytes wanted", count, size);
        return NULL;
    }
    header->from.release = scope && scope->allocate ? scope->release : NULL;
    header->from.user = scope ? scope->allocator_user : NULL;
    header->from.bytes = count * size;
    return header;
}

void *vgg_calloc(size_t count, size_t size)
{
    block_header *header = allocate_block(count, size);
    if (header == NULL)
        return NULL;
    return memset(header + 1, 0, header->from.bytes);
}

void *vgg_realloc(void *memory, size_t count, size_t size)
{
    block_header *header = allocate_block(count, size);
    if (header == NULL)
        return NULL;
    if (memory != NULL) {
        size_t old_bytes = ((block_header *)memory)[-1].from.bytes;
        size_t new_bytes = header->from.bytes;
        memcpy(header + 1, memory, old_bytes < new_bytes ? old_bytes : new_bytes);
        vgg_free(memory);
    }
    return header + 1;
}

char *vgg_strndup(const char *text, size_t length)
{
    char *copy = vgg_calloc(length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length);
    return copy;
}

char *vgg_strdup(const char *text)
{
    return vgg_strndup(text, strlen(text));
}

void vgg_free(void *memory)
{
    if (memory == NULL)
        return;
    block_header *header = (block_header *)memory - 1;
    if (header->from.release != NULL)
        header->from.release(header->from.user, header);
    else
        free(header);
}
