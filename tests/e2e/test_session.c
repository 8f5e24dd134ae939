/* e2e/test_session.c — sessions through the public API: the default model's answers, with weights
 * in float32 and in half the bytes. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/session.h"
#include "clvgg/interop.h"
#include "support/cl_faults.h"
#include "support/networks.h"
#include "support/skip.h"

#define MODEL PROJECT_ROOT "/models/vgg16-catdog.safetensors"
#define CHELSEA TEST_DATA "/chelsea.png"
enum { INPUT = 3 * 224 * 224 };

static struct {
    clvgg_runtime *runtime;
    clvgg_device *device;
    clvgg_model *model; /* the default one */
} shared;

static bool small_only(void)
{
    return getenv("CLVGG_TEST_SMALL") != NULL;
}

/* The golden inputs that are computed: small integers, as data/golden/generate.py has them. */
static void fill_pattern(const char *kind, float *input)
{
    for (int i = 0; i < INPUT; i++) {
        const int x = i % 224, y = i / 224 % 224, c = i / 224 / 224;
        const int value = strcmp(kind, "ramp") == 0 ? (x + 2 * y + 37 * c) % 256 - 128
                          : strcmp(kind, "checks") == 0
                              ? (x / 14 + y / 14 + c) % 2 * 192 - 96
                              : (x * x * 7 + y * y * 13 + x * y * (c + 3) + 101 * c) % 251 - 125;
        input[i] = (float)value;
    }
}

static void prepare_file(const char *path, float *input)
{
    clvgg_image *image = NULL;
    clvgg_preprocess preprocess;
    clvgg_model_preprocess(shared.model, &preprocess);
    must(clvgg_image_read(shared.runtime, path, &image));
    must(clvgg_image_prepare(image, &preprocess, input));
    clvgg_image_free(image);
}

/* The photograph included: it is prepared to the bit as Pillow and torchvision do. */
static void golden_logits_are_met(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_SMALL", __func__);
    FILE *file = fopen(TEST_DATA "/golden/logits.tsv", "r");
    assert_non_null(file);
    clvgg_session *session = session_make(shared.device, shared.model, &(session_request){0});
    float *input = malloc(INPUT * sizeof *input), expected[2];
    char name[32];
    int rows = 0;
    while (fscanf(file, "%31s %f %f", name, &expected[0], &expected[1]) == 3) {
        const bool photograph = strcmp(name, "chelsea.png") == 0;
        if (photograph)
            prepare_file(CHELSEA, input);
        else
            fill_pattern(name, input);
        float *logits = session_run_one(session, 1, input);
        const double error = relative_l2(logits, expected, 2);
        print_message("%s: relative L2 %.1e\n", name, error);
        assert_true(error <= 1e-4);
        free(logits);
        rows++;
    }
    assert_int_equal(rows, 4);
    fclose(file);
    free(input);
    clvgg_session_free(session);
}

static void one_call_classifies_a_file(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_SMALL", __func__);
    size_t index = 9;
    float probability = 0.0f;
    must(clvgg_classify_file(shared.runtime, MODEL, CHELSEA, &index, &probability));
    assert_string_equal(clvgg_model_label(shared.model, index), "cat");
    assert_true(probability > 0.99f);
    assert_int_equal(
        clvgg_classify_file(shared.runtime, MODEL, TEST_DATA "/absent.png", &index, &probability),
        CLVGG_STATUS_NOT_FOUND);
    assert_non_null(strstr(clvgg_status_message(), "absent.png"));
}

/* ---- the photographs of the shared data ---- */

enum { PHOTOGRAPHS = 200, BATCH = 8 };

typedef struct photograph {
    char path[1024];
    float probabilities[2];
} photograph;

static void shared_path(const char *name, char path[1024])
{
    const char *folder = getenv("CLVGG_SHARED");
    snprintf(path, 1024, "%.800s/%s", folder != NULL ? folder : PROJECT_ROOT "/../shared", name);
}

static int read_references(photograph *photographs)
{
    char line[256], name[128], path[1024];
    int count = 0;
    shared_path("data/catdog/reference-val.tsv", path);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    path[strlen(path) - strlen("reference-val.tsv")] = '\0';
    while (count < PHOTOGRAPHS && fgets(line, sizeof line, file) != NULL) {
        photograph *p = &photographs[count];
        if (sscanf(line, "%127s %*f %*f %f %f", name, &p->probabilities[0], &p->probabilities[1]) !=
            3)
            continue; /* the heading */
        snprintf(p->path, sizeof p->path, "%.800sval/%s", path, name);
        count++;
    }
    fclose(file);
    return count;
}

static void photographs_agree_with_their_references(void **state)
{
    (void)state;
    photograph *photographs = calloc(PHOTOGRAPHS, sizeof *photographs);
    if (small_only() || read_references(photographs) != PHOTOGRAPHS) {
        fprintf(stderr, "SKIPPED: no reference-val.tsv (CLVGG_SHARED), or small tests only\n");
        free(photographs);
        skip();
    }
    static const char *const prob[] = {"prob", NULL};
    char path[1024];
    clvgg_model *model; /* the references are of another head than the default model's */
    shared_path("models/vgg16-catdog.safetensors", path);
    must(clvgg_model_load(shared.runtime, path, NULL, &model));
    clvgg_session *session =
        session_make(shared.device, model, &(session_request){.outputs = prob, .max_batch = BATCH});
    float *inputs = malloc((size_t)BATCH * INPUT * sizeof *inputs);
    double worst = 0.0;
    int same = 0;
    for (int first = 0; first < PHOTOGRAPHS; first += BATCH) {
        for (int i = 0; i < BATCH; i++)
            prepare_file(photographs[first + i].path, inputs + (size_t)i * INPUT);
        float *got = session_run_one(session, BATCH, inputs);
        for (int i = 0; i < BATCH; i++) {
            const float *expected = photographs[first + i].probabilities;
            const double difference = fabs((double)got[2 * i] - (double)expected[0]);
            worst = difference > worst ? difference : worst;
            same += (got[2 * i] > got[2 * i + 1]) == (expected[0] > expected[1]);
        }
        free(got);
    }
    print_message("%d photographs: worst difference %.4f, same label %d\n", PHOTOGRAPHS, worst,
                  same);
    assert_true(worst <= 0.02);
    assert_true(same >= 199);
    clvgg_session_free(session);
    clvgg_model_free(model);
    free(inputs);
    free(photographs);
}

/* ---- weights in half the bytes ---- */

enum { STORAGE_BATCH = 4, STORAGE_IMAGES = 32 };

/* The patterns, the photograph of the tests and, where they are, 28 of the shared ones. */
static int fill_inputs(float *inputs)
{
    static const char *const patterns[] = {"ramp", "checks", "noise"};
    photograph *photographs = calloc(PHOTOGRAPHS, sizeof *photographs);
    const bool more = read_references(photographs) == PHOTOGRAPHS;
    for (int i = 0; i < 3; i++)
        fill_pattern(patterns[i], inputs + (size_t)i * INPUT);
    prepare_file(CHELSEA, inputs + (size_t)3 * INPUT);
    for (int i = 4; more && i < STORAGE_IMAGES; i++)
        prepare_file(photographs[i * 6].path, inputs + (size_t)i * INPUT);
    free(photographs);
    return more ? STORAGE_IMAGES : 4;
}

/* Logits [count][2] and the bytes of weights of a session with `storage`. */
static float *run_stored(clvgg_storage storage, int count, const float *inputs, uint64_t *bytes)
{
    clvgg_session *session =
        session_make(shared.device, shared.model,
                     &(session_request){.max_batch = STORAGE_BATCH, .storage = storage});
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_get_stats(session, &stats);
    assert_int_equal(stats.storage, storage);
    *bytes = stats.weight_bytes;
    float *logits = malloc((size_t)count * 2 * sizeof *logits);
    for (int i = 0; i < count; i += STORAGE_BATCH)
        must(clvgg_session_run(session, STORAGE_BATCH, inputs + (size_t)i * INPUT,
                               (float *const[]){logits + (size_t)i * 2}));
    clvgg_session_free(session);
    return logits;
}

/* All images together within the bounds for a whole VGG16, and no label turned over that had a
 * margin; and not by keeping float32. */
static void half_storage_keeps_the_logits(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_SMALL", __func__);
    static const double bounds[] = {0, 2e-3, 1.5e-2};
    float *inputs = malloc((size_t)STORAGE_IMAGES * INPUT * sizeof *inputs);
    uint64_t whole = 0, half = 0;
    const int count = fill_inputs(inputs);
    float *expected = run_stored(CLVGG_STORAGE_F32, count, inputs, &whole);
    for (clvgg_storage storage = CLVGG_STORAGE_F16; storage <= CLVGG_STORAGE_BF16; storage++) {
        float *logits = run_stored(storage, count, inputs, &half);
        const double error = relative_l2(logits, expected, (size_t)count * 2);
        print_message("%s: %d images, relative L2 %.1e, weights %.1f of %.1f MiB\n",
                      clvgg_storage_name(storage), count, error, (double)half / 1048576.0,
                      (double)whole / 1048576.0);
        assert_true(error > 0 && error <= bounds[storage]);
        assert_true(half < whole);
        for (int i = 0; i < count; i++) {
            const float margin = expected[2 * i] - expected[2 * i + 1];
            const float got = logits[2 * i] - logits[2 * i + 1];
            assert_true(margin * got > 0 || fabsf(margin) < 0.2f);
        }
        free(logits);
    }
    free(expected);
    free(inputs);
}

/* Weights for Winograd's F(4x4): 36 values for each 9 of the model's, in whole vectors. */
static void transformed_weights_are_told(void **state)
{
    (void)state;
    int found = 0;
    clvgg_model *model = network_make(shared.runtime, NETWORK_VGG);
    clvgg_session *session =
        session_make(shared.device, model, &(session_request){.variant = "*=winograd_f4_batched"});
    for (size_t s = 0; s < clvgg_session_step_count(session); s++) {
        clvgg_step_info step = {.struct_size = sizeof step};
        must(clvgg_session_step(session, s, &step));
        assert_true(step.model_weight_bytes == step.weight_count * sizeof(float));
        assert_true(step.weight_storage == CLVGG_STORAGE_F32);
        assert_true(step.bias_bytes >= step.model_bias_bytes);
        if (strcmp(step.variant, "winograd_f4_batched") != 0)
            continue;
        assert_string_equal(step.type, "conv2d");
        assert_int_equal(step.winograd_tile, 4);
        assert_true(step.weight_bytes >= step.model_weight_bytes * 4);
        found += step.weight_count > 0;
    }
    assert_true(found > 0);
    clvgg_session_free(session);
    clvgg_model_free(model);
}

/* Weights for a direct kernel take half the bytes, biases aside; sessions of a model that store
 * weights differently don't share them. */
static void half_storage_halves_the_weights(void **state)
{
    (void)state;
    clvgg_session *sessions[2];
    clvgg_model *model = network_make(shared.runtime, NETWORK_VGG);
    const clvgg_storage halves[] = {CLVGG_STORAGE_F16, CLVGG_STORAGE_BF16};
    for (int h = 0; h < 2; h++) {
        uint64_t bytes[2] = {0, 0};
        for (int i = 0; i < 2; i++) {
            sessions[i] = session_make(
                shared.device, model,
                &(session_request){.variant = "*=conv_direct", .storage = i == 0 ? 0 : halves[h]});
            for (size_t s = 0; s < clvgg_session_step_count(sessions[i]); s++) {
                clvgg_step_info step = {.struct_size = sizeof step};
                must(clvgg_session_step(sessions[i], s, &step));
                bytes[i] += step.weight_bytes;
            }
        }
        clvgg_session_stats stats[2] = {{.struct_size = sizeof *stats}};
        clvgg_session_get_stats(sessions[0], &stats[0]);
        clvgg_session_get_stats(sessions[1], &stats[1]);
        assert_true(bytes[1] > 0 && bytes[0] == 2 * bytes[1]);
        assert_true(stats[0].weight_bytes - stats[1].weight_bytes == bytes[1]);
        float *input = network_input(model, NETWORK_VGG, 1);
        float *expected = session_run_one(sessions[0], 1, input);
        float *output = session_run_one(sessions[1], 1, input);
        const double error = relative_l2(output, expected, 5);
        assert_true(error > 0 && error < (h == 0 ? 2e-3 : 1.5e-2));
        free(output);
        free(expected);
        free(input);
        clvgg_session_free(sessions[0]);
        clvgg_session_free(sessions[1]);
    }
    clvgg_model_free(model);
}

/* One weight of fc is more than float16 holds. */
static clvgg_status large_weight_source(void *user, const char *tensor, const clvgg_shape *shape,
                                        uint64_t first, uint64_t count, float *values)
{
    clvgg_status status = network_source(NETWORK_VGG)(user, tensor, shape, first, count, values);
    if (strcmp(tensor, "fc.weight") == 0 && first <= 3 && first + count > 3)
        values[3 - first] = -70000.0f;
    return status;
}

static void a_weight_that_cannot_be_stored_is_refused(void **state)
{
    (void)state;
    vgg_graph *graph = NULL;
    clvgg_model *model = NULL;
    clvgg_session *session = NULL;
    int last = 0;
    const vgg_attributes fc = {.dense = {.out_features = 5, .bias = true}};
    must(vgg_graph_create(3, 2, 2, &graph));
    must(vgg_graph_add(graph, "flatten", VGG_LAYER_FLATTEN, NULL, 0, &last));
    must(vgg_graph_add(graph, "fc", VGG_LAYER_DENSE, &fc, last, &last));
    must(vgg_model_from_graph(shared.runtime, graph, large_weight_source, NULL, &model));
    static const char *const outputs[] = {"fc", NULL};
    session_request request = {.outputs = outputs, .storage = CLVGG_STORAGE_F16};
    assert_int_equal(session_try(shared.device, model, &request, &session),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_null(session);
    assert_non_null(strstr(clvgg_status_message(), "layer 'fc'"));
    assert_non_null(strstr(clvgg_status_message(), "-70000"));
    request.storage = CLVGG_STORAGE_BF16; /* the range of float32 */
    clvgg_session_free(session_make(shared.device, model, &request));
    request.storage = CLVGG_STORAGE_INT8; /* no value of it is quantised */
    assert_int_equal(session_try(shared.device, model, &request, &session),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "networks with quantised values"));
    request.storage = (clvgg_storage)(CLVGG_STORAGE_INT8 + 1);
    assert_int_equal(session_try(shared.device, model, &request, &session),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    request.storage = CLVGG_STORAGE_F16;
    request.gemm = CLVGG_GEMM_CLBLAST; /* reads float32 */
    assert_int_equal(session_try(shared.device, model, &request, &session),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "takes weights of f32 alone, not f16"));
    clvgg_model_free(model);
}

static int set_up(void **state)
{
    (void)state;
    must(clvgg_runtime_create(NULL, &shared.runtime));
    must(clvgg_device_open(shared.runtime, getenv("CLVGG_DEVICE"), NULL, &shared.device));
    must(clvgg_model_load(shared.runtime, MODEL, NULL, &shared.model));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clvgg_model_free(shared.model);
    clvgg_device_free(shared.device);
    clvgg_runtime_free(shared.runtime);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_logits_are_met),
        cmocka_unit_test(one_call_classifies_a_file),
        cmocka_unit_test(photographs_agree_with_their_references),
        cmocka_unit_test(half_storage_keeps_the_logits),
        cmocka_unit_test(transformed_weights_are_told),
        cmocka_unit_test(half_storage_halves_the_weights),
        cmocka_unit_test(a_weight_that_cannot_be_stored_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
