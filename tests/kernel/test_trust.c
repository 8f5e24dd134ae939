/* kernel/test_trust.c — what is known of an op on a device: for that op, source, device and driver
 * alone, in this process and in later ones; and the probe that finds it out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cache/cache.h"
#include "ops/op.h"
#include "support/device_fixture.h"
#include "support/files.h"
#include "support/networks.h"
#include "verify/candidate.h"
#include "verify/trust.h"

static vgg_graph *graph;

static int set_up(void **state)
{
    const vgg_attributes conv = {.conv = {.out_channels = 19,
                                          .kernel = {3, 3},
                                          .stride = {1, 1},
                                          .dilation = {1, 1},
                                          .pad = {1, 1, 1, 1},
                                          .groups = 1,
                                          .bias = true}};
    if (temp_folder_setup(state) != 0 || device_setup(state) != 0)
        return -1;
    must(vgg_graph_create(20, 13, 11, &graph));
    must(vgg_graph_add(graph, "conv", VGG_LAYER_CONV2D, &conv, 0, NULL));
    return 0;
}

static int tear_down(void **state)
{
    vgg_graph_free(graph);
    const int closed = device_teardown(state);
    return temp_folder_teardown(state) | closed;
}

static vgg_op configure(const char *variant, int max_batch, bool relu)
{
    const vgg_problem problem = {.node = &graph->nodes[1],
                                 .input = graph->nodes[0].output,
                                 .output = graph->nodes[1].output,
                                 .input_block = 1,
                                 .relu = relu,
                                 .result = graph->nodes[1].output,
                                 .max_batch = max_batch};
    vgg_traits traits;
    vgg_op op;
    must(vgg_traits_for(device.device, CLVGG_STORAGE_F32, false, &traits));
    must(vgg_op_configure(&op, vgg_variant_find(variant), &problem, &traits));
    return op;
}

static vgg_standing standing_of(clvgg_device *of, const vgg_op *op)
{
    vgg_trust trust;
    must(vgg_trust_find(of, op, &trust));
    if (trust.standing == VGG_TRUST_WRONG)
        assert_string_equal(trust.words, "row 3");
    return trust.standing;
}

/* A device of another runtime, as another process has it, with the cache of that path. */
static clvgg_device *open_with_cache(const char *path, clvgg_runtime **own)
{
    clvgg_runtime_options options;
    clvgg_device *opened = NULL;
    clvgg_runtime_options_defaults(&options);
    options.cache_path = path;
    must(clvgg_runtime_create(&options, own));
    must(clvgg_device_open(*own, NULL, NULL, &opened));
    return opened;
}

static void knows_the_op_alone(void **state)
{
    (void)state;
    const char *path = temp_path("cache.sqlite");
    const vgg_trust wrong = {VGG_TRUST_WRONG, "row 3"}, right = {VGG_TRUST_RIGHT, ""};
    const vgg_op op = configure("conv_direct", 1, true), other = configure("conv_direct", 1, false);
    for (int process = 0; process < 2; process++) {
        clvgg_runtime *own = NULL;
        clvgg_device *opened = open_with_cache(path, &own);
        if (process == 0) {
            assert_int_equal(standing_of(opened, &op), VGG_TRUST_UNKNOWN);
            must(vgg_trust_keep(opened, &op, &wrong, false));
        }
        assert_int_equal(standing_of(opened, &op), VGG_TRUST_WRONG);
        assert_int_equal(standing_of(opened, &other), VGG_TRUST_UNKNOWN);
        clvgg_device_free(opened);
        clvgg_runtime_free(own);
    }
    /* A newer driver knows nothing; what is found anew replaces what was known. */
    clvgg_runtime *own = NULL;
    clvgg_device *opened = open_with_cache(path, &own);
    char version[sizeof opened->info.driver_version];
    memcpy(version, opened->info.driver_version, sizeof version);
    snprintf(opened->info.driver_version, sizeof opened->info.driver_version, "another");
    assert_int_equal(standing_of(opened, &op), VGG_TRUST_UNKNOWN);
    memcpy(opened->info.driver_version, version, sizeof version);
    assert_int_equal(standing_of(opened, &op), VGG_TRUST_WRONG);
    must(vgg_trust_keep(opened, &op, &right, false));
    assert_int_equal(standing_of(opened, &op), VGG_TRUST_RIGHT);
    clvgg_device_free(opened);
    clvgg_runtime_free(own);
}

/* Variants that compute the layer are right by themselves. */
static void variants_are_right(void **state)
{
    (void)state;
    vgg_reference reference = {
        .device = device.device, .queue = device.queue, .repeats = 3, .samples = 300};
    static const char *const names[] = {"conv_direct", "conv_tiled", "winograd_f2_tiled"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const vgg_op op = configure(names[i], 3, true);
        vgg_candidate_finding found;
        must(vgg_candidate_run(&reference, &op, NULL, &found));
        if (!found.finding.right)
            fail_msg("%s: %s", names[i], found.finding.words);
        assert_true(found.finding.samples >= 300);
        if (op.variant->error_bound == 0)
            assert_true(found.finding.largest == 0 && found.l2 == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_op_alone),
        cmocka_unit_test(variants_are_right),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
