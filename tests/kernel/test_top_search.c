/* kernel/test_top_search.c — the strongest activations through the public API: equal to brute force
 * over a session's values, whatever the batch; ties, maps that never fire, values that are no
 * numbers, arguments that make no sense.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "clvgg/visualize.h"
#include "plan/plan.h"
#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "support/skip.h"
#include "support/small_model.h"
#include "support/text.h"
#include "vis/top_search.h"

enum { IMAGES = 13, COUNT = 5, ELEMENTS = 3 * 32 * 32, MOST_MAPS = 12 };

static clvgg_model *model;
static float *images; /* [IMAGES][ELEMENTS] */

/* Searched layers, and where their values are. */
static const struct {
    const char *name, *values;
    bool rectified;
} layers[] = {
    {"conv1_1", "relu1_1", true}, {"relu2_1", "relu2_1", true}, {"conv3_2", "relu3_2", true},
    {"pool5", "pool5", true},     {"fc6", "relu6", true},       {"logits", "fc8", false},
};
enum { LAYERS = sizeof layers / sizeof *layers };

static clvgg_top_options options_for(clvgg_top_layer wanted[LAYERS])
{
    clvgg_top_options options;
    clvgg_top_options_defaults(&options);
    for (size_t i = 0; i < LAYERS; i++)
        wanted[i] = (clvgg_top_layer){.name = layers[i].name};
    options.layers = wanted;
    options.layer_count = LAYERS;
    options.count = COUNT;
    return options;
}

/* Values of a layer, [IMAGES][shape]. */
static float *values_of(const char *layer, int batch, clvgg_shape *shape)
{
    clvgg_session *session = session_make(
        device.device, model,
        &(session_request){.outputs = (const char *const[]){layer, NULL}, .max_batch = batch});
    const size_t elements = session_output_elements(session, 0);
    float *values = malloc(IMAGES * elements * sizeof *values);
    must(clvgg_session_output_shape(session, 0, shape));
    for (int first = 0; first < IMAGES; first += batch) {
        const int count = IMAGES - first < batch ? IMAGES - first : batch;
        float *some = session_run_one(session, count, images + (size_t)first * ELEMENTS);
        memcpy(values + (size_t)first * elements, some, (size_t)count * elements * sizeof *values);
        free(some);
    }
    clvgg_session_free(session);
    return values;
}

/* Each time the strongest image that is left. */
static size_t brute_force(const float *values, int64_t maps, int64_t pixels, int64_t width,
                          int64_t map, bool rectified, clvgg_top_entry expected[COUNT])
{
    bool taken[IMAGES] = {false};
    size_t count = 0;
    while (count < COUNT) {
        int best = -1;
        int64_t best_at = 0;
        float best_value = rectified ? 0.0f : -INFINITY;
        for (int image = 0; image < IMAGES; image++)
            for (int64_t p = 0; !taken[image] && p < pixels; p++) {
                const float value = values[(image * maps + map) * pixels + p];
                if (value > best_value) {
                    best = image;
                    best_at = p;
                    best_value = value;
                }
            }
        if (best < 0)
            break;
        taken[best] = true;
        expected[count++] =
            (clvgg_top_entry){(uint64_t)best, best_at / width, best_at % width, best_value};
    }
    return count;
}

/* The chain behind a convolution may be another than the session's, with other rounding. */
static void compare(const clvgg_top_search *search, size_t layer, const float *values,
                    const clvgg_shape *shape, double tolerance)
{
    const int64_t pixels = shape->rank == 3 ? shape->dims[1] * shape->dims[2] : 1;
    const int64_t width = shape->rank == 3 ? shape->dims[2] : 1;
    for (int64_t map = 0; map < shape->dims[0]; map++) {
        clvgg_top_entry expected[COUNT], found[COUNT];
        const size_t wanted = brute_force(values, shape->dims[0], pixels, width, map,
                                          layers[layer].rectified, expected);
        size_t count = 99;
        must(clvgg_top_search_entries(search, layer, map, found, &count));
        assert_int_equal(count, wanted);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(found[i].image, expected[i].image);
            assert_int_equal(found[i].y, expected[i].y);
            assert_int_equal(found[i].x, expected[i].x);
            assert_true(fabs((double)found[i].value - (double)expected[i].value) <=
                        tolerance * fabs((double)expected[i].value));
        }
    }
}

static void lists_equal_brute_force(void **state)
{
    (void)state;
    clvgg_top_layer wanted[LAYERS];
    clvgg_top_options options = options_for(wanted);
    float *values[LAYERS];
    clvgg_shape shapes[LAYERS];
    for (size_t i = 0; i < LAYERS; i++)
        values[i] = values_of(layers[i].values, 4, &shapes[i]);
    static const size_t portions[] = {1, 3, IMAGES};
    for (int batch = 0; batch <= 4; batch += 2)
        for (size_t p = 0; p < sizeof portions / sizeof *portions; p++) {
            clvgg_top_search *search = NULL;
            options.max_batch = batch;
            must(clvgg_top_search_create(device.device, model, &options, &search));
            for (size_t first = 0; first < IMAGES; first += portions[p])
                must(clvgg_top_search_add(
                    search, portions[p] < IMAGES - first ? portions[p] : IMAGES - first,
                    images + first * ELEMENTS, NULL, NULL));
            assert_int_equal(clvgg_top_search_image_count(search), IMAGES);
            for (size_t i = 0; i < LAYERS; i++)
                compare(search, i, values[i], &shapes[i], 1e-4);
            clvgg_top_search_free(search);
        }
    for (size_t i = 0; i < LAYERS; i++)
        free(values[i]);
}

static void layers_say_what_they_are(void **state)
{
    (void)state;
    clvgg_top_layer wanted[LAYERS];
    const int64_t some[] = {5, 2, 5, 0};
    clvgg_top_options options = options_for(wanted);
    wanted[2].maps = some;
    wanted[2].map_count = 4;
    clvgg_top_search *search = NULL;
    must(clvgg_top_search_create(device.device, model, &options, &search));
    assert_int_equal(clvgg_top_search_layer_count(search), LAYERS);
    for (size_t i = 0; i < LAYERS; i++) {
        clvgg_top_layer_info info = {.struct_size = sizeof info};
        must(clvgg_top_search_layer(search, i, &info));
        assert_string_equal(info.name, layers[i].name);
        assert_string_equal(info.values, layers[i].values);
        assert_int_equal(info.chosen_count, i == 2 ? 3 : info.maps);
        assert_true(i < 4 ? info.height > 0 : info.height == 1 && info.width == 1);
    }
    clvgg_top_entry entries[COUNT];
    size_t count;
    assert_int_equal(clvgg_top_search_entries(search, 2, 1, entries, &count),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(clvgg_status_message(), "map 1 of layer 'conv3_2'"));
    must(clvgg_top_search_entries(search, 2, 2, entries, &count));
    assert_int_equal(count, 0); /* no image yet */
    clvgg_top_search_free(search);
}

/* Copies of an image are as strong: the first goes first. */
static void ties_go_to_what_came_first(void **state)
{
    (void)state;
    const clvgg_top_layer wanted = {.name = "conv1_1"};
    clvgg_top_options options;
    clvgg_top_options_defaults(&options);
    options.layers = &wanted;
    options.layer_count = 1;
    clvgg_top_search *search = NULL;
    must(clvgg_top_search_create(device.device, model, &options, &search));
    for (int i = 0; i < 3; i++)
        must(clvgg_top_search_add(search, 1, images, NULL, NULL));
    int fired = 0;
    for (int64_t map = 0; map < 4; map++) {
        clvgg_top_entry entries[9];
        size_t count;
        must(clvgg_top_search_entries(search, 0, map, entries, &count));
        assert_true(count == 0 || count == 3);
        fired += count == 3;
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(entries[i].image, i);
            assert_true(entries[i].value == entries[0].value);
            assert_true(entries[i].y == entries[0].y && entries[i].x == entries[0].x);
        }
    }
    assert_true(fired > 0);
    clvgg_top_search_free(search);
}

/* Biases alone: what is above zero fires everywhere, the others never. */
static void silent_maps_have_no_entries(void **state)
{
    (void)state;
    const clvgg_top_layer wanted = {.name = "conv1_1"};
    clvgg_top_options options;
    clvgg_top_options_defaults(&options);
    options.layers = &wanted;
    options.layer_count = 1;
    clvgg_top_search *search = NULL;
    float *zeros = calloc(2 * ELEMENTS, sizeof *zeros);
    float bias[4];
    must(
        small_model_source(model->source_user, "conv1_1.bias", &(clvgg_shape){1, {4}}, 0, 4, bias));
    must(clvgg_top_search_create(device.device, model, &options, &search));
    must(clvgg_top_search_add(search, 2, zeros, NULL, NULL));
    int silent = 0;
    for (int64_t map = 0; map < 4; map++) {
        clvgg_top_entry entries[9];
        size_t count;
        must(clvgg_top_search_entries(search, 0, map, entries, &count));
        assert_int_equal(count, bias[map] > 0.0f ? 2 : 0);
        silent += count == 0;
        if (count > 0)
            assert_true(entries[0].y == 0 && entries[0].x == 0);
    }
    assert_in_range(silent, 1, 3); /* else this shows nothing: take another seed */
    int64_t maps[4];
    size_t map_count;
    must(clvgg_top_search_strongest(search, 0, 4, maps, &map_count));
    assert_int_equal(map_count, 4);
    for (size_t i = 1; i < 4; i++) {
        const float before = fmaxf(bias[maps[i - 1]], 0.0f), after = fmaxf(bias[maps[i]], 0.0f);
        assert_true(before > after || (before == after && maps[i - 1] < maps[i]));
    }
    must(clvgg_top_search_strongest(search, 0, 1, maps, &map_count));
    assert_int_equal(map_count, 1);
    clvgg_top_search_free(search);
    free(zeros);
}

static void what_is_no_number_is_left_out(void **state)
{
    (void)state;
    clvgg_top_layer wanted[LAYERS];
    clvgg_top_options options = options_for(wanted);
    float *bad = malloc(4 * ELEMENTS * sizeof *bad);
    memcpy(bad, images, 4 * ELEMENTS * sizeof *bad);
    bad[ELEMENTS + 100] = NAN;
    bad[3 * ELEMENTS + 200] = INFINITY;
    clvgg_top_search *search = NULL, *other = NULL;
    clvgg_top_rejected rejected[4];
    size_t rejected_count = 99;
    must(clvgg_top_search_create(device.device, model, &options, &search));
    must(clvgg_top_search_add(search, 1, images, rejected, &rejected_count));
    assert_int_equal(rejected_count, 0);
    must(clvgg_top_search_add(search, 4, bad, rejected, &rejected_count));
    assert_int_equal(rejected_count, 2);
    assert_int_equal(rejected[0].image, 2);
    assert_int_equal(rejected[1].image, 4);
    assert_string_equal(rejected[0].layer, "conv1_1");
    assert_int_equal(rejected[0].map, 0);
    assert_int_equal(clvgg_top_search_image_count(search), 5);
    for (size_t layer = 0; layer < LAYERS; layer++) {
        clvgg_top_layer_info info = {.struct_size = sizeof info};
        must(clvgg_top_search_layer(search, layer, &info));
        for (int64_t map = 0; map < info.maps; map++) {
            clvgg_top_entry entries[COUNT];
            size_t count;
            must(clvgg_top_search_entries(search, layer, map, entries, &count));
            assert_in_range(count, 0, 3);
            for (size_t i = 0; i < count; i++) {
                assert_true(isfinite(entries[i].value));
                assert_true(entries[i].image != 2 && entries[i].image != 4);
            }
        }
    }
    must(clvgg_top_search_create(device.device, model, &options, &other));
    assert_int_equal(clvgg_top_search_add(other, 4, bad, NULL, NULL), CLVGG_STATUS_NON_FINITE);
    assert_string_equal(clvgg_status_message(),
                        "image 1: an activation of layer 'conv1_1', map 0 is not finite");
    clvgg_top_search_free(search);
    clvgg_top_search_free(other);
    free(bad);
}

static void refuses(const clvgg_top_options *options, const char *part)
{
    clvgg_top_search *search = (clvgg_top_search *)1;
    assert_int_equal(clvgg_top_search_create(device.device, model, options, &search),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_null(search);
    assert_contains(clvgg_status_message(), part);
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    clvgg_top_layer wanted[LAYERS];
    clvgg_top_options options = options_for(wanted);
    wanted[1].name = "conv9_9";
    refuses(&options, "there is no layer 'conv9_9'; there are conv1_1 relu1_1");
    wanted[1].name = "input";
    refuses(&options, "input");
    options = options_for(wanted);
    const int64_t maps[] = {0, 8};
    wanted[0].maps = maps;
    wanted[0].map_count = 2;
    refuses(&options, "layer 'conv1_1' has maps 0 to 3, there is no map 8");
    wanted[0].map_count = 0;
    refuses(&options, "no map of layer 'conv1_1'");
    options = options_for(wanted);
    options.count = 0;
    refuses(&options, "count");
    options = options_for(wanted);
    options.layer_count = 0;
    refuses(&options, "layer_count");
    options = options_for(wanted);
    options.struct_size--;
    refuses(&options, "struct_size");
}

/* Each map is searched right behind what computes it, so that it need not be kept. */
static void maps_are_searched_while_they_are_there(void **state)
{
    (void)state;
    clvgg_top_layer wanted[LAYERS];
    const clvgg_top_options options = options_for(wanted);
    clvgg_top_search *search = NULL;
    must(clvgg_top_search_create(device.device, model, &options, &search));
    int peaks = 0;
    for (int i = 0; i < search->runner->plan->step_count; i++) {
        const vgg_plan_step *step = &search->runner->plan->steps[i];
        if (step->stage->op.problem.node == NULL ||
            step->stage->op.problem.node->type != VGG_LAYER_MAP_PEAK)
            continue;
        peaks++;
        assert_true(i > 0);
        assert_int_equal(search->runner->plan->steps[i - 1].output, step->input);
    }
    assert_int_equal(peaks, LAYERS);
    for (int i = 1; i < search->graph->count && i < model->graph->count; i++)
        if (search->graph->nodes[i].type != VGG_LAYER_MAP_PEAK)
            assert_string_equal(search->graph->nodes[i].name, model->graph->nodes[i].name);
    clvgg_top_search_free(search);
}

static void short_device_memory_halves_the_batch(void **state)
{
    (void)state;
    const clvgg_top_layer wanted = {.name = "conv3_2"};
    clvgg_top_options options;
    clvgg_top_options_defaults(&options);
    options.layers = &wanted;
    options.layer_count = 1;
    options.max_batch = 4;
    clvgg_top_search *search = NULL, *whole = NULL;
    must(clvgg_top_search_create(device.device, model, &options, &whole));
    cl_faults_fail_call("clCreateBuffer", 0, CL_MEM_OBJECT_ALLOCATION_FAILURE);
    must(clvgg_top_search_create(device.device, model, &options, &search));
    assert_true(cl_faults_stop());
    assert_int_equal(search->runner->options.max_batch, 2);
    must(clvgg_top_search_add(whole, 4, images, NULL, NULL));
    cl_faults_fail_call("clEnqueueNDRangeKernel", 3, CL_OUT_OF_RESOURCES);
    must(clvgg_top_search_add(search, 4, images, NULL, NULL));
    assert_true(cl_faults_stop());
    assert_int_equal(search->runner->options.max_batch, 1);
    size_t compared = 0;
    for (int64_t map = 0; map < 6; map++) {
        clvgg_top_entry a[9], b[9];
        size_t a_count, b_count;
        must(clvgg_top_search_entries(search, 0, map, a, &a_count));
        must(clvgg_top_search_entries(whole, 0, map, b, &b_count));
        assert_int_equal(a_count, b_count);
        compared += a_count;
        for (size_t i = 0; i < a_count; i++)
            assert_int_equal(a[i].image, b[i].image);
    }
    assert_true(compared > 0);
    clvgg_top_search_free(search);
    clvgg_top_search_free(whole);
}

static clvgg_status search_two(void)
{
    clvgg_top_layer wanted[LAYERS];
    clvgg_top_options options = options_for(wanted);
    options.max_batch = 1;
    clvgg_top_search *search = NULL;
    clvgg_status status = clvgg_top_search_create(device.device, model, &options, &search);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_top_search_add(search, 2, images, NULL, NULL);
    clvgg_top_search_free(search);
    return status;
}

static void every_failing_call_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_SMALL", __func__);
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    bool failed = true;
    must(search_two());
    for (size_t i = 0; failed; i += 1 + i / 16) {
        const size_t live = cl_faults_live();
        cl_faults_fail_at(i, CL_INVALID_VALUE);
        const clvgg_status status = search_two();
        failed = cl_faults_stop();
        assert_true(failed == (status != CLVGG_STATUS_OK));
        assert_int_equal(cl_faults_live(), live);
    }
}

static int set_up(void **state)
{
    device_setup(state);
    model = small_model_make(device.runtime, 3);
    images = malloc(IMAGES * ELEMENTS * sizeof *images);
    uint32_t random = 5;
    for (size_t i = 0; i < IMAGES * ELEMENTS; i++) {
        vgg_random_next(&random);
        images[i] = (float)(random >> 8) / 8388608.0f - 1.0f;
    }
    return 0;
}

static int tear_down(void **state)
{
    free(images);
    vgg_model_free(model);
    return device_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_equal_brute_force),
        cmocka_unit_test(layers_say_what_they_are),
        cmocka_unit_test(ties_go_to_what_came_first),
        cmocka_unit_test(silent_maps_have_no_entries),
        cmocka_unit_test(what_is_no_number_is_left_out),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(maps_are_searched_while_they_are_there),
        cmocka_unit_test(short_device_memory_halves_the_batch),
        cmocka_unit_test(every_failing_call_is_an_error_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
