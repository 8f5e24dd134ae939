/* clvgg/tensor.h — element types, shapes, and .npy files of float32.
 *
 * Shapes are row-major, outermost dimension first: float32 NCHW is {4, {n, c, h, w}}.
 */
#ifndef CLVGG_TENSOR_H
#define CLVGG_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CLVGG_MAX_RANK 8

typedef enum clvgg_dtype { CLVGG_DTYPE_F32 = 0, CLVGG_DTYPE_F16 = 1, CLVGG_DTYPE_BF16 = 2 } clvgg_dtype;

typedef struct clvgg_shape {
    int rank; /* 0…CLVGG_MAX_RANK; rank 0 is one element */
    int64_t dims[CLVGG_MAX_RANK];
} clvgg_shape;

/* Reads a NumPy .npy file (version 1–3, little-endian float32, C order) row by row, a row being
 * everything behind axis 0; host memory is a row, not the file. *shape receives the whole array's.
 * To be closed by clvgg_npy_close(). Errors: NOT_FOUND, IO, BAD_FILE, UNSUPPORTED (other elements
 * than float32, Fortran order), OUT_OF_MEMORY. */
typedef struct clvgg_npy_reader clvgg_npy_reader;
CLVGG_API clvgg_status clvgg_npy_open(clvgg_runtime *runtime, const char *path,
                                      clvgg_npy_reader **out, clvgg_shape *shape);
/* Reads rows [first, first + count) into `data`, float32 [count][a row's elements]. Errors:
 * INVALID_ARGUMENT (rows that the file hasn't), IO, BAD_FILE. */
CLVGG_API clvgg_status clvgg_npy_read(clvgg_npy_reader *reader, int64_t first, int64_t count,
                                      float *data);
CLVGG_API void clvgg_npy_close(clvgg_npy_reader *reader);

/* Writes a float32 .npy file whose number of rows (axis 0) is known only at the end. `row` is the
 * shape behind axis 0. The file appears at `path`, whole, at commit and not before; a writer freed
 * without commit leaves no trace. Errors of all three: IO, OUT_OF_MEMORY. */
typedef struct clvgg_npy_writer clvgg_npy_writer;
CLVGG_API clvgg_status clvgg_npy_create(clvgg_runtime *runtime, const char *path,
                                        const clvgg_shape *row, clvgg_npy_writer **out);
CLVGG_API clvgg_status clvgg_npy_append(clvgg_npy_writer *writer, int64_t count, const float *data);
CLVGG_API clvgg_status clvgg_npy_commit(clvgg_npy_writer *writer);
CLVGG_API void clvgg_npy_writer_free(clvgg_npy_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
