/* tests/support/onnx_model.c — see onnx_model.h. */
#include "support/onnx_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"

pb onnx_tensor(const char *name, int type, int rank, const int64_t *dims)
{
    pb t = pb_new();
    for (int i = 0; i < rank; i++)
        pb_int(&t, 1, dims[i]);
    pb_int(&t, 2, type);
    pb_text(&t, 8, name);
    return t;
}

/* A tensor of 0, 1, 2 … as raw data. */
pb onnx_counting(const char *name, int rank, const int64_t *dims)
{
    pb t = onnx_tensor(name, ONNX_FLOAT, rank, dims);
    float values[512];
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    for (size_t i = 0; i < count; i++)
        values[i] = (float)i;
    pb_bytes(&t, 9, values, count * sizeof *values);
    return t;
}

/* "Conv x,w,b y": operator, inputs, output. */
pb onnx_node(const char *text)
{
    char operator_name[64], inputs[128], output[64];
    pb n = pb_new();
    if (sscanf(text, "%63s %127s %63s", operator_name, inputs, output) != 3)
        abort();
    for (char *save = NULL, *name = strtok_r(inputs, ",", &save); name != NULL;
         name = strtok_r(NULL, ",", &save))
        pb_text(&n, 1, name);
    pb_text(&n, 2, output);
    pb_text(&n, 4, operator_name);
    return n;
}

pb onnx_with_ints(pb n, const char *name, int count, const int64_t *values)
{
    pb a = pb_new();
    pb_text(&a, 1, name);
    for (int i = 0; i < count; i++)
        pb_int(&a, 8, values[i]);
    pb_put(&n, 5, a);
    return n;
}

pb onnx_with_int(pb n, const char *name, int64_t value)
{
    pb a = pb_new();
    pb_text(&a, 1, name);
    pb_int(&a, 3, value);
    pb_put(&n, 5, a);
    return n;
}

/* Extents of 0 are open. */
pb onnx_value_info(const char *name, int type, int rank, const int64_t *dims)
{
    pb info = pb_new(), value = pb_new(), shape = pb_new(), wrapped = pb_new();
    for (int i = 0; i < rank; i++) {
        pb dim = pb_new();
        if (dims[i] > 0)
            pb_int(&dim, 1, dims[i]);
        else
            pb_text(&dim, 2, "any");
        pb_put(&shape, 1, dim);
    }
    pb_int(&value, 1, type);
    pb_put(&value, 2, shape);
    pb_put(&wrapped, 1, value);
    pb_text(&info, 1, name);
    pb_put(&info, 2, wrapped);
    return info;
}

onnx_model onnx_begin(void)
{
    return (onnx_model){.input = {0, 1, 4, 4}, .output = "y", .opset = 13};
}

void onnx_put_node(onnx_model *m, pb n)
{
    pb_put(&m->graph, 1, n);
}

void onnx_put_tensor(onnx_model *m, pb t)
{
    pb_put(&m->graph, 5, t);
}

/* Conv, Relu, Flatten, Gemm. */
onnx_model onnx_small(void)
{
    onnx_model m = onnx_begin();
    onnx_put_node(&m, onnx_node("Conv x,w,b c"));
    onnx_put_node(&m, onnx_node("Relu c r"));
    onnx_put_node(&m, onnx_node("Flatten r f"));
    onnx_put_node(&m, onnx_with_int(onnx_node("Gemm f,d,e y"), "transB", 1));
    onnx_put_tensor(&m, onnx_counting("w", ONNX_DIMS(2, 1, 3, 3)));
    onnx_put_tensor(&m, onnx_counting("b", ONNX_DIMS(2)));
    onnx_put_tensor(&m, onnx_counting("d", ONNX_DIMS(3, 8)));
    onnx_put_tensor(&m, onnx_counting("e", ONNX_DIMS(3)));
    return m;
}

const char *onnx_write(onnx_model m)
{
    pb whole = pb_new(), set = pb_new();
    pb_int(&whole, 1, 8);
    pb_text(&whole, 2, "test");
    pb_put(&m.graph, 11, onnx_value_info("x", ONNX_FLOAT, 4, m.input));
    pb_put(&m.graph, 12, onnx_value_info(m.output, ONNX_FLOAT, 2, (int64_t[]){0, 3}));
    pb_put(&whole, 7, m.graph);
    pb_int(&set, 2, m.opset);
    if (m.opset > 0)
        pb_put(&whole, 8, set);
    else
        pb_free(&set);
    const char *path = temp_path("model.onnx");
    file_write(path, whole.bytes, whole.length);
    pb_free(&whole);
    return path;
}
