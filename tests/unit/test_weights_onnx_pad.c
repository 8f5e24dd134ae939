/* unit/test_weights_onnx_pad.c — ONNX's Pad, taken into the convolution or pooling behind it.
 */
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

static pb with_float(pb n, const char *name, float value)
{
    pb a = pb_new();
    pb_text(&a, 1, name);
    pb_float(&a, 2, value);
    pb_put(&n, 5, a);
    return n;
}

static pb with_text(pb n, const char *name, const char *value)
{
    pb a = pb_new();
    pb_text(&a, 1, name);
    pb_text(&a, 4, value);
    pb_put(&n, 5, a);
    return n;
}

/* Zeros around an image that has been through a ReLU are no maximum, and -inf is none at all. */
static void values_in_front_of_a_pooling(void **state)
{
    (void)state;
    static const char *const before[] = {"Relu", "Tanh", "Tanh"};
    static const float fills[] = {0.0f, -INFINITY, 0.0f};
    for (int i = 0; i < 3; i++) {
        char text[32];
        onnx_model m = onnx_begin();
        m.opset = 9;
        snprintf(text, sizeof text, "%s x c", before[i]);
        onnx_put_node(&m, onnx_node(text));
        onnx_put_node(&m, with_float(onnx_with_ints(onnx_node("Pad c d"), "pads",
                                                    ONNX_DIMS(0, 0, 0, 0, 0, 0, 1, 1)),
                                     "value", fills[i]));
        onnx_put_node(&m, onnx_with_ints(onnx_with_ints(onnx_node("MaxPool d y"), "kernel_shape",
                                                        ONNX_DIMS(3, 3)),
                                         "strides", ONNX_DIMS(2, 2)));
        if (i == 2) {
            assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED,
                           "node 'y' (MaxPool): follows a Pad, whose values");
            break;
        }
        vgg_weights *weights = open_file(onnx_write(m));
        const vgg_graph *graph = vgg_weights_graph(weights);
        assert_int_equal(graph->count, 3);
        assert_int_equal(graph->nodes[2].output.dims[1], 2);
        assert_int_equal(graph->nodes[2].attributes.pool.pad[0], 0);
        assert_int_equal(graph->nodes[2].attributes.pool.pad[3], 1);
        vgg_weights_close(weights);
    }
}

/* Of an image of 4 x 4 with one more row and column in front, what "same" adds is counted from 5.
 */
static void values_in_front_of_padding_called_same(void **state)
{
    (void)state;
    onnx_model m = onnx_begin();
    m.opset = 9;
    onnx_put_node(&m,
                  onnx_with_ints(onnx_node("Pad x c"), "pads", ONNX_DIMS(0, 0, 1, 1, 0, 0, 0, 0)));
    onnx_put_node(&m, with_text(onnx_with_ints(onnx_node("Conv c,w y"), "strides", ONNX_DIMS(2, 2)),
                                "auto_pad", "SAME_UPPER"));
    onnx_put_tensor(&m, onnx_counting("w", ONNX_DIMS(2, 1, 3, 3)));
    vgg_weights *weights = open_file(onnx_write(m));
    const vgg_node *conv = &vgg_weights_graph(weights)->nodes[1];
    const int64_t pad[4] = {2, 2, 1, 1}; /* the Pad's 1, and 1 on each side for 3 outputs of 5 */
    assert_int_equal(conv->output.dims[1], 3);
    assert_memory_equal(conv->attributes.conv.pad, pad, sizeof pad);
    vgg_weights_close(weights);
}

/* A last window that begins in what the Pad put there counts in ONNX, and wouldn't in clvgg. */
static void values_in_front_of_a_rounded_pooling(void **state)
{
    (void)state;
    for (int after = 1; after <= 2; after++) {
        onnx_model m = onnx_begin();
        m.opset = 9;
        onnx_put_node(&m, onnx_node("Relu x c"));
        onnx_put_node(&m, onnx_with_ints(onnx_node("Pad c d"), "pads",
                                         ONNX_DIMS(0, 0, 0, 0, 0, 0, after, after)));
        pb n = onnx_with_ints(onnx_node("MaxPool d y"), "kernel_shape", ONNX_DIMS(3, 3));
        onnx_put_node(&m,
                      onnx_with_int(onnx_with_ints(n, "strides", ONNX_DIMS(2, 2)), "ceil_mode", 1));
        if (after == 2) {
            assert_refused(onnx_write(m), CLVGG_STATUS_UNSUPPORTED,
                           "node 'y' (MaxPool): follows a Pad, and rounds its output's extent up");
            break;
        }
        vgg_weights *weights = open_file(onnx_write(m));
        assert_int_equal(vgg_weights_graph(weights)->nodes[2].output.dims[1], 2);
        vgg_weights_close(weights);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_in_front_of_a_pooling),
        cmocka_unit_test(values_in_front_of_padding_called_same),
        cmocka_unit_test(values_in_front_of_a_rounded_pooling),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

#else

int main(void)
{
    return 0;
}

#endif
