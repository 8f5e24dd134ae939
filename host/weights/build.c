/* weights/build.c — what a format's open() makes: tensors, metadata, notes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/shape.h"
#include "weights/format.h"

/* A block of texts that live as long as the file is open. */
struct vgg_kept {
    struct vgg_kept *before;
    size_t used, capacity;
    char text[];
};

clvgg_status vgg_weights_keep(vgg_weights *weights, const char *text, size_t length,
                              const char **out)
{
    struct vgg_kept *block = weights->kept;
    if (block == NULL || block->capacity - block->used <= length) {
        const size_t capacity = length < 8192 ? 8192 : length + 1;
        block = vgg_calloc(1, sizeof *block + capacity);
        VGG_PASS(VGG_MADE(block));
        block->capacity = capacity;
        block->before = weights->kept;
        weights->kept = block;
    }
    char *kept = memcpy(block->text + block->used, text, length);
    kept[length] = '\0';
    block->used += length + 1;
    *out = kept;
    return CLVGG_STATUS_OK;
}

void vgg_weights_free_kept(vgg_weights *weights)
{
    while (weights->kept != NULL) {
        struct vgg_kept *block = weights->kept;
        weights->kept = block->before;
        vgg_free(block);
    }
}

clvgg_status vgg_weights_add(vgg_weights *weights, const char *name, const clvgg_shape *shape,
                             clvgg_dtype dtype, const char *foreign_dtype, size_t place)
{
    vgg_tensor_slot slot = {
        .entry = {.dtype = dtype, .shape = *shape}, .foreign_dtype = foreign_dtype, .place = place};
    VGG_CHECK(weights->slot_count < VGG_LARGEST_TENSOR_COUNT, CLVGG_STATUS_BAD_FILE,
              "%s: has more than %d tensors", weights->path, VGG_LARGEST_TENSOR_COUNT);
    VGG_CHECK(vgg_shape_count(shape, &slot.entry.count), CLVGG_STATUS_BAD_FILE,
              "%s: tensor \"%s\": the product of its dimensions overflows", weights->path, name);
    VGG_PASS(vgg_weights_keep(weights, name, strlen(name), &slot.entry.name));
    VGG_GROW_PASS(weights->slots, weights->slot_count, weights->slot_capacity, 64);
    weights->slots[weights->slot_count++] = slot;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_weights_state(vgg_weights *weights, const char *key, const char *value)
{
    vgg_metadata_entry entry;
    VGG_PASS(vgg_weights_keep(weights, key, strlen(key), &entry.key));
    VGG_PASS(vgg_weights_keep(weights, value, strlen(value), &entry.value));
    VGG_GROW_PASS(weights->metadata, weights->metadata_count, weights->metadata_capacity, 8);
    weights->metadata[weights->metadata_count++] = entry;
    return CLVGG_STATUS_OK;
}

void vgg_weights_note(vgg_weights *weights, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (weights->notes.length > 0)
        vgg_text_puts(&weights->notes, "\n");
    vgg_text_puts(&weights->notes, line);
}
