/* kernel/test_trial.c — the tuner's judge: right candidates are timed, wrong and slow ones are
 * told; its search: the same order from the same seed, and an end in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/device_fixture.h"
#include "tune/clblast_tuning.h"
#include "tune/tuner.h"

static const vgg_choice defaults = {{0}};

/* A convolution with ReLU and pooling, as a plan would run it untuned. */
typedef struct chain {
    vgg_graph *graph;
    vgg_op like;
    const vgg_node *pool;
} chain;

static chain make_chain(int batch, clvgg_storage storage)
{
    chain c = {0};
    static const vgg_quantize_attributes levels = {0.1f, 0, 254};
    const bool int8 = storage == CLVGG_STORAGE_INT8;
    const vgg_attributes conv = {
        .conv = {20, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, .groups = 1, .bias = true}};
    const vgg_attributes pool = {.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    int index = 0;
    assert_int_equal(vgg_graph_create(17, 13, 11, &c.graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(c.graph, "conv", VGG_LAYER_CONV2D, &conv, 0, &index), 0);
    assert_int_equal(vgg_graph_add(c.graph, "pool", VGG_LAYER_MAX_POOL, &pool, index, NULL), 0);
    c.pool = &c.graph->nodes[2];
    const vgg_problem problem = {.node = &c.graph->nodes[1],
                                 .input = c.graph->nodes[0].output,
                                 .output = c.graph->nodes[1].output,
                                 .input_block = 1,
                                 .relu = true,
                                 .max_batch = batch,
                                 .storage = storage,
                                 .quantized = int8 ? &levels : NULL};
    const vgg_traits traits = vgg_traits_of(&device.device->info);
    const vgg_variant *const first = int8                       ? &vgg_variant_conv_direct_int8
                                     : traits.vector_width >= 4 ? &vgg_variant_conv_blocked
                                                                : &vgg_variant_conv_direct;
    assert_int_equal(vgg_op_configure_chain(&c.like, first, &problem, c.pool, &traits, &defaults),
                     CLVGG_STATUS_OK);
    return c;
}

static vgg_verdict judge(const vgg_trial_bench *bench, const vgg_variant *variant,
                         const vgg_choice *choice, double best_ms)
{
    vgg_chain trial;
    vgg_verdict verdict = VGG_VERDICT_REFUSED;
    double ms = 0;
    clvgg_status status = vgg_trial_prepare(bench, variant, choice, &trial);
    if (status == CLVGG_STATUS_OK)
        status = vgg_trial_judge(bench, &trial, best_ms, &verdict, &ms);
    else
        assert_int_equal(status, CLVGG_STATUS_UNSUPPORTED);
    vgg_chain_release(&trial);
    assert_int_equal(verdict == VGG_VERDICT_REFUSED, status != CLVGG_STATUS_OK);
    assert_true(verdict != VGG_VERDICT_TIMED || ms > 0);
    return verdict;
}

static void right_candidates_are_timed(void **state)
{
    (void)state;
    for (clvgg_storage storage = CLVGG_STORAGE_F32; storage <= CLVGG_STORAGE_INT8; storage++) {
        chain c = make_chain(storage == CLVGG_STORAGE_F32 ? 1 : 3, storage);
        vgg_trial_bench bench;
        int timed = 0;
        assert_int_equal(vgg_trial_bench_open(device.device, &c.like, c.pool, &bench), 0);
        for (size_t v = 0; v < vgg_variant_count; v++) {
            if ((vgg_variants[v]->layers & VGG_LAYER_BIT(VGG_LAYER_CONV2D)) == 0 ||
                vgg_variants[v]->uses_clblast)
                continue;
            const vgg_verdict verdict = judge(&bench, vgg_variants[v], &defaults, 0);
            if (verdict != VGG_VERDICT_TIMED && verdict != VGG_VERDICT_REFUSED)
                fail_msg("%s: verdict %d", vgg_variants[v]->name, (int)verdict);
            timed += verdict == VGG_VERDICT_TIMED;
            if (storage == CLVGG_STORAGE_INT8 && verdict == VGG_VERDICT_TIMED)
                assert_true(vgg_variants[v]->quantizes);
        }
        assert_true(timed >= (storage == CLVGG_STORAGE_INT8 ? 1 : 2));
        vgg_trial_bench_close(&bench);
        vgg_graph_free(c.graph);
    }
}

static clvgg_status do_nothing(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    (void)op, (void)launch, (void)io, (void)count;
    return CLVGG_STATUS_OK;
}

static clvgg_status forget_the_last(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                    int count)
{
    return vgg_variant_conv_direct.enqueue(op, launch, io, count > 1 ? count - 1 : 1);
}

static void wrong_and_slow_candidates_are_told(void **state)
{
    (void)state;
    chain c = make_chain(3, CLVGG_STORAGE_F32);
    vgg_trial_bench bench;
    assert_int_equal(vgg_trial_bench_open(device.device, &c.like, c.pool, &bench), 0);
    vgg_variant other = vgg_variant_conv_direct;
    other.enqueue = do_nothing;
    assert_int_equal(judge(&bench, &other, &defaults, 0), VGG_VERDICT_WRONG);
    other.enqueue = forget_the_last;
    assert_int_equal(judge(&bench, &other, &defaults, 0), VGG_VERDICT_WRONG);
    assert_int_equal(judge(&bench, &vgg_variant_conv_direct, &defaults, 1e-6), VGG_VERDICT_DROPPED);
    const vgg_choice impossible = {{3, 3, 3}};
    assert_int_equal(judge(&bench, &vgg_variant_conv_tiled, &impossible, 0), VGG_VERDICT_REFUSED);
    vgg_trial_bench_close(&bench);
    vgg_graph_free(c.graph);
}

/* The candidates that a search tried, in order. */
typedef struct record {
    char text[4096];
    int count, stop_after;
} record;

static void note(void *user, const vgg_tuner_event *event)
{
    record *r = user;
    snprintf(r->text + strlen(r->text), sizeof r->text - strlen(r->text), " %s",
             event->variant->name);
    r->count++;
}

static bool enough(void *user)
{
    const record *r = user;
    return r->stop_after > 0 && r->count >= r->stop_after;
}

static vgg_tuner_result search(uint64_t seed, double seconds, record *r)
{
    chain c = make_chain(1, CLVGG_STORAGE_F32);
    const vgg_tuner tuner = {.device = device.device,
                             .seed = seed,
                             .deadline_ms = vgg_clock_ms() + seconds * 1e3,
                             .report = note,
                             .stop = enough,
                             .user = r};
    vgg_tuner_result result;
    assert_int_equal(vgg_tuner_search(&tuner, &c.like, c.pool, &result), CLVGG_STATUS_OK);
    assert_int_equal(result.wrong, 0);
    vgg_graph_free(c.graph);
    return result;
}

static void the_seed_gives_the_order(void **state)
{
    (void)state;
    static record first, same, other;
    bool differs = false;
    /* The variants come first, in an order that no time decides. */
    first.stop_after = same.stop_after = 5;
    assert_true(search(1, 600, &first).stopped);
    assert_true(search(1, 600, &same).stopped);
    assert_int_equal(first.count, 5);
    assert_string_equal(first.text, same.text);
    for (uint64_t seed = 2; seed < 6 && !differs; seed++) {
        other = (record){.stop_after = 5};
        search(seed, 600, &other);
        differs = strcmp(first.text, other.text) != 0;
    }
    assert_true(differs);
}

static void without_time_the_default_stays(void **state)
{
    (void)state;
    static record r;
    chain c = make_chain(1, CLVGG_STORAGE_F32);
    const vgg_tuner_result result = search(1, -1, &r);
    assert_int_equal(r.count, 1);
    assert_ptr_equal(result.variant, c.like.variant);
    assert_false(result.stopped);
    assert_true(result.ms > 0 && result.ms == result.default_ms);
    vgg_graph_free(c.graph);
}

/* The parameters searched matter to the product that is timed: CLBlast pads it to the tiles in
 * force. */
static void the_product_is_that_kernels(void **state)
{
    (void)state;
    static const char *names[] = {"GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB",
                                  "NDIMC", "NWG",  "SA",  "SB",  "STRM",  "STRN",  "VWM", "VWN"};
    static const size_t small[] = {0, 1, 8, 1, 8, 8, 8, 8, 8, 8, 0, 0, 0, 0, 1, 1};
    static const size_t large[] = {0, 1, 8, 1, 8, 8, 128, 8, 8, 128, 0, 0, 0, 0, 1, 1};
    enum { COUNT = sizeof small / sizeof *small };
    vgg_gemm product;
    uint64_t with_small = 0, with_large = 0;
    assert_int_equal(vgg_clblast_tuning_product(device.queue, &product), CLVGG_STATUS_OK);
    const cl_device_id id = device.device->id;
    assert_int_equal(vgg_clblast_override(id, "Xgemm", names, small, COUNT), CLVGG_STATUS_OK);
    assert_int_equal(vgg_clblast_workspace(&product, device.queue, &with_small), CLVGG_STATUS_OK);
    assert_int_equal(vgg_clblast_override(id, "Xgemm", names, large, COUNT), CLVGG_STATUS_OK);
    assert_int_equal(vgg_clblast_workspace(&product, device.queue, &with_large), CLVGG_STATUS_OK);
    assert_true(with_small > 0 && with_large > with_small);
}

/* CLBlast's products stay right with any parameters, and it is known which are set. */
static void parameters_of_clblast_are_tuned(void **state)
{
    (void)state;
    static record r = {.stop_after = 4};
    vgg_tuner_result result;
    char words[VGG_CLBLAST_WORDS];
    const vgg_tuner tuner = {.device = device.device,
                             .seed = 1,
                             .deadline_ms = vgg_clock_ms() + 600e3,
                             .report = note,
                             .stop = enough,
                             .user = &r};
    vgg_clblast_in_force(device.device->id, words);
    assert_string_equal(words, "");
    assert_int_equal(vgg_clblast_tune(&tuner, &result), CLVGG_STATUS_OK);
    assert_int_equal(r.count, 4);
    assert_true(result.default_ms > 0 && result.ms <= result.default_ms);
    assert_int_equal(result.timed + result.dropped + result.refused + result.wrong, 4);
    vgg_clblast_in_force(device.device->id, words);
    assert_non_null(strstr(words, "MWG="));
    if (result.choice.values[0] == 0)
        return; /* what was tried last stays, and may be wrong */
    vgg_graph *graph = NULL;
    const vgg_attributes dense = {.dense = {.out_features = 600, .bias = true}};
    vgg_op like;
    int index = 0;
    assert_int_equal(vgg_graph_create(700, 1, 1, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "flat", VGG_LAYER_FLATTEN, NULL, 0, &index), 0);
    assert_int_equal(vgg_graph_add(graph, "fc", VGG_LAYER_DENSE, &dense, index, &index), 0);
    const vgg_problem problem = {.node = &graph->nodes[index],
                                 .input = graph->nodes[1].output,
                                 .output = graph->nodes[index].output,
                                 .input_block = 1,
                                 .result = graph->nodes[index].output,
                                 .max_batch = 500};
    const vgg_traits traits = vgg_traits_of(&device.device->info);
    vgg_trial_bench bench;
    assert_int_equal(vgg_op_configure(&like, &vgg_variant_dense_direct, &problem, &traits), 0);
    assert_int_equal(vgg_trial_bench_open(device.device, &like, NULL, &bench), 0);
    assert_int_equal(judge(&bench, &vgg_variant_dense_clblast, &defaults, 0), VGG_VERDICT_TIMED);
    vgg_trial_bench_close(&bench);
    vgg_graph_free(graph);
}

int main(void)
{
    if (getenv("CLVGG_TEST_SMALL") != NULL) { /* nothing to learn on emulators, in minutes */
        fprintf(stderr, "SKIPPED: test_trial: only small tests were asked for\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_candidates_are_timed),
        cmocka_unit_test(wrong_and_slow_candidates_are_told),
        cmocka_unit_test(the_seed_gives_the_order),
        cmocka_unit_test(without_time_the_default_stays),
        cmocka_unit_test(parameters_of_clblast_are_tuned),
        cmocka_unit_test(the_product_is_that_kernels), /* last: it leaves slow parameters */
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
