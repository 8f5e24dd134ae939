/* test_cli_verify.c — kernels that a driver, or whoever changed them, has made wrong: named by
 * `verify`, found before they are used first, replaced, remembered, used again once they are right.
 *
 * The kernels are those of cl/ with one place changed, in a folder (CLVGG_KERNEL_DIR).
 */
#include <cjson/cJSON.h>
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/files.h"
#include "support/networks.h"
#include "support/program.h"
#include "support/scratch.h"

static char image[300], net[300], few_layers[300], kernels[300], environment_cache[400],
    environment_kernels[400];
static const char *environment[] = {environment_cache, environment_kernels, "CLVGG_VERIFY", NULL};

#define RUN(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

static void copy_kernel(const char *file, const char *find, const char *replace)
{
    char from[400], to[400];
    size_t bytes = 0;
    snprintf(from, sizeof from, "%s/cl/%s", PROJECT_ROOT, file);
    snprintf(to, sizeof to, "%s/%s", kernels, file);
    char *text = file_read(from, &bytes);
    char *at = find != NULL ? strstr(text, find) : NULL;
    if (find != NULL && at == NULL)
        fail_msg("%s doesn't have \"%s\" any more", file, find);
    if (at == NULL) {
        file_write(to, text, bytes);
    } else {
        const size_t before = (size_t)(at - text);
        char *changed = malloc(bytes + strlen(replace) + 1);
        memcpy(changed, text, before);
        strcpy(changed + before, replace);
        strcat(changed, at + strlen(find));
        file_write(to, changed, strlen(changed));
        free(changed);
    }
    free(text);
}

/* A network of few layers, each of which takes `verify` seconds of compiling. */
static void write_few_layers(void)
{
    clvgg_runtime *runtime = NULL;
    must(clvgg_runtime_create(NULL, &runtime));
    clvgg_model *model = network_make(runtime, NETWORK_VGG);
    snprintf(few_layers, sizeof few_layers, "%s", test_scratch_path("few.safetensors"));
    must(clvgg_model_save(model, few_layers, CLVGG_DTYPE_F32));
    clvgg_model_free(model);
    clvgg_runtime_free(runtime);
}

static int set_up(void **state)
{
    char folder[300];
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_picture("a.png", 1);
    test_scratch_folder("kernels");
    write_few_layers();
    snprintf(image, sizeof image, "%s", test_scratch_path("a.png"));
    snprintf(net, sizeof net, "%s", test_scratch_path("net.safetensors"));
    snprintf(kernels, sizeof kernels, "%s", test_scratch_path("kernels"));
    snprintf(environment_cache, sizeof environment_cache, "CLVGG_CACHE=%s",
             test_scratch_path("cache.sqlite"));
    snprintf(environment_kernels, sizeof environment_kernels, "CLVGG_KERNEL_DIR=%s", kernels);
    snprintf(folder, sizeof folder, "%s/cl", PROJECT_ROOT);
    DIR *files = opendir(folder);
    for (const struct dirent *entry = readdir(files); entry != NULL; entry = readdir(files))
        if (strstr(entry->d_name, ".cl") != NULL || strstr(entry->d_name, ".h") != NULL)
            copy_kernel(entry->d_name, NULL, NULL);
    closedir(files);
    return 0;
}

/* The probability of the first class; *warned is standard error from its first warning on, or "".
 */
static double classify(char **warned)
{
    test_program ran = {.environment = environment};
    RUN(&ran, "run", "--json", "--model", net, image);
    if (ran.exit_code != 0)
        fail_msg("exit code %d:\n%s", ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "images"), 0);
    const cJSON *top = cJSON_GetArrayItem(cJSON_GetObjectItem(first, "top"), 0);
    const double probability = cJSON_GetObjectItem(top, "probability")->valuedouble;
    cJSON_Delete(json);
    const char *warning = strstr(ran.err, "warning:");
    *warned = strdup(warning != NULL ? warning : "");
    test_program_free(&ran);
    return probability;
}

/* One kind of fault each, in kernels that the network runs on any CPU. */
typedef struct fault {
    const char *kind, *variant, *file, *find, *replace;
} fault;

static const fault faults[] = {
    {"an edge row is wrong", "conv_blocked", "conv_blocked.cl", "row >= H)", "row >= H - 1)"},
    {"work-items race", "conv_blocked", "conv_blocked.cl", "((size_t)oy * width + first) * VW;",
     "((size_t)(oy / 2) * width + first) * VW;"},
    {"a tail is missing", "dense_blocked", "dense_blocked.cl", "min(KB * VW, O - panel * KB * VW)",
     "min(KB * VW, O - panel * KB * VW - 1)"},
    {"channels are swapped", "dense_blocked", "dense_blocked.cl", "y[(size_t)t * O + o] = relu",
     "y[(size_t)t * O + (o ^ 1)] = relu"},
    {"a NaN is swallowed", "conv_blocked", "conv_blocked.cl", "isless(v, (vec)(0.0f))",
     "~isgreater(v, (vec)(0.0f))"},
};
enum { FAULTS = sizeof faults / sizeof *faults };

/* Kinds that labels don't meet: the network has variants that are faster, or only walks back run
 * them. */
static const fault unused_faults[] = {
    {"the definition's ReLU is missing", "_direct", "conv_direct.cl", "relu && sum < 0.0f",
     "relu && sum < -1e9f"},
    {"switches are those of the next column", "pool", "pool.cl", "VSTORE(where, switches",
     "VSTORE(where + 1, switches"},
    {"windows miss their switch", "unpool", "unpool.cl", "== iy * W + ix", "== iy * W + ix + 1"},
    {"the last of equal values is the peak", "map_peak", "map_peak.cl", "(other_where < where)",
     "(other_where > where)"},
    {"a lane's gradient is left out", "dgrad_direct", "dgrad_direct.cl", "lane < P &&",
     "lane < P - 1 &&"},
    {"an image's part is missing", "update_blocked", "update_blocked.cl", "k < n; k++",
     "k < n - 1; k++"},
};
enum { UNUSED_FAULTS = sizeof unused_faults / sizeof *unused_faults };

static void assert_says(const char *text, const char *first, const char *second)
{
    if (strstr(text, first) == NULL || strstr(text, second) == NULL)
        fail_msg("neither '%s' nor '%s' may be missing in:\n%s", first, second, text);
}

/* Kernels that a verb says aren't used, all of them of one variant. */
static int count_not_used(const char *verb, const char *variant)
{
    test_program ran = {.environment = environment};
    if (strcmp(verb, "info") == 0)
        RUN(&ran, "info", "--json", net);
    else
        RUN(&ran, "devices", "--json");
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *list = cJSON_GetObjectItem(json, "not_used"), *kernel;
    assert_non_null(list);
    cJSON_ArrayForEach(kernel, list)
        assert_string_equal(cJSON_GetObjectItem(kernel, "variant")->valuestring, variant);
    const int count = cJSON_GetArraySize(list);
    cJSON_Delete(json);
    test_program_free(&ran);
    return count;
}

/* Found before the first label, replaced, remembered; the mended kernel is used again. */
static void faults_are_avoided(void **state)
{
    (void)state;
    char *warned = NULL;
    const double right = classify(&warned);
    assert_string_equal(warned, "");
    free(warned);
    for (int i = 0; i < FAULTS; i++) {
        copy_kernel(faults[i].file, faults[i].find, faults[i].replace);
        for (int time = 0; time < 2; time++) {
            const double probability = classify(&warned);
            if (time == 0)
                assert_says(warned, faults[i].variant, "gives wrong values on this device");
            else
                assert_string_equal(warned, "");
            free(warned);
            if (!(fabs(probability - right) < 1e-4))
                fail_msg("%s: %.9g, not %.9g", faults[i].kind, probability, right);
        }
        assert_int_equal(count_not_used("devices", faults[i].variant) > 0, 1);
        assert_int_equal(count_not_used("info", faults[i].variant) > 0, 1);
        copy_kernel(faults[i].file, NULL, NULL);
        assert_int_equal(count_not_used("devices", ""), 0);
        assert_true(classify(&warned) == right); /* the same kernels: the same bits */
        assert_string_equal(warned, "");
        free(warned);
    }
}

/* Runs `verify` with kernels of these kinds changed: each is named, and no other variant. */
static void name_faults(const fault *made, int count)
{
    test_program ran = {.environment = environment};
    for (int i = 0; i < count; i++)
        copy_kernel(made[i].file, made[i].find, made[i].replace);
    RUN(&ran, "verify", "--model", few_layers, "--json", "--no-cache");
    for (int i = 0; i < count; i++)
        copy_kernel(made[i].file, NULL, NULL);
    assert_int_equal(ran.exit_code, 1);
    cJSON *json = test_program_json(&ran);
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "devices"), 0), *result;
    int wrong = 0, named[FAULTS + UNUSED_FAULTS] = {0};
    cJSON_ArrayForEach(result, cJSON_GetObjectItem(first, "results"))
    {
        const char *variant = cJSON_GetObjectItem(result, "variant")->valuestring;
        bool expected = false;
        if (strcmp(cJSON_GetObjectItem(result, "verdict")->valuestring, "wrong") != 0)
            continue;
        for (int i = 0; i < count; i++)
            if (strncmp(variant, made[i].variant, strlen(made[i].variant)) == 0 ||
                (made[i].variant[0] == '_' && strstr(variant, made[i].variant) != NULL)) {
                expected = true;
                named[i]++;
            }
        if (!expected)
            fail_msg("%s isn't wrong", variant);
        wrong++;
    }
    for (int i = 0; i < count; i++) {
        assert_says(ran.err, made[i].variant, "is wrong");
        if (named[i] == 0)
            fail_msg("%s: %s wasn't found", made[i].kind, made[i].variant);
    }
    assert_int_equal(cJSON_GetObjectItem(first, "wrong")->valueint, wrong);
    cJSON_Delete(json);
    test_program_free(&ran);
}

static void faults_are_named(void **state)
{
    (void)state;
    for (int i = 0; i < FAULTS; i++)
        name_faults(&faults[i], 1);
    name_faults(unused_faults, UNUSED_FAULTS);
}

/* Where no variant is right there is an error, and no label. */
static void no_variant_is_right(void **state)
{
    (void)state;
    test_program ran = {.environment = environment};
    copy_kernel("softmax.cl", "i += WG)\n        peak", "i += WG)\n        if (i != 1) peak");
    copy_kernel("softmax.cl", "x += x_offset", "x += x_offset + 1");
    RUN(&ran, "run", "--model", net, image);
    copy_kernel("softmax.cl", NULL, NULL);
    assert_int_equal(ran.exit_code, 1);
    assert_says(ran.err, "softmax", "gives wrong values on this device");
    assert_string_equal(ran.out, "");
    test_program_free(&ran);
}

/* A variant that doesn't build is replaced too, and remembered. */
static void builds_fail(void **state)
{
    (void)state;
    char *warned = NULL;
    const double right = classify(&warned);
    free(warned);
    copy_kernel("conv_blocked.cl", "const int tiles", "const int no_such_thing = tiles_, tiles");
    for (int time = 0; time < 2; time++) {
        assert_true(fabs(classify(&warned) - right) < 1e-4);
        if (time == 0)
            assert_says(warned, "conv_blocked", "doesn't build or run on this device");
        else
            assert_string_equal(warned, "");
        free(warned);
    }
    copy_kernel("conv_blocked.cl", NULL, NULL);
}

/* What only walks back and training run is found before those use it. */
static void faults_of_other_verbs(void **state)
{
    (void)state;
    test_program walk = {.environment = environment}, training = {.environment = environment};
    test_scratch_pictures("pictures", "x", "y");
    copy_kernel("unpool.cl", "== iy * W + ix", "== iy * W + ix + 1");
    RUN(&walk, "visualize", "project", "--model", net, "--out", test_scratch_path("walk"),
        "--layer", "conv3_2", image);
    copy_kernel("unpool.cl", NULL, NULL);
    assert_int_equal(walk.exit_code, 1);
    assert_says(walk.err, "unpool", "gives wrong values on this device");
    copy_kernel("update_blocked.cl", "k < n; k++", "k < n - 1; k++");
    RUN(&training, "finetune", "--model", net, "--data", test_scratch_path("pictures"), "--epochs",
        "1", "-o", test_scratch_path("trained.safetensors"));
    copy_kernel("update_blocked.cl", NULL, NULL);
    if (training.exit_code != 0)
        fail_msg("exit code %d: %s", training.exit_code, training.err);
    assert_says(training.err, "update_blocked", "gives wrong values on this device");
    test_program_free(&walk);
    test_program_free(&training);
}

/* The networks of odd shapes are planned, and a budget ends what would take long. */
static void full_within_a_budget(void **state)
{
    (void)state;
    test_program ran = {.environment = environment};
    RUN(&ran, "verify", "--full", "--budget", "1", "--model", few_layers, "--no-cache");
    if (ran.exit_code != 0)
        fail_msg("exit code %d: %s", ran.exit_code, ran.err);
    assert_says(ran.out, "chains of layers", "left");
    assert_says(ran.out, "tunables' values left", "");
    test_program_free(&ran);
}

/* Who asks for a variant by name gets it, with a warning; who wants no check has none. */
static void asked_for(void **state)
{
    (void)state;
    test_program forced = {.environment = environment}, trusting = {.environment = environment};
    copy_kernel(faults[3].file, faults[3].find, faults[3].replace);
    RUN(&forced, "run", "--model", net, "--no-cache", "--variant", "*=dense_blocked", image);
    RUN(&trusting, "run", "--model", net, "--no-cache", "--no-verify", image);
    copy_kernel(faults[3].file, NULL, NULL);
    assert_int_equal(forced.exit_code, 0);
    assert_says(forced.err, "dense_blocked", "it was asked for");
    assert_int_equal(trusting.exit_code, 0);
    assert_null(strstr(trusting.err, "wrong"));
    test_program_free(&forced);
    test_program_free(&trusting);
}

/* The driver compiles something else than the kernels, which are clvgg's own. */
static void driver_miscompiles(void **state)
{
    (void)state;
    static const char *const faults_of_drivers[][3] = {
        {"isless(v, (vec)(0.0f))", "isless(v, (vec)(0.5f))", "conv_blocked"},
        {"y[(size_t)t * O + o] = relu", "y[(size_t)t * O + (o ^ 1)] = relu", "dense_blocked"}};
    char *warned = NULL, find[200], put[200];
    const double right = classify(&warned);
    free(warned);
    for (int i = 0; i < 2; i++) {
        const char *const miscompiling[] = {"CLVGG_VERIFY", "LD_PRELOAD=" MISCOMPILER, find, put,
                                            /* a preloaded library comes before the sanitizer's */
                                            "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0",
                                            NULL};
        test_program ran = {.environment = miscompiling};
        snprintf(find, sizeof find, "MISCOMPILE_FIND=%s", faults_of_drivers[i][0]);
        snprintf(put, sizeof put, "MISCOMPILE_PUT=%s", faults_of_drivers[i][1]);
        RUN(&ran, "run", "--json", "--model", net, image);
        assert_int_equal(ran.exit_code, 0);
        assert_says(ran.err, faults_of_drivers[i][2], "gives wrong values on this device");
        cJSON *json = test_program_json(&ran);
        const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "images"), 0);
        const cJSON *top = cJSON_GetArrayItem(cJSON_GetObjectItem(first, "top"), 0);
        const double probability = cJSON_GetObjectItem(top, "probability")->valuedouble;
        assert_true(fabs(probability - right) < 1e-4);
        cJSON_Delete(json);
        test_program_free(&ran);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_avoided),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(no_variant_is_right),
        cmocka_unit_test(builds_fail),
        cmocka_unit_test(faults_of_other_verbs),
        cmocka_unit_test(full_within_a_budget),
        cmocka_unit_test(asked_for),
        cmocka_unit_test(driver_miscompiles),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}
