/* report/memory.c — allocations that say what they are for. */
#include "report/memory.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static void *named(void *memory, size_t count, size_t size, const char *what)
{
    if (memory == NULL)
        vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "out of memory: %zu x %zu bytes wanted for %s", count,
                 size, what);
    return memory;
}

void *vgg_memory_new(size_t count, size_t size, const char *what)
{
    return named(vgg_calloc(count, size), count, size, what);
}

void *vgg_memory_grown(void *memory, size_t count, size_t size, const char *what)
{
    return named(vgg_realloc(memory, count, size), count, size, what);
}

char *vgg_memory_copy(const char *text, const char *what)
{
    return named(vgg_strdup(text), strlen(text) + 1, 1, what);
}

clvgg_status vgg_memory_for(clvgg_status status, const char *what)
{
    char message[256];
    snprintf(message, sizeof message, "%s", vgg_message());
    return status == CLVGG_STATUS_OUT_OF_MEMORY ? vgg_fail(status, "%s for %s", message, what)
                                                : status;
}

void vgg_memory_free(void *memory)
{
    vgg_free(memory);
}
