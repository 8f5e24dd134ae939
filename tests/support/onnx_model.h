/* tests/support/onnx_model.h — ONNX models made by hand, good ones and others. */
#ifndef TEST_SUPPORT_ONNX_MODEL_H
#define TEST_SUPPORT_ONNX_MODEL_H

#include "support/protobuf.h"

enum { ONNX_FLOAT = 1, ONNX_INT64 = 7, ONNX_FLOAT16 = 10, ONNX_DOUBLE = 11 };

/* A number of dimensions, and they. */
#define ONNX_DIMS(...)                                                                             \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[])                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* A tensor without values. */
pb onnx_tensor(const char *name, int type, int rank, const int64_t *dims);
/* A tensor of 0, 1, 2 … as raw data. */
pb onnx_counting(const char *name, int rank, const int64_t *dims);
/* "Conv x,w,b y": operator, inputs, output. */
pb onnx_node(const char *text);
pb onnx_with_ints(pb n, const char *name, int count, const int64_t *values);
pb onnx_with_int(pb n, const char *name, int64_t value);
/* Extents of 0 are open. */
pb onnx_value_info(const char *name, int type, int rank, const int64_t *dims);

typedef struct onnx_model {
    pb graph;
    int64_t input[4];
    const char *output;
    int64_t opset; /* 0: not stated */
} onnx_model;

/* An empty one: input x [N, 1, 4, 4], output y. */
onnx_model onnx_begin(void);
void onnx_put_node(onnx_model *m, pb n);
void onnx_put_tensor(onnx_model *m, pb t);
/* Conv, Relu, Flatten, Gemm. */
onnx_model onnx_small(void);
/* Writes and frees it; returns the file's path. */
const char *onnx_write(onnx_model m);

#endif
