/* weights/numpy/weights_npy_folder.c — a folder of .npy files, a tensor each, named after the
 * files.
 *
 * Files are opened while they are read alone: a folder may have more of them than a process may
 * have open.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/numpy/npy_values.h"

typedef struct file_array {
    const char *name, *path; /* kept */
    vgg_strided values;
} file_array;

typedef struct file_list {
    size_t count, capacity;
    file_array *arrays;
} file_list;

static bool is_npy(const char *name)
{
    const size_t length = strlen(name);
    return name[0] != '.' && length > 4 && strcmp(name + length - 4, ".npy") == 0;
}

static bool matches(const vgg_candidate *candidate)
{
    DIR *folder = candidate->file == NULL ? opendir(candidate->path) : NULL;
    bool found = false;
    if (folder == NULL)
        return false;
    for (const struct dirent *file; !found && (file = readdir(folder)) != NULL;)
        found = is_npy(file->d_name);
    closedir(folder);
    return found;
}

static clvgg_status read_bytes(const void *source, uint64_t offset, void *data, size_t bytes)
{
    const file_array *from = source;
    vgg_file *file = NULL;
    VGG_PASS(vgg_file_open(from->path, &file));
    const clvgg_status status = vgg_file_read(file, offset, data, bytes);
    vgg_file_close(file);
    return status;
}

/* ---- opening ---- */

static clvgg_status list_file(vgg_weights *weights, file_list *own, const char *name)
{
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/%s", weights->path, name);
    VGG_CHECK(length > 0 && (size_t)length < sizeof path, CLVGG_STATUS_BAD_FILE,
              "%s: the path to \"%s\" is too long", weights->path, name);
    VGG_CHECK(own->count < VGG_LARGEST_TENSOR_COUNT, CLVGG_STATUS_BAD_FILE,
              "%s: has more than %d .npy files", weights->path, VGG_LARGEST_TENSOR_COUNT);
    VGG_GROW_PASS(own->arrays, own->count, own->capacity, 64);
    file_array *to = &own->arrays[own->count];
    *to = (file_array){0};
    VGG_PASS(vgg_weights_keep(weights, path, (size_t)length, &to->path));
    VGG_PASS(vgg_weights_keep(weights, name, strlen(name) - 4, &to->name));
    own->count++;
    return CLVGG_STATUS_OK;
}

static clvgg_status list_files(vgg_weights *weights, file_list *own)
{
    clvgg_status status = CLVGG_STATUS_OK;
    DIR *folder = opendir(weights->path);
    VGG_REQUIRE(folder != NULL, CLVGG_STATUS_IO, "%s: the folder can't be read", weights->path);
    for (const struct dirent *file; (file = readdir(folder)) != NULL;)
        if (is_npy(file->d_name))
            VGG_TRY(list_file(weights, own, file->d_name));
cleanup:
    if (folder != NULL)
        closedir(folder);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const file_array *)a)->name, ((const file_array *)b)->name);
}

static clvgg_status add_file(vgg_weights *weights, file_array *array, size_t place)
{
    vgg_file *file = NULL;
    VGG_PASS(vgg_weights_open_part(weights, array->path, &file));
    array->values.read_bytes = vgg_strided_from_file;
    array->values.source = file;
    const clvgg_status status =
        vgg_npy_add(weights, array->name, vgg_file_size(file), place, &array->values);
    vgg_file_close(file);
    array->values.read_bytes = read_bytes;
    array->values.source = array;
    return vgg_prefixed(status, "%s", array->path);
}

static vgg_strided *values_of(vgg_weights *weights, size_t place)
{
    return &((file_list *)weights->own)->arrays[place].values;
}

static clvgg_status open_folder(vgg_weights *weights)
{
    file_list *own = NULL;
    VGG_NEW_PASS(own, 1);
    weights->own = own;
    VGG_PASS(list_files(weights, own));
    qsort(own->arrays, own->count, sizeof *own->arrays, compare_names);
    for (size_t i = 0; i < own->count; i++)
        VGG_PASS(add_file(weights, &own->arrays[i], i));
    return vgg_npy_make_canonical(weights, values_of);
}

static clvgg_status read_values(const vgg_weights *weights, size_t slot, uint64_t first,
                                uint64_t count, void *data)
{
    const file_list *own = weights->own;
    const vgg_tensor_slot *tensor = &weights->slots[slot];
    return vgg_strided_read(&own->arrays[tensor->place].values, tensor->entry.dtype, first, count,
                            data);
}

static const vgg_strided *strided_of(const vgg_weights *weights, size_t slot)
{
    const file_list *own = weights->own;
    return &own->arrays[weights->slots[slot].place].values;
}

static void close_folder(vgg_weights *weights)
{
    file_list *own = weights->own;
    if (own != NULL)
        vgg_free(own->arrays);
    vgg_free(own);
}

const vgg_weights_format vgg_weights_npy_folder = {.name = "a folder of NumPy arrays (.npy)",
                                                   .matches = matches,
                                                   .open = open_folder,
                                                   .read = read_values,
                                                   .strided = strided_of,
                                                   .close = close_folder};
