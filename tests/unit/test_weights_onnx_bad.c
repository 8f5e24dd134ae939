/* tests/unit/test_weights_onnx_bad.c — ONNX models that are refused, and how: operators that are no
 * layers, shapes that lie, circles, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/onnx_model.h"
#include "tensor/dtype.h"
#include "weights/weights.h"

#ifdef CLVGG_HAVE_PROTOBUF_C

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

/* ---- refusals ---- */

static onnx_model one(pb n)
{
    onnx_model m = onnx_begin();
    onnx_put_node(&m, n);
    onnx_put_tensor(&m, onnx_counting("w", ONNX_DIMS(2, 1, 3, 3)));
    onnx_put_tensor(&m, onnx_counting("b", ONNX_DIMS(2)));
    return m;
}

/* Up to the probabilities, s. */
static onnx_model classes(void)
{
    onnx_model m = onnx_begin();
    onnx_put_node(&m, onnx_node("Flatten x f"));
    onnx_put_node(&m, onnx_with_int(onnx_node("Gemm f,d c"), "transB", 1));
    onnx_put_node(&m, onnx_with_int(onnx_node("Softmax c s"), "axis", 1));
    onnx_put_tensor(&m, onnx_counting("d", ONNX_DIMS(3, 16)));
    return m;
}

static void what_is_no_layer_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *node, *says;
    } cases[] = {
        {"Elu x y", "node 'y' (Elu): no layer does what this operator does"},
        {"Clip x y", "node 'y' (Clip): clips to -3.40282e+38 … 3.40282e+38; 0 without"},
        {"Div b,x y", "node 'y' (Div): divides a constant by the value"},
        {"LRN x y", "node 'y' (LRN): local_response_norm 'layer 1': size is 0, must"},
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
        const char *path = onnx_write(one(onnx_node(cases[i].node)));
        assert_int_not_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
        if (strstr(vgg_message(), cases[i].says) == NULL)
            fail_msg("\"%s\" isn't in \"%s\"", cases[i].says, vgg_message());
    }
    onnx_model m =
        one(onnx_with_ints(onnx_node("Conv x,w,b y"), "pads", ONNX_DIMS(INT64_MAX, 1, 1, 1)));
    assert_refused(onnx_write(m), CLVGG_STATUS_BAD_FILE, "pads must be 0 or more, and small");
    m = one(onnx_with_int(onnx_node("LRN x y"), "size", 4));
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED, "windows of an even number");
    m = one(onnx_node("Conv x,w,b y"));
    m.opset = 0;
    assert_refused(onnx_write(m), CLVGG_STATUS_BAD_FILE, "states no version");
    m = one(onnx_node("Conv x,w,b y"));
    m.output = "z";
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED, "which is no output of the model");
    m = one(onnx_node("Conv x,w,b y"));
    pb_put(&m.graph, 11, onnx_value_info("second", ONNX_FLOAT, 4, m.input));
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED, "has two inputs");
    m = classes();
    onnx_put_node(&m, onnx_with_int(onnx_node("Cast s y"), "to", ONNX_INT64));
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED, "(Cast): makes ONNX's type 7");
    m = classes();
    onnx_put_node(&m, onnx_with_int(onnx_node("ArgMax s a"), "axis", 1));
    onnx_put_node(&m, onnx_with_int(onnx_node("ArgMax a y"), "axis", 1));
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED, "(ArgMax): follows a Softmax");
}

static void shapes_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t dims[4];
        int type;
        const char *says;
    } cases[] = {
        {{1000, 1000, 1000, 1}, ONNX_FLOAT, "72 bytes can't be [1000, 1000, 1000, 1]"},
        {{1LL << 40, 1LL << 40, 3, 3}, ONNX_FLOAT, "negative or their product overflows"},
        {{-2, 1, 3, 3}, ONNX_FLOAT, "negative or their product overflows"},
        {{1LL << 61, 1, 1, 1}, ONNX_FLOAT, "negative or their product overflows"},
        {{2, 1, 3, 2}, ONNX_FLOAT, "72 bytes can't be [2, 1, 3, 2]"},
        {{2, 1, 3, 3}, ONNX_DOUBLE, "72 bytes can't be [2, 1, 3, 3]"},
        {{2, 1, 3, 3}, 3, "has elements of ONNX's type 3"},
        {{1, 2, 3, 3}, ONNX_FLOAT, "takes 2 channels, 1 come in"},
        {{0, 1, 3, 3}, ONNX_FLOAT, "72 bytes can't be"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        onnx_model m = onnx_begin();
        pb w = onnx_tensor("w", cases[i].type, 4, cases[i].dims);
        pb_bytes(&w, 9, (float[18]){0}, 72);
        onnx_put_node(&m, onnx_node("Conv x,w y"));
        onnx_put_tensor(&m, w);
        vgg_weights *weights;
        assert_int_not_equal(vgg_weights_open(onnx_write(m), &weights), CLVGG_STATUS_OK);
        if (strstr(vgg_message(), cases[i].says) == NULL)
            fail_msg("\"%s\" isn't in \"%s\"", cases[i].says, vgg_message());
    }
}

/* Circles on the path, among weights and among shapes; shapes that double. */
static void circles_and_bombs_end(void **state)
{
    (void)state;
    onnx_model m = onnx_begin();
    for (int i = 0; i <= 8192; i++)
        onnx_put_node(&m, onnx_node("Identity x y"));
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED,
                   "has 8193 nodes; networks of up to 8192 are read");
    m = onnx_begin();
    onnx_put_node(&m, onnx_node("Relu x,b a"));
    onnx_put_node(&m, onnx_node("Relu a x"));
    assert_refused(onnx_write(m), CLVGG_STATUS_BAD_FILE, "gives the value of the input 'x'");
    m = onnx_begin();
    onnx_put_node(&m, onnx_node("Relu x a"));
    onnx_put_node(&m, onnx_node("Sum a,d c"));
    onnx_put_node(&m, onnx_node("Relu c d"));
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED, "(Sum): no layer");
    m = onnx_begin();
    onnx_put_node(&m, onnx_node("Conv x,p y"));
    onnx_put_node(&m, onnx_node("Identity q p"));
    onnx_put_node(&m, onnx_node("Identity p q"));
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED, "its input 'p' isn't a tensor");
    m = onnx_begin();
    onnx_put_node(&m, onnx_node("Reshape x,p y"));
    onnx_put_node(&m, onnx_node("Cast q p"));
    onnx_put_node(&m, onnx_node("Cast p q"));
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED, "takes too many nodes to compute");
    m = onnx_begin();
    onnx_put_node(&m, onnx_node("Reshape x,s20 y"));
    for (int i = 20; i > 0; i--) {
        char text[64];
        snprintf(text, sizeof text, "Mul s%d,s%d s%d", i - 1, i - 1, i);
        onnx_put_node(&m, onnx_node(text));
    }
    pb s = onnx_tensor("s0", ONNX_INT64, ONNX_DIMS(1));
    pb_bytes(&s, 9, (int64_t[]){1}, 8);
    onnx_put_tensor(&m, s);
    assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED, "takes too many nodes to compute");
    m = one(onnx_node("Conv x,w,b y"));
    onnx_put_node(&m, onnx_node("Relu x y"));
    assert_refused(onnx_write(m), CLVGG_STATUS_BAD_FILE, "two nodes give the value 'y'");
    m = one(onnx_node("Conv x,w,b y"));
    onnx_put_tensor(&m, onnx_counting("w", ONNX_DIMS(2)));
    assert_refused(onnx_write(m), CLVGG_STATUS_BAD_FILE, "two tensors named 'w'");
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
    char *path = strdup(onnx_write(onnx_small()));
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
    char *path = strdup(onnx_write(onnx_small()));
    assert_true(failing_allocator_sweep(open_and_close, path) >= 50);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
