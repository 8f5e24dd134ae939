/* weights/weights_safetensors.c — reads a safetensors header; nothing in it is taken on trust.
 *
 * Order: length against the file, a scan of the text (safetensors_scan.c), parsing by cJSON, each
 * tensor by itself, then all of them together: in file order each must begin where the one before
 * ended, and the last end with the file.
 */
#include "base/alloc.h"
#include "base/json_parse.h"
#include "weights/format.h"
#include "weights/safetensors.h"

static bool matches(const vgg_candidate *candidate)
{
    return candidate->bytes > VGG_SAFETENSORS_PREFIX_BYTES &&
           candidate->head[VGG_SAFETENSORS_PREFIX_BYTES] == '{';
}

#ifdef CLVGG_HAVE_CJSON

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/shape.h"

/* All element types of the format, with their size and what they are read as. Those that no
 * clvgg_dtype can stand for are foreign. */
static const struct {
    const char *name;
    unsigned bits;
    int dtype; /* −1: foreign */
} element_types[] = {
    {"F32", 32, CLVGG_DTYPE_F32},
    {"F16", 16, CLVGG_DTYPE_F16},
    {"BF16", 16, CLVGG_DTYPE_BF16},
    {"F64", 64, CLVGG_DTYPE_F32},
    {"I64", 64, -1},
    {"U64", 64, -1},
    {"C64", 64, -1},
    {"I32", 32, -1},
    {"U32", 32, -1},
    {"I16", 16, -1},
    {"U16", 16, -1},
    {"I8", 8, -1},
    {"U8", 8, -1},
    {"BOOL", 8, -1},
    {"F8_E4M3", 8, -1},
    {"F8_E5M2", 8, -1},
    {"F8_E8M0", 8, -1},
    {"F6_E2M3", 6, -1},
    {"F6_E3M2", 6, -1},
    {"F4", 4, -1},
};

/* A tensor as the header states it, before the tensors are checked together. */
typedef struct stated_tensor {
    vgg_tensor_slot slot;
    vgg_contiguous place;
    uint64_t begin, end; /* from the end of the header */
} stated_tensor;

typedef struct header_reader {
    vgg_weights *weights;
    stated_tensor *tensors;
    size_t tensor_count;
    uint64_t data_start, data_bytes;
    char *strings_end; /* free part of weights->strings */
} header_reader;

/* Copies into the block of strings, which has room for every string of the header. */
static const char *keep_string(header_reader *reader, const char *string)
{
    size_t bytes = strlen(string) + 1;
    char *kept = memcpy(reader->strings_end, string, bytes);
    reader->strings_end += bytes;
    return kept;
}

/* Integers up to 2^53 are exact in cJSON's doubles. */
static bool exact_integer(const cJSON *item, uint64_t *value)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < 0x1p53))
        return false;
    *value = (uint64_t)item->valuedouble;
    return true;
}

/* ---- one tensor ---- */

static clvgg_status read_dtype(header_reader *reader, const cJSON *item, stated_tensor *tensor,
                               unsigned *bits)
{
    vgg_tensor_slot *slot = &tensor->slot;
    VGG_CHECK(cJSON_IsString(item), CLVGG_STATUS_BAD_FILE, "tensor \"%s\": dtype isn't a string",
              slot->entry.name);
    size_t i = 0, count = sizeof element_types / sizeof *element_types;
    while (i < count && strcmp(item->valuestring, element_types[i].name) != 0)
        i++;
    VGG_CHECK(i < count, CLVGG_STATUS_UNSUPPORTED, "tensor \"%s\": unknown dtype \"%s\"",
              slot->entry.name, item->valuestring);
    *bits = element_types[i].bits;
    tensor->place.is_double = *bits == 64 && element_types[i].dtype == CLVGG_DTYPE_F32;
    if (element_types[i].dtype >= 0)
        slot->entry.dtype = (clvgg_dtype)element_types[i].dtype;
    else
        slot->foreign_dtype = keep_string(reader, item->valuestring);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_shape(const cJSON *item, vgg_tensor_entry *entry)
{
    const cJSON *extent;
    VGG_CHECK(cJSON_IsArray(item), CLVGG_STATUS_BAD_FILE, "tensor \"%s\": shape isn't an array",
              entry->name);
    cJSON_ArrayForEach(extent, item)
    {
        uint64_t value;
        VGG_CHECK(entry->shape.rank < CLVGG_MAX_RANK, CLVGG_STATUS_UNSUPPORTED,
                  "tensor \"%s\": has more than %d dimensions", entry->name, CLVGG_MAX_RANK);
        VGG_CHECK(exact_integer(extent, &value), CLVGG_STATUS_BAD_FILE,
                  "tensor \"%s\": dimension %d isn't an integer below 2^53", entry->name,
                  entry->shape.rank);
        entry->shape.dims[entry->shape.rank++] = (int64_t)value;
    }
    VGG_CHECK(vgg_shape_count(&entry->shape, &entry->count), CLVGG_STATUS_BAD_FILE,
              "tensor \"%s\": the product of its dimensions overflows", entry->name);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_offsets(const header_reader *reader, const cJSON *item,
                                 stated_tensor *tensor)
{
    const char *name = tensor->slot.entry.name;
    VGG_CHECK(cJSON_IsArray(item) && cJSON_GetArraySize(item) == 2 &&
                  exact_integer(item->child, &tensor->begin) &&
                  exact_integer(item->child->next, &tensor->end),
              CLVGG_STATUS_BAD_FILE, "tensor \"%s\": data_offsets aren't two integers below 2^53",
              name);
    VGG_CHECK(tensor->begin <= tensor->end && tensor->end <= reader->data_bytes,
              CLVGG_STATUS_BAD_FILE,
              "tensor \"%s\": data_offsets [%" PRIu64 ", %" PRIu64 "] don't lie in the %" PRIu64
              " bytes behind the header",
              name, tensor->begin, tensor->end, reader->data_bytes);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_tensor(header_reader *reader, const cJSON *item)
{
    stated_tensor *tensor = &reader->tensors[reader->tensor_count++];
    vgg_tensor_entry *entry = &tensor->slot.entry;
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    unsigned bits = 0;
    entry->name = keep_string(reader, item->string);
    VGG_CHECK(cJSON_IsObject(item) && cJSON_GetArraySize(item) == 3 && dtype && shape && offsets,
              CLVGG_STATUS_BAD_FILE,
              "tensor \"%s\": needs dtype, shape and data_offsets, once each and nothing else",
              entry->name);
    VGG_PASS(read_dtype(reader, dtype, tensor, &bits));
    VGG_PASS(read_shape(shape, entry));
    VGG_PASS(read_offsets(reader, offsets, tensor));
    char text[128];
    uint64_t bytes = tensor->end - tensor->begin;
    VGG_CHECK(entry->count <= UINT64_MAX / bits && entry->count * bits % 8 == 0 &&
                  entry->count * bits / 8 == bytes,
              CLVGG_STATUS_BAD_FILE, "tensor \"%s\": %" PRIu64 " bytes can't be %s %s", entry->name,
              bytes, dtype->valuestring, vgg_shape_text(&entry->shape, text, sizeof text));
    tensor->place.offset = reader->data_start + tensor->begin;
    return CLVGG_STATUS_OK;
}

/* ---- all of them ---- */

static int compare_metadata_keys(const void *a, const void *b)
{
    return strcmp(((const vgg_metadata_entry *)a)->key, ((const vgg_metadata_entry *)b)->key);
}

static clvgg_status read_metadata(header_reader *reader, const cJSON *object)
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
        entry->key = keep_string(reader, item->string);
        entry->value = keep_string(reader, item->valuestring);
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
    const stated_tensor *left = a, *right = b;
    if (left->begin != right->begin)
        return left->begin < right->begin ? -1 : 1;
    if (left->end != right->end)
        return left->end < right->end ? -1 : 1;
    return strcmp(left->slot.entry.name, right->slot.entry.name);
}

/* Tensors cover the data exactly: sorted, each begins where the one before ended. */
static clvgg_status check_layout(header_reader *reader)
{
    uint64_t end = 0;
    qsort(reader->tensors, reader->tensor_count, sizeof *reader->tensors, compare_places);
    for (size_t i = 0; i < reader->tensor_count; i++) {
        const stated_tensor *tensor = &reader->tensors[i];
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

static clvgg_status read_object(header_reader *reader, const cJSON *root)
{
    vgg_weights *weights = reader->weights;
    vgg_contiguous *places = NULL;
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
            VGG_PASS(read_tensor(reader, item));
    }
    VGG_PASS(check_layout(reader));
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
static clvgg_status parse_header(header_reader *reader, const char *text, size_t length)
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
    header_reader reader = {.weights = weights};
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
    const vgg_contiguous *places = weights->own;
    const vgg_tensor_slot *tensor = &weights->slots[slot];
    return vgg_contiguous_read(weights->file, &places[tensor->place], tensor->entry.dtype, first,
                               count, data);
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
