/* weights/weights_write.c — writes safetensors: a header known in full before the first value, then
 * the values as they come. Equal input gives equal bytes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/format.h"
#include "weights/safetensors/safetensors.h"
#include "weights/write.h"

enum { HEADER_ALIGNMENT = 8 };

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names must survive being written and read again: unique, UTF-8, not the metadata's. */
static clvgg_status check_names(const vgg_tensor_entry *tensors, size_t count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char **names = NULL;
    VGG_REQUIRE(count <= VGG_LARGEST_TENSOR_COUNT, CLVGG_STATUS_INVALID_ARGUMENT,
                "%zu tensors are more than the %d a file may have", count,
                VGG_LARGEST_TENSOR_COUNT);
    VGG_NEW(names, count);
    for (size_t i = 0; i < count; i++) {
        names[i] = tensors[i].name;
        VGG_REQUIRE(vgg_text_is_utf8(names[i]) && strcmp(names[i], VGG_SAFETENSORS_METADATA) != 0,
                    CLVGG_STATUS_INVALID_ARGUMENT, "\"%s\" can't be a tensor's name", names[i]);
    }
    qsort(names, count, sizeof *names, compare_strings);
    for (size_t i = 1; i < count; i++)
        VGG_REQUIRE(strcmp(names[i - 1], names[i]) != 0, CLVGG_STATUS_INVALID_ARGUMENT,
                    "two tensors are named \"%s\"", names[i]);
cleanup:
    vgg_free(names);
    return status;
}

static clvgg_status write_metadata(vgg_text *header, const vgg_weights_output *output)
{
    vgg_metadata_entry *sorted = NULL;
    VGG_PASS(vgg_weights_sort_metadata(output, &sorted));
    vgg_text_puts(header, "\"" VGG_SAFETENSORS_METADATA "\":");
    vgg_weights_metadata_json(sorted, output->metadata_count, header);
    vgg_free(sorted);
    return CLVGG_STATUS_OK;
}

/* Appends the tensor's description and moves *offset to its end. */
static clvgg_status write_tensor_header(vgg_text *header, const vgg_tensor_entry *tensor,
                                        uint64_t *offset)
{
    uint64_t count = 0, size = vgg_weights_value_size(tensor);
    if (!vgg_shape_count(&tensor->shape, &count) || count > (INT64_MAX - *offset) / size)
        return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT, "tensor \"%s\": is too large for a file",
                        tensor->name);
    vgg_text_json_string(header, tensor->name);
    vgg_text_printf(header, ":{\"dtype\":\"%s\",\"shape\":[",
                    tensor->int8 ? "I8" : vgg_dtype_name(tensor->dtype));
    for (int i = 0; i < tensor->shape.rank; i++)
        vgg_text_printf(header, "%s%" PRId64, i > 0 ? "," : "", tensor->shape.dims[i]);
    uint64_t end = *offset + count * size;
    vgg_text_printf(header, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", *offset, end);
    *offset = end;
    return CLVGG_STATUS_OK;
}

/* The length in front, the header, spaces up to a multiple of eight. */
static clvgg_status build_header(const vgg_weights_output *output, vgg_text *header)
{
    static const char no_length[VGG_SAFETENSORS_PREFIX_BYTES];
    uint64_t offset = 0;
    vgg_text_append(header, no_length, sizeof no_length);
    vgg_text_puts(header, "{");
    if (output->metadata_count > 0)
        VGG_PASS(write_metadata(header, output));
    for (size_t i = 0; i < output->count; i++) {
        vgg_text_puts(header, i > 0 || output->metadata_count > 0 ? "," : "");
        VGG_PASS(write_tensor_header(header, &output->tensors[i], &offset));
    }
    vgg_text_puts(header, "}");
    while (!header->failed && header->length % HEADER_ALIGNMENT != 0)
        vgg_text_puts(header, " ");
    if (header->failed) {
        return CLVGG_STATUS_OUT_OF_MEMORY;
    }
    uint64_t length = header->length - VGG_SAFETENSORS_PREFIX_BYTES;
    VGG_CHECK(length <= VGG_SAFETENSORS_LARGEST_HEADER, CLVGG_STATUS_INVALID_ARGUMENT,
              "names and metadata need a header of %" PRIu64 " bytes, more than %d", length,
              VGG_SAFETENSORS_LARGEST_HEADER);
    for (int i = 0; i < VGG_SAFETENSORS_PREFIX_BYTES; i++)
        header->bytes[i] = (char)(length >> (8 * i) & 0xFF);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_safetensors_write(vgg_writer *writer, const vgg_weights_output *output)
{
    clvgg_status status = CLVGG_STATUS_OK;
    void *piece = NULL;
    vgg_text header = {0};
    VGG_TRY(check_names(output->tensors, output->count));
    VGG_TRY(build_header(output, &header));
    VGG_TRY(VGG_MADE(piece = vgg_calloc(1, VGG_PIECE_BYTES)));
    VGG_TRY(vgg_writer_append(writer, header.bytes, header.length));
    for (size_t i = 0; i < output->count; i++)
        VGG_TRY(vgg_weights_put_values(writer, output, i, piece, NULL));
cleanup:
    vgg_text_free(&header);
    vgg_free(piece);
    return status;
}

clvgg_status vgg_weights_write(const char *path, const vgg_tensor_entry *tensors, size_t count,
                               const vgg_metadata_entry *metadata, size_t metadata_count,
                               vgg_tensor_reader read, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_writer *writer = NULL;
    const vgg_weights_output output = {.path = path,
                                       .tensors = tensors,
                                       .count = count,
                                       .metadata = metadata,
                                       .metadata_count = metadata_count,
                                       .read = read,
                                       .user = user};
    VGG_TRY(vgg_writer_open(path, &writer));
    VGG_TRY(vgg_safetensors_write(writer, &output));
    VGG_TRY(vgg_writer_commit(writer));
cleanup:
    vgg_writer_free(writer);
    return status;
}
