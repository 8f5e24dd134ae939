/* kernel/test_plan.c — whole small networks through sessions, against double-precision loops: every
 * layer, whatever is retained, whatever stands beside it in the batch, by every variant.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/session.h"
#include "ref/ref_graph.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "tensor/shape.h"

/* Requests by which the plan computes a network in different ways. */
static const session_request ways[] = {
    {.variant = NULL},
    {.gemm = CLVGG_GEMM_OWN},
    {.gemm = CLVGG_GEMM_CLBLAST},
    {.variant = "*=conv_direct"},
    {.variant = "*=conv_tiled"},
    {.variant = "*=conv_blocked"},
    {.variant = "*=conv_subgroup"},
    {.variant = "*=conv_im2col_clblast"},
    {.variant = "*=dense_direct"},
    {.variant = "*=dense_rows"},
    {.variant = "*=dense_blocked"},
    {.variant = "*=dense_clblast"},
};
enum { WAY_COUNT = sizeof ways / sizeof *ways };

/* Slow devices do without the largest network. */
static bool small_only(void)
{
    return getenv("CLVGG_TEST_SMALL") != NULL;
}

static network_kind first_network(void)
{
    return small_only() ? NETWORK_ODD : NETWORK_VGG;
}

static const char *way_name(const session_request *way)
{
    return way->variant != NULL              ? way->variant
           : way->gemm == CLVGG_GEMM_OWN     ? "gemm own"
           : way->gemm == CLVGG_GEMM_CLBLAST ? "gemm clblast"
                                             : "default";
}

static bool same_bits(const float *a, const float *b, size_t count)
{
    return memcmp(a, b, count * sizeof *a) == 0;
}

/* A session the way asked for, or NULL where a variant says that it can't. */
static clvgg_session *session_by(const session_request *way, clvgg_model *model, int max_batch,
                                 const char *const *outputs)
{
    session_request request = *way;
    clvgg_session *session = NULL;
    request.max_batch = max_batch;
    request.outputs = outputs;
    const clvgg_status status = session_try(device.device, model, &request, &session);
    if (status != CLVGG_STATUS_UNSUPPORTED)
        must(status);
    return session;
}

/* Every layer of the network is an output at once: nothing can be fused. */
static void every_layer_agrees_with_its_definition(void **state)
{
    (void)state;
    enum { BATCH = 2 };
    for (network_kind kind = first_network(); kind < NETWORK_COUNT; kind++) {
        clvgg_model *model = network_make(device.runtime, kind);
        const vgg_graph *graph = model->graph;
        float *input = network_input(model, kind, BATCH), *outputs[64];
        float **expected = ref_graph_values(graph, network_source(kind), NULL, BATCH, input);
        const char *names[64] = {NULL};
        for (int i = 1; i < graph->count; i++)
            names[i - 1] = graph->nodes[i].name;
        clvgg_session *session = session_make(
            device.device, model, &(session_request){.outputs = names, .max_batch = BATCH});
        for (int i = 1; i < graph->count; i++)
            outputs[i - 1] =
                malloc(BATCH * session_output_elements(session, (size_t)i - 1) * sizeof(float));
        must(clvgg_session_run(session, BATCH, input, outputs));
        double worst = 0.0;
        for (int i = 1; i < graph->count; i++) {
            const size_t count = BATCH * session_output_elements(session, (size_t)i - 1);
            const double error = relative_l2(outputs[i - 1], expected[i], count);
            if (!(error <= (network_is_integers(kind) ? 0.0 : 1e-5)))
                fail_msg("%s, %s: relative L2 %g", network_names[kind], names[i - 1], error);
            worst = error > worst ? error : worst;
            free(outputs[i - 1]);
        }
        print_message("%s: relative L2 %.1e\n", network_names[kind], worst);
        clvgg_session_free(session);
        ref_graph_free(graph, expected);
        clvgg_model_free(model);
        free(input);
    }
}

/* Each layer alone, so that everything before it may be fused and share memory. */
static void a_layer_has_the_same_value_alone(void **state)
{
    (void)state;
    for (network_kind kind = first_network(); kind < NETWORK_COUNT; kind++) {
        clvgg_model *model = network_make(device.runtime, kind);
        const vgg_graph *graph = model->graph;
        float *input = network_input(model, kind, 1);
        float **expected = ref_graph_values(graph, network_source(kind), NULL, 1, input);
        for (int i = 1; i < graph->count; i++) {
            const char *names[] = {graph->nodes[i].name, NULL};
            clvgg_session *session =
                session_make(device.device, model, &(session_request){.outputs = names});
            float *output = session_run_one(session, 1, input);
            const double error =
                relative_l2(output, expected[i], session_output_elements(session, 0));
            if (!(error <= (network_is_integers(kind) ? 0.0 : 1e-5)))
                fail_msg("%s, %s alone: relative L2 %g", network_names[kind], names[0], error);
            free(output);
            clvgg_session_free(session);
        }
        ref_graph_free(graph, expected);
        clvgg_model_free(model);
        free(input);
    }
}

static void fusion_stops_at_what_is_retained(void **state)
{
    (void)state;
    static const char *const cases[][3] = {{"logits"}, {"relu2", "logits"}, {"conv2", "logits"}};
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    const int conv2 = vgg_graph_find(model->graph, "conv2");
    float *input = network_input(model, NETWORK_VGG, 1), *bits[3];
    for (int i = 0; i < 3; i++) {
        const char *names[] = {cases[i][0], cases[i][1], NULL};
        clvgg_session *session =
            session_make(device.device, model, &(session_request){.outputs = names});
        const vgg_plan *plan = session->runner->plan;
        int convolutions = 0;
        for (int s = 0; s < plan->step_count; s++)
            if (plan->steps[s].first_node == conv2 && plan->steps[s].stage->op.pack.panel != 0) {
                convolutions++;
                assert_int_equal(plan->steps[s].last_node - conv2 <= 2 - i, true);
            }
        assert_int_equal(convolutions, 1);
        const size_t last = i > 0;
        float *outputs[2];
        for (size_t o = 0; o <= last; o++)
            outputs[o] = malloc(session_output_elements(session, o) * sizeof(float));
        must(clvgg_session_run(session, 1, input, outputs));
        bits[i] = outputs[last];
        assert_true(same_bits(bits[0], bits[i], 5)); /* fused or not: the same sums */
        if (last > 0)
            free(outputs[0]);
        clvgg_session_free(session);
    }
    for (int i = 0; i < 3; i++)
        free(bits[i]);
    free(input);
    clvgg_model_free(model);
}

/* Every way computes the network of integers exactly. */
static void every_way_is_exact_on_integers(void **state)
{
    (void)state;
    enum { BATCH = 3 };
    clvgg_model *model = network_make(device.runtime, NETWORK_INTEGERS);
    float *input = network_input(model, NETWORK_INTEGERS, BATCH);
    float **expected =
        ref_graph_values(model->graph, network_source(NETWORK_INTEGERS), NULL, BATCH, input);
    const float *logits = expected[vgg_graph_find(model->graph, "logits")];
    for (int w = 0; w < WAY_COUNT; w++) {
        clvgg_session *session = session_by(&ways[w], model, BATCH, NULL);
        if (session == NULL)
            continue;
        float *output = session_run_one(session, BATCH, input);
        for (size_t i = 0; i < BATCH * session_output_elements(session, 0); i++)
            if (output[i] != logits[i])
                fail_msg("%s, value %zu: %g expected, got %g", way_name(&ways[w]), i,
                         (double)logits[i], (double)output[i]);
        free(output);
        clvgg_session_free(session);
    }
    ref_graph_free(model->graph, expected);
    clvgg_model_free(model);
    free(input);
}

/* An image alone, then at every position of every batch, then beside NaNs. */
static void check_companions(clvgg_session *session, const float *images, int max_batch,
                             const char *way)
{
    const size_t in = session_input_elements(session), out = session_output_elements(session, 0);
    float *alone[8], *batch = malloc((size_t)max_batch * in * sizeof *batch);
    for (int i = 0; i < max_batch; i++) {
        alone[i] = session_run_one(session, 1, images + (size_t)i * in);
        assert_true(isfinite(alone[i][0]));
    }
    for (int count = 1; count <= max_batch; count++)
        for (int shift = 0; shift < max_batch; shift++) {
            for (int i = 0; i < count; i++)
                memcpy(batch + (size_t)i * in, images + (size_t)((i + shift) % max_batch) * in,
                       in * sizeof *batch);
            float *output = session_run_one(session, count, batch);
            for (int i = 0; i < count; i++)
                if (!same_bits(output + (size_t)i * out, alone[(i + shift) % max_batch], out))
                    fail_msg("%s: image %d differs at position %d of a batch of %d", way,
                             (i + shift) % max_batch, i, count);
            free(output);
        }
    for (int poisoned = 0; poisoned < max_batch; poisoned++) {
        memcpy(batch, images, (size_t)max_batch * in * sizeof *batch);
        for (size_t i = 0; i < in; i++)
            batch[(size_t)poisoned * in + i] = NAN;
        float *output = session_run_one(session, max_batch, batch);
        for (int i = 0; i < max_batch; i++)
            for (size_t o = 0; o < out; o++)
                if (i == poisoned ? !isnan(output[(size_t)i * out + o])
                                  : output[(size_t)i * out + o] != alone[i][o])
                    fail_msg("%s: image %d beside NaNs in image %d", way, i, poisoned);
        free(output);
    }
    float *again = session_run_one(session, 1, images); /* after the NaNs */
    assert_true(same_bits(again, alone[0], out));
    free(again);
    for (int i = 0; i < max_batch; i++)
        free(alone[i]);
    free(batch);
}

static void bits_do_not_depend_on_companions(void **state)
{
    (void)state;
    enum { BATCH = 3 };
    const network_kind kind = small_only() ? NETWORK_INTEGERS : NETWORK_VGG;
    clvgg_model *model = network_make(device.runtime, kind);
    float *images = network_input(model, kind, BATCH);
    for (int w = 0; w < WAY_COUNT; w++) {
        clvgg_session *session = session_by(&ways[w], model, BATCH, NULL);
        if (session == NULL) {
            print_message("%s: %s\n", way_name(&ways[w]), clvgg_status_message());
            continue;
        }
        check_companions(session, images, BATCH, way_name(&ways[w]));
        clvgg_session_free(session);
    }
    clvgg_model_free(model);
    free(images);
}

/* One NaN pixel reaches every probability through softmax. */
static void a_nan_pixel_is_not_lost(void **state)
{
    (void)state;
    static const char *const prob[] = {"prob", NULL};
    for (network_kind kind = first_network(); kind <= NETWORK_ODD; kind++) {
        clvgg_model *model = network_make(device.runtime, kind);
        clvgg_session *session =
            session_make(device.device, model, &(session_request){.outputs = prob});
        float *input = network_input(model, kind, 1);
        input[session_input_elements(session) / 2] = NAN;
        float *output = session_run_one(session, 1, input);
        for (size_t i = 0; i < session_output_elements(session, 0); i++)
            assert_true(isnan(output[i]));
        free(output);
        free(input);
        clvgg_session_free(session);
        clvgg_model_free(model);
    }
}

static void profiling_times_every_step_and_keeps_bits(void **state)
{
    (void)state;
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    float *input = network_input(model, NETWORK_VGG, 1);
    clvgg_session *plain = session_make(device.device, model, &(session_request){0});
    clvgg_session *timed = session_make(device.device, model, &(session_request){.profile = 1});
    float *expected = session_run_one(plain, 1, input), *output = session_run_one(timed, 1, input);
    assert_true(same_bits(expected, output, session_output_elements(plain, 0)));
    double sum = 0.0;
    for (size_t i = 0; i < clvgg_session_step_count(timed); i++) {
        clvgg_step_info step = {.struct_size = sizeof step};
        must(clvgg_session_step(timed, i, &step));
        assert_true(step.ms >= 0.0 && step.ms < 60e3);
        sum += step.ms;
        must(clvgg_session_step(plain, i, &step));
        assert_true(step.ms == 0.0);
    }
    assert_true(sum > 0.0 || small_only()); /* llvmpipe's clock stands still */
    free(expected);
    free(output);
    free(input);
    clvgg_session_free(plain);
    clvgg_session_free(timed);
    clvgg_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_agrees_with_its_definition),
        cmocka_unit_test(a_layer_has_the_same_value_alone),
        cmocka_unit_test(fusion_stops_at_what_is_retained),
        cmocka_unit_test(every_way_is_exact_on_integers),
        cmocka_unit_test(bits_do_not_depend_on_companions),
        cmocka_unit_test(a_nan_pixel_is_not_lost),
        cmocka_unit_test(profiling_times_every_step_and_keeps_bits),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
