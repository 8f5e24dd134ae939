/* weights/safetensors/safetensors_tensor.c — one tensor as a safetensors header states it: element
 * type, shape, and its place, which are checked against each other.
 */
#ifdef CLVGG_HAVE_CJSON

#include <inttypes.h>
#include <string.h>

#include "tensor/shape.h"
#include "weights/safetensors/safetensors_header.h"

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

const char *vgg_safetensors_keep(vgg_safetensors_reader *reader, const char *string)
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

static clvgg_status read_dtype(vgg_safetensors_reader *reader, const cJSON *item,
                               vgg_stated_tensor *tensor, unsigned *bits)
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
    tensor->place.values.is_double = *bits == 64 && element_types[i].dtype == CLVGG_DTYPE_F32;
    if (element_types[i].dtype >= 0)
        slot->entry.dtype = (clvgg_dtype)element_types[i].dtype;
    else
        slot->foreign_dtype = vgg_safetensors_keep(reader, item->valuestring);
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

static clvgg_status read_offsets(const vgg_safetensors_reader *reader, const cJSON *item,
                                 vgg_stated_tensor *tensor)
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

clvgg_status vgg_safetensors_read_tensor(vgg_safetensors_reader *reader, const cJSON *item)
{
    vgg_stated_tensor *tensor = &reader->tensors[reader->tensor_count++];
    vgg_tensor_entry *entry = &tensor->slot.entry;
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    unsigned bits = 0;
    entry->name = vgg_safetensors_keep(reader, item->string);
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
    tensor->place.values.offset = reader->data_start + tensor->begin;
    return CLVGG_STATUS_OK;
}

#else

typedef int vgg_safetensors_tensor_is_absent; /* C wants something in every file */

#endif
