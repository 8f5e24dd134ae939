/* test_cli_packed.c — packed weights that the program keeps between runs: the same answers from
 * them, and the right ones where they, or the model, are no longer what they were.
 */
#define _DEFAULT_SOURCE /* usleep */
#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "clvgg/model.h"
#include "support/files.h"
#include "support/program.h"
#include "support/scratch.h"

enum { SIDE = 32, FEATURES = 3 * SIDE * SIDE, HIDDEN = 256, CLASSES = 4 };

static char image[300], net[300], xdg[300], packed[340], environment_xdg[320];
static const char *const environment[] = {environment_xdg, "CLVGG_CACHE", "CLVGG_VERIFY=on", NULL};

#define RUN(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

/* Waits until a file was changed so long ago that its times tell of another change. */
static void settle(const char *path)
{
    struct stat info;
    do
        usleep(50000);
    while (stat(path, &info) == 0 && time(NULL) < info.st_ctim.tv_sec + 4);
}

/* Dense layers, the first of 3 MiB; weights of another seed have other answers. The file keeps its
 * size, and its place where it is there. */
static void make_net(unsigned seed)
{
    static const char header[] =
        "{\"__metadata__\":{\"clvgg.graph\":\"%s\"},"
        "\"hidden.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[0,%d]},"
        "\"hidden.bias\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%d,%d]},"
        "\"last.weight\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%d,%d]},"
        "\"last.bias\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%d,%d]}}";
    static const char graph[] =
        "{\\\"input\\\":[3,32,32],\\\"layers\\\":["
        "{\\\"name\\\":\\\"flatten\\\",\\\"type\\\":\\\"flatten\\\",\\\"input\\\":\\\"input\\\"},"
        "{\\\"name\\\":\\\"hidden\\\",\\\"type\\\":\\\"dense\\\",\\\"input\\\":\\\"flatten\\\","
        "\\\"out_features\\\":256},"
        "{\\\"name\\\":\\\"last\\\",\\\"type\\\":\\\"dense\\\",\\\"input\\\":\\\"hidden\\\","
        "\\\"out_features\\\":4},"
        "{\\\"name\\\":\\\"prob\\\",\\\"type\\\":\\\"softmax\\\",\\\"input\\\":\\\"last\\\"}]}";
    enum { A = 4 * HIDDEN * FEATURES, B = A + 4 * HIDDEN, C = B + 4 * CLASSES * HIDDEN };
    enum { END = C + 4 * CLASSES };
    char text[2048];
    const int length = snprintf(text, sizeof text, header, graph, HIDDEN, FEATURES, A, HIDDEN, A, B,
                                CLASSES, HIDDEN, B, C, CLASSES, C, END);
    const uint64_t padded = ((uint64_t)length + 7) / 8 * 8;
    char *all = malloc(8 + (size_t)padded + END);
    memset(all, ' ', 8 + (size_t)padded);
    memcpy(all, &padded, 8);
    memcpy(all + 8, text, (size_t)length);
    float *values = malloc(END);
    for (uint32_t i = 0; i < END / 4; i++)
        values[i] = (float)(int)((i * 2654435761u ^ seed * 40503u) >> 9 & 0xFFF) / 65536.0f - 0.03f;
    memcpy(all + 8 + padded, values, END);
    file_write(net, all, 8 + (size_t)padded + END);
    free(values);
    free(all);
    settle(net);
}

static int set_up(void **state)
{
    (void)state;
    test_scratch_make();
    test_scratch_image("a.png", 1);
    snprintf(image, sizeof image, "%s", test_scratch_path("a.png"));
    snprintf(net, sizeof net, "%s", test_scratch_path("dense.safetensors"));
    snprintf(xdg, sizeof xdg, "%s", test_scratch_path("xdg"));
    snprintf(packed, sizeof packed, "%s/clvgg/packed", xdg);
    snprintf(environment_xdg, sizeof environment_xdg, "XDG_CACHE_HOME=%s", xdg);
    make_net(1);
    return 0;
}

/* The image's result as text. */
static char *classify(const char *option)
{
    test_program ran = {.environment = environment};
    RUN(&ran, "run", "--json", "--quiet", "--model", net, image, option);
    if (ran.exit_code != 0)
        fail_msg("exit code %d:\n%s", ran.exit_code, ran.err);
    cJSON *json = test_program_json(&ran);
    char *images = cJSON_Print(cJSON_GetObjectItem(json, "images"));
    assert_non_null(images);
    cJSON_Delete(json);
    test_program_free(&ran);
    return images;
}

static void assert_same(char *result, const char *expected)
{
    assert_string_equal(result, expected);
    free(result);
}

/* Number of packed weights that `cache list --json` lists; *bytes is their sum. */
static int count_packed(double *bytes)
{
    test_program ran = {.environment = environment};
    int count = 0;
    RUN(&ran, "cache", "list", "--json");
    assert_int_equal(ran.exit_code, 0);
    cJSON *json = test_program_json(&ran);
    const cJSON *entry = NULL;
    assert_string_equal(cJSON_GetObjectItem(json, "packed_path")->valuestring, packed);
    *bytes = 0;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(json, "entries"))
    {
        if (strcmp(cJSON_GetObjectItem(entry, "kind")->valuestring, "packed") != 0)
            continue;
        assert_string_equal(cJSON_GetObjectItem(entry, "name")->valuestring, "hidden.weight");
        *bytes += cJSON_GetObjectItem(entry, "bytes")->valuedouble;
        count++;
    }
    cJSON_Delete(json);
    test_program_free(&ran);
    return count;
}

/* The path of the only file of packed weights. */
static void find_file(char path[460])
{
    char command[400], name[100];
    snprintf(command, sizeof command, "ls '%s'", packed);
    FILE *list = popen(command, "r");
    assert_int_equal(fscanf(list, "%99s", name), 1);
    pclose(list);
    snprintf(path, 460, "%s/%s", packed, name);
}

/* Skips the test on devices that don't keep packed weights. */
static bool keeps(void)
{
    double bytes;
    free(classify("--top=4"));
    if (count_packed(&bytes) > 0)
        return true;
    fprintf(stderr, "this device keeps no packed weights\n");
    return false;
}

static void are_kept_listed_and_cleared(void **state)
{
    (void)state;
    double bytes = 0;
    char *expected = classify("--no-cache"), removed[400];
    if (!keeps())
        goto cleanup;
    assert_int_equal(file_mode(packed), 0700);
    assert_int_equal(count_packed(&bytes), 1);
    assert_true(bytes > 4 * HIDDEN * FEATURES && bytes < 4.1 * HIDDEN * FEATURES);
    assert_same(classify("--top=4"), expected); /* the same bits */
    assert_int_equal(count_packed(&bytes), 1);
    free(classify("--storage=bf16"));
    free(classify("--storage=bf16"));
    assert_int_equal(count_packed(&bytes), 2); /* halves are others */
    free(classify("--variant=hidden=dense_rows"));
    assert_int_equal(count_packed(&bytes), 2); /* what was asked for by name isn't kept */
    test_program ran = {.environment = environment};
    RUN(&ran, "cache", "clear");
    assert_int_equal(ran.exit_code, 0);
    snprintf(removed, sizeof removed, "%s: 2 entries removed, ", packed);
    assert_non_null(strstr(ran.out, removed));
    test_program_free(&ran);
    assert_int_equal(count_packed(&bytes), 0);
    assert_same(classify("--top=4"), expected);
cleanup:
    free(expected);
}

static void damage_changes_no_answer(void **state)
{
    (void)state;
    char *expected = classify("--no-cache"), path[460];
    size_t size = 0;
    if (!keeps())
        goto cleanup;
    find_file(path);
    char *whole = file_read(path, &size);
    const size_t places[] = {0, 20, 50, 4096 + 5, size / 2, size - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        whole[places[i]] ^= 0x40;
        file_write(path, whole, size);
        whole[places[i]] ^= 0x40;
        assert_same(classify("--top=4"), expected);
    }
    file_write(path, whole, size / 3);
    assert_same(classify("--top=4"), expected);
    remove(path);
    assert_same(classify("--top=4"), expected);
    free(whole);
cleanup:
    free(expected);
}

/* Other weights in the same place: a file of the same size and the same time of change. */
static void another_model_has_its_own_answer(void **state)
{
    (void)state;
    char *first = classify("--no-cache");
    struct stat before;
    if (!keeps())
        goto cleanup;
    assert_int_equal(stat(net, &before), 0);
    make_net(2);
    const struct timespec times[2] = {before.st_mtim, before.st_mtim};
    assert_int_equal(utimensat(0, net, times, 0), 0); /* net is an absolute path */
    settle(net);
    char *second = classify("--no-cache");
    assert_string_not_equal(first, second);
    assert_same(classify("--top=4"), second);
    assert_same(classify("--top=4"), second);
    make_net(1);
    assert_same(classify("--top=4"), first);
    free(second);
cleanup:
    free(first);
}

/* A model that was changed a moment ago may be changed once more without a trace, and where clocks
 * differ that may seem to be later than now. */
static void a_model_that_was_just_changed_is_packed_anew(void **state)
{
    (void)state;
    double bytes = 0;
    if (!keeps())
        return;
    const struct timespec later[2] = {{time(NULL) + 86400, 0}, {time(NULL) + 86400, 0}};
    assert_int_equal(utimensat(0, net, later, 0), 0);
    free(classify("--top=4"));
    assert_int_equal(count_packed(&bytes), 1); /* the one of before */
    assert_int_equal(utimensat(0, net, NULL, 0), 0);
    settle(net);
    free(classify("--top=4"));
    assert_int_equal(count_packed(&bytes), 2);
}

/* Where the cache isn't used, nothing is kept beside it. */
static void a_cache_that_others_can_write_has_none(void **state)
{
    (void)state;
    char open[340], cache[420];
    snprintf(open, sizeof open, "%s", test_scratch_path("open"));
    snprintf(cache, sizeof cache, "CLVGG_CACHE=%s/file", open);
    test_scratch_folder("open");
    assert_int_equal(chmod(open, 0777), 0);
    const char *const refused[] = {cache, NULL};
    test_program ran = {.environment = refused};
    RUN(&ran, "run", "--model", net, image);
    assert_int_equal(ran.exit_code, 0);
    assert_non_null(strstr(ran.err, "its folder can be written by other users"));
    test_program_free(&ran);
    assert_int_equal(rmdir(open), 0); /* it is empty */
}

/* Two processes that pack the same, and a folder that can't be. */
static void two_processes_start_at_once(void **state)
{
    (void)state;
    char *expected = classify("--no-cache"), script[2000], path[460];
    if (!keeps())
        goto cleanup;
    for (int round = 0; round < 3; round++) {
        remove_tree(packed);
        snprintf(script, sizeof script,
                 "for i in 1 2 3; do '%s' run --quiet --json --model '%s' '%s' > '%s'.$i & done; "
                 "wait",
                 PROGRAM, net, image, image);
        test_program ran = {.environment = environment};
        test_program_run(&ran, (const char *[]){"/bin/sh", "-c", script, NULL});
        assert_string_equal(ran.err, "");
        test_program_free(&ran);
        find_file(path);
        assert_same(classify("--top=4"), expected);
    }
    remove_tree(packed);
    file_write(packed, "in the way", 10);
    assert_same(classify("--top=4"), expected);
    remove(packed);
cleanup:
    free(expected);
}

static int forget(void **state)
{
    (void)state;
    if (file_exists(packed))
        remove_tree(packed);
    return 0;
}

#define TEST(test) cmocka_unit_test_setup(test, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(are_kept_listed_and_cleared),
        TEST(damage_changes_no_answer),
        TEST(another_model_has_its_own_answer),
        TEST(a_model_that_was_just_changed_is_packed_anew),
        TEST(a_cache_that_others_can_write_has_none),
        TEST(two_processes_start_at_once),
    };
    return cmocka_run_group_tests(tests, set_up, test_scratch_teardown);
}
