/* tests/unit/test_weights_onnx.c — ONNX models made by hand: what is read of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph/graph.h"
#include "support/files.h"
#include "support/onnx_model.h"
#include "weights/weights.h"

#ifdef CLVGG_HAVE_PROTOBUF_C

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
    vgg_weights *weights = open_file(onnx_write(onnx_small()));
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
        onnx_model m = onnx_begin();
        pb bias = onnx_tensor("b",
                              kind == 4   ? ONNX_FLOAT16
                              : kind >= 2 ? ONNX_DOUBLE
                                          : ONNX_FLOAT,
                              ONNX_DIMS(2));
        onnx_put_node(&m, onnx_node("Conv x,w,b y"));
        onnx_put_tensor(&m, onnx_counting("w", ONNX_DIMS(2, 1, 3, 3)));
        if (kind == 0) {
            pb_bytes(&bias, 4, floats, sizeof floats);
        } else if (kind == 1) {
            pb_float(&bias, 4, 0.5f);
            pb_float(&bias, 4, 4.0f);
        } else {
            pb_bytes(&bias, kind == 2 ? 10 : 9, kind == 4 ? (const void *)halves : doubles,
                     kind == 4 ? sizeof halves : sizeof doubles);
        }
        onnx_put_tensor(&m, bias);
        vgg_weights *weights = open_file(onnx_write(m));
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
    onnx_model m = onnx_begin();
    memcpy(m.input, (int64_t[]){0, 1, 2, 2}, sizeof m.input);
    onnx_put_node(&m, onnx_with_ints(onnx_node("Transpose x t"), "perm", ONNX_DIMS(0, 3, 1, 2)));
    onnx_put_node(&m, onnx_with_ints(onnx_node("MaxPool t p"), "kernel_shape", ONNX_DIMS(1, 1)));
    onnx_put_node(&m, onnx_with_ints(onnx_node("Transpose p u"), "perm", ONNX_DIMS(0, 2, 3, 1)));
    onnx_put_node(&m, onnx_node("Reshape u,s f"));
    onnx_put_node(&m, onnx_node("MatMul f,d g"));
    onnx_put_node(&m, onnx_node("Add g,e y"));
    pb shape = onnx_tensor("s", ONNX_INT64, ONNX_DIMS(2));
    pb_bytes(&shape, 9, (int64_t[]){-1, 4}, 16);
    onnx_put_tensor(&m, shape);
    onnx_put_tensor(&m, onnx_counting("d", ONNX_DIMS(4, 2)));
    onnx_put_tensor(&m, onnx_counting("e", ONNX_DIMS(1, 2)));
    vgg_weights *weights = open_file(onnx_write(m));
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
    onnx_model m = onnx_begin();
    onnx_put_node(&m, onnx_node("Conv x,w c"));
    onnx_put_node(&m, onnx_node("Add c,b d"));
    onnx_put_node(&m, onnx_node("Sub d,b e"));
    onnx_put_node(&m, onnx_node("Mul e,b f"));
    onnx_put_node(&m, onnx_node("Add b,f g"));
    onnx_put_node(&m, onnx_node("Mul g,b y"));
    onnx_put_tensor(&m, onnx_counting("w", ONNX_DIMS(2, 1, 3, 3)));
    onnx_put_tensor(&m, onnx_counting("b", ONNX_DIMS(2, 1, 1)));
    vgg_weights *weights = open_file(onnx_write(m));
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

/* (x − mean) / deviation, as models prepare photographs by themselves. */
static void division_is_read(void **state)
{
    (void)state;
    onnx_model m = onnx_begin();
    onnx_put_node(&m, onnx_node("Conv x,w c"));
    onnx_put_node(&m, onnx_node("Relu c r"));
    onnx_put_node(&m, onnx_node("Sub r,b d"));
    onnx_put_node(&m, onnx_node("Div d,s y"));
    onnx_put_tensor(&m, onnx_counting("w", ONNX_DIMS(2, 1, 3, 3)));
    onnx_put_tensor(&m, onnx_counting("b", ONNX_DIMS(2, 1, 1)));
    pb s = onnx_tensor("s", ONNX_FLOAT, ONNX_DIMS(1, 2, 1, 1));
    pb_bytes(&s, 9, (float[]){2.0f, 0.25f}, 8);
    onnx_put_tensor(&m, s);
    vgg_weights *weights = open_file(onnx_write(m));
    assert_layers(weights, "conv1 relu1 bn1");
    assert_values(weights, "bn1.running_mean", VALUES(0, 1));
    assert_values(weights, "bn1.weight", VALUES(0.5f, 4.0f));
    vgg_weights_close(weights);
}

/* What is one layer here takes two nodes, or ends in another way than in probabilities. */
static void other_ways_to_say_it(void **state)
{
    (void)state;
    static const char *const means[] = {"ReduceMean", "ReduceMax"};
    for (int i = 0; i < 2; i++) {
        char text[32];
        onnx_model m = onnx_begin();
        onnx_put_node(&m, onnx_node("Clip x,zero c"));
        snprintf(text, sizeof text, "%s c d", means[i]);
        onnx_put_node(&m, onnx_with_ints(onnx_node(text), "axes", ONNX_DIMS(3)));
        snprintf(text, sizeof text, "%s d e", means[i]);
        onnx_put_node(&m, onnx_with_ints(onnx_node(text), "axes", ONNX_DIMS(-2)));
        onnx_put_node(&m, onnx_with_ints(onnx_node("Squeeze e f"), "axes", ONNX_DIMS(2)));
        onnx_put_node(&m, onnx_with_ints(onnx_node("Squeeze f g"), "axes", ONNX_DIMS(-1)));
        onnx_put_node(&m, onnx_with_int(onnx_node("Gemm g,d2 h"), "transB", 1));
        onnx_put_node(&m, onnx_with_int(onnx_node("ArgMax h y"), "axis", 1));
        onnx_put_tensor(&m, onnx_counting("d2", ONNX_DIMS(3, 1)));
        onnx_put_tensor(&m, onnx_counting("zero", 0, NULL));
        vgg_weights *weights = open_file(onnx_write(m));
        assert_layers(weights,
                      i == 0 ? "relu1 avgpool1 flatten fc1 prob" : "relu1 pool1 flatten fc1 prob");
        vgg_weights_close(weights);
    }
}

static void an_open_size_is_found(void **state)
{
    (void)state;
    onnx_model m = onnx_begin();
    memset(m.input + 2, 0, 2 * sizeof *m.input);
    onnx_put_node(&m, onnx_node("GlobalAveragePool x p"));
    onnx_put_node(&m, onnx_node("Flatten p f"));
    onnx_put_node(&m, onnx_with_int(onnx_node("Gemm f,d y"), "transB", 1));
    onnx_put_tensor(&m, onnx_counting("d", ONNX_DIMS(3, 1)));
    vgg_weights *weights = open_file(onnx_write(m));
    assert_int_equal(vgg_weights_graph(weights)->nodes[0].output.dims[2], 224);
    vgg_weights_close(weights);
    m = onnx_begin();
    memset(m.input + 2, 0, 2 * sizeof *m.input);
    onnx_put_node(&m, onnx_with_ints(onnx_with_ints(onnx_node("MaxPool x p"), "kernel_shape",
                                                    ONNX_DIMS(32, 32)),
                                     "strides", ONNX_DIMS(32, 32)));
    onnx_put_node(&m, onnx_node("Flatten p f"));
    onnx_put_node(&m, onnx_with_int(onnx_node("Gemm f,d y"), "transB", 1));
    onnx_put_tensor(&m, onnx_counting("d", ONNX_DIMS(3, 9)));
    weights = open_file(onnx_write(m));
    assert_int_equal(vgg_weights_graph(weights)->nodes[0].output.dims[2], 96);
    vgg_weights_close(weights);
    m = onnx_small(); /* which is made for 4 x 4 */
    memset(m.input + 2, 0, 2 * sizeof *m.input);
    weights = open_file(onnx_write(m));
    assert_int_equal(vgg_weights_graph(weights)->nodes[0].output.dims[1], 4);
    vgg_weights_close(weights);
    m = onnx_begin();
    memset(m.input + 2, 0, 2 * sizeof *m.input);
    onnx_put_node(&m, onnx_node("Reshape x,s f"));
    onnx_put_node(&m, onnx_with_int(onnx_node("Gemm f,d y"), "transB", 1));
    pb shape = onnx_tensor("s", ONNX_INT64, ONNX_DIMS(2));
    pb_bytes(&shape, 9, (int64_t[]){-1, 8}, 16);
    onnx_put_tensor(&m, shape);
    onnx_put_tensor(&m, onnx_counting("d", ONNX_DIMS(3, 8)));
    assert_refused(onnx_write(m), CLVGG_STATUS_SHAPE_MISMATCH,
                   "node 'f' (Reshape): the new shape takes 8 features, an input of 224 x 224 "
                   "leaves 50176");
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
    onnx_model m = onnx_begin();
    pb bias = onnx_tensor("b", ONNX_FLOAT, ONNX_DIMS(2));
    pb_int(&bias, 14, 1);
    pb_put(&bias, 13, entry("location", location));
    if (offset != NULL)
        pb_put(&bias, 13, entry("offset", offset));
    if (length != NULL)
        pb_put(&bias, 13, entry("length", length));
    onnx_put_node(&m, onnx_node("Conv x,w,b y"));
    onnx_put_tensor(&m, onnx_counting("w", ONNX_DIMS(2, 1, 3, 3)));
    onnx_put_tensor(&m, bias);
    return onnx_write(m);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_network_is_read),
        cmocka_unit_test(every_element_type_is_read),
        cmocka_unit_test(features_of_another_order_are_put_in_ours),
        cmocka_unit_test(arithmetic_becomes_batch_norm),
        cmocka_unit_test(division_is_read),
        cmocka_unit_test(other_ways_to_say_it),
        cmocka_unit_test(an_open_size_is_found),
        cmocka_unit_test(values_beside_the_model_are_read),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

#else

int main(void)
{
    return 0;
}

#endif
