/* unit/test_graph.c — shape rules against PyTorch's results, messages, names, the VGG family. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "graph/graph.h"
#include "graph/vgg_family.h"

/* Shapes that torch.nn.functional.conv2d gives for random attributes: c h w, k, kernel h w, stride
 * h w, dilation h w, pad top left bottom right, groups, output h w. */
static const int conv_cases[][17] = {
    {4, 14, 2, 4, 5, 1, 1, 3, 1, 2, 0, 0, 0, 2, 1, 10, 2},
    {4, 5, 4, 8, 5, 3, 3, 3, 1, 1, 2, 2, 2, 0, 2, 2, 2},
    {4, 17, 16, 8, 3, 4, 2, 3, 1, 1, 2, 1, 0, 1, 1, 9, 5},
    {4, 7, 10, 4, 2, 2, 2, 2, 2, 1, 0, 1, 1, 2, 2, 3, 6},
    {6, 9, 14, 8, 3, 4, 1, 1, 1, 1, 0, 0, 2, 0, 1, 9, 11},
    {4, 9, 10, 4, 1, 2, 2, 3, 2, 2, 0, 2, 2, 2, 2, 6, 4},
    {4, 13, 13, 8, 4, 1, 2, 3, 2, 1, 0, 0, 0, 1, 2, 4, 5},
    {6, 12, 12, 8, 4, 1, 1, 2, 2, 2, 1, 1, 0, 0, 1, 7, 7},
    {4, 16, 6, 8, 5, 1, 1, 3, 2, 1, 2, 2, 0, 2, 2, 10, 4},
    {6, 17, 12, 8, 2, 3, 1, 3, 2, 1, 2, 0, 0, 1, 1, 17, 4},
    {4, 8, 16, 4, 2, 3, 1, 2, 1, 2, 2, 1, 2, 0, 1, 11, 7},
    {4, 16, 6, 4, 4, 3, 1, 3, 2, 2, 1, 2, 0, 2, 2, 11, 2},
    {4, 17, 5, 4, 4, 2, 1, 1, 2, 1, 1, 2, 0, 2, 1, 12, 8},
    {6, 5, 2, 8, 3, 4, 3, 3, 2, 1, 2, 0, 2, 2, 2, 2, 1},
    {4, 1, 5, 4, 2, 2, 2, 3, 1, 1, 1, 2, 2, 2, 2, 2, 3},
    {6, 8, 7, 4, 3, 1, 1, 3, 2, 1, 0, 1, 1, 2, 1, 5, 4},
    {4, 17, 16, 8, 5, 2, 3, 3, 2, 1, 1, 0, 1, 0, 2, 4, 5},
    {6, 5, 15, 8, 2, 1, 2, 2, 1, 1, 0, 2, 1, 2, 1, 3, 10},
    {6, 7, 12, 8, 3, 1, 3, 2, 1, 2, 2, 1, 1, 2, 2, 3, 8},
    {4, 17, 10, 8, 5, 1, 1, 1, 1, 1, 1, 1, 0, 0, 2, 14, 11},
    {6, 9, 13, 8, 2, 5, 3, 3, 2, 2, 0, 1, 0, 2, 1, 3, 3},
    {6, 15, 17, 8, 2, 3, 2, 1, 2, 1, 0, 0, 2, 2, 1, 8, 17},
    {4, 15, 4, 4, 4, 4, 3, 2, 2, 1, 0, 1, 0, 2, 2, 3, 2},
    {4, 2, 5, 8, 1, 1, 3, 3, 2, 2, 0, 0, 0, 2, 2, 1, 3},
};

/* Shapes that max_pool2d gives: h w, kernel h w, stride h w, pad h w, ceil_mode, output h w. */
static const int pool_cases[][11] = {
    {13, 17, 3, 5, 2, 3, 0, 1, 1, 6, 6},  {9, 15, 1, 3, 3, 3, 0, 0, 1, 3, 5},
    {10, 7, 3, 2, 1, 3, 1, 0, 1, 10, 3},  {17, 7, 2, 5, 1, 1, 1, 0, 1, 18, 3},
    {2, 13, 1, 3, 3, 2, 0, 0, 0, 1, 6},   {13, 11, 4, 2, 3, 2, 0, 1, 0, 4, 6},
    {17, 5, 5, 5, 1, 2, 0, 0, 1, 13, 1},  {12, 4, 4, 4, 1, 1, 2, 2, 0, 13, 5},
    {16, 9, 1, 4, 1, 1, 0, 2, 0, 16, 10}, {9, 3, 3, 2, 2, 2, 1, 1, 0, 5, 2},
    {3, 16, 3, 1, 2, 1, 0, 0, 1, 1, 16},  {10, 5, 1, 4, 1, 4, 0, 2, 1, 10, 2},
    {7, 16, 3, 5, 3, 4, 1, 1, 0, 3, 4},   {7, 10, 1, 4, 1, 3, 0, 0, 0, 7, 3},
    {15, 9, 4, 2, 2, 1, 2, 0, 1, 9, 8},   {17, 9, 3, 2, 3, 1, 1, 0, 1, 6, 8},
    {16, 13, 1, 2, 1, 4, 0, 1, 1, 16, 4}, {5, 14, 3, 4, 3, 1, 1, 0, 1, 2, 11},
    {11, 13, 1, 2, 1, 3, 0, 1, 1, 11, 5}, {5, 8, 3, 4, 3, 2, 1, 1, 0, 2, 4},
    {13, 7, 1, 1, 4, 4, 0, 0, 1, 4, 2},   {5, 6, 4, 4, 3, 3, 1, 1, 0, 2, 2},
    {9, 13, 2, 3, 4, 4, 0, 0, 0, 2, 3},   {3, 7, 5, 4, 2, 4, 1, 1, 1, 1, 2},
    {7, 8, 1, 2, 3, 1, 0, 0, 1, 3, 7},    {7, 1, 4, 4, 4, 2, 1, 1, 1, 2, 1},
    {2, 16, 3, 5, 3, 2, 0, 0, 1, 1, 7},   {8, 13, 4, 4, 4, 3, 0, 0, 1, 2, 4},
    {16, 16, 1, 1, 4, 4, 0, 0, 0, 4, 4},  {8, 5, 2, 5, 1, 4, 0, 2, 0, 7, 2},
    {4, 4, 1, 3, 2, 4, 0, 0, 0, 2, 1},    {1, 1, 5, 3, 4, 3, 1, 0, 1, 1, 1},
    {8, 8, 1, 4, 3, 1, 0, 0, 1, 3, 5},    {14, 3, 3, 2, 4, 3, 0, 1, 1, 4, 2},
    {11, 14, 3, 4, 2, 1, 1, 2, 0, 6, 15}, {3, 7, 4, 2, 3, 2, 0, 1, 1, 1, 4},
};

static void conv_shapes_match_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++) {
        const int *row = conv_cases[i];
        vgg_graph *graph;
        vgg_attributes conv = {.conv = {.out_channels = row[3],
                                        .kernel = {row[4], row[5]},
                                        .stride = {row[6], row[7]},
                                        .dilation = {row[8], row[9]},
                                        .pad = {row[10], row[11], row[12], row[13]},
                                        .groups = row[14],
                                        .bias = i % 2 == 0}};
        assert_int_equal(vgg_graph_create(row[0], row[1], row[2], &graph), CLVGG_STATUS_OK);
        assert_int_equal(vgg_graph_add(graph, "c", VGG_LAYER_CONV2D, &conv, 0, NULL),
                         CLVGG_STATUS_OK);
        const int64_t *dims = graph->nodes[1].output.dims;
        assert_int_equal(dims[0], row[3]);
        assert_int_equal(dims[1], row[15]);
        assert_int_equal(dims[2], row[16]);
        clvgg_shape weight = vgg_graph_parameter_shape(graph, 1, VGG_WEIGHT);
        assert_int_equal(weight.rank, 4);
        assert_int_equal(weight.dims[1], row[0] / row[14]);
        uint64_t each = (uint64_t)(row[0] / row[14] * row[4] * row[5]);
        assert_int_equal(vgg_graph_node_parameters(graph, 1),
                         (uint64_t)row[3] * (each + (i % 2 == 0)));
        assert_int_equal(vgg_graph_node_flops(graph, 1),
                         2 * each * (uint64_t)(row[3] * row[15] * row[16]));
        vgg_graph_free(graph);
    }
}

static void pool_shapes_match_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pool_cases / sizeof *pool_cases; i++) {
        const int *row = pool_cases[i];
        vgg_graph *graph;
        vgg_attributes pool = {.pool = {.kernel = {row[2], row[3]},
                                        .stride = {row[4], row[5]},
                                        .pad = {row[6], row[7], row[6], row[7]},
                                        .ceil_mode = row[8] != 0}};
        assert_int_equal(vgg_graph_create(3, row[0], row[1], &graph), CLVGG_STATUS_OK);
        assert_int_equal(vgg_graph_add(graph, "m", VGG_LAYER_MAX_POOL, &pool, 0, NULL),
                         CLVGG_STATUS_OK);
        assert_int_equal(vgg_graph_add(graph, "a", VGG_LAYER_AVG_POOL, &pool, 0, NULL),
                         CLVGG_STATUS_OK);
        for (int node = 1; node <= 2; node++) {
            assert_int_equal(graph->nodes[node].output.dims[0], 3);
            assert_int_equal(graph->nodes[node].output.dims[1], row[9]);
            assert_int_equal(graph->nodes[node].output.dims[2], row[10]);
            assert_int_equal(vgg_graph_node_parameters(graph, node), 0);
        }
        vgg_graph_free(graph);
    }
}

static void other_layers_have_their_shapes(void **state)
{
    (void)state;
    vgg_graph *graph;
    int index;
    vgg_attributes adaptive = {.pool = {.adaptive = {7, 1}}};
    vgg_attributes dense = {.dense = {.out_features = 10}};
    vgg_attributes rate = {.dropout_rate = 0.25f};
    assert_int_equal(vgg_graph_create(5, 3, 4, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "a", VGG_LAYER_AVG_POOL, &adaptive, 0, &index),
                     CLVGG_STATUS_OK);
    assert_int_equal(index, 1);
    assert_int_equal(graph->nodes[1].output.dims[1], 7);
    assert_int_equal(graph->nodes[1].output.dims[2], 1);
    vgg_layer_type same[] = {VGG_LAYER_RELU, VGG_LAYER_SIGMOID, VGG_LAYER_TANH};
    const char *names[] = {"r", "s", "t"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vgg_graph_add(graph, names[i], same[i], NULL, i, &index), CLVGG_STATUS_OK);
        assert_int_equal(graph->nodes[index].output.rank, 3);
    }
    assert_int_equal(vgg_graph_add(graph, "f", VGG_LAYER_FLATTEN, NULL, 0, &index),
                     CLVGG_STATUS_OK);
    assert_int_equal(graph->nodes[index].output.rank, 1);
    assert_int_equal(graph->nodes[index].output.dims[0], 60);
    assert_int_equal(vgg_graph_find(graph, "logits"), -1);
    assert_int_equal(vgg_graph_find(graph, "prob"), -1);
    assert_int_equal(vgg_graph_add(graph, "p", VGG_LAYER_SOFTMAX, NULL, index, &index),
                     CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_find(graph, "logits"), index - 1);
    assert_int_equal(vgg_graph_find(graph, "prob"), index);
    assert_int_equal(vgg_graph_add(graph, "d", VGG_LAYER_DENSE, &dense, index, &index),
                     CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_node_parameters(graph, index), 600);
    assert_int_equal(vgg_graph_node_flops(graph, index), 1200);
    assert_int_equal(vgg_graph_find(graph, "logits"), index);
    assert_false(vgg_node_has_parameter(&graph->nodes[index], VGG_BIAS));
    assert_int_equal(vgg_graph_add(graph, "o", VGG_LAYER_DROPOUT, &rate, index, &index),
                     CLVGG_STATUS_OK);
    assert_int_equal(graph->nodes[index].output.dims[0], 10);
    assert_int_equal(vgg_graph_find(graph, "nothing"), -1);
    vgg_graph_free(graph);
}

static void expect_none(const vgg_graph *graph, const char *name, clvgg_status expected,
                        const char *words)
{
    int node = 0;
    assert_int_equal(vgg_graph_require(graph, name, " to look at", &node), expected);
    assert_string_equal(vgg_message(), words);
}

/* A name that a caller gave is a layer's, or the error lists the layers. */
static void a_layer_is_required(void **state)
{
    (void)state;
    vgg_graph *graph;
    int node = 0;
    assert_int_equal(vgg_graph_create(3, 4, 5, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "r", VGG_LAYER_RELU, NULL, 0, NULL), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "f", VGG_LAYER_FLATTEN, NULL, 1, NULL), CLVGG_STATUS_OK);
    expect_none(graph, "nothing", CLVGG_STATUS_INVALID_ARGUMENT,
                "there is no layer 'nothing' to look at; there are r f");
    expect_none(graph, "input", CLVGG_STATUS_INVALID_ARGUMENT,
                "there is no layer 'input' to look at; there are r f");
    expect_none(graph, NULL, CLVGG_STATUS_INVALID_ARGUMENT, "a layer to look at has no name");
    expect_none(graph, "prob", CLVGG_STATUS_UNSUPPORTED,
                "the network has no softmax, which 'prob' is; its layers: r f");
    expect_none(graph, "logits", CLVGG_STATUS_UNSUPPORTED,
                "the network has neither dense layer nor softmax, and so no 'logits'; its layers: "
                "r f");
    assert_int_equal(vgg_graph_add(graph, "p", VGG_LAYER_SOFTMAX, NULL, 2, NULL), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_require(graph, "logits", "", &node), CLVGG_STATUS_OK);
    assert_int_equal(node, 2);
    assert_int_equal(vgg_graph_require(graph, "prob", "", &node), CLVGG_STATUS_OK);
    assert_int_equal(node, 3);
    assert_int_equal(vgg_graph_require(graph, "r", "", &node), CLVGG_STATUS_OK);
    assert_int_equal(node, 1);
    vgg_graph_free(graph);
}

/* Adds to a [64, 8, 8] input and expects the status and message. */
static void refuses(const char *name, vgg_layer_type type, const vgg_attributes *attributes,
                    int input, clvgg_status expected, const char *message)
{
    vgg_graph *graph;
    assert_int_equal(vgg_graph_create(64, 8, 8, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "relu", VGG_LAYER_RELU, NULL, 0, NULL), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, name, type, attributes, input, NULL), expected);
    assert_string_equal(vgg_message(), message);
    assert_int_equal(graph->count, 2);
    vgg_graph_free(graph);
}

static vgg_attributes conv_3x3(int64_t out_channels)
{
    return (vgg_attributes){.conv = {.out_channels = out_channels,
                                     .kernel = {3, 3},
                                     .stride = {1, 1},
                                     .dilation = {1, 1},
                                     .groups = 1}};
}

static void convolution_is_validated(void **state)
{
    (void)state;
    vgg_attributes conv = conv_3x3(9);
    conv.conv.groups = 3;
    refuses("conv2_1", VGG_LAYER_CONV2D, &conv, 0, CLVGG_STATUS_SHAPE_MISMATCH,
            "conv2d 'conv2_1': groups 3 don't divide 64 input channels");
    conv.conv.groups = 2;
    refuses("c", VGG_LAYER_CONV2D, &conv, 0, CLVGG_STATUS_SHAPE_MISMATCH,
            "conv2d 'c': groups 2 don't divide 9 output channels");
    conv = conv_3x3(0);
    refuses("c", VGG_LAYER_CONV2D, &conv, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "conv2d 'c': out_channels is 0, must be 1 to 2147483647");
    conv = conv_3x3(1);
    conv.conv.stride[1] = -1;
    refuses("c", VGG_LAYER_CONV2D, &conv, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "conv2d 'c': stride is -1, must be 1 to 2147483647");
    conv = conv_3x3(1);
    conv.conv.dilation[0] = 4;
    refuses("c", VGG_LAYER_CONV2D, &conv, 0, CLVGG_STATUS_SHAPE_MISMATCH,
            "conv2d 'c': the kernel reaches over 9 rows, the padded input has 8");
    conv = conv_3x3(1);
    conv.conv.pad[VGG_RIGHT] = INT64_MAX;
    refuses("c", VGG_LAYER_CONV2D, &conv, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "conv2d 'c': pad is 9223372036854775807, must be 0 to 2147483647");
    conv = conv_3x3(2147483647);
    conv.conv.kernel[0] = conv.conv.kernel[1] = 1;
    conv.conv.pad[VGG_BOTTOM] = 2147483647;
    refuses("c", VGG_LAYER_CONV2D, &conv, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "conv2d 'c': output [2147483647, 2147483655, 8] is too large: at most 2147483647 a "
            "dimension and 2^40 elements");
    conv = conv_3x3(1 << 20);
    conv.conv.pad[VGG_TOP] = 1 << 15;
    conv.conv.pad[VGG_LEFT] = 1 << 4;
    refuses("c", VGG_LAYER_CONV2D, &conv, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "conv2d 'c': more than 2^49 floating-point operations an image");
}

static void pooling_is_validated(void **state)
{
    (void)state;
    vgg_attributes pool = {.pool = {.kernel = {2, 2}, .stride = {2, 2}, .pad = {0, 2}}};
    refuses("p", VGG_LAYER_MAX_POOL, &pool, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "max_pool 'p': pad 2 is more than half the kernel 2");
    pool = (vgg_attributes){.pool = {.kernel = {2, 9}, .stride = {2, 2}}};
    refuses("p", VGG_LAYER_AVG_POOL, &pool, 0, CLVGG_STATUS_SHAPE_MISMATCH,
            "avg_pool 'p': the kernel covers 9 columns, the padded input has 8");
    pool.pool.ceil_mode = true; /* one step of the stride makes up for it, as in PyTorch */
    pool.pool.kernel[1] = 11;
    refuses("p", VGG_LAYER_AVG_POOL, &pool, 0, CLVGG_STATUS_SHAPE_MISMATCH,
            "avg_pool 'p': the kernel covers 11 columns, the padded input has 8");
    pool = (vgg_attributes){.pool = {.kernel = {2, 2}}};
    refuses("p", VGG_LAYER_AVG_POOL, &pool, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "avg_pool 'p': stride is 0, must be 1 to 2147483647");
    pool = (vgg_attributes){.pool = {.adaptive = {7, 0}}};
    refuses("p", VGG_LAYER_AVG_POOL, &pool, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "avg_pool 'p': adaptive is 0, must be 1 to 2147483647");
    pool = (vgg_attributes){.pool = {.adaptive = {7, 7}, .kernel = {2, 2}}};
    refuses("p", VGG_LAYER_AVG_POOL, &pool, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "avg_pool 'p': adaptive pooling takes no kernel, stride, pad or ceil_mode");
    pool = (vgg_attributes){.pool = {.kernel = {2, 2}, .stride = {2, 2}, .switches = true}};
    refuses("p", VGG_LAYER_AVG_POOL, &pool, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "avg_pool 'p': switches are for max pooling");
    pool =
        (vgg_attributes){.pool = {.kernel = {2, 2}, .stride = {2, 2}, .count_include_pad = true}};
    refuses("p", VGG_LAYER_MAX_POOL, &pool, 0, CLVGG_STATUS_INVALID_ARGUMENT,
            "max_pool 'p': count_include_pad is for average pooling");
}

static void positions_of_peaks_are_floats(void **state)
{
    (void)state;
    vgg_graph *graph;
    assert_int_equal(vgg_graph_create(3, 4096, 4097, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "peaks", VGG_LAYER_MAP_PEAK, NULL, 0, NULL),
                     CLVGG_STATUS_SHAPE_MISMATCH);
    assert_string_equal(vgg_message(), "map_peak 'peaks': a map has 16781312 values, float32 "
                                       "numbers at most 16777216 exactly");
    vgg_graph_free(graph);
    assert_int_equal(vgg_graph_create(3, 4096, 4096, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "peaks", VGG_LAYER_MAP_PEAK, NULL, 0, NULL),
                     CLVGG_STATUS_OK);
    const clvgg_shape *output = &graph->nodes[1].output;
    assert_true(output->rank == 3 && output->dims[0] == 3 && output->dims[1] == 1 &&
                output->dims[2] == 2);
    vgg_graph_free(graph);
}

static void nodes_are_validated(void **state)
{
    (void)state;
    vgg_attributes dense = {.dense = {.out_features = 10}};
    vgg_attributes rate = {.dropout_rate = 1.0f};
    refuses("fc6", VGG_LAYER_DENSE, &dense, 0, CLVGG_STATUS_SHAPE_MISMATCH,
            "dense 'fc6': needs an input of [features], got [64, 8, 8]: flatten it first");
    refuses("prob", VGG_LAYER_SOFTMAX, NULL, 1, CLVGG_STATUS_SHAPE_MISMATCH,
            "softmax 'prob': needs an input of [features], got [64, 8, 8]: flatten it first");
    refuses("drop6", VGG_LAYER_DROPOUT, &rate, 1, CLVGG_STATUS_INVALID_ARGUMENT,
            "dropout 'drop6': rate is 1, must be at least 0 and below 1");
    refuses("relu", VGG_LAYER_TANH, NULL, 1, CLVGG_STATUS_INVALID_ARGUMENT,
            "two layers have the name 'relu'");
    refuses("", VGG_LAYER_TANH, NULL, 1, CLVGG_STATUS_INVALID_ARGUMENT,
            "a layer's name has 0 bytes, must have 1 to 255");
    refuses("a\nb", VGG_LAYER_TANH, NULL, 1, CLVGG_STATUS_INVALID_ARGUMENT,
            "layer 2: its name has a control character at byte 1");
    refuses("t", VGG_LAYER_TANH, NULL, 2, CLVGG_STATUS_INVALID_ARGUMENT,
            "layer 't': input 2 is none of the 2 layers before it");
    refuses("t", VGG_LAYER_TANH, NULL, -1, CLVGG_STATUS_INVALID_ARGUMENT,
            "layer 't': input -1 is none of the 2 layers before it");
    refuses("d", VGG_LAYER_DENSE, NULL, 1, CLVGG_STATUS_INVALID_ARGUMENT,
            "layer 'd': a dense needs attributes");
    refuses("i", VGG_LAYER_INPUT, NULL, 1, CLVGG_STATUS_INVALID_ARGUMENT,
            "layer 'i': type 0 can't be added");
    vgg_graph *graph;
    assert_int_equal(vgg_graph_create(3, 0, 4, &graph), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_null(graph);
    assert_string_equal(vgg_message(), "input [3, 0, 4]: every dimension must be at least 1");
    assert_int_equal(vgg_graph_create(1 << 20, 1 << 20, 1 << 20, &graph),
                     CLVGG_STATUS_INVALID_ARGUMENT);
}

static void describe_says_what_matters(void **state)
{
    (void)state;
    char text[96], cut[8];
    vgg_node node = {.type = VGG_LAYER_CONV2D, .attributes = conv_3x3(1)};
    vgg_node_describe(&node, text, sizeof text);
    assert_string_equal(text, "3x3 stride 1 no bias");
    node.attributes.conv =
        (vgg_conv_attributes){1, {3, 5}, {1, 2}, {2, 2}, {1, 1, 1, 1}, .groups = 4, .bias = true};
    vgg_node_describe(&node, text, sizeof text);
    assert_string_equal(text, "3x5 stride 1x2 pad 1 dilation 2 groups 4");
    vgg_node_describe(&node, cut, sizeof cut);
    assert_string_equal(cut, "3x5 str");
    node = (vgg_node){.type = VGG_LAYER_MAX_POOL,
                      .attributes.pool = {{2, 2}, {2, 2}, {0, 0, 1, 1}, true, .switches = true}};
    vgg_node_describe(&node, text, sizeof text);
    assert_string_equal(text, "2x2 stride 2 pad 0 0 1 1 ceil switches");
    node = (vgg_node){.type = VGG_LAYER_AVG_POOL, .attributes.pool = {.adaptive = {7, 6}}};
    vgg_node_describe(&node, text, sizeof text);
    assert_string_equal(text, "to 7x6");
    node =
        (vgg_node){.type = VGG_LAYER_LOCAL_RESPONSE_NORM, .attributes.lrn = {5, 1e-4f, 0.75f, 2}};
    vgg_node_describe(&node, text, sizeof text);
    assert_string_equal(text, "size 5 alpha 0.0001 beta 0.75 k 2");
    node = (vgg_node){.type = VGG_LAYER_RELU};
    vgg_node_describe(&node, text, sizeof text);
    assert_string_equal(text, "");
}

static uint64_t total_parameters(const vgg_graph *graph)
{
    uint64_t total = 0;
    for (int i = 0; i < graph->count; i++)
        total += vgg_graph_node_parameters(graph, i);
    return total;
}

static void family_has_its_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t classes;
        uint64_t parameters;
        int convolutions;
    } family[] = {{"vgg11", 1000, 132863336, 8},
                  {"vgg13", 1000, 133047848, 10},
                  {"vgg16", 1000, 138357544, 13},
                  {"vgg16", 2, 134268738, 13},
                  {"vgg19", 1000, 143667240, 16}};
    for (size_t i = 0; i < sizeof family / sizeof *family; i++) {
        vgg_graph *graph;
        int64_t head[3] = {4096, 4096, family[i].classes};
        assert_int_equal(vgg_graph_build_vgg(family[i].name, 3, 224, 224, head, &graph),
                         CLVGG_STATUS_OK);
        assert_int_equal(total_parameters(graph), family[i].parameters);
        assert_int_equal(vgg_family_convolutions(family[i].name), family[i].convolutions);
        assert_int_equal(graph->count, 1 + 2 * family[i].convolutions + 5 + 1 + 3 + 2 + 2 + 1);
        vgg_graph_free(graph);
    }
    assert_null(vgg_architecture_blocks("resnet50"));
}

static void vgg16_is_the_published_one(void **state)
{
    (void)state;
    vgg_graph *graph;
    const int64_t head[3] = {4096, 4096, 1000};
    assert_int_equal(vgg_graph_build_vgg("vgg16", 3, 224, 224, head, &graph), CLVGG_STATUS_OK);
    uint64_t convolution = 0, dense = 0;
    for (int i = 0; i < graph->count; i++)
        *(graph->nodes[i].type == VGG_LAYER_CONV2D ? &convolution : &dense) +=
            vgg_graph_node_flops(graph, i);
    assert_int_equal(convolution, UINT64_C(30693261312)); /* 2 × 15.35 G multiply-adds */
    assert_int_equal(dense, 2 * UINT64_C(123633664));
    int conv5_3 = vgg_graph_find(graph, "conv5_3");
    assert_int_equal(graph->nodes[conv5_3].output.dims[0], 512);
    assert_int_equal(graph->nodes[conv5_3].output.dims[1], 14);
    assert_string_equal(graph->nodes[conv5_3 + 1].name, "relu5_3");
    assert_string_equal(graph->nodes[conv5_3 + 2].name, "pool5");
    assert_string_equal(graph->nodes[conv5_3 + 3].name, "flatten");
    assert_int_equal(graph->nodes[conv5_3 + 3].output.dims[0], 25088);
    assert_int_equal(vgg_graph_find(graph, "logits"), vgg_graph_find(graph, "fc8"));
    assert_int_equal(vgg_graph_find(graph, "prob"), graph->count - 1);
    vgg_graph_free(graph);
}

static void family_takes_any_size_that_fits(void **state)
{
    (void)state;
    vgg_graph *graph, *wide;
    const int64_t head[3] = {16, 16, 2};
    assert_int_equal(vgg_graph_build_vgg("vgg11", 3, 32, 97, head, &graph), CLVGG_STATUS_OK);
    assert_int_equal(
        vgg_graph_parameter_shape(graph, vgg_graph_find(graph, "fc6"), VGG_WEIGHT).dims[1],
        512 * 3);
    const vgg_graph_copy_options larger = {.extent = {64, 128}}, flat = {.extent = {16, 128}};
    assert_int_equal(vgg_graph_copy(graph, &larger, &wide), CLVGG_STATUS_OK);
    assert_int_equal(
        vgg_graph_parameter_shape(wide, vgg_graph_find(wide, "fc6"), VGG_WEIGHT).dims[1], 512 * 8);
    assert_int_equal(wide->count, graph->count);
    vgg_graph_free(wide);
    assert_int_equal(vgg_graph_copy(graph, &flat, &wide), CLVGG_STATUS_SHAPE_MISMATCH);
    assert_null(wide);
    vgg_graph_free(graph);
    assert_int_equal(vgg_graph_build_vgg("vgg11", 3, 31, 97, head, &graph),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_string_equal(vgg_message(),
                        "input of 31 x 97 is too small: five poolings need at least 32 x 32");
    assert_int_equal(vgg_graph_build_vgg("vgg12", 3, 32, 32, head, &graph),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_string_equal(vgg_message(),
                        "unknown architecture 'vgg12': vgg11, vgg13, vgg16 or vgg19");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_is_required),
        cmocka_unit_test(conv_shapes_match_pytorch),
        cmocka_unit_test(pool_shapes_match_pytorch),
        cmocka_unit_test(other_layers_have_their_shapes),
        cmocka_unit_test(convolution_is_validated),
        cmocka_unit_test(pooling_is_validated),
        cmocka_unit_test(positions_of_peaks_are_floats),
        cmocka_unit_test(nodes_are_validated),
        cmocka_unit_test(describe_says_what_matters),
        cmocka_unit_test(family_has_its_sizes),
        cmocka_unit_test(vgg16_is_the_published_one),
        cmocka_unit_test(family_takes_any_size_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
