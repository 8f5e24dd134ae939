/* tests/unit/test_weights_onnx.c — ONNX models made by hand: what is read of them, what is refused
 * and how; and the exporters' own files, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph/graph.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/protobuf.h"
#include "tensor/dtype.h"
#include "weights/weights.h"

#ifdef CLVGG_HAVE_PROTOBUF_C

enum { FLOAT = 1, INT64 = 7, FLOAT16 = 10, DOUBLE = 11 };

/* ---- making models ---- */

static pb tensor(const char *name, int type, int rank, const int64_t *dims)
{
    pb t = pb_new();
    for (int i = 0; i < rank; i++)
        pb_int(&t, 1, dims[i]);
    pb_int(&t, 2, type);
    pb_text(&t, 8, name);
    return t;
}
#define DIMS(...)                                                                                  \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[])                         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* A tensor of 0, 1, 2 … as raw data. */
static pb counting(const char *name, int rank, const int64_t *dims)
{
    pb t = tensor(name, FLOAT, rank, dims);
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
static pb node(const char *text)
{
    char operator_name[64], inputs[128], output[64];
    pb n = pb_new();
    assert_int_equal(sscanf(text, "%63s %127s %63s", operator_name, inputs, output), 3);
    for (char *save = NULL, *name = strtok_r(inputs, ",", &save); name != NULL;
         name = strtok_r(NULL, ",", &save))
        pb_text(&n, 1, name);
    pb_text(&n, 2, output);
    pb_text(&n, 4, operator_name);
    return n;
}

static pb with_ints(pb n, const char *name, int count, const int64_t *values)
{
    pb a = pb_new();
    pb_text(&a, 1, name);
    for (int i = 0; i < count; i++)
        pb_int(&a, 8, values[i]);
    pb_put(&n, 5, a);
    return n;
}

static pb with_int(pb n, const char *name, int64_t value)
{
    pb a = pb_new();
    pb_text(&a, 1, name);
    pb_int(&a, 3, value);
    pb_put(&n, 5, a);
    return n;
}

/* Extents of 0 are open. */
static pb value_info(const char *name, int type, int rank, const int64_t *dims)
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

typedef struct model {
    pb graph;
    int64_t input[4];
    const char *output;
    int64_t opset;
} model;

static model begin(void)
{
    return (model){.input = {0, 1, 4, 4}, .output = "y", .opset = 13};
}

static void add(model *m, pb n)
{
    pb_put(&m->graph, 1, n);
}

static void hold(model *m, pb t)
{
    pb_put(&m->graph, 5, t);
}

/* Conv, Relu, Flatten, Gemm. */
static model small(void)
{
    model m = begin();
    add(&m, node("Conv x,w,b c"));
    add(&m, node("Relu c r"));
    add(&m, node("Flatten r f"));
    add(&m, with_int(node("Gemm f,d,e y"), "transB", 1));
    hold(&m, counting("w", DIMS(2, 1, 3, 3)));
    hold(&m, counting("b", DIMS(2)));
    hold(&m, counting("d", DIMS(3, 8)));
    hold(&m, counting("e", DIMS(3)));
    return m;
}

static const char *write_model(model m)
{
    pb whole = pb_new(), set = pb_new();
    pb_int(&whole, 1, 8);
    pb_text(&whole, 2, "test");
    pb_put(&m.graph, 11, value_info("x", FLOAT, 4, m.input));
    pb_put(&m.graph, 12, value_info(m.output, FLOAT, 2, (int64_t[]){0, 3}));
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

/* ---- reading them ---- */

static vgg_weights *open_file(const char *path)
{
    vgg_weights *weights = NULL;
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return weights;
}

static void assert_refused(const char *path, clvgg_status expected, const char *says)
{
    vgg_weights *weights;
    const clvgg_status status = vgg_weights_open(path, &weights);
    if (status != expected || strstr(vgg_message(), says) == NULL)
        fail_msg("%s instead of %s (%s): %s", vgg_status_name(status), vgg_status_name(expected),
                 says, status != CLVGG_STATUS_OK ? vgg_message() : "");
    assert_non_null(strstr(vgg_message(), path));
    assert_null(weights);
}

static void assert_values(const vgg_weights *weights, const char *name, int count,
                          const float *expected)
{
    float values[512];
    const vgg_tensor_entry *entry = vgg_weights_find(weights, name);
    assert_non_null(entry);
    assert_int_equal(entry->count, count);
    assert_int_equal(vgg_weights_read(weights, entry, 0, entry->count, values), CLVGG_STATUS_OK);
    for (int i = 0; i < count; i++)
        assert_true(values[i] == expected[i]);
}
#define VALUES(...)                                                                                \
    (int)(sizeof((float[]){__VA_ARGS__}) / sizeof(float)), (float[])                               \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void assert_layers(const vgg_weights *weights, const char *expected)
{
    char names[1024] = "";
    const vgg_graph *graph = vgg_weights_graph(weights);
    assert_non_null(graph);
    for (int i = 1; i < graph->count; i++) {
        strcat(names, i > 1 ? " " : "");
        strcat(names, graph->nodes[i].name);
    }
    assert_string_equal(names, expected);
}

static void a_small_network_is_read(void **state)
{
    (void)state;
    vgg_weights *weights = open_file(write_model(small()));
    const clvgg_shape *input = &vgg_weights_graph(weights)->nodes[0].output;
    assert_int_equal(input->dims[0], 1);
    assert_int_equal(input->dims[1], 4);
    assert_layers(weights, "conv1 relu1 flatten fc1 prob");
    assert_int_equal(vgg_weights_count(weights), 4);
    assert_int_equal(vgg_weights_find(weights, "conv1.weight")->shape.rank, 4);
    assert_values(weights, "conv1.bias", VALUES(0, 1));
    assert_values(weights, "fc1.bias", VALUES(0, 1, 2));
    assert_int_equal(vgg_weights_find(weights, "fc1.weight")->shape.dims[1], 8);
    vgg_weights_close(weights);
}

/* Values in fields of their type, packed or not, doubles, halves. */
static void every_element_type_is_read(void **state)
{
    (void)state;
    static const double doubles[] = {1.5, -2.0};
    static const float floats[] = {0.5f, 4.0f};
    static const uint16_t halves[] = {0x3C00, 0xC000};
    for (int kind = 0; kind < 5; kind++) {
        model m = begin();
        pb bias = tensor("b", kind == 4 ? FLOAT16 : kind >= 2 ? DOUBLE : FLOAT, DIMS(2));
        add(&m, node("Conv x,w,b y"));
        hold(&m, counting("w", DIMS(2, 1, 3, 3)));
        if (kind == 0) {
            pb_bytes(&bias, 4, floats, sizeof floats);
        } else if (kind == 1) {
            pb_float(&bias, 4, 0.5f);
            pb_float(&bias, 4, 4.0f);
        } else {
            pb_bytes(&bias, kind == 2 ? 10 : 9, kind == 4 ? (const void *)halves : doubles,
                     kind == 4 ? sizeof halves : sizeof doubles);
        }
        hold(&m, bias);
        vgg_weights *weights = open_file(write_model(m));
        if (kind < 2)
            assert_values(weights, "conv1.bias", VALUES(0.5f, 4.0f));
        else if (kind < 4)
            assert_values(weights, "conv1.bias", VALUES(1.5f, -2.0f));
        else
            assert_int_equal(vgg_weights_find(weights, "conv1.bias")->dtype, CLVGG_DTYPE_F16);
        vgg_weights_close(weights);
    }
}

/* Height, width, channels: the dense layer's inputs are counted in that order. */
static void features_of_another_order_are_put_in_ours(void **state)
{
    (void)state;
    model m = begin();
    memcpy(m.input, (int64_t[]){0, 1, 2, 2}, sizeof m.input);
    add(&m, with_ints(node("Transpose x t"), "perm", DIMS(0, 3, 1, 2)));
    add(&m, with_ints(node("MaxPool t p"), "kernel_shape", DIMS(1, 1)));
    add(&m, with_ints(node("Transpose p u"), "perm", DIMS(0, 2, 3, 1)));
    add(&m, node("Reshape u,s f"));
    add(&m, node("MatMul f,d g"));
    add(&m, node("Add g,e y"));
    pb shape = tensor("s", INT64, DIMS(2));
    pb_bytes(&shape, 9, (int64_t[]){-1, 4}, 16);
    hold(&m, shape);
    hold(&m, counting("d", DIMS(4, 2)));
    hold(&m, counting("e", DIMS(1, 2)));
    vgg_weights *weights = open_file(write_model(m));
    /* The input is [N, 1, 2, 2] as height 1, width 2, channels 2. Feature w·2 + c of the file is
     * c·2 + w here; its weight for output o is 2·feature + o. */
    assert_int_equal(vgg_weights_graph(weights)->nodes[0].output.dims[0], 2);
    assert_values(weights, "fc1.weight", VALUES(0, 4, 2, 6, 1, 5, 3, 7));
    assert_values(weights, "fc1.bias", VALUES(0, 1));
    vgg_weights_close(weights);
}

/* x − mean, times scale, plus offset: one batch norm. A sum behind a convolution is its bias. */
static void arithmetic_becomes_batch_norm(void **state)
{
    (void)state;
    model m = begin();
    add(&m, node("Conv x,w c"));
    add(&m, node("Add c,b d"));
    add(&m, node("Sub d,b e"));
    add(&m, node("Mul e,b f"));
    add(&m, node("Add b,f g"));
    add(&m, node("Mul g,b y"));
    hold(&m, counting("w", DIMS(2, 1, 3, 3)));
    hold(&m, counting("b", DIMS(2, 1, 1)));
    vgg_weights *weights = open_file(write_model(m));
    assert_layers(weights, "conv1 bn1 bn2");
    assert_values(weights, "conv1.bias", VALUES(0, 1));
    assert_values(weights, "bn1.running_mean", VALUES(0, 1));
    assert_values(weights, "bn1.weight", VALUES(0, 1));
    assert_values(weights, "bn1.bias", VALUES(0, 1));
    assert_values(weights, "bn1.running_var", VALUES(1, 1));
    assert_values(weights, "bn2.running_mean", VALUES(0, 0));
    assert_values(weights, "bn2.weight", VALUES(0, 1));
    vgg_weights_close(weights);
}

static void an_open_size_is_found(void **state)
{
    (void)state;
    model m = begin();
    memset(m.input + 2, 0, 2 * sizeof *m.input);
    add(&m, node("GlobalAveragePool x p"));
    add(&m, node("Flatten p f"));
    add(&m, with_int(node("Gemm f,d y"), "transB", 1));
    hold(&m, counting("d", DIMS(3, 1)));
    vgg_weights *weights = open_file(write_model(m));
    assert_int_equal(vgg_weights_graph(weights)->nodes[0].output.dims[2], 224);
    vgg_weights_close(weights);
    m = begin();
    memset(m.input + 2, 0, 2 * sizeof *m.input);
    add(&m, with_ints(with_ints(node("MaxPool x p"), "kernel_shape", DIMS(32, 32)), "strides",
                      DIMS(32, 32)));
    add(&m, node("Flatten p f"));
    add(&m, with_int(node("Gemm f,d y"), "transB", 1));
    hold(&m, counting("d", DIMS(3, 9)));
    weights = open_file(write_model(m));
    assert_int_equal(vgg_weights_graph(weights)->nodes[0].output.dims[2], 96);
    vgg_weights_close(weights);
    m = small();
    memset(m.input + 2, 0, 2 * sizeof *m.input);
    assert_refused(write_model(m), CLVGG_STATUS_SHAPE_MISMATCH,
                   "takes 8 features, an input of 224 x 224 leaves 98568");
}

/* ---- values outside ---- */

static pb entry(const char *key, const char *value)
{
    pb e = pb_new();
    pb_text(&e, 1, key);
    pb_text(&e, 2, value);
    return e;
}

static const char *write_external(const char *location, const char *offset, const char *length)
{
    model m = begin();
    pb bias = tensor("b", FLOAT, DIMS(2));
    pb_int(&bias, 14, 1);
    pb_put(&bias, 13, entry("location", location));
    if (offset != NULL)
        pb_put(&bias, 13, entry("offset", offset));
    if (length != NULL)
        pb_put(&bias, 13, entry("length", length));
    add(&m, node("Conv x,w,b y"));
    hold(&m, counting("w", DIMS(2, 1, 3, 3)));
    hold(&m, bias);
    return write_model(m);
}

static void values_beside_the_model_are_read(void **state)
{
    (void)state;
    static const float values[] = {9, 1, 2};
    file_write_deep(temp_path("part/values"), values, sizeof values);
    vgg_weights *weights = open_file(write_external("part/values", "4", "8"));
    assert_values(weights, "conv1.bias", VALUES(1, 2));
    vgg_weights_close(weights);
    weights = open_file(write_external("./part//values", NULL, NULL));
    assert_values(weights, "conv1.bias", VALUES(9, 1));
    vgg_weights_close(weights);
    static const struct {
        const char *location, *offset, *length, *says;
    } cases[] = {
        {"part/values", "8", "8", "8 bytes at 8 of \"part/values\", which has 12"},
        {"part/values", "18446744073709551608", "8", "is no number"},
        {"part/values", "999999999999999999", NULL, "8 bytes at 999999999999999999"},
        {"part/values", "-4", NULL, "is no number"},
        {"part/values", "", NULL, "is no number"},
        {"part/values", "0", "12", "has 12 bytes outside, its shape asks for 8"},
        {"../values", NULL, NULL, "isn't a path inside of the model's folder"},
        {"part/../../values", NULL, NULL, "isn't a path inside of the model's folder"},
        {"part/..", NULL, NULL, "isn't a path inside of the model's folder"},
        {"/etc/passwd", NULL, NULL, "isn't a path inside of the model's folder"},
        {"", NULL, NULL, "isn't a path inside of the model's folder"},
        {"link", NULL, NULL, "a link out of the model's folder"},
        {"folder/passwd", NULL, NULL, "a link out of the model's folder"},
    };
    assert_int_equal(symlink("/etc/passwd", temp_path("link")), 0);
    assert_int_equal(symlink("/etc", temp_path("folder")), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(write_external(cases[i].location, cases[i].offset, cases[i].length),
                       CLVGG_STATUS_BAD_FILE, cases[i].says);
    assert_refused(write_external("none", NULL, NULL), CLVGG_STATUS_NOT_FOUND,
                   "lie in \"none\" beside the model");
}

/* ---- refusals ---- */

static model one(pb n)
{
    model m = begin();
    add(&m, n);
    hold(&m, counting("w", DIMS(2, 1, 3, 3)));
    hold(&m, counting("b", DIMS(2)));
    return m;
}

static void what_is_no_layer_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *node, *says;
    } cases[] = {
        {"Clip x y", "node 'y' (Clip): no layer does what this operator does"},
        {"QLinearConv x,w y", "node 'y' (QLinearConv): the model is quantised"},
        {"DequantizeLinear x y", "(DequantizeLinear): the model is quantised"},
        {"nn.Conv2d x,b,w y", "is pnnx's own file, which isn't ONNX (operator nn.Conv2d)"},
        {"Add x,x y", "the network branches here"},
        {"Conv x,none y", "its input 'none' isn't a tensor of the file"},
        {"MatMul x,b y", "multiplies an image that wasn't flattened"},
        {"Sub b,x y", "subtracts the value from a constant"},
        {"Softmax x y", "isn't over the classes of an image"},
        {"Transpose x y", "perm isn't an order of four axes"},
        {"ReduceMean x y", "is over other axes than height and width"},
        {"Squeeze x y", "other axes than a height and width of 1"},
        {"Reshape x,b y", "isn't of integers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vgg_weights *weights;
        const char *path = write_model(one(node(cases[i].node)));
        assert_int_not_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
        if (strstr(vgg_message(), cases[i].says) == NULL)
            fail_msg("\"%s\" isn't in \"%s\"", cases[i].says, vgg_message());
    }
    model m = one(node("Conv x,w,b y"));
    m.opset = 0;
    assert_refused(write_model(m), CLVGG_STATUS_BAD_FILE, "states no version");
    m = one(node("Conv x,w,b y"));
    m.output = "z";
    assert_refused(write_model(m), CLVGG_STATUS_UNSUPPORTED, "which is no output of the model");
    m = one(node("Conv x,w,b y"));
    pb_put(&m.graph, 11, value_info("second", FLOAT, 4, m.input));
    assert_refused(write_model(m), CLVGG_STATUS_UNSUPPORTED, "has two inputs");
}

static void shapes_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t dims[4];
        int type;
        const char *says;
    } cases[] = {
        {{1000, 1000, 1000, 1}, FLOAT, "72 bytes can't be [1000, 1000, 1000, 1]"},
        {{1LL << 40, 1LL << 40, 3, 3}, FLOAT, "negative or their product overflows"},
        {{-2, 1, 3, 3}, FLOAT, "negative or their product overflows"},
        {{1LL << 61, 1, 1, 1}, FLOAT, "negative or their product overflows"},
        {{2, 1, 3, 2}, FLOAT, "72 bytes can't be [2, 1, 3, 2]"},
        {{2, 1, 3, 3}, DOUBLE, "72 bytes can't be [2, 1, 3, 3]"},
        {{2, 1, 3, 3}, 3, "has elements of ONNX's type 3"},
        {{1, 2, 3, 3}, FLOAT, "takes 2 channels, 1 come in"},
        {{0, 1, 3, 3}, FLOAT, "72 bytes can't be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        model m = begin();
        pb w = tensor("w", cases[i].type, 4, cases[i].dims);
        pb_bytes(&w, 9, (float[18]){0}, 72);
        add(&m, node("Conv x,w y"));
        hold(&m, w);
        vgg_weights *weights;
        assert_int_not_equal(vgg_weights_open(write_model(m), &weights), CLVGG_STATUS_OK);
        if (strstr(vgg_message(), cases[i].says) == NULL)
            fail_msg("\"%s\" isn't in \"%s\"", cases[i].says, vgg_message());
    }
}

/* Circles on the path, among weights and among shapes; shapes that double. */
static void circles_and_bombs_end(void **state)
{
    (void)state;
    model m = begin();
    add(&m, node("Relu x,b a"));
    add(&m, node("Relu a x"));
    assert_refused(write_model(m), CLVGG_STATUS_BAD_FILE, "gives the value of the input 'x'");
    m = begin();
    add(&m, node("Relu x a"));
    add(&m, node("Sum a,d c"));
    add(&m, node("Relu c d"));
    assert_refused(write_model(m), CLVGG_STATUS_UNSUPPORTED, "(Sum): no layer");
    m = begin();
    add(&m, node("Conv x,p y"));
    add(&m, node("Identity q p"));
    add(&m, node("Identity p q"));
    assert_refused(write_model(m), CLVGG_STATUS_UNSUPPORTED, "its input 'p' isn't a tensor");
    m = begin();
    add(&m, node("Reshape x,p y"));
    add(&m, node("Cast q p"));
    add(&m, node("Cast p q"));
    assert_refused(write_model(m), CLVGG_STATUS_UNSUPPORTED, "takes too many nodes to compute");
    m = begin();
    add(&m, node("Reshape x,s20 y"));
    for (int i = 20; i > 0; i--) {
        char text[64];
        snprintf(text, sizeof text, "Mul s%d,s%d s%d", i - 1, i - 1, i);
        add(&m, node(text));
    }
    pb s = tensor("s0", INT64, DIMS(1));
    pb_bytes(&s, 9, (int64_t[]){1}, 8);
    hold(&m, s);
    assert_refused(write_model(m), CLVGG_STATUS_UNSUPPORTED, "takes too many nodes to compute");
    m = one(node("Conv x,w,b y"));
    add(&m, node("Relu x y"));
    assert_refused(write_model(m), CLVGG_STATUS_BAD_FILE, "two nodes give the value 'y'");
    m = one(node("Conv x,w,b y"));
    hold(&m, counting("w", DIMS(2)));
    assert_refused(write_model(m), CLVGG_STATUS_BAD_FILE, "two tensors named 'w'");
}

/* ---- damage ---- */

/* Opened and read in full, or refused. */
static bool opens(const char *path)
{
    vgg_weights *weights;
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        return false;
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *e = vgg_weights_entry(weights, i);
        assert_true(e->count < 1 << 20);
        void *values = malloc((size_t)e->count * vgg_dtype_bytes(e->dtype) + 1);
        assert_int_equal(vgg_weights_read(weights, e, 0, e->count, values), CLVGG_STATUS_OK);
        free(values);
    }
    vgg_weights_close(weights);
    return true;
}

static void truncation_at_every_byte_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"torch_dynamo.onnx", "torch_dynamo.onnx.data"};
    char *content[2], *paths[2];
    size_t sizes[2];
    for (int i = 0; i < 2; i++) {
        char from[1024];
        snprintf(from, sizeof from, TEST_DATA "/formats/vgg11_bn/%s", files[i]);
        content[i] = file_read(from, &sizes[i]);
        paths[i] = strdup(temp_path(files[i]));
        file_write(paths[i], content[i], sizes[i]);
    }
    assert_true(opens(paths[0]));
    for (size_t bytes = 0; bytes < sizes[0]; bytes++) {
        file_write(paths[0], content[0], bytes);
        assert_false(opens(paths[0]));
    }
    file_write(paths[0], content[0], sizes[0]);
    for (size_t bytes = 0; bytes < sizes[1]; bytes += bytes + 100 < sizes[1] ? 97 : 1) {
        file_write(paths[1], content[1], bytes);
        assert_false(opens(paths[0]));
    }
    for (int i = 0; i < 2; i++) {
        free(content[i]);
        free(paths[i]);
    }
}

static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    static const unsigned char replacements[] = {0, 1, 2, 7, 8, 0x0A, 0x12, 0x7F, 0x80, 0xFF};
    size_t size, opened = 0;
    char *path = strdup(write_model(small()));
    char *content = file_read(path, &size);
    for (size_t at = 0; at < size; at++) {
        for (size_t r = 0; r < sizeof replacements; r++) {
            const char kept = content[at];
            content[at] = (char)replacements[r];
            file_write(path, content, size);
            content[at] = kept;
            opened += opens(path);
        }
    }
    assert_in_range(opened, 1, size * sizeof replacements - 1);
    free(content);
    free(path);
}

static clvgg_status open_and_close(void *path)
{
    vgg_weights *weights = NULL;
    const clvgg_status status = vgg_weights_open(path, &weights);
    vgg_weights_close(weights);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char *path = strdup(write_model(small()));
    assert_true(failing_allocator_sweep(open_and_close, path) >= 50);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_network_is_read),
        cmocka_unit_test(every_element_type_is_read),
        cmocka_unit_test(features_of_another_order_are_put_in_ours),
        cmocka_unit_test(arithmetic_becomes_batch_norm),
        cmocka_unit_test(an_open_size_is_found),
        cmocka_unit_test(values_beside_the_model_are_read),
        cmocka_unit_test(what_is_no_layer_is_refused_by_name),
        cmocka_unit_test(shapes_that_lie_are_refused),
        cmocka_unit_test(circles_and_bombs_end),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

#else

int main(void)
{
    return 0;
}

#endif
