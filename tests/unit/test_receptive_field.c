/* unit/test_receptive_field.c — against closed forms: VGG16's every layer, ZF's strides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/graph.h"

typedef struct expected_field {
    const char *layer;
    int64_t size, stride, start;
} expected_field;

/* Block b's convolutions are at stride 2^(b−1): each adds 2 strides, each pooling 1; a start lies
 * half of what was added before the image, poolings aside, which don't pad. */
static const expected_field vgg16[] = {
    {"conv1_1", 3, 1, -1},     {"relu1_1", 3, 1, -1},     {"conv1_2", 5, 1, -2},
    {"pool1", 6, 2, -2},       {"conv2_1", 10, 2, -4},    {"conv2_2", 14, 2, -6},
    {"relu2_2", 14, 2, -6},    {"pool2", 16, 4, -6},      {"conv3_1", 24, 4, -10},
    {"conv3_2", 32, 4, -14},   {"conv3_3", 40, 4, -18},   {"pool3", 44, 8, -18},
    {"conv4_1", 60, 8, -26},   {"conv4_2", 76, 8, -34},   {"conv4_3", 92, 8, -42},
    {"pool4", 100, 16, -42},   {"conv5_1", 132, 16, -58}, {"conv5_2", 164, 16, -74},
    {"conv5_3", 196, 16, -90}, {"relu5_3", 196, 16, -90}, {"pool5", 212, 32, -90},
    {"flatten", 224, 0, 0},    {"fc6", 224, 0, 0},        {"fc8", 224, 0, 0},
};

static void check(const vgg_graph *graph, const expected_field *expected)
{
    const int node = vgg_graph_find(graph, expected->layer);
    assert_true(node > 0);
    const clvgg_receptive_field field = vgg_graph_receptive_field(graph, node);
    for (int axis = 0; axis < 2; axis++)
        if (field.size[axis] != expected->size || field.stride[axis] != expected->stride ||
            field.start[axis] != expected->start)
            fail_msg("%s: size %lld, stride %lld, start %lld", expected->layer,
                     (long long)field.size[axis], (long long)field.stride[axis],
                     (long long)field.start[axis]);
}

static void vgg16_has_its_closed_forms(void **state)
{
    (void)state;
    static const int64_t head[3] = {16, 16, 2};
    vgg_graph *graph = NULL;
    assert_int_equal(vgg_graph_build_vgg("vgg16", 3, 224, 224, head, &graph), CLVGG_STATUS_OK);
    for (size_t i = 0; i < sizeof vgg16 / sizeof *vgg16; i++)
        check(graph, &vgg16[i]);
    vgg_graph_free(graph);
}

/* Zeiler & Fergus' network: 7×7 stride 2 pad 1, 3×3 stride 2 pooling, 5×5 stride 2, again. */
static void strides_dilation_and_adaptive_windows_count(void **state)
{
    (void)state;
    vgg_graph *graph = NULL;
    int at = 0;
    const vgg_attributes conv1 = {.conv = {96, {7, 7}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, true}};
    const vgg_attributes pool = {.pool = {.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true}};
    const vgg_attributes conv2 = {.conv = {256, {5, 5}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1, true}};
    const vgg_attributes wide = {.conv = {8, {3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}, 1, true}};
    const vgg_attributes even = {.pool = {.adaptive = {13, 13}}};
    const vgg_attributes odd = {.pool = {.adaptive = {5, 5}}};
    assert_int_equal(vgg_graph_create(3, 224, 224, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "conv1", VGG_LAYER_CONV2D, &conv1, 0, &at), 0);
    assert_int_equal(vgg_graph_add(graph, "pool1", VGG_LAYER_MAX_POOL, &pool, at, &at), 0);
    assert_int_equal(vgg_graph_add(graph, "conv2", VGG_LAYER_CONV2D, &conv2, at, &at), 0);
    assert_int_equal(vgg_graph_add(graph, "wide", VGG_LAYER_CONV2D, &wide, at, &at), 0);
    assert_int_equal(vgg_graph_add(graph, "even", VGG_LAYER_AVG_POOL, &even, at, &at), 0);
    assert_int_equal(vgg_graph_add(graph, "odd", VGG_LAYER_AVG_POOL, &odd, at, &at), 0);
    static const expected_field zf[] = {
        {"conv1", 7, 2, -1},  {"pool1", 11, 4, -1},  {"conv2", 27, 8, -1},
        {"wide", 59, 8, -17}, {"even", 67, 16, -17}, {"odd", 224, 0, 0},
    };
    for (size_t i = 0; i < sizeof zf / sizeof *zf; i++)
        check(graph, &zf[i]);
    vgg_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vgg16_has_its_closed_forms),
        cmocka_unit_test(strides_dilation_and_adaptive_windows_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
