/* tensor/npy.c — reads and writes .npy files of float32, a few rows at a time.
 *
 * Layout: "\x93NUMPY", version (2 bytes), length of the header text (2 bytes, from version 2 on 4),
 * the text, then the elements. All but the elements together is a multiple of 64 bytes.
 */
#include "tensor/npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/shape.h"

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

enum { PREFIX_BYTES = 10 }; /* of version 1 */

/* ---- reading ---- */

/* What the public reader can give: rows of float32. */
static clvgg_status check_header(const vgg_npy_header *header)
{
    VGG_CHECK(strcmp(header->descr, VGG_NPY_STRUCTURED) != 0, CLVGG_STATUS_UNSUPPORTED,
              "has structured elements, needs float32 ('<f4')");
    VGG_CHECK(strcmp(header->descr, "<f4") == 0, CLVGG_STATUS_UNSUPPORTED,
              "has elements of type '%s', needs float32 ('<f4')", header->descr);
    VGG_CHECK(!header->fortran_order, CLVGG_STATUS_UNSUPPORTED,
              "is in Fortran order, needs C order (numpy.ascontiguousarray)");
    return CLVGG_STATUS_OK;
}

/* Reads the header and leaves shape, row_count and origin. */
static clvgg_status read_header(clvgg_npy_reader *reader)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *text = NULL;
    vgg_npy_header header;
    unsigned char prefix[VGG_NPY_PREFIX_BYTES] = {0};
    uint64_t start, length, size = vgg_file_size(reader->file);
    const char *path = vgg_file_path(reader->file);
    size_t available = size < sizeof prefix ? (size_t)size : sizeof prefix;
    VGG_TRY(vgg_file_read(reader->file, 0, prefix, available));
    VGG_TRY(
        vgg_prefixed(vgg_npy_parse_prefix(prefix, available, size, &start, &length), "%s", path));
    VGG_NEW(text, (size_t)length);
    VGG_TRY(vgg_file_read(reader->file, start, text, (size_t)length));
    VGG_TRY(vgg_prefixed(vgg_npy_parse_header(text, (size_t)length, &header), "%s", path));
    VGG_TRY(vgg_prefixed(check_header(&header), "%s", path));
    reader->shape = header.shape;
    reader->origin = start + length;
cleanup:
    vgg_free(text);
    return status;
}

clvgg_status vgg_npy_open(const char *path, clvgg_npy_reader **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_npy_reader *reader = NULL;
    char text[128];
    *out = NULL;
    VGG_NEW(reader, 1);
    reader->scope = vgg_scope_current();
    VGG_TRY(vgg_file_open(path, &reader->file));
    VGG_TRY(read_header(reader));
    VGG_REQUIRE(reader->shape.rank > 0, CLVGG_STATUS_BAD_FILE,
                "%s: is a single number, needs at least one dimension", path);
    clvgg_shape row = {.rank = reader->shape.rank - 1};
    memcpy(row.dims, reader->shape.dims + 1, (size_t)row.rank * sizeof *row.dims);
    reader->row_count = vgg_shape_elements(&row);
    uint64_t expected = reader->origin + vgg_shape_elements(&reader->shape) * sizeof(float);
    VGG_REQUIRE(expected == vgg_file_size(reader->file), CLVGG_STATUS_BAD_FILE,
                "%s: shape %s of float32 needs %" PRIu64 " bytes with the header, the file has "
                "%" PRIu64,
                path, vgg_shape_text(&reader->shape, text, sizeof text), expected,
                vgg_file_size(reader->file));
    VGG_GIVE(out, reader);
cleanup:
    vgg_npy_close(reader);
    return status;
}

clvgg_status vgg_npy_read(clvgg_npy_reader *reader, int64_t first, int64_t count, float *data)
{
    int64_t rows = reader->shape.dims[0];
    if (first < 0 || count < 0 || first > rows || count > rows - first)
        return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT,
                        "%s: rows %" PRId64 " and %" PRId64 " more were asked for, it has %" PRId64,
                        vgg_file_path(reader->file), first, count, rows);
    /* No overflow: the whole array was checked to fit. */
    uint64_t row_bytes = reader->row_count * sizeof(float);
    if ((uint64_t)count * row_bytes > SIZE_MAX)
        return vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "%s: %" PRId64 " rows don't fit in memory",
                        vgg_file_path(reader->file), count);
    return vgg_file_read(reader->file, reader->origin + (uint64_t)first * row_bytes, data,
                         (size_t)((uint64_t)count * row_bytes));
}

void vgg_npy_close(clvgg_npy_reader *reader)
{
    if (reader == NULL)
        return;
    vgg_file_close(reader->file);
    vgg_free(reader);
}

/* ---- writing ---- */

/* Header text without its padding; returns its length. */
static size_t print_header(const clvgg_shape *shape, char *text, size_t capacity)
{
    char dims[256] = "";
    size_t used = 0;
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(dims + used, sizeof dims - used, "%s%" PRId64, i > 0 ? ", " : "",
                                 shape->dims[i]);
    return (size_t)snprintf(text, capacity,
                            "{'descr': '<f4', 'fortran_order': False, 'shape': (%s%s), }", dims,
                            shape->rank == 1 ? "," : "");
}

/* The whole header for the present number of rows, writer->header_bytes long. */
static void format_header(const clvgg_npy_writer *writer, char *header, size_t capacity)
{
    size_t length = writer->header_bytes - PREFIX_BYTES;
    memset(header, ' ', writer->header_bytes);
    memcpy(header, magic, sizeof magic);
    header[6] = 1;
    header[7] = 0;
    header[8] = (char)(length & 0xFF);
    header[9] = (char)(length >> 8);
    size_t used = print_header(&writer->shape, header + PREFIX_BYTES, capacity - PREFIX_BYTES);
    header[PREFIX_BYTES + used] = ' '; /* over the NUL */
    header[writer->header_bytes - 1] = '\n';
}

clvgg_status vgg_npy_create(const char *path, const clvgg_shape *row, clvgg_npy_writer **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_npy_writer *writer = NULL;
    char header[512];
    *out = NULL;
    VGG_NEW(writer, 1);
    writer->scope = vgg_scope_current();
    VGG_REQUIRE(row->rank >= 0 && row->rank < CLVGG_MAX_RANK &&
                    vgg_shape_count(row, &writer->row_count) &&
                    writer->row_count <= SIZE_MAX / sizeof(float),
                CLVGG_STATUS_INVALID_ARGUMENT, "%s: the rows' shape is out of range", path);
    writer->shape.rank = row->rank + 1;
    memcpy(writer->shape.dims + 1, row->dims, (size_t)row->rank * sizeof *row->dims);
    /* Room for any number of rows, so that the header can be rewritten in place. */
    writer->shape.dims[0] = INT64_MAX;
    size_t longest = PREFIX_BYTES + print_header(&writer->shape, header, sizeof header) + 1;
    writer->shape.dims[0] = 0;
    writer->header_bytes = (longest + 63) / 64 * 64;
    VGG_TRY(vgg_writer_open(path, &writer->writer));
    VGG_REQUIRE(vgg_writer_can_patch(writer->writer), CLVGG_STATUS_UNSUPPORTED,
                "%s: a .npy file can't be written to a pipe, its row count is known last", path);
    format_header(writer, header, sizeof header);
    VGG_TRY(vgg_writer_append(writer->writer, header, writer->header_bytes));
    VGG_GIVE(out, writer);
cleanup:
    vgg_npy_writer_free(writer);
    return status;
}

clvgg_status vgg_npy_append(clvgg_npy_writer *writer, int64_t count, const float *data)
{
    clvgg_shape grown = writer->shape;
    uint64_t elements = 0;
    VGG_CHECK(count >= 0 && count <= INT64_MAX - grown.dims[0], CLVGG_STATUS_INVALID_ARGUMENT,
              "%" PRId64 " rows can't be appended to a .npy file", count);
    grown.dims[0] += count;
    VGG_CHECK(vgg_shape_count(&grown, &elements) && elements <= INT64_MAX / sizeof(float),
              CLVGG_STATUS_INVALID_ARGUMENT, "a .npy file of %" PRId64 " rows is too large",
              grown.dims[0]);
    VGG_PASS(vgg_writer_append(writer->writer, data,
                               (size_t)((uint64_t)count * writer->row_count * sizeof(float))));
    writer->shape = grown;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_npy_commit(clvgg_npy_writer *writer)
{
    char header[512];
    format_header(writer, header, sizeof header);
    VGG_PASS(vgg_writer_patch(writer->writer, 0, header, writer->header_bytes));
    return vgg_writer_commit(writer->writer);
}

void vgg_npy_writer_free(clvgg_npy_writer *writer)
{
    if (writer == NULL)
        return;
    vgg_writer_free(writer->writer);
    vgg_free(writer);
}
