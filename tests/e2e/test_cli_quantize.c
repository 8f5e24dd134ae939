/* test_cli_quantize.c — `clvgg quantize`: a quarter of the file, nearly the same answers, the same
 * by whatever name the file goes; and what goes wrong leaves nothing behind.
 */
#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/files.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/skip.h"
#include "support/text.h"

static char net[300], photos[300], quantized[300];

#define RUN(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_net("net.safetensors");
    test_scratch_pictures("photos", test_net_labels[0], test_net_labels[1]);
    snprintf(net, sizeof net, "%s", test_scratch_path("net.safetensors"));
    snprintf(photos, sizeof photos, "%s", test_scratch_path("photos"));
    snprintf(quantized, sizeof quantized, "%s", test_scratch_path("int8.safetensors"));
    return 0;
}

static cJSON *run_json(const char *const *words)
{
    const char *arguments[20] = {PROGRAM};
    test_program ran = {0};
    for (size_t i = 0; words[i] != NULL; i++)
        arguments[1 + i] = words[i];
    test_program_run(&ran, arguments);
    if (ran.exit_code != 0)
        fail_msg("exit code %d\n%s", ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    test_program_free(&ran);
    return json;
}
#define JSON(...) run_json((const char *[]){__VA_ARGS__, NULL})

static const cJSON *member(const cJSON *json, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(json, key);
    if (item == NULL)
        fail_msg("no member '%s'", key);
    return item;
}

static off_t size_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_size;
}

static void a_model_becomes_a_quarter(void **state)
{
    (void)state;
    cJSON *json = JSON("quantize", "--quiet", "--json", net, quantized, "--calibrate", photos,
                       "--count", "7");
    assert_int_equal(member(json, "images")->valuedouble, 7);
    assert_int_equal(member(json, "failed")->valuedouble, 0);
    assert_int_equal(member(json, "quantized_layers")->valuedouble, 9);
    assert_int_equal(member(json, "bytes")->valuedouble, size_of(quantized));
    assert_true(cJSON_IsTrue(member(json, "checked")));
    assert_true(member(json, "error")->valuedouble == 0);
    assert_int_equal(cJSON_GetArraySize(member(json, "layers")), 11);
    const cJSON *layer = cJSON_GetArrayItem(member(json, "layers"), 1);
    assert_string_equal(member(layer, "name")->valuestring, "conv2_1");
    assert_true(member(layer, "scale")->valuedouble >= member(layer, "range")->valuedouble / 254);
    assert_true(member(layer, "error")->valuedouble < 0.05);
    layer = cJSON_GetArrayItem(member(json, "layers"), 0);
    assert_string_equal(member(layer, "kept")->valuestring, "the first convolution");
    cJSON_Delete(json);
    char floats[320];
    snprintf(floats, sizeof floats, "%s", test_scratch_path("float32.safetensors"));
    cJSON_Delete(JSON("convert", "--json", "--dtype", "f32", net, floats));
    assert_true(4 * size_of(quantized) < size_of(floats) * 102 / 100);
}

/* Probabilities of all pictures, [count][classes], and where each file's largest is. */
static cJSON *answers(const char *model)
{
    return JSON("run", "--quiet", "--json", "--top", "0", "--model", model, photos);
}

static double probability(const cJSON *image, const char *label)
{
    const cJSON *top;
    cJSON_ArrayForEach(top, member(image, "top"))
    {
        if (strcmp(member(top, "label")->valuestring, label) == 0)
            return member(top, "probability")->valuedouble;
    }
    fail_msg("no class '%s'", label);
    return 0;
}

static void its_answers_are_nearly_the_same(void **state)
{
    (void)state;
    cJSON *should = answers(net), *is = answers(quantized);
    const cJSON *image;
    int i = 0;
    cJSON_ArrayForEach(image, member(should, "images"))
    {
        const cJSON *other = cJSON_GetArrayItem(member(is, "images"), i++);
        for (int c = 0; c < TEST_NET_CLASSES; c++) {
            const double a = probability(image, test_net_labels[c]);
            const double b = probability(other, test_net_labels[c]);
            if (!(fabs(a - b) <= 0.05))
                fail_msg("image %d, class %d: %g and %g", i - 1, c, a, b);
        }
    }
    assert_int_equal(i, TEST_PICTURES);
    cJSON_Delete(should);
    cJSON_Delete(is);
}

static void info_says_what_it_is(void **state)
{
    (void)state;
    test_program ran = {0};
    RUN(&ran, "info", "--device", "none", quantized);
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "int8 weights, 9 quantised layers");
    assert_contains(ran.out, "conv2_1_input");
    assert_contains(ran.out, "\"images\": 7, \"range\": \"least square error\"}");
    test_program_free(&ran);
}

/* Verbs that run a network run it, and walks back pass quantised values. */
static void other_verbs_take_it(void **state)
{
    (void)state;
    const char *out = test_scratch_path("figures");
    test_program ran = {0};
    RUN(&ran, "bench", "--model", quantized, "--no-cold", "--min-time", "0.01");
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    RUN(&ran, "bench", "--model", quantized, "--no-cold", "--min-time", "0.01", "--storage",
        "int8");
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    test_program_free(&ran);
    RUN(&ran, "visualize", "top", "--quiet", "--model", quantized, "--layer", "conv5_2", "--maps",
        "0", "--images", photos, "--out", out);
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    test_program_free(&ran);
}

static void a_copy_is_the_same(void **state)
{
    (void)state;
    char copy[320], floats[320];
    snprintf(copy, sizeof copy, "%s", test_scratch_path("copy.safetensors"));
    snprintf(floats, sizeof floats, "%s", test_scratch_path("floats.npz"));
    cJSON *json = JSON("convert", "--json", quantized, copy);
    assert_true(member(json, "error")->valuedouble == 0);
    cJSON_Delete(json);
    assert_true(labs((long)(size_of(copy) - size_of(quantized))) <
                200); /* which says it's a copy */
    cJSON_Delete(JSON("convert", "--json", quantized, floats));
    assert_true(size_of(floats) > 3 * size_of(quantized));
    cJSON *should = answers(quantized), *is[2] = {answers(copy), answers(floats)};
    for (int i = 0; i < 2; i++) {
        assert_true(cJSON_Compare(member(should, "images"), member(is[i], "images"), 1));
        cJSON_Delete(is[i]);
    }
    cJSON_Delete(should);
}

/* ---- eval --against ---- */

static float *logits(const char *model, size_t *classes)
{
    clvgg_shape shape;
    test_program ran = {0};
    RUN(&ran, "run", "--quiet", "--model", model, "--output", test_scratch_path("logits.npy"),
        photos);
    assert_int_equal(ran.exit_code, 0);
    test_program_free(&ran);
    float *values = test_scratch_read_npy("logits.npy", &shape);
    assert_int_equal(shape.dims[0], TEST_PICTURES);
    *classes = (size_t)shape.dims[1];
    return values;
}

static size_t best_of(const float *values, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        best = values[i] > values[best] ? i : best;
    return best;
}

static void eval_says_how_far_two_models_agree(void **state)
{
    (void)state;
    size_t classes;
    int agreeing = 0;
    double difference = 0, size = 0, worst = 0;
    float *is = logits(quantized, &classes), *should = logits(net, &classes);
    for (int i = 0; i < TEST_PICTURES; i++) {
        const float *a = is + (size_t)i * classes, *b = should + (size_t)i * classes;
        double off = 0, all = 0;
        for (size_t c = 0; c < classes; c++) {
            off += pow((double)a[c] - (double)b[c], 2);
            all += pow((double)b[c], 2);
        }
        agreeing += best_of(a, classes) == best_of(b, classes);
        difference += off;
        size += all;
        worst = fmax(worst, sqrt(off / all));
    }
    free(is);
    free(should);
    cJSON *json =
        JSON("eval", "--quiet", "--json", "--data", photos, "--model", quantized, "--against", net);
    const cJSON *against = member(json, "against");
    assert_int_equal(member(against, "images")->valuedouble, TEST_PICTURES);
    assert_int_equal(member(against, "agreeing")->valuedouble, agreeing);
    const double error = member(against, "error")->valuedouble;
    assert_true(fabs(error - sqrt(difference / size)) <= 1e-6);
    assert_true(error > 0 && error < 0.1);
    assert_true(fabs(member(against, "worst_error")->valuedouble - worst) <= 1e-6);
    cJSON_Delete(json);
    test_program ran = {0};
    RUN(&ran, "eval", "--data", photos, "--model", net, "--against", net);
    assert_contains(ran.out, ": the same class in 100.00 % (24 of 24), logits 0.0000 apart");
    test_program_free(&ran);
}

/* ---- choices ---- */

static void layers_can_be_kept_or_all_taken(void **state)
{
    (void)state;
    const char *out = test_scratch_path("chosen.safetensors");
    cJSON *json =
        JSON("quantize", "--quiet", "--json", "--no-check", "--range", "percentile", "--percentile",
             "99.9", "--keep", "fc6", "--keep", "conv4_2", net, out, "--calibrate", photos);
    assert_int_equal(member(json, "quantized_layers")->valuedouble, 7);
    assert_int_equal(member(json, "images")->valuedouble, TEST_PICTURES);
    assert_true(member(json, "percentile")->valuedouble == 99.9);
    assert_true(cJSON_IsFalse(member(json, "checked")));
    cJSON_Delete(json);
    json = JSON("quantize", "--quiet", "--json", "--all", "--range", "max", net, out, "--calibrate",
                photos);
    assert_int_equal(member(json, "quantized_layers")->valuedouble, 11);
    cJSON_Delete(json);
}

static void one_photograph_is_enough(void **state)
{
    (void)state;
    test_program ran = {0};
    test_scratch_image("one.png", 3);
    RUN(&ran, "quantize", net, test_scratch_path("by-one.safetensors"), "--calibrate",
        test_scratch_path("one.png"));
    if (ran.exit_code != 0)
        fail_msg("%s", ran.err);
    assert_contains(ran.out, "9 quantised layers, by 1 photograph\n");
    assert_contains(ran.out, "checked: read again, its logits differ by 0 ");
    test_program_free(&ran);
}

/* ---- failures ---- */

static void refuses(const char *const *words, int exit_code, const char *message)
{
    const char *arguments[16] = {PROGRAM};
    test_program ran = {0};
    for (size_t i = 0; words[i] != NULL; i++)
        arguments[1 + i] = words[i];
    test_program_run(&ran, arguments);
    if (ran.exit_code != exit_code || strstr(ran.err, message) == NULL)
        fail_msg("exit code %d, not %d with '%s':\n%s", ran.exit_code, exit_code, message, ran.err);
    assert_string_equal(ran.out, "");
    test_program_free(&ran);
}
#define REFUSES(exit_code, message, ...)                                                           \
    refuses((const char *[]){__VA_ARGS__, NULL}, exit_code, message)

static void wrong_arguments(void **state)
{
    (void)state;
    char out[320], empty[320], one[320];
    snprintf(out, sizeof out, "%s", test_scratch_path("none.safetensors"));
    snprintf(empty, sizeof empty, "%s", test_scratch_path("empty"));
    snprintf(one, sizeof one, "%s", test_scratch_path("one.png"));
    test_scratch_folder("empty");
    REFUSES(2, "OUT would replace", "quantize", net, net, "--calibrate", photos);
    REFUSES(2, "OUT would replace", "quantize", net, one, "--calibrate", one);
    REFUSES(1, "none of the photographs can be read", "quantize", net, out, "--calibrate", empty);
    REFUSES(1, "no image file in this folder", "quantize", net, out, "--calibrate", empty);
    REFUSES(1, "can't be written", "quantize", net, test_scratch_path("no/where"), "--calibrate",
            one);
    REFUSES(1, "/dev/full: writing failed", "quantize", net, "/dev/full", "--calibrate", one);
    REFUSES(2, "did you mean 'conv4_1'?", "quantize", net, out, "--calibrate", "/nowhere", "--keep",
            "conv4_3");
    REFUSES(2, "layer 'pool1' is neither a convolution nor a dense layer", "quantize", net, out,
            "--calibrate", one, "--keep", "pool1");
    REFUSES(1, "is quantised, and only a model in floats can be quantised", "quantize", quantized,
            out, "--calibrate", one);
    REFUSES(1, "is quantised, and only a model in floats can be fine-tuned", "finetune", "--model",
            quantized, "--data", photos, "--output", out);
    REFUSES(1, "a quantised model isn't written as ONNX", "convert", quantized,
            test_scratch_path("q.onnx"));
    test_scratch_nameless_net("two.safetensors", 2);
    REFUSES(1, "has 2 classes, ", "eval", "--data", photos, "--model", net, "--against",
            test_scratch_path("two.safetensors"));
    cJSON_Delete(JSON("convert", "--json", "--preprocess", "caffe", net,
                      test_scratch_path("caffe.safetensors")));
    REFUSES(1, "prepared otherwise than", "eval", "--data", photos, "--model", net, "--against",
            test_scratch_path("caffe.safetensors"));
    REFUSES(1, "where torchvision's VGG has", "convert", "--to", "torchvision", quantized, out);
    assert_false(file_exists(out));
}

static void unreadable_photographs_are_counted(void **state)
{
    (void)state;
    char broken[320];
    const char *out = test_scratch_path("some.safetensors");
    test_scratch_broken_image("photos-broken.png");
    snprintf(broken, sizeof broken, "%s", test_scratch_path("photos-broken.png"));
    cJSON *json = JSON("quantize", "--quiet", "--json", "--no-check", net, out, "--calibrate",
                       photos, "--calibrate", broken);
    assert_int_equal(member(json, "failed")->valuedouble, 1);
    assert_int_equal(member(json, "images")->valuedouble, TEST_PICTURES);
    cJSON_Delete(json);
    assert_int_equal(unlink(out), 0);
    REFUSES(1, "1 of 25 photographs can't be read, more than --max-bad allows", "quantize", net,
            out, "--calibrate", photos, "--calibrate", broken, "--max-bad", "0");
    assert_false(file_exists(out));
}

static void what_isnt_finite_is_named(void **state)
{
    (void)state;
    size_t bytes;
    uint64_t header;
    const uint16_t large =
        0x7B53; /* 60,000 in float16: layer by layer it becomes more than float32 */
    char *file = file_read(net, &bytes);
    memcpy(&header, file, sizeof header);
    for (size_t at = 8 + header; at < bytes; at += sizeof large)
        memcpy(file + at, &large, sizeof large);
    test_scratch_write("huge.safetensors", file, bytes);
    free(file);
    const char *out = test_scratch_path("none.safetensors");
    REFUSES(1, "isn't finite: no range can be found", "quantize", "--no-verify",
            test_scratch_path("huge.safetensors"), out, "--calibrate", photos);
    assert_false(file_exists(out));
}

/* The default model on real photographs, where they are. */
static void real_photographs(void **state)
{
    (void)state;
    const char *shared = getenv("CLVGG_SHARED");
    if (shared == NULL) {
        printf("SKIPPED: CLVGG_SHARED names no folder of photographs\n");
        skip();
    }
    char model[400], cats[400], demo[400], out[320];
    snprintf(model, sizeof model, "%s/models/vgg16-catdog.safetensors", shared);
    snprintf(cats, sizeof cats, "%s/data/catdog/train", shared);
    snprintf(demo, sizeof demo, "%s/data/demo", shared);
    snprintf(out, sizeof out, "%s", test_scratch_path("catdog.safetensors"));
    cJSON_Delete(JSON("quantize", "--quiet", "--json", "--no-check", model, out, "--calibrate",
                      cats, "--count", "8"));
    assert_true(100 * size_of(out) < 52 * size_of(model)); /* which is in half precision */
    cJSON *should = JSON("run", "--quiet", "--json", "--model", model, demo);
    cJSON *is = JSON("run", "--quiet", "--json", "--model", out, demo);
    for (int i = 0; i < 2; i++) {
        const cJSON *a = cJSON_GetArrayItem(member(should, "images"), i);
        const cJSON *b = cJSON_GetArrayItem(member(is, "images"), i);
        assert_true(fabs(probability(a, "cat") - probability(b, "cat")) <= 0.03);
    }
    cJSON_Delete(should);
    cJSON_Delete(is);
}

static int tear_down(void **state)
{
    (void)state;
    test_scratch_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_becomes_a_quarter),
        cmocka_unit_test(its_answers_are_nearly_the_same),
        cmocka_unit_test(info_says_what_it_is),
        cmocka_unit_test(other_verbs_take_it),
        cmocka_unit_test(a_copy_is_the_same),
        cmocka_unit_test(eval_says_how_far_two_models_agree),
        cmocka_unit_test(layers_can_be_kept_or_all_taken),
        cmocka_unit_test(one_photograph_is_enough),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(unreadable_photographs_are_counted),
        cmocka_unit_test(what_isnt_finite_is_named),
        cmocka_unit_test(real_photographs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
