/* weights/safetensors/safetensors_int8.c — int8 weights with a float32 scale for each row, beside
 * them as a tensor of the same name with "_scale" behind it: they are read as q · scale.
 */
#ifdef CLVGG_HAVE_CJSON

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/shape.h"
#include "weights/safetensors/safetensors_header.h"

enum { SOME_ROWS = 256 }; /* at a time: their scales are on the stack */

static int compare_names(const void *a, const void *b)
{
    const vgg_stated_tensor *const *left = a, *const *right = b;
    return strcmp((*left)->slot.entry.name, (*right)->slot.entry.name);
}

static bool has_type(const vgg_stated_tensor *tensor, const char *foreign)
{
    return tensor->slot.foreign_dtype != NULL && strcmp(tensor->slot.foreign_dtype, foreign) == 0;
}

static clvgg_status pair(vgg_stated_tensor *levels, vgg_stated_tensor *scales)
{
    char is[128], of[128];
    const vgg_tensor_entry *entry = &scales->slot.entry;
    const clvgg_shape *shape = &levels->slot.entry.shape;
    VGG_CHECK(scales->slot.foreign_dtype == NULL && entry->dtype == CLVGG_DTYPE_F32 &&
                  !scales->place.values.is_double,
              CLVGG_STATUS_BAD_FILE, "tensor \"%s\": isn't F32, as scales of the int8 \"%s\" are",
              entry->name, levels->slot.entry.name);
    VGG_CHECK(levels->slot.entry.count > 0 && shape->rank > 1 && entry->shape.rank == 1 &&
                  entry->shape.dims[0] == shape->dims[0],
              CLVGG_STATUS_BAD_FILE,
              "tensor \"%s\": has shape %s, must have a scale for each row of the int8 \"%s\", %s",
              entry->name, vgg_shape_text(&entry->shape, is, sizeof is), levels->slot.entry.name,
              vgg_shape_text(shape, of, sizeof of));
    levels->slot.foreign_dtype = NULL;
    levels->slot.entry.dtype = CLVGG_DTYPE_F32;
    levels->slot.entry.int8 = true;
    levels->place.scales = scales->place.values.offset;
    scales->slot.foreign_dtype = "scales of int8";
    return CLVGG_STATUS_OK;
}

static clvgg_status pair_all(vgg_stated_tensor **by_name, size_t count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text name = {0};
    for (size_t i = 0; i < count; i++) {
        vgg_stated_tensor wanted = {0}, *key = &wanted, **found;
        if (!has_type(by_name[i], "I8"))
            continue;
        name.length = 0;
        vgg_text_printf(&name, "%s" VGG_SCALE_SUFFIX, by_name[i]->slot.entry.name);
        VGG_TRY(vgg_text_check(&name, "a tensor's name"));
        wanted.slot.entry.name = vgg_text_string(&name);
        found = bsearch(&key, by_name, count, sizeof *by_name, compare_names);
        if (found != NULL)
            VGG_TRY(pair(by_name[i], *found));
    }
cleanup:
    vgg_text_free(&name);
    return status;
}

clvgg_status vgg_safetensors_pair_scales(vgg_safetensors_reader *reader)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_stated_tensor **by_name = NULL;
    VGG_NEW(by_name, reader->tensor_count);
    for (size_t i = 0; i < reader->tensor_count; i++)
        by_name[i] = &reader->tensors[i];
    qsort(by_name, reader->tensor_count, sizeof *by_name, compare_names);
    VGG_TRY(pair_all(by_name, reader->tensor_count));
cleanup:
    vgg_free(by_name);
    return status;
}

static clvgg_status read_scales(const vgg_weights *weights, uint64_t offset, uint64_t first,
                                uint64_t rows, float scales[SOME_ROWS])
{
    VGG_PASS(vgg_file_read(weights->file, offset + first * sizeof *scales, scales,
                           (size_t)rows * sizeof *scales));
    for (uint64_t i = 0; i < rows; i++)
        VGG_CHECK(isfinite(scales[i]) && scales[i] > 0.0f, CLVGG_STATUS_BAD_FILE,
                  "%s: scale %llu of its rows is %g, must be a number above 0", weights->path,
                  (unsigned long long)(first + i), (double)scales[i]);
    return CLVGG_STATUS_OK;
}

/* Levels are read where the values go to, and become them from the last on. */
clvgg_status vgg_safetensors_read_int8(const vgg_weights *weights, const vgg_tensor_slot *slot,
                                       uint64_t first, uint64_t count, float *values)
{
    const vgg_safetensors_place *place = (vgg_safetensors_place *)weights->own + slot->place;
    const uint64_t each = slot->entry.count / (uint64_t)slot->entry.shape.dims[0];
    float scales[SOME_ROWS];
    for (uint64_t done = 0, some; done < count; done += some) {
        const uint64_t row = (first + done) / each, end = (row + SOME_ROWS) * each;
        some = end - (first + done) < count - done ? end - (first + done) : count - done;
        const signed char *levels = (const signed char *)(values + done);
        VGG_PASS(read_scales(weights, place->scales, row,
                             (first + done + some - 1) / each + 1 - row, scales));
        VGG_PASS(vgg_file_read(weights->file, place->values.offset + first + done, values + done,
                               (size_t)some));
        for (uint64_t i = some; i-- > 0;) {
            const int level = levels[i];
            VGG_CHECK(level >= -127, CLVGG_STATUS_BAD_FILE,
                      "%s: element %llu is %d, int8 weights are from -127 to 127", weights->path,
                      (unsigned long long)(first + done + i), level);
            values[done + i] = (float)level * scales[(first + done + i) / each - row];
        }
    }
    return CLVGG_STATUS_OK;
}

#else

typedef int vgg_safetensors_int8_is_absent; /* C wants something in every file */

#endif
