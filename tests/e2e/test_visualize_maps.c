/* Occlusion and invariance of a small model, beside plain sessions on images made by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/visualize.h"
#include "ref/ref_graph.h"
#include "ref/ref_project.h"
#include "support/failing_allocator.h"
#include "support/networks.h"
#include "support/small_model.h"
#include "support/text.h"
#include "vis/gradcam.h"
#include "vis/invariance.h"
#include "vis/occlusion.h"

enum { SIDE = 32, INPUT = 3 * SIDE * SIDE, CLASSES = 3, MAPS = 5, MAP = 16 * 16 };

static struct {
    test_device opened;
    clvgg_model *model;
    clvgg_session *session; /* logits, relu2_1 */
    clvgg_image *image;
    clvgg_preprocess preprocess;
    float input[INPUT];
} fixture;

/* Logits, and relu2_1. */
static void run_plainly(const float *input, float logits[CLASSES], float relu2_1[MAPS * MAP])
{
    float *outputs[] = {logits, relu2_1};
    must(clvgg_session_run(fixture.session, 1, input, outputs));
}

static double softmax(const float *logits, size_t index)
{
    double sum = 0;
    for (size_t i = 0; i < CLASSES; i++)
        sum += exp((double)logits[i] - (double)logits[index]);
    return 1 / sum;
}

static int best_of(const float *logits)
{
    int best = 0;
    for (int i = 1; i < CLASSES; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

static double sum_of(const float *values, int64_t map)
{
    double sum = 0;
    for (int i = 0; i < MAP; i++)
        sum += (double)values[map * MAP + i];
    return sum;
}

static void check_cell(const clvgg_occlusion_map *result, int row, int column, float hidden)
{
    static float input[INPUT], relu[MAPS * MAP];
    float logits[CLASSES];
    memcpy(input, fixture.input, sizeof input);
    const double middle_y = result->top + row * result->stride + result->stride / 2.0;
    const double middle_x = result->left + column * result->stride + result->stride / 2.0;
    const int top = (int)floor(middle_y - result->size / 2.0);
    const int left = (int)floor(middle_x - result->size / 2.0);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                if (y >= top && y < top + result->size && x >= left && x < left + result->size)
                    input[(c * SIDE + y) * SIDE + x] = hidden;
    run_plainly(input, logits, relu);
    const int cell = row * result->columns + column;
    const double p = softmax(logits, result->class_index);
    assert_true(fabs((double)result->probability[cell] - p) < 1e-6);
    assert_true(fabs((double)result->log_odds[cell] - log(p / (1 - p))) < 1e-4);
    assert_int_equal(result->predicted[cell], best_of(logits));
    const double sum = sum_of(relu, result->map);
    assert_true(fabs((double)result->activation[cell] - sum) <= 1e-5 * (1 + sum));
}

typedef struct counter {
    size_t calls, done, total, stop_at;
} counter;

static int count(void *user, size_t done, size_t total)
{
    counter *counted = user;
    assert_true(done > counted->done && done <= total);
    counted->calls++;
    counted->done = done;
    counted->total = total;
    return counted->stop_at > 0 && done >= counted->stop_at;
}

static clvgg_occlusion_options small_squares(counter *counted)
{
    clvgg_occlusion_options options;
    clvgg_occlusion_options_defaults(&options);
    options.size = 9;
    options.stride = 5;
    options.layer = "conv2_1";
    options.max_batch = 4;
    options.progress = count;
    options.user = counted;
    return options;
}

static void occlusion_is_what_plain_runs_say(void **state)
{
    (void)state;
    static float relu[MAPS * MAP];
    float logits[CLASSES];
    counter counted = {0};
    clvgg_occlusion *occlusion = NULL;
    clvgg_occlusion_map result = {.struct_size = sizeof result};
    const clvgg_occlusion_options options = small_squares(&counted);
    must(clvgg_occlusion_create(fixture.opened.device, fixture.model, &options, &occlusion));
    must(clvgg_occlusion_run(occlusion, fixture.input, -1, -1, &result));
    assert_int_equal(result.rows, 7);
    assert_int_equal(result.columns, 7);
    assert_int_equal(counted.total, 49);
    assert_int_equal(counted.done, 49);
    assert_int_equal(counted.calls, 13); /* batches of 4 */
    assert_string_equal(result.layer, "relu2_1");
    run_plainly(fixture.input, logits, relu);
    assert_int_equal(result.class_index, best_of(logits));
    assert_true(fabs(result.unoccluded.probability - softmax(logits, result.class_index)) < 1e-6);
    for (int map = 0; map < MAPS; map++)
        assert_true(sum_of(relu, map) <= sum_of(relu, result.map) * (1 + 1e-6));
    assert_true(fabs(result.unoccluded_activation - sum_of(relu, result.map)) < 1e-3);
    float least = result.probability[0], most = least;
    for (int cell = 0; cell < 49; cell++) {
        check_cell(&result, cell / 7, cell % 7, 0);
        least = fminf(least, result.probability[cell]);
        most = fmaxf(most, result.probability[cell]);
    }
    assert_true(most - least > 1e-3f); /* there is something to see */
    counted = (counter){0};
    must(clvgg_occlusion_run(occlusion, fixture.input, 2, 3, &result));
    assert_true(result.class_index == 2 && result.map == 3);
    check_cell(&result, 3, 3, 0);
    clvgg_occlusion_free(occlusion);
}

static void grey_is_the_preprocessing_s(void **state)
{
    (void)state;
    counter counted = {0};
    clvgg_occlusion *occlusion = NULL;
    clvgg_occlusion_map result = {.struct_size = sizeof result};
    clvgg_occlusion_options options = small_squares(&counted);
    clvgg_preprocess preprocess = fixture.preprocess;
    preprocess.scale = 1;
    for (int c = 0; c < 3; c++) {
        preprocess.mean[c] = 100;
        preprocess.std[c] = 50;
    }
    options.fill = CLVGG_FILL_GREY;
    options.preprocess = &preprocess;
    must(clvgg_occlusion_create(fixture.opened.device, fixture.model, &options, &occlusion));
    must(clvgg_occlusion_run(occlusion, fixture.input, -1, -1, &result));
    check_cell(&result, 2, 4, 0.55f);
    clvgg_occlusion_free(occlusion);
}

static void occlusion_stops_and_goes_on(void **state)
{
    (void)state;
    counter counted = {.stop_at = 5};
    clvgg_occlusion *occlusion = NULL;
    clvgg_occlusion_map result = {.struct_size = sizeof result};
    const clvgg_occlusion_options options = small_squares(&counted);
    must(clvgg_occlusion_create(fixture.opened.device, fixture.model, &options, &occlusion));
    assert_int_equal(clvgg_occlusion_run(occlusion, fixture.input, -1, -1, &result),
                     CLVGG_STATUS_CANCELLED);
    assert_int_equal(counted.done, 8);
    counted = (counter){0};
    must(clvgg_occlusion_run(occlusion, fixture.input, -1, -1, &result));
    check_cell(&result, 6, 6, 0);
    static float nan_input[INPUT];
    memcpy(nan_input, fixture.input, sizeof nan_input);
    nan_input[100] = NAN;
    assert_int_equal(clvgg_occlusion_run(occlusion, nan_input, -1, -1, &result),
                     CLVGG_STATUS_NON_FINITE);
    counted = (counter){0};
    must(clvgg_occlusion_run(occlusion, nan_input, 0, 0, &result)); /* where it isn't hidden */
    assert_true(isnan(result.unoccluded.log_odds) && isnan(result.probability[48]));
    assert_int_equal(result.predicted[48], -1);
    assert_true(isfinite(result.probability[0])); /* pixel 100 is (3, 4) */
    clvgg_occlusion_free(occlusion);
}

#define REFUSED(call, part)                                                                        \
    do {                                                                                           \
        assert_int_equal(call, CLVGG_STATUS_INVALID_ARGUMENT);                                     \
        assert_contains(clvgg_status_message(), part);                                             \
    } while (0)

static void wrong_questions_are_refused(void **state)
{
    (void)state;
    counter counted = {0};
    clvgg_device *device = fixture.opened.device;
    clvgg_occlusion *occlusion = NULL;
    clvgg_occlusion_map result = {.struct_size = sizeof result};
    clvgg_occlusion_options options = small_squares(&counted);
    options.layer = "conv9_9";
    REFUSED(clvgg_occlusion_create(device, fixture.model, &options, &occlusion),
            "there are conv1_1");
    assert_null(occlusion);
    options = small_squares(&counted);
    options.size = 33;
    REFUSED(clvgg_occlusion_create(device, fixture.model, &options, &occlusion),
            "a square of 33 pixels is larger than the image of 32 x 32");
    options = small_squares(&counted);
    options.fill = CLVGG_FILL_EDGE;
    REFUSED(clvgg_occlusion_create(device, fixture.model, &options, &occlusion), "fill");
    must(clvgg_occlusion_create(device, fixture.model, NULL, &occlusion));
    REFUSED(clvgg_occlusion_run(occlusion, fixture.input, 3, -1, &result),
            "class 3: the model has 0 ... 2");
    REFUSED(clvgg_occlusion_run(occlusion, fixture.input, -1, 8, &result),
            "map 8 of relu5_2: it has 0 ... 7");
    clvgg_occlusion_free(occlusion);
    clvgg_invariance *invariance = NULL;
    clvgg_invariance_options moved;
    clvgg_invariance_options_defaults(&moved);
    moved.layers = (const char *[]){"conv1_1", "conv1_9"};
    moved.layer_count = 2;
    REFUSED(clvgg_invariance_create(device, fixture.model, &moved, &invariance), "'conv1_9'");
    assert_null(invariance);
    must(clvgg_invariance_create(device, fixture.model, NULL, &invariance));
    clvgg_invariance_curve curve = {.struct_size = sizeof curve};
    const double bad[] = {1, 0};
    REFUSED(
        clvgg_invariance_run(invariance, fixture.image, CLVGG_TRANSFORM_SCALE, bad, 2, -1, &curve),
        "a scale of 0");
    REFUSED(
        clvgg_invariance_run(invariance, fixture.image, CLVGG_TRANSFORM_SCALE, bad, 1, 7, &curve),
        "class 7");
    clvgg_invariance_free(invariance);
}

static double distance(const float *a, const float *b, size_t elements)
{
    double sum = 0;
    for (size_t i = 0; i < elements; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum);
}

static void invariance_is_what_plain_runs_say(void **state)
{
    (void)state;
    enum { AMOUNTS = 5 };
    static const double amounts[3][AMOUNTS] = {
        {0, -7, 3.5, 40, 1}, {1, 1.3, 1.8, 0.7, 3}, {0, 45, 90, 213.5, -10}};
    static float input[INPUT], original[MAPS * MAP], moved[MAPS * MAP], zero[MAPS * MAP];
    float logits[CLASSES];
    counter counted = {0};
    clvgg_invariance *invariance = NULL;
    clvgg_invariance_options options;
    clvgg_invariance_options_defaults(&options);
    options.layers = (const char *[]){"conv2_1", "fc7"};
    options.layer_count = 2;
    options.max_batch = 2;
    options.progress = count;
    options.user = &counted;
    options.preprocess = &fixture.preprocess;
    must(clvgg_invariance_create(fixture.opened.device, fixture.model, &options, &invariance));
    assert_int_equal(clvgg_invariance_layer_count(invariance), 2);
    assert_string_equal(clvgg_invariance_layer(invariance, 0), "relu2_1");
    assert_string_equal(clvgg_invariance_layer(invariance, 1), "relu7");
    assert_null(clvgg_invariance_layer(invariance, 2));
    run_plainly(fixture.input, logits, original);
    const size_t most_probable = (size_t)best_of(logits);
    for (int t = 0; t < 3; t++) {
        double norms[2], distances[2 * AMOUNTS];
        clvgg_class_score scores[AMOUNTS];
        clvgg_invariance_curve curve = {
            .struct_size = sizeof curve, .norms = norms, .distances = distances, .scores = scores};
        counted = (counter){0};
        must(clvgg_invariance_run(invariance, fixture.image, (clvgg_transform)t, amounts[t],
                                  AMOUNTS, -1, &curve));
        assert_true(counted.calls == 3 && counted.done == AMOUNTS);
        assert_int_equal(curve.class_index, most_probable);
        assert_true(distances[0] == 0 && distances[AMOUNTS] == 0); /* unmoved: the same bits */
        assert_true(scores[0].log_odds == curve.original.log_odds);
        for (int i = 1; i < AMOUNTS; i++) {
            must(clvgg_image_prepare_transformed(fixture.image, &fixture.preprocess,
                                                 (clvgg_transform)t, amounts[t][i], CLVGG_FILL_EDGE,
                                                 input));
            run_plainly(input, logits, moved);
            const double expected = distance(moved, original, MAPS * MAP);
            assert_true(expected > 0);
            assert_true(fabs(distances[i] - expected) < 1e-4 * expected);
            assert_true(fabs(scores[i].probability - softmax(logits, most_probable)) < 1e-6);
        }
        const double norm = distance(original, zero, MAPS * MAP);
        assert_true(fabs(norms[0] - norm) < 1e-4 * norm);
    }
    counted = (counter){.stop_at = 1};
    clvgg_invariance_curve curve = {.struct_size = sizeof curve};
    assert_int_equal(clvgg_invariance_run(invariance, fixture.image, CLVGG_TRANSFORM_SCALE,
                                          amounts[1], AMOUNTS, 1, &curve),
                     CLVGG_STATUS_CANCELLED);
    clvgg_invariance_free(invariance);
}

enum { SEED = 3 };

/* Weights and coarse map by their definition, in double precision: relu4_2 is [8][4][4]. */
static void check_gradcam(const clvgg_gradcam_map *map, size_t class_index)
{
    enum { CAM_MAPS = 8, CAM_SIDE = 4, POSITIONS = CAM_SIDE * CAM_SIDE };
    const vgg_graph *graph = fixture.model->graph;
    void *seed = (void *)(uintptr_t)SEED;
    float **values = ref_graph_values(graph, small_model_source, seed, 1, fixture.input);
    const int logits = vgg_graph_find(graph, "logits"), end = vgg_graph_find(graph, "relu4_2");
    double signal[CLASSES] = {0}, sum = 0, weights[CAM_MAPS] = {0};
    signal[class_index] = 1;
    double *gradients = ref_project(graph, small_model_source, seed, 1, values, logits, end,
                                    CLVGG_PROJECTION_GRADIENT, signal);
    assert_true(map->rows == CAM_SIDE && map->columns == CAM_SIDE);
    assert_int_equal(map->weight_count, CAM_MAPS);
    assert_string_equal(map->layer, "relu4_2");
    assert_int_equal(map->class_index, class_index);
    for (int c = 0; c < CAM_MAPS; c++) {
        for (int i = 0; i < POSITIONS; i++)
            weights[c] += gradients[c * POSITIONS + i] / POSITIONS;
        sum += fabs(weights[c]);
        assert_true(fabs((double)map->weights[c] - weights[c]) < 1e-5);
    }
    assert_true(sum > 0.01); /* there is a gradient */
    for (int i = 0; i < POSITIONS; i++) {
        double value = 0;
        for (int c = 0; c < CAM_MAPS; c++)
            value += weights[c] * (double)values[end][c * POSITIONS + i];
        assert_true(fabs((double)map->coarse[i] - fmax(value, 0)) < 1e-5);
    }
    assert_true(map->height == SIDE && map->width == SIDE);
    assert_true(map->map[0] == map->coarse[0]);
    assert_true(map->map[SIDE * SIDE - 1] == map->coarse[POSITIONS - 1]);
    free(gradients);
    ref_graph_free(graph, values);
}

static void gradcam_follows_its_definition(void **state)
{
    (void)state;
    clvgg_gradcam *gradcam = NULL;
    clvgg_gradcam_map map = {.struct_size = sizeof map};
    clvgg_gradcam_options options;
    clvgg_gradcam_options_defaults(&options);
    options.layer = "conv4_2";
    must(clvgg_gradcam_create(fixture.opened.device, fixture.model, &options, &gradcam));
    for (int64_t i = 0; i < CLASSES; i++) {
        must(clvgg_gradcam_run(gradcam, fixture.input, i, &map));
        check_gradcam(&map, (size_t)i);
    }
    float logits[CLASSES];
    static float relu[MAPS * MAP];
    run_plainly(fixture.input, logits, relu);
    must(clvgg_gradcam_run(gradcam, fixture.input, -1, &map));
    check_gradcam(&map, (size_t)best_of(logits));
    assert_true(fabs(map.score.probability - softmax(logits, map.class_index)) < 1e-6);
    REFUSED(clvgg_gradcam_run(gradcam, fixture.input, CLASSES, &map), "class 3");
    static float nan_input[INPUT];
    nan_input[7] = NAN;
    assert_int_equal(clvgg_gradcam_run(gradcam, nan_input, -1, &map), CLVGG_STATUS_NON_FINITE);
    clvgg_gradcam_free(gradcam);
    must(clvgg_gradcam_create(fixture.opened.device, fixture.model, NULL, &gradcam));
    must(clvgg_gradcam_run(gradcam, fixture.input, 1, &map));
    assert_string_equal(map.layer, "relu5_2");
    clvgg_gradcam_free(gradcam);
    options.layer = "fc7";
    REFUSED(clvgg_gradcam_create(fixture.opened.device, fixture.model, &options, &gradcam),
            "'relu7' has no maps");
    options.layer = "convolution";
    REFUSED(clvgg_gradcam_create(fixture.opened.device, fixture.model, &options, &gradcam),
            "there are conv1_1");
    assert_null(gradcam);
}

static clvgg_status occlude(void *user)
{
    counter counted = {0};
    clvgg_occlusion *occlusion = NULL;
    clvgg_occlusion_map result = {.struct_size = sizeof result};
    clvgg_occlusion_options options = small_squares(&counted);
    (void)user;
    options.stride = 30;
    clvgg_status status =
        vgg_occlusion_create(fixture.opened.device, fixture.model, &options, &occlusion);
    if (status == CLVGG_STATUS_OK)
        status = vgg_occlusion_run(occlusion, fixture.input, -1, -1, &result);
    vgg_occlusion_free(occlusion);
    return status;
}

static clvgg_status move(void *user)
{
    static const double amounts[] = {3};
    clvgg_invariance *invariance = NULL;
    clvgg_invariance_curve curve = {.struct_size = sizeof curve};
    clvgg_invariance_options options;
    (void)user;
    clvgg_invariance_options_defaults(&options);
    options.preprocess = &fixture.preprocess;
    clvgg_status status =
        vgg_invariance_create(fixture.opened.device, fixture.model, &options, &invariance);
    if (status == CLVGG_STATUS_OK)
        status = vgg_invariance_run(invariance, fixture.image, CLVGG_TRANSFORM_ROTATION, amounts, 1,
                                    -1, &curve);
    vgg_invariance_free(invariance);
    return status;
}

static clvgg_status see(void *user)
{
    clvgg_gradcam *gradcam = NULL;
    clvgg_gradcam_map map = {.struct_size = sizeof map};
    clvgg_gradcam_options options;
    (void)user;
    clvgg_gradcam_options_defaults(&options);
    clvgg_status status =
        vgg_gradcam_create(fixture.opened.device, fixture.model, &options, &gradcam);
    if (status == CLVGG_STATUS_OK)
        status = vgg_gradcam_run(gradcam, fixture.input, -1, &map);
    vgg_gradcam_free(gradcam);
    return status;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    must(occlude(NULL)); /* what the device keeps is there before */
    must(move(NULL));
    must(see(NULL));
    assert_true(failing_allocator_sweep(occlude, NULL) > 20);
    assert_true(failing_allocator_sweep(move, NULL) > 20);
    assert_true(failing_allocator_sweep(see, NULL) > 20);
}

static int set_up(void **state)
{
    (void)state;
    test_device_open(&fixture.opened, NULL);
    fixture.model = small_model_make(fixture.opened.runtime, SEED);
    fixture.session =
        session_make(fixture.opened.device, fixture.model,
                     &(session_request){.outputs = (const char *[]){"logits", "relu2_1", NULL}});
    must(clvgg_image_read(fixture.opened.runtime, TEST_DATA "/chelsea.png", &fixture.image));
    clvgg_preprocess_defaults(&fixture.preprocess);
    fixture.preprocess.height = fixture.preprocess.width = SIDE;
    fixture.preprocess.resize_short = 0;
    must(clvgg_image_prepare(fixture.image, &fixture.preprocess, fixture.input));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clvgg_image_free(fixture.image);
    clvgg_session_free(fixture.session);
    clvgg_model_free(fixture.model);
    test_device_close(&fixture.opened);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(occlusion_is_what_plain_runs_say),
        cmocka_unit_test(grey_is_the_preprocessing_s),
        cmocka_unit_test(occlusion_stops_and_goes_on),
        cmocka_unit_test(wrong_questions_are_refused),
        cmocka_unit_test(invariance_is_what_plain_runs_say),
        cmocka_unit_test(gradcam_follows_its_definition),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
