/* kernel/test_top_bands.c — the strongest activations where a plan computes large images some at a
 * time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "clvgg/visualize.h"
#include "plan/plan.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "support/skip.h"
#include "support/small_model.h"
#include "vis/top_search.h"

enum { LARGE = 280, LARGE_IMAGES = 5 };

/* Two convolutions whose images are large enough for a band, with a pooling behind. */
static clvgg_model *large_model(void)
{
    vgg_graph *graph;
    clvgg_model *made;
    const vgg_attributes pool = {.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    const vgg_attributes conv = {.conv = {.out_channels = 16,
                                          .kernel = {3, 3},
                                          .stride = {1, 1},
                                          .dilation = {1, 1},
                                          .pad = {1, 1, 1, 1},
                                          .groups = 1,
                                          .bias = true}};
    must(vgg_graph_create(3, LARGE, LARGE, &graph));
    must(vgg_graph_add(graph, "conv1", VGG_LAYER_CONV2D, &conv, 0, NULL));
    must(vgg_graph_add(graph, "relu1", VGG_LAYER_RELU, NULL, 1, NULL));
    must(vgg_graph_add(graph, "conv2", VGG_LAYER_CONV2D, &conv, 2, NULL));
    must(vgg_graph_add(graph, "relu2", VGG_LAYER_RELU, NULL, 3, NULL));
    must(vgg_graph_add(graph, "pool2", VGG_LAYER_MAX_POOL, &pool, 4, NULL));
    must(vgg_model_from_graph(device.runtime, graph, small_model_source, (void *)(uintptr_t)7,
                              &made));
    return made;
}

/* Searched some images at a time, each map is what it is for one image alone. */
static void bands_take_searches_along(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_SMALL", __func__);
    const clvgg_top_layer wanted[] = {{.name = "conv1"}, {.name = "conv2"}, {.name = "pool2"}};
    clvgg_model *large = large_model();
    float *inputs = malloc(LARGE_IMAGES * 3 * LARGE * LARGE * sizeof *inputs);
    uint32_t random = 9;
    for (size_t i = 0; i < LARGE_IMAGES * 3 * LARGE * LARGE; i++) {
        vgg_random_next(&random);
        inputs[i] = (float)(random >> 8) / 8388608.0f - 1.0f;
    }
    clvgg_top_options options;
    clvgg_top_options_defaults(&options);
    options.layers = wanted;
    options.layer_count = 3;
    options.max_batch = LARGE_IMAGES;
    clvgg_top_search *together = NULL, *alone = NULL;
    must(clvgg_top_search_create(device.device, large, &options, &together));
    options.max_batch = 1;
    must(clvgg_top_search_create(device.device, large, &options, &alone));
    int banded = 0;
    for (int i = 0; i < together->runner->plan->step_count; i++)
        banded +=
            together->runner->plan->steps[i].stage->op.problem.node->type == VGG_LAYER_MAP_PEAK &&
            together->runner->plan->steps[i].stage->band_images < LARGE_IMAGES;
    if (device.device->info.type == CLVGG_DEVICE_CPU)
        assert_true(banded >= 2);
    for (int again = 0; again < 2; again++) { /* nothing of a pass is left for the next */
        must(clvgg_top_search_add(together, LARGE_IMAGES, inputs, NULL, NULL));
        must(clvgg_top_search_add(alone, LARGE_IMAGES, inputs, NULL, NULL));
    }
    size_t compared = 0;
    for (size_t layer = 0; layer < 3; layer++)
        for (int64_t map = 0; map < 16; map++) {
            clvgg_top_entry a[9], b[9];
            size_t a_count, b_count;
            must(clvgg_top_search_entries(together, layer, map, a, &a_count));
            must(clvgg_top_search_entries(alone, layer, map, b, &b_count));
            assert_int_equal(a_count, b_count);
            compared += a_count;
            for (size_t i = 0; i < a_count; i++) {
                assert_int_equal(a[i].image, b[i].image);
                assert_true(a[i].y == b[i].y && a[i].x == b[i].x);
                assert_true(fabsf(a[i].value - b[i].value) <= 1e-4f * b[i].value);
            }
        }
    assert_true(compared > 0);
    clvgg_top_search_free(together);
    clvgg_top_search_free(alone);
    vgg_model_free(large);
    free(inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bands_take_searches_along),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
