/* weights/numpy/npz_write.c — writes a NumPy archive: a zip whose members are .npy files, stored,
 * named as numpy.savez() names them. Metadata is a member of its own, clvgg.metadata: bytes (|S), a
 * JSON object of strings.
 *
 * A member's checksum stands in front of its values and is known behind them: it is patched in.
 * Sources: PKWARE, APPNOTE.TXT 6.3.10; numpy.lib.format, version 1.0.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc32.h"
#include "weights/numpy/npz_metadata.h"
#include "weights/write.h"

enum {
    LOCAL_BYTES = 30,
    CRC_AT = 14, /* in a local header */
    VERSION = 20,
    UTF8_NAMES = 0x800,
    FIRST_OF_1980 = 0x21,  /* a date of MS-DOS: the same bytes at any time */
    NPY_ALIGNMENT = 64,    /* of the values in a member */
    NPY_PREFIX_BYTES = 10, /* the magic, the version, the length of what follows */
    LARGEST_NAME = 1024
};

typedef struct npz_state {
    vgg_writer *writer;
    const vgg_weights_output *output;
    void *piece;
    uint64_t written;
    vgg_text directory;
    unsigned members;
} npz_state;

static void put_number(vgg_text *text, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        vgg_text_append(text, &(const char){(char)(value >> 8 * i & 0xFF)}, 1);
}

/* Appends the header of a .npy file, spaces included up to the values. */
static void put_npy_header(vgg_text *text, const char *descr, const clvgg_shape *shape)
{
    char words[512];
    int length =
        snprintf(words, sizeof words, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int i = 0; i < shape->rank; i++)
        length += snprintf(words + length, sizeof words - (size_t)length, "%s%" PRId64,
                           i > 0 ? ", " : "", shape->dims[i]);
    length += snprintf(words + length, sizeof words - (size_t)length, "%s), }",
                       shape->rank == 1 ? "," : "");
    const int unpadded = NPY_PREFIX_BYTES + length + 1;
    const int padding = (NPY_ALIGNMENT - unpadded % NPY_ALIGNMENT) % NPY_ALIGNMENT;
    vgg_text_append(text, "\x93NUMPY\x01\x00", 8);
    put_number(text, (uint64_t)(length + padding + 1), 2);
    vgg_text_printf(text, "%s%*s\n", words, padding, "");
}

/* What a local header and an entry of the directory have in common, from the version needed on. */
static void put_member(vgg_text *text, uint32_t crc, uint64_t bytes, size_t name_bytes)
{
    put_number(text, VERSION, 2);
    put_number(text, UTF8_NAMES, 2);
    put_number(text, 0, 2); /* stored */
    put_number(text, 0, 2); /* midnight */
    put_number(text, FIRST_OF_1980, 2);
    put_number(text, crc, 4);
    put_number(text, bytes, 4); /* packed, and unpacked */
    put_number(text, bytes, 4);
    put_number(text, name_bytes, 2);
    put_number(text, 0, 2); /* no extra field */
}

static void put_entry(vgg_text *directory, const char *name, uint32_t crc, uint64_t bytes,
                      uint64_t offset)
{
    vgg_text_append(directory, "PK\x01\x02", 4);
    put_number(directory, VERSION, 2); /* made by */
    put_member(directory, crc, bytes, strlen(name));
    put_number(directory, 0, 2 + 2 + 2); /* no comment, the first disk, binary */
    put_number(directory, 0, 4);         /* no attributes */
    put_number(directory, offset, 4);
    vgg_text_puts(directory, name);
}

static clvgg_status append(npz_state *npz, const vgg_text *text)
{
    VGG_PASS(vgg_text_check(text, "a member of the archive"));
    VGG_PASS(vgg_writer_append(npz->writer, text->bytes, text->length));
    npz->written += text->length;
    return CLVGG_STATUS_OK;
}

/* Writes a member: its .npy header and values, `value_bytes` of them, of a tensor or a text. */
static clvgg_status write_member(npz_state *npz, const char *tensor_name, const vgg_text *header,
                                 uint64_t value_bytes, size_t tensor, const vgg_text *text)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t offset = npz->written, bytes = header->length + value_bytes;
    uint32_t crc = vgg_crc32(0, header->bytes, header->length);
    char name[LARGEST_NAME + 8];
    vgg_text local = {0}, patch = {0};
    VGG_REQUIRE(strlen(tensor_name) <= LARGEST_NAME && vgg_text_is_utf8(tensor_name),
                CLVGG_STATUS_INVALID_ARGUMENT, "\"%s\" can't be the name of a member", tensor_name);
    snprintf(name, sizeof name, "%s.npy", tensor_name);
    vgg_text_append(&local, "PK\x03\x04", 4);
    put_member(&local, 0, bytes, strlen(name));
    vgg_text_puts(&local, name);
    VGG_TRY(append(npz, &local));
    VGG_TRY(append(npz, header));
    if (text != NULL) {
        crc = vgg_crc32(crc, text->bytes, text->length);
        VGG_TRY(append(npz, text));
    } else {
        VGG_TRY(vgg_weights_put_values(npz->writer, npz->output, tensor, npz->piece, &crc));
        npz->written += value_bytes;
    }
    put_number(&patch, crc, 4);
    VGG_TRY(vgg_text_check(&patch, "a checksum"));
    VGG_TRY(vgg_writer_patch(npz->writer, offset + CRC_AT, patch.bytes, patch.length));
    put_entry(&npz->directory, name, crc, bytes, offset);
    npz->members++;
cleanup:
    vgg_text_free(&local);
    vgg_text_free(&patch);
    return status;
}

static clvgg_status write_tensor(npz_state *npz, size_t tensor)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_tensor_entry *entry = &npz->output->tensors[tensor];
    vgg_text header = {0};
    uint64_t bytes = 0;
    put_npy_header(&header, entry->dtype == CLVGG_DTYPE_F16 ? "<f2" : "<f4", &entry->shape);
    VGG_TRY(vgg_text_check(&header, "a member of the archive"));
    VGG_REQUIRE(vgg_weights_value_bytes(entry, &bytes), CLVGG_STATUS_INVALID_ARGUMENT,
                "tensor \"%s\" is too large", entry->name);
    VGG_TRY(write_member(npz, entry->name, &header, bytes, tensor, NULL));
cleanup:
    vgg_text_free(&header);
    return status;
}

static clvgg_status write_metadata(npz_state *npz)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_metadata_entry *sorted = NULL;
    vgg_text header = {0}, json = {0};
    char descr[32];
    VGG_TRY(vgg_weights_sort_metadata(npz->output, &sorted));
    vgg_weights_metadata_json(sorted, npz->output->metadata_count, &json);
    snprintf(descr, sizeof descr, "|S%zu", json.length);
    put_npy_header(&header, descr, &(const clvgg_shape){0});
    VGG_TRY(vgg_text_check(&json, "metadata"));
    VGG_TRY(vgg_text_check(&header, "metadata"));
    VGG_TRY(write_member(npz, VGG_NPZ_METADATA, &header, json.length, 0, &json));
cleanup:
    vgg_free(sorted);
    vgg_text_free(&header);
    vgg_text_free(&json);
    return status;
}

static clvgg_status write_directory(npz_state *npz)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t offset = npz->written, bytes = npz->directory.length;
    vgg_text end = {0};
    VGG_TRY(append(npz, &npz->directory));
    vgg_text_append(&end, "PK\x05\x06\0\0\0\0", 8);
    put_number(&end, npz->members, 2); /* on this disk, and on all */
    put_number(&end, npz->members, 2);
    put_number(&end, bytes, 4);
    put_number(&end, offset, 4);
    put_number(&end, 0, 2); /* no comment */
    VGG_TRY(append(npz, &end));
cleanup:
    vgg_text_free(&end);
    return status;
}

/* What a zip without its 64-bit extension can't hold, and NumPy can't read. */
static clvgg_status check(vgg_writer *writer, const vgg_weights_output *output)
{
    const uint64_t overhead = 2 * LARGEST_NAME + 1024; /* of a member, at most */
    uint64_t sum = 0, bytes = 0;
    VGG_CHECK(vgg_writer_can_patch(writer), CLVGG_STATUS_UNSUPPORTED,
              "%s: is a pipe; a NumPy archive needs a file", output->path);
    for (size_t i = 0; i < output->metadata_count; i++)
        sum += 6 * (strlen(output->metadata[i].key) + strlen(output->metadata[i].value)) + 8;
    for (size_t i = 0; i < output->count; i++) {
        const vgg_tensor_entry *tensor = &output->tensors[i];
        VGG_CHECK(tensor->dtype != CLVGG_DTYPE_BF16, CLVGG_STATUS_UNSUPPORTED,
                  "tensor \"%s\" is bfloat16, which NumPy doesn't have: convert to f32 or f16",
                  tensor->name);
        VGG_CHECK(vgg_weights_value_bytes(tensor, &bytes) && bytes < UINT32_MAX &&
                      sum + bytes + overhead < UINT32_MAX,
                  CLVGG_STATUS_UNSUPPORTED,
                  "the weights take more than the 4 GiB that a NumPy archive can have here: write "
                  "safetensors");
        sum += bytes + overhead;
    }
    VGG_CHECK(sum < UINT32_MAX && output->count < UINT16_MAX - 1, CLVGG_STATUS_UNSUPPORTED,
              "%zu tensors are more than a NumPy archive can have here: write safetensors",
              output->count);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_npz_write(vgg_writer *writer, const vgg_weights_output *output)
{
    clvgg_status status = CLVGG_STATUS_OK;
    npz_state npz = {.writer = writer, .output = output};
    VGG_TRY(check(writer, output));
    VGG_TRY(VGG_MADE(npz.piece = vgg_calloc(1, VGG_PIECE_BYTES)));
    for (size_t i = 0; i < output->count; i++)
        VGG_TRY(write_tensor(&npz, i));
    if (output->metadata_count > 0)
        VGG_TRY(write_metadata(&npz));
    VGG_TRY(write_directory(&npz));
cleanup:
    vgg_free(npz.piece);
    vgg_text_free(&npz.directory);
    return status;
}
