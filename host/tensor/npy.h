/* tensor/npy.h — NumPy's .npy files: the header as text and back, readers and writers of rows. */
#ifndef VGG_TENSOR_NPY_H
#define VGG_TENSOR_NPY_H

#include <stdbool.h>
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

enum {
    VGG_NPY_PREFIX_BYTES = 12,        /* that tell where the header is; no good file is shorter */
    VGG_NPY_LARGEST_HEADER = 1 << 16, /* NumPy refuses above 10,000 unless told otherwise */
    VGG_NPY_DESCR_CAPACITY = 32
};
#define VGG_NPY_STRUCTURED "structured"

typedef struct vgg_npy_header {
    char descr[VGG_NPY_DESCR_CAPACITY]; /* "<f4"; or VGG_NPY_STRUCTURED */
    bool fortran_order;                 /* the first dimension's elements lie side by side */
    clvgg_shape shape;
} vgg_npy_header;

/* Where the header's text lies in a file, or archive member, of `size` bytes that begins so.
 * Messages don't name the file. Errors: BAD_FILE, UNSUPPORTED (a later version). */
clvgg_status vgg_npy_parse_prefix(const unsigned char *prefix, size_t bytes, uint64_t size,
                                  uint64_t *start, uint64_t *length);
/* Parses the text, a dictionary: "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".
 * Elements of 8 bytes don't overflow 63 bits. Messages don't name the file. Errors: BAD_FILE,
 * UNSUPPORTED (too many dimensions). */
clvgg_status vgg_npy_parse_header(const char *text, size_t length, vgg_npy_header *header);

clvgg_status vgg_npy_open(const char *path, clvgg_npy_reader **out);
clvgg_status vgg_npy_read(clvgg_npy_reader *reader, int64_t first, int64_t count, float *data);
void vgg_npy_close(clvgg_npy_reader *reader);

clvgg_status vgg_npy_create(const char *path, const clvgg_shape *row, clvgg_npy_writer **out);
clvgg_status vgg_npy_append(clvgg_npy_writer *writer, int64_t count, const float *data);
clvgg_status vgg_npy_commit(clvgg_npy_writer *writer);
void vgg_npy_writer_free(clvgg_npy_writer *writer);

#endif
