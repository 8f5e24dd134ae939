/* weights/safetensors/weights_safetensors.c — reads a safetensors header; nothing in it is taken on
 * trust.
 *
 * Order: length against the file, a scan of the text (safetensors_scan.c), parsing by cJSON, each
 * tensor by itself, then all of them together: in file order each must begin where the one before
 * ended, and the last end with the file.
 */
#include "base/alloc.h"
#include "weights/safetensors/safetensors.h"
#include "weights/safetensors/safetensors_header.h"

static bool matches(const vgg_candidate *candidate)
{
    return candidate->bytes > VGG_SAFETENSORS_PREFIX_BYTES &&
           candidate->head[VGG_SAFETENSORS_PREFIX_BYTES] == '{';
}

#ifdef CLVGG_HAVE_CJSON

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int compare_metadata_keys(const void *a, const void *b)
{
    return strcmp(((const vgg_metadata_entry *)a)->key, ((const vgg_metadata_entry *)b)->key);
}

static clvgg_status read_metadata(vgg_safetensors_reader *reader, const cJSON *object)
{
    vgg_weights *weights = reader->weights;
    const cJSON *item;
    VGG_CHECK(cJSON_IsObject(object) && weights->metadata == NULL, CLVGG_STATUS_BAD_FILE,
              VGG_SAFETENSORS_METADATA " isn't one object");
    VGG_NEW_PASS(weights->metadata, (size_t)cJSON_GetArraySize(object));
    cJSON_ArrayForEach(item, object)
    {
        VGG_CHECK(cJSON_IsString(item), CLVGG_STATUS_BAD_FILE,
                  VGG_SAFETENSORS_METADATA ": \"%s\" isn't a string", item->string);
        vgg_metadata_entry *entry = &weights->metadata[weights->metadata_count++];
        entry->key = vgg_safetensors_keep(reader, item->string);
        entry->value = vgg_safetensors_keep(reader, item->valuestring);
    }
    qsort(weights->metadata, weights->metadata_count, sizeof *weights->metadata,
          compare_metadata_keys);
    for (size_t i = 1; i < weights->metadata_count; i++)
        VGG_CHECK(compare_metadata_keys(&weights->metadata[i - 1], &weights->metadata[i]) != 0,
                  CLVGG_STATUS_BAD_FILE, VGG_SAFETENSORS_METADATA ": has \"%s\" twice",
                  weights->metadata[i].key);
    return CLVGG_STATUS_OK;
}

static int compare_places(const void *a, const void *b)
{
    const vgg_stated_tensor *left = a, *right = b;
    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    if (left->end != right->end)
        return left->end < right->end ? -1 : 1;
    return strcmp(left->slot.entry.name, right->slot.entry.name);
}

/* Tensors cover the data exactly: sorted, each begins where the one before ended. */
static clvgg_status check_layout(vgg_safetensors_reader *reader)
{
    uint64_t end = 0;
    qsort(reader->tensors, reader->tensor_count, sizeof *reader->tensors, compare_places);
    for (size_t i = 0; i < reader->tensor_count; i++) {
        const vgg_stated_tensor *tensor = &reader->tensors[i];
        VGG_CHECK(tensor->begin == end, CLVGG_STATUS_BAD_FILE,
                  "tensor \"%s\": begins at byte %" PRIu64 " of the data, %s byte %" PRIu64
                  " where the one before ends",
                  tensor->slot.entry.name, tensor->begin,
                  tensor->begin < end ? "overlapping" : "leaving a hole behind", end);
        end = tensor->end;
    }
    VGG_CHECK(end == reader->data_bytes, CLVGG_STATUS_BAD_FILE,
              "tensors end at byte %" PRIu64 " of the data, but the file has %" PRIu64, end,
              reader->data_bytes);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_object(vgg_safetensors_reader *reader, const cJSON *root)
{
    vgg_weights *weights = reader->weights;
    vgg_safetensors_place *places = NULL;
    size_t members = (size_t)cJSON_GetArraySize(root);
    const cJSON *item;
    VGG_CHECK(cJSON_IsObject(root), CLVGG_STATUS_BAD_FILE, "header: isn't an object");
    VGG_CHECK(members <= VGG_LARGEST_TENSOR_COUNT, CLVGG_STATUS_BAD_FILE,
              "header: has %zu tensors, more than %d", members, VGG_LARGEST_TENSOR_COUNT);
    VGG_NEW_PASS(reader->tensors, members);
    cJSON_ArrayForEach(item, root)
    {
        if (strcmp(item->string, VGG_SAFETENSORS_METADATA) == 0)
            VGG_PASS(read_metadata(reader, item));
        else
            VGG_PASS(vgg_safetensors_read_tensor(reader, item));
    }
    VGG_PASS(check_layout(reader));
    VGG_PASS(vgg_safetensors_pair_scales(reader));
    VGG_NEW_PASS(weights->slots, reader->tensor_count);
    VGG_NEW_PASS(places, reader->tensor_count);
    weights->own = places;
    for (size_t i = 0; i < reader->tensor_count; i++) {
        places[i] = reader->tensors[i].place;
        weights->slots[i] = reader->tensors[i].slot;
        weights->slots[i].place = i;
    }
    weights->slot_count = reader->tensor_count;
    return CLVGG_STATUS_OK;
}

/* text[0…length) is followed by a NUL. */
static clvgg_status parse_header(vgg_safetensors_reader *reader, const char *text, size_t length)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL;
    const char *end = NULL;
    VGG_TRY(vgg_safetensors_scan(text, length));
    VGG_TRY(vgg_json_parse(text, length + 1, false, &end, &root));
    VGG_REQUIRE(root != NULL, CLVGG_STATUS_BAD_FILE, "header: isn't valid JSON near byte %zu",
                end != NULL ? (size_t)(end - text) : 0);
    size_t used = (size_t)(end - text);
    VGG_REQUIRE(used + strspn(end, " \t\r\n") == length, CLVGG_STATUS_BAD_FILE,
                "header: something follows its end at byte %zu", used);
    VGG_TRY(read_object(reader, root));
cleanup:
    cJSON_Delete(root);
    return status;
}

static clvgg_status open_header(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_safetensors_reader reader = {.weights = weights};
    char *text = NULL;
    unsigned char prefix[VGG_SAFETENSORS_PREFIX_BYTES];
    uint64_t length = 0, size = vgg_file_size(weights->file);
    const char *path = vgg_file_path(weights->file);
    VGG_TRY(vgg_file_read(weights->file, 0, prefix, sizeof prefix));
    for (int i = VGG_SAFETENSORS_PREFIX_BYTES - 1; i >= 0; i--)
        length = length << 8 | prefix[i];
    VGG_REQUIRE(length <= VGG_SAFETENSORS_LARGEST_HEADER, CLVGG_STATUS_BAD_FILE,
                "%s: claims a header of %" PRIu64 " bytes, more than %d", path, length,
                VGG_SAFETENSORS_LARGEST_HEADER);
    VGG_REQUIRE(length <= size - sizeof prefix, CLVGG_STATUS_BAD_FILE,
                "%s: claims a header of %" PRIu64 " bytes, but the file has %" PRIu64, path, length,
                size);
    reader.data_start = sizeof prefix + length;
    reader.data_bytes = size - reader.data_start;
    VGG_NEW(text, (size_t)length + 1);
    VGG_TRY(vgg_file_read(weights->file, sizeof prefix, text, (size_t)length));
    /* A string in the header has two quotes, in the block one NUL, and escapes only shrink. */
    VGG_NEW(weights->strings, (size_t)length + 1);
    reader.strings_end = weights->strings;
    status = parse_header(&reader, text, (size_t)length);
    if (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_OUT_OF_MEMORY)
        vgg_message_prefix("%s", path);
cleanup:
    vgg_free(reader.tensors);
    vgg_free(text);
    return status;
}

static clvgg_status read_values(const vgg_weights *weights, size_t slot, uint64_t first,
                                uint64_t count, void *data)
{
    const vgg_safetensors_place *places = weights->own;
    const vgg_tensor_slot *tensor = &weights->slots[slot];
    return tensor->entry.int8 ? vgg_safetensors_read_int8(weights, tensor, first, count, data)
                              : vgg_contiguous_read(weights->file, &places[tensor->place].values,
                                                    tensor->entry.dtype, first, count, data);
}

static void free_places(vgg_weights *weights)
{
    vgg_free(weights->own);
}

const vgg_weights_format vgg_weights_safetensors = {.name = "safetensors",
                                                    .matches = matches,
                                                    .open = open_header,
                                                    .read = read_values,
                                                    .close = free_places};

#else

const vgg_weights_format vgg_weights_safetensors = {
    .name = "safetensors", .matches = matches, .needs = "cJSON"};

#endif
