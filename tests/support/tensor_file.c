/* support/tensor_file.c — safetensors files of a small VGG under any names. */
#include "support/tensor_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tensor/dtype.h"

void tensor_file_add(tensor_file *file, const char *name, const clvgg_shape *shape)
{
    assert_true(file->count < TENSOR_FILE_MAX);
    snprintf(file->names[file->count], sizeof file->names[0], "%s", name);
    file->tensors[file->count++] = (vgg_tensor_entry){.shape = *shape};
}

static void add_layer(tensor_file *file, const char *name, const clvgg_shape *weight)
{
    char tensor[128];
    snprintf(tensor, sizeof tensor, "%s.weight", name);
    tensor_file_add(file, tensor, weight);
    snprintf(tensor, sizeof tensor, "%s.bias", name);
    tensor_file_add(file, tensor, &(clvgg_shape){1, {weight->dims[0]}});
}

void tensor_file_vgg(tensor_file *file, const char *const *names, size_t count,
                     const char *const head[3])
{
    static const int64_t widths[] = {SMALL_CHANNELS, SMALL_FC6, SMALL_FC7, SMALL_CLASSES};
    *file = (tensor_file){.nan_tensor = -1};
    for (size_t i = 0; i < count; i++)
        add_layer(file, names[i],
                  &(clvgg_shape){4, {SMALL_CHANNELS, i == 0 ? 3 : SMALL_CHANNELS, 3, 3}});
    for (int i = 0; i < 3; i++)
        add_layer(file, head[i], &(clvgg_shape){2, {widths[i + 1], widths[i]}});
}

static size_t index_of(const tensor_file *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->names[i], name) == 0)
            return i;
    fail_msg("no tensor '%s'", name);
    return 0;
}

vgg_tensor_entry *tensor_file_get(tensor_file *file, const char *name)
{
    return &file->tensors[index_of(file, name)];
}

void tensor_file_remove(tensor_file *file, const char *name)
{
    size_t index = index_of(file, name), behind = --file->count - index;
    memmove(file->names[index], file->names[index + 1], behind * sizeof *file->names);
    memmove(&file->tensors[index], &file->tensors[index + 1], behind * sizeof *file->tensors);
}

void tensor_file_state(tensor_file *file, const char *key, const char *value)
{
    file->metadata[file->metadata_count++] = (vgg_metadata_entry){key, value};
}

void tensor_file_prefix(tensor_file *file, const char *prefix)
{
    for (size_t i = 0; i < file->count; i++) {
        size_t length = strlen(prefix), name_length = strlen(file->names[i]);
        assert_true(length + name_length < sizeof file->names[i]);
        memmove(file->names[i] + length, file->names[i], name_length + 1);
        memcpy(file->names[i], prefix, length);
    }
}

static clvgg_status give_values(void *user, size_t tensor, uint64_t first, uint64_t count,
                                void *data)
{
    const tensor_file *file = user;
    clvgg_dtype dtype = file->tensors[tensor].dtype;
    for (uint64_t i = 0; i < count; i++) {
        float value = (float)((first + i) % 7) / 8.0f;
        if (file->nan_tensor == (long)tensor && file->nan_element == first + i)
            value = NAN;
        vgg_from_f32(dtype, &value, 1, (unsigned char *)data + i * vgg_dtype_bytes(dtype));
    }
    return CLVGG_STATUS_OK;
}

void tensor_file_write(tensor_file *file, const char *path)
{
    for (size_t i = 0; i < file->count; i++)
        file->tensors[i].name = file->names[i];
    assert_int_equal(vgg_weights_write(path, file->tensors, file->count, file->metadata,
                                       file->metadata_count, give_values, file),
                     CLVGG_STATUS_OK);
}
