/* kernel/test_plan_memory.c — what a plan says and does about memory: no two live tensors overlap,
 * the arena is close to its bound, devices with small allocations, limits; and what it says of
 * requests that can't be met.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/session.h"
#include "base/alloc.h"
#include "ref/ref_graph.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "tensor/shape.h"

static void check_no_overlap(const vgg_plan *plan)
{
    const uint64_t unit = device.device->alignment_bytes / sizeof(float);
    for (int i = 0; i < plan->tensor_count; i++) {
        const vgg_plan_tensor *a = &plan->tensors[i];
        assert_true(a->offset % unit == 0);
        assert_true(a->offset + a->elements <= plan->chunk_elements[a->chunk]);
        for (int j = 0; j < i; j++) {
            const vgg_plan_tensor *b = &plan->tensors[j];
            const bool together = a->first_step <= b->last_step && b->first_step <= a->last_step;
            const bool apart = a->chunk != b->chunk || a->offset + a->elements <= b->offset ||
                               b->offset + b->elements <= a->offset;
            assert_true(!together || apart);
        }
    }
    /* Lifetimes are what the steps need. */
    for (int s = 0; s < plan->step_count; s++) {
        const vgg_plan_step *step = &plan->steps[s];
        const int used[] = {step->input, step->output, step->workspace};
        for (int u = 0; u < 3; u++)
            if (used[u] >= 0)
                assert_true(plan->tensors[used[u]].first_step <= s &&
                            plan->tensors[used[u]].last_step >= s);
    }
    for (int o = 0; o < plan->output_count; o++)
        assert_int_equal(plan->tensors[plan->outputs[o]].last_step, plan->step_count);
}

/* Live tensors are checked with every layer retained, with none, and with workspaces. */
static void live_tensors_never_overlap(void **state)
{
    (void)state;
    static const char *const variants[] = {NULL, "*=conv_direct", "*=conv_im2col_clblast",
                                           "*=dense_clblast"};
    for (network_kind kind = 0; kind < NETWORK_COUNT; kind++) {
        clvgg_model *model = network_make(device.runtime, kind);
        const char *names[64] = {NULL};
        for (int i = 1; i < model->graph->count; i++)
            names[i - 1] = model->graph->nodes[i].name;
        for (int v = 0; v < 8; v++) {
            const session_request request = {
                .outputs = v % 2 ? names : NULL, .variant = variants[v / 2], .max_batch = 2};
            clvgg_session *session = session_make(device.device, model, &request);
            const vgg_plan *plan = session->runner->plan;
            check_no_overlap(plan);
            assert_true(plan->arena_bytes >= plan->arena_bound_bytes);
            assert_true(plan->unshared_bytes >= plan->arena_bytes);
            clvgg_session_free(session);
        }
        clvgg_model_free(model);
    }
}

/* No parameter is ever asked for: selection and layout need none. */
static vgg_plan *full_vgg16_plan(vgg_graph **graph, vgg_traits traits, clvgg_gemm gemm,
                                 int max_batch)
{
    static const int64_t head[3] = {4096, 4096, 1000};
    must(vgg_graph_build_vgg("vgg16", 3, 224, 224, head, graph));
    const int logits = vgg_graph_find(*graph, "logits");
    vgg_plan *plan = vgg_calloc(1, sizeof *plan);
    const vgg_plan_options options = {
        .max_batch = max_batch, .outputs = &logits, .output_count = 1, .execution = {.gemm = gemm}};
    *plan = (vgg_plan){
        .device = device.device, .graph = *graph, .traits = traits, .max_batch = max_batch};
    vgg_device_retain(device.device);
    must(vgg_plan_select(plan, NULL, &options));
    vgg_plan_find_bands(plan);
    must(vgg_plan_lay_out(plan, &options));
    return plan;
}

static void full_vgg16_arena_is_close_to_its_bound(void **state)
{
    (void)state;
    const vgg_traits gpu = {.type = CLVGG_DEVICE_GPU,
                            .vector_width = 1,
                            .max_work_group_size = 256,
                            .local_memory_bytes = 32 << 10,
                            .max_allocation_bytes = UINT64_C(4) << 30};
    vgg_traits cpu = vgg_traits_of(&device.device->info);
    cpu.type = CLVGG_DEVICE_CPU;
    cpu.vector_width = 16;
    const vgg_traits both[2] = {gpu, cpu};
    for (int t = 0; t < 2; t++)
        for (int batch = 1; batch <= 4; batch += 3) {
            vgg_graph *graph = NULL;
            vgg_plan *plan = full_vgg16_plan(&graph, both[t], CLVGG_GEMM_AUTO, batch);
            check_no_overlap(plan);
            print_message("vgg16, %s, batch %d: %d steps, arena %.1f MiB, bound %.1f, unshared "
                          "%.1f\n",
                          t == 0 ? "a GPU" : "a CPU", batch, plan->step_count,
                          (double)plan->arena_bytes / 1048576.0,
                          (double)plan->arena_bound_bytes / 1048576.0,
                          (double)plan->unshared_bytes / 1048576.0);
            assert_true(plan->arena_bytes >= plan->arena_bound_bytes);
            assert_true((double)plan->arena_bytes <= 1.1 * (double)plan->arena_bound_bytes);
            assert_true(plan->unshared_bytes > 2 * plan->arena_bytes);
            /* A CPU takes large images one by one. */
            assert_int_equal(plan->steps[0].stage->band_images, t == 1 && batch > 1 ? 1 : INT_MAX);
            assert_true((plan->steps[0].stage->band_end > 1) == (t == 1 && batch > 1));
            assert_int_equal(plan->steps[13].stage->band_images, INT_MAX);
            if (t == 0) { /* 13 convolutions, 3 dense layers; nothing to convert */
                assert_int_equal(plan->step_count, 16);
                assert_string_equal(plan->steps[0].stage->op.variant->name, "conv_tiled");
                assert_string_equal(plan->steps[1].stage->op.variant->name, "winograd_f2_tiled");
                assert_string_equal(plan->steps[1].stage->name, "conv1_2+relu1_2+pool1");
                assert_string_equal(plan->steps[15].stage->op.variant->name, "dense_rows");
            } else { /* poolings fused; pool5 becomes plain before fc6 */
                assert_int_equal(plan->step_count, 17);
                assert_string_equal(plan->steps[1].stage->name, "conv1_2+relu1_2+pool1");
                assert_string_equal(plan->steps[13].stage->name, "pool5 (layout)");
            }
            vgg_plan_free(plan);
            vgg_graph_free(graph);
        }
}

/* One command of a GPU holds some images only: 3.7 GFLOP each in conv1_2, 0.2 in fc6. */
static void gpu_launches_are_bounded(void **state)
{
    (void)state;
    vgg_graph *graph = NULL;
    clvgg_device_info info = device.device->info;
    info.type = CLVGG_DEVICE_GPU;
    info.max_work_group_size = 256;
    info.local_memory_bytes = 32 << 10;
    info.max_allocation_bytes = UINT64_C(4) << 30;
    vgg_plan *plan = full_vgg16_plan(&graph, vgg_traits_of(&info), CLVGG_GEMM_OWN, 64);
    assert_int_equal(plan->steps[0].stage->op.images_a_launch, 0); /* 64 images of conv1_1 */
    assert_int_equal(plan->steps[1].stage->op.images_a_launch, 4);
    assert_int_equal(plan->steps[2].stage->op.images_a_launch, 9);
    assert_int_equal(plan->steps[12].stage->op.images_a_launch, 18);
    assert_int_equal(plan->steps[13].stage->op.images_a_launch, 0);
    vgg_plan_free(plan);
    vgg_graph_free(graph);
}

/* A CPU that has scalars only, as Mesa's llvmpipe, gets no kernel made for local memory. */
static void scalar_cpu_convolves_directly(void **state)
{
    (void)state;
    vgg_graph *graph = NULL;
    vgg_traits scalar = vgg_traits_of(&device.device->info);
    scalar.type = CLVGG_DEVICE_CPU;
    scalar.vector_width = 1;
    vgg_plan *plan = full_vgg16_plan(&graph, scalar, CLVGG_GEMM_AUTO, 2);
    for (int i = 0; i < plan->step_count; i++)
        assert_string_not_equal(plan->steps[i].stage->op.variant->name, "conv_tiled");
    vgg_plan_free(plan);
    vgg_graph_free(graph);
}

/* The smallest "largest allocation" that this plan can do with: its largest tensor, panel of
 * weights, or weight that can't be split. */
static uint64_t least_allocation(const vgg_plan *plan)
{
    uint64_t least = 0;
    for (int i = 0; i < plan->tensor_count; i++)
        if (plan->tensors[i].elements > least)
            least = plan->tensors[i].elements;
    for (int i = 0; i < plan->step_count; i++) {
        const vgg_pack *pack = &plan->steps[i].stage->op.pack;
        const uint64_t elements =
            pack->panel == 0 ? 0
                             : vgg_pack_elements(pack, pack->splittable ? pack->panel : pack->rows);
        if (elements > least)
            least = elements;
    }
    return least * sizeof(float) + device.device->alignment_bytes;
}

static int most_pieces(const vgg_plan *plan)
{
    int most = 0;
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].weights != NULL && plan->steps[i].weights->piece_count > most)
            most = plan->steps[i].weights->piece_count;
    return most;
}

/* Several chunks of arena and several pieces of weights compute what one of each does. */
static void small_allocations_give_the_same_bits(void **state)
{
    (void)state;
    static const session_request ways[] = {
        {.max_batch = 3},
        {.max_batch = 3, .variant = "*=dense_direct"},
        {.max_batch = 3, .variant = "*=dense_rows"},
        {.max_batch = 3, .variant = "*=conv_direct"},
    };
    const uint64_t largest = device.device->info.max_allocation_bytes;
    bool split_arena = false, split_weights = false;
    for (int w = 0; w < 4; w++) {
        clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
        float *input = network_input(model, NETWORK_VGG, 3);
        clvgg_session *whole = session_make(device.device, model, &ways[w]);
        assert_int_equal(whole->runner->plan->chunk_count, 1);
        assert_int_equal(most_pieces(whole->runner->plan), 1);
        float *expected = session_run_one(whole, 3, input);
        const uint64_t least = least_allocation(whole->runner->plan);
        clvgg_session_free(whole); /* its weights go with it */

        clvgg_session *split = NULL;
        device.device->info.max_allocation_bytes = least;
        const clvgg_status status = session_try(device.device, model, &ways[w], &split);
        device.device->info.max_allocation_bytes = largest;
        must(status);
        for (int i = 0; i < split->runner->plan->chunk_count; i++)
            assert_true(split->runner->plan->chunk_elements[i] * sizeof(float) <= least);
        split_arena = split_arena || split->runner->plan->chunk_count > 1;
        split_weights = split_weights || most_pieces(split->runner->plan) > 1;
        check_no_overlap(split->runner->plan);
        float *output = session_run_one(split, 3, input);
        assert_memory_equal(output, expected, 3 * 5 * sizeof *output);
        clvgg_session_free(split);
        clvgg_model_free(model);
        free(expected);
        free(output);
        free(input);
    }
    assert_true(split_arena && split_weights);
}

static void clblast_takes_weights_in_pieces(void **state)
{
    (void)state;
    enum { INPUTS = 70, FEATURES = 96, BATCH = 5, PIECE = 60 };
    const vgg_attributes dense = {.dense = {FEATURES, true}};
    vgg_graph *graph = NULL;
    clvgg_model *model = NULL;
    clvgg_session *session = NULL;
    must(vgg_graph_create(INPUTS, 1, 1, &graph));
    must(vgg_graph_add(graph, "flatten", VGG_LAYER_FLATTEN, NULL, 0, NULL));
    must(vgg_graph_add(graph, "fc", VGG_LAYER_DENSE, &dense, 1, NULL));
    must(vgg_model_from_graph(device.runtime, graph, network_source(NETWORK_VGG), NULL, &model));
    float *input = network_input(model, NETWORK_VGG, BATCH);
    const session_request request = {.max_batch = BATCH, .gemm = CLVGG_GEMM_CLBLAST};
    const uint64_t largest = device.device->info.max_allocation_bytes;
    device.device->info.max_allocation_bytes = INPUTS * PIECE * sizeof(float);
    const clvgg_status status = session_try(device.device, model, &request, &session);
    device.device->info.max_allocation_bytes = largest;
    must(status);
    assert_int_equal(most_pieces(session->runner->plan), 2);
    float **expected =
        ref_graph_values(model->graph, network_source(NETWORK_VGG), NULL, BATCH, input);
    float *output = session_run_one(session, BATCH, input);
    assert_true(relative_l2(output, expected[2], BATCH * FEATURES) <= 1e-5);
    ref_graph_free(model->graph, expected);
    clvgg_session_free(session);
    clvgg_model_free(model);
    free(output);
    free(input);
}

/* The message has every one of the words. */
static void expect_message(const char *const *words)
{
    for (; *words != NULL; words++)
        if (strstr(clvgg_status_message(), *words) == NULL)
            fail_msg("no '%s' in: %s", *words, clvgg_status_message());
}

static void requests_that_fail_say_what_there_is(void **state)
{
    (void)state;
    static const char *const unknown_output[] = {"conv9", NULL}, *const no_input[] = {"input",
                                                                                      NULL};
    const struct {
        session_request request;
        clvgg_status status;
        const char *words[6];
    } cases[] = {
        {{.outputs = unknown_output},
         CLVGG_STATUS_INVALID_ARGUMENT,
         {"'conv9'", "logits", "prob", "conv2", "pool3"}},
        {{.outputs = no_input}, CLVGG_STATUS_INVALID_ARGUMENT, {"'input'"}},
        {{.variant = "conv2=conv_magic"},
         CLVGG_STATUS_INVALID_ARGUMENT,
         {"'conv_magic'", "conv_direct", "dense_clblast"}},
        {{.variant = "conv9=conv_direct"},
         CLVGG_STATUS_INVALID_ARGUMENT,
         {"'conv9'", "conv2", "fc5"}},
        {{.variant = "conv_direct"}, CLVGG_STATUS_INVALID_ARGUMENT, {"LAYER=NAME"}},
        {{.variant = "fc4=conv_direct"}, CLVGG_STATUS_INVALID_ARGUMENT, {"conv_direct", "dense"}},
        {{.variant = "conv2=layout"}, CLVGG_STATUS_INVALID_ARGUMENT, {"'layout'"}},
        {{.memory_limit_bytes = 65536, .max_batch = 4},
         CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
         {"batch of 4", "MiB of activations", "the limit is 0.1 MiB"}},
        {{.max_batch = 0x10001}, CLVGG_STATUS_INVALID_ARGUMENT, {"max_batch"}},
    };
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clvgg_session *session = (clvgg_session *)1;
        assert_int_equal(session_try(device.device, model, &cases[i].request, &session),
                         cases[i].status);
        assert_null(session);
        expect_message(cases[i].words);
    }
    clvgg_model_free(model);
}

/* A graph of one strided convolution over a huge image, or of one with a huge output. */
static void values_beyond_32_bits_are_refused(void **state)
{
    (void)state;
    static const int64_t extents[2] = {40000, 20000}, strides[2] = {40000, 1};
    static const char *const conv_only[] = {"conv", NULL}, *const layers[2] = {"'input'", "'conv'"};
    for (int i = 0; i < 2; i++) {
        vgg_graph *graph = NULL;
        clvgg_model *model = NULL;
        clvgg_session *session = NULL;
        const vgg_attributes conv = {
            .conv = {6, {1, 1}, {strides[i], strides[i]}, {1, 1}, {0, 0, 0, 0}, 1, false}};
        must(vgg_graph_create(2, extents[i], extents[i], &graph));
        must(vgg_graph_add(graph, "conv", VGG_LAYER_CONV2D, &conv, 0, NULL));
        must(
            vgg_model_from_graph(device.runtime, graph, network_source(NETWORK_VGG), NULL, &model));
        assert_int_equal(
            session_try(device.device, model, &(session_request){.outputs = conv_only}, &session),
            CLVGG_STATUS_UNSUPPORTED);
        expect_message((const char *const[]){layers[i], "2^31", NULL});
        clvgg_model_free(model);
    }
}

static void a_tensor_larger_than_an_allocation_is_refused(void **state)
{
    (void)state;
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    clvgg_session *session = NULL;
    const uint64_t whole = device.device->info.max_allocation_bytes;
    device.device->info.max_allocation_bytes = 20000;
    const clvgg_status status =
        session_try(device.device, model, &(session_request){.max_batch = 9}, &session);
    device.device->info.max_allocation_bytes = whole;
    assert_int_equal(status, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY);
    expect_message((const char *const[]){"batch of 9", "largest allocation is 0.0 MiB", NULL});
    clvgg_model_free(model);
}

/* Plans that may differ in bits have different fingerprints. */
static void fingerprints_tell_plans_apart(void **state)
{
    (void)state;
    static const session_request requests[] = {{0},
                                               {.variant = "conv2=conv_direct"},
                                               {.variant = "*=conv_direct"},
                                               {.storage = CLVGG_STORAGE_F16},
                                               {.storage = CLVGG_STORAGE_BF16}};
    enum { COUNT = sizeof requests / sizeof *requests };
    const vgg_traits traits = vgg_traits_of(&device.device->info);
    const bool scalar = traits.type == CLVGG_DEVICE_CPU && traits.vector_width == 1;
    uint64_t prints[NETWORK_COUNT * COUNT];
    for (int i = 0; i < NETWORK_COUNT * COUNT; i++) {
        clvgg_model *model = network_make(device.runtime, (network_kind)(i / COUNT));
        clvgg_session *session = session_make(device.device, model, &requests[i % COUNT]);
        clvgg_session *twin = session_make(device.device, model, &requests[i % COUNT]);
        clvgg_session_stats stats, twins;
        clvgg_session_get_stats(session, &stats);
        clvgg_session_get_stats(twin, &twins);
        assert_true(stats.fingerprint == twins.fingerprint);
        prints[i] = stats.fingerprint;
        /* Where it is chosen unasked: conv2 there has groups, and a CPU without vectors. */
        const bool direct_anyway =
            i % COUNT < 3 && ((i / COUNT == NETWORK_ODD && i % COUNT == 1) || scalar);
        for (int j = 0; j < i; j++)
            assert_true(prints[j] != prints[i] || (direct_anyway && i / COUNT == j / COUNT));
        clvgg_session_free(session);
        clvgg_session_free(twin);
        clvgg_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_tensors_never_overlap),
        cmocka_unit_test(full_vgg16_arena_is_close_to_its_bound),
        cmocka_unit_test(gpu_launches_are_bounded),
        cmocka_unit_test(scalar_cpu_convolves_directly),
        cmocka_unit_test(small_allocations_give_the_same_bits),
        cmocka_unit_test(clblast_takes_weights_in_pieces),
        cmocka_unit_test(requests_that_fail_say_what_there_is),
        cmocka_unit_test(values_beyond_32_bits_are_refused),
        cmocka_unit_test(a_tensor_larger_than_an_allocation_is_refused),
        cmocka_unit_test(fingerprints_tell_plans_apart),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
