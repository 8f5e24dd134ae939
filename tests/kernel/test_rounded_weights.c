/* kernel/test_rounded_weights.c — Winograd's convolutions with weights that are rounded after their
 * transform: what a probe allows them is three times what they are off by at least, and no more
 * than sees a wrong one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/device_fixture.h"
#include "support/networks.h"
#include "support/program.h"
#include "verify/candidate.h"

/* Of VGG's layers; F(4x4) rounds the weights of the larger two alone. */
static const int64_t channels[][2] = {{64, 64}, {128, 256}, {256, 512}, {512, 512}};
enum { CHANNELS = sizeof channels / sizeof *channels, SIDE = 9 };

/* Says whether the variant rounds the weights of such a layer, and holds what it found against what
 * was allowed. */
static bool check(const vgg_variant *variant, const int64_t of[2], clvgg_storage storage)
{
    const vgg_attributes conv = {.conv = {.out_channels = of[1],
                                          .kernel = {3, 3},
                                          .stride = {1, 1},
                                          .dilation = {1, 1},
                                          .pad = {1, 1, 1, 1},
                                          .groups = 1,
                                          .bias = true}};
    const vgg_reference reference = {
        .device = device.device, .queue = device.queue, .repeats = 2, .samples = 2000};
    vgg_graph *graph = NULL;
    vgg_traits traits;
    vgg_op op;
    must(vgg_graph_create(of[0], SIDE, SIDE, &graph));
    must(vgg_graph_add(graph, "conv", VGG_LAYER_CONV2D, &conv, 0, NULL));
    must(vgg_traits_for(device.device, storage, true, &traits));
    const vgg_problem problem = {.node = &graph->nodes[1],
                                 .input = graph->nodes[0].output,
                                 .output = graph->nodes[1].output,
                                 .input_block = 1,
                                 .relu = true,
                                 .result = graph->nodes[1].output,
                                 .max_batch = 1,
                                 .storage = storage};
    const bool rounds = vgg_op_configure(&op, variant, &problem, &traits) == CLVGG_STATUS_OK &&
                        op.pack.storage == storage;
    if (rounds) {
        vgg_candidate_finding found;
        must(vgg_candidate_run(&reference, &op, NULL, &found));
        const double share = found.finding.largest, l2 = found.l2 / found.bound;
        /* F(2x2) stores what whole numbers become as it is: checked as with float32. */
        const bool kept = variant->winograd.tile == 2;
        /* Rounded before its transform, as direct convolution's: no error of the variant's own. */
        const bool before = variant->storage_error_bound[storage] == variant->error_bound;
        if (!found.finding.right || share > 1.0 / 3 || l2 > 1.0 / 3 ||
            (kept     ? found.bound > 4e-6
             : before ? found.bound > 4 * variant->error_bound
                      : share < 0.08 || l2 < 0.2))
            fail_msg("%s, %s, %lld to %lld channels: %.3g of what is allowed, relative L2 %.3g of "
                     "%.3g: %s",
                     variant->name, clvgg_storage_name(storage), (long long)of[0], (long long)of[1],
                     share, found.l2, found.bound, found.finding.words);
    }
    vgg_graph_free(graph);
    return rounds;
}

static void rounding_is_a_third_of_what_is_allowed(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    int rounding = 0;
    for (size_t v = 0; v < vgg_variant_count; v++)
        for (int c = 0; vgg_variants[v]->winograd.tile > 0 && c < CHANNELS; c++)
            for (int storage = CLVGG_STORAGE_F16; storage <= CLVGG_STORAGE_BF16; storage++)
                rounding += check(vgg_variants[v], channels[c], (clvgg_storage)storage);
    assert_true(rounding > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_a_third_of_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
