/* kernel/test_plan_bands.c — steps that take a batch some images at a time: which they are, what
 * memory that leaves, and that it changes no bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "api/session.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "support/program.h"

enum { BATCH = 5, SIDE = 240, FEATURES = 6 };

/* Two convolutions on large images, a pooling, one on small images. What b gives of an image is
 * larger than what a took: written too early, it would lie on images that are still to be read. */
static clvgg_model *make_model(void)
{
    const vgg_attributes a = {.conv = {16, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, true}};
    const vgg_attributes b = {.conv = {20, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, true}};
    const vgg_attributes pool = {.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    const vgg_attributes last = {
        .conv = {FEATURES, {3, 3}, {16, 16}, {1, 1}, {1, 1, 1, 1}, 1, true}};
    vgg_graph *graph = NULL;
    clvgg_model *model = NULL;
    must(vgg_graph_create(4, SIDE, SIDE, &graph));
    must(vgg_graph_add(graph, "a", VGG_LAYER_CONV2D, &a, 0, NULL));
    must(vgg_graph_add(graph, "relu_a", VGG_LAYER_RELU, NULL, 1, NULL));
    must(vgg_graph_add(graph, "b", VGG_LAYER_CONV2D, &b, 2, NULL));
    must(vgg_graph_add(graph, "relu_b", VGG_LAYER_RELU, NULL, 3, NULL));
    must(vgg_graph_add(graph, "pool", VGG_LAYER_MAX_POOL, &pool, 4, NULL));
    must(vgg_graph_add(graph, "c", VGG_LAYER_CONV2D, &last, 5, NULL));
    must(vgg_model_from_graph(device.runtime, graph, network_source(NETWORK_VGG), NULL, &model));
    return model;
}

static bool has_band(const clvgg_session *session)
{
    const vgg_plan *plan = session->runner->plan;
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].stage->band_images < plan->max_batch)
            return true;
    return false;
}

/* The last output of `count` images, to be freed. */
static float *run_last(clvgg_session *session, int count, const float *input)
{
    const size_t last = (size_t)session->runner->plan->output_count - 1;
    float *outputs[2] = {NULL, NULL};
    outputs[last] = malloc((size_t)count * session_output_elements(session, last) * sizeof(float));
    assert_non_null(outputs[last]);
    must(clvgg_session_run(session, count, input, outputs));
    return outputs[last];
}

/* A caller who wants a value that a band would hand on gets all of it, so there is no band. */
static void a_band_gives_the_same_bits_in_less_memory(void **state)
{
    (void)state;
    test_program_skip_when_small("a_band_gives_the_same_bits_in_less_memory");
    static const char *const short_list[] = {"c", NULL}, *const long_list[] = {"relu_a", "c", NULL};
    clvgg_model *model = make_model();
    float *input = network_input(model, NETWORK_VGG, BATCH);
    const bool cpu = device.device->info.type == CLVGG_DEVICE_CPU;
    clvgg_session *whole = session_make(
        device.device, model, &(session_request){.outputs = long_list, .max_batch = BATCH});
    assert_false(has_band(whole));
    for (int profile = 0; profile < 2; profile++) {
        const session_request request = {
            .outputs = short_list, .max_batch = BATCH, .profile = profile};
        clvgg_session *session = session_make(device.device, model, &request);
        assert_int_equal(has_band(session), cpu);
        if (cpu)
            assert_true(session->runner->plan->arena_bytes < whole->runner->plan->arena_bytes);
        for (int count = BATCH; count > 0; count -= 2) {
            float *expected = run_last(whole, count, input);
            float *output = run_last(session, count, input);
            const size_t values = (size_t)count * session_output_elements(session, 0);
            assert_memory_equal(output, expected, values * sizeof *output);
            free(expected);
            free(output);
        }
        for (int i = 0; i < session->runner->plan->step_count; i++)
            assert_true(profile ? session->runner->plan->steps[i].stage->ms >= 0.0
                                : session->runner->plan->steps[i].stage->ms == 0.0);
        clvgg_session_free(session);
    }
    clvgg_session_free(whole);
    clvgg_model_free(model);
    free(input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_band_gives_the_same_bits_in_less_memory),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
