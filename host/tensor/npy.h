/* tensor/npy.h — NumPy's .npy files: the header as text and back, readers and writers of rows. */
#ifndef VGG_TENSOR_NPY_H
#define VGG_TENSOR_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/runtime.h"
#include "base/status.h"
#include "clvgg/tensor.h"

struct clvgg_npy_reader {
    const vgg_scope *scope; /* the runtime's */
    vgg_file *file;
    clvgg_shape shape;
    uint64_t row_count; /* elements of a row: everything behind axis 0 */
    uint64_t origin;    /* of the first element in the file */
};

struct clvgg_npy_writer {
    const vgg_scope *scope;
    vgg_writer *writer;
    clvgg_shape shape; /* dims[0] counts the rows so far */
    uint64_t row_count;
    size_t header_bytes; /* fixed from the start, whatever the row count becomes */
};

/* Parses the dictionary of a header, `length` bytes: "{'descr': '<f4', 'fortran_order': False,
 * 'shape': (2, 3), }". Messages don't name the file. Errors: BAD_FILE, UNSUPPORTED (a well-formed
 * header of another element type or order, which the message names). */
clvgg_status vgg_npy_parse_header(const char *text, size_t length, clvgg_shape *shape);

clvgg_status vgg_npy_open(const char *path, clvgg_npy_reader **out);
clvgg_status vgg_npy_read(clvgg_npy_reader *reader, int64_t first, int64_t count, float *data);
void vgg_npy_close(clvgg_npy_reader *reader);

clvgg_status vgg_npy_create(const char *path, const clvgg_shape *row, clvgg_npy_writer **out);
clvgg_status vgg_npy_append(clvgg_npy_writer *writer, int64_t count, const float *data);
clvgg_status vgg_npy_commit(clvgg_npy_writer *writer);
void vgg_npy_writer_free(clvgg_npy_writer *writer);

#endif
