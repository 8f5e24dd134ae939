/* weights/write.c — what writers of weight files share: their list, values in pieces, metadata. */
#include "weights/write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc32.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/format.h"

static const vgg_weights_writer writers[] = {
    {.name = "safetensors",
     .words = "safetensors with clvgg's names",
     .suffix = ".safetensors",
     .int8 = true,
     .format = &vgg_weights_safetensors,
     .write = vgg_safetensors_write},
    {.name = "torchvision",
     .words = "safetensors with torchvision's names",
     .torch_names = true,
     .format = &vgg_weights_safetensors,
     .write = vgg_safetensors_write},
    {.name = "onnx",
     .words = "an ONNX model, opset 13",
     .suffix = ".onnx",
     .holds_graph = true,
     .format = &vgg_weights_onnx,
     .write = vgg_onnx_write},
    {.name = "npz",
     .words = "a NumPy archive",
     .suffix = ".npz",
     .format = &vgg_weights_npz,
     .write = vgg_npz_write},
};

const vgg_weights_writer *vgg_weights_writer_at(size_t index)
{
    return index < sizeof writers / sizeof *writers ? &writers[index] : NULL;
}

bool vgg_weights_writer_is_read(const vgg_weights_writer *writer)
{
    return writer->format->open != NULL;
}

size_t vgg_weights_value_size(const vgg_tensor_entry *tensor)
{
    return tensor->int8 ? 1 : vgg_dtype_bytes(tensor->dtype);
}

bool vgg_weights_value_bytes(const vgg_tensor_entry *tensor, uint64_t *bytes)
{
    uint64_t count = 0;
    const uint64_t size = vgg_weights_value_size(tensor);
    if (!vgg_shape_count(&tensor->shape, &count) || count > INT64_MAX / size)
        return false;
    *bytes = count * size;
    return true;
}

clvgg_status vgg_weights_put_values(vgg_writer *writer, const vgg_weights_output *output,
                                    size_t tensor, void *piece, uint32_t *crc)
{
    const vgg_tensor_entry *entry = &output->tensors[tensor];
    const uint64_t elements = vgg_shape_elements(&entry->shape);
    const uint64_t size = vgg_weights_value_size(entry), most = VGG_PIECE_BYTES / size;
    for (uint64_t first = 0; first < elements; first += most) {
        const uint64_t now = elements - first < most ? elements - first : most;
        VGG_PASS(output->read(output->user, tensor, first, now, piece));
        if (crc != NULL)
            *crc = vgg_crc32(*crc, piece, (size_t)(now * size));
        VGG_PASS(vgg_writer_append(writer, piece, (size_t)(now * size)));
    }
    return CLVGG_STATUS_OK;
}

/* ---- metadata ---- */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const vgg_metadata_entry *)a)->key, ((const vgg_metadata_entry *)b)->key);
}

clvgg_status vgg_weights_sort_metadata(const vgg_weights_output *output,
                                       vgg_metadata_entry **sorted)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_metadata_entry *entries = NULL;
    const size_t count = output->metadata_count;
    *sorted = NULL;
    VGG_NEW(entries, count);
    if (count > 0)
        memcpy(entries, output->metadata, count * sizeof *entries);
    qsort(entries, count, sizeof *entries, compare_keys);
    for (size_t i = 0; i < count; i++) {
        VGG_REQUIRE(i == 0 || strcmp(entries[i - 1].key, entries[i].key) != 0,
                    CLVGG_STATUS_INVALID_ARGUMENT, "metadata has \"%s\" twice", entries[i].key);
        VGG_REQUIRE(vgg_text_is_utf8(entries[i].key) && vgg_text_is_utf8(entries[i].value),
                    CLVGG_STATUS_INVALID_ARGUMENT, "metadata \"%s\" isn't UTF-8", entries[i].key);
    }
    VGG_GIVE(sorted, entries);
cleanup:
    vgg_free(entries);
    return status;
}

void vgg_weights_metadata_json(const vgg_metadata_entry *sorted, size_t count, vgg_text *text)
{
    vgg_text_puts(text, "{");
    for (size_t i = 0; i < count; i++) {
        vgg_text_puts(text, i > 0 ? "," : "");
        vgg_text_json_string(text, sorted[i].key);
        vgg_text_puts(text, ":");
        vgg_text_json_string(text, sorted[i].value);
    }
    vgg_text_puts(text, "}");
}
