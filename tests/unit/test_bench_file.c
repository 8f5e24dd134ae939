/* test_bench_file.c — results of benchmarks read back: every member, what older files lack, what is
 * refused, folders. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "report/bench_file.h"
#include "support/scratch.h"
#include "support/text.h"

/* Lines, so that a test can replace one. */
static const char *const whole[] = {
    "{\"schema\": \"clvgg-bench/1\"",
    "\"program\": {\"name\": \"clvgg\", \"version\": \"0.9\", \"commit\": null}",
    "\"device\": {\"type\": \"cpu\", \"name\": \"d\", \"vendor\": \"v\", \"platform\": \"p\", "
    "\"driver_version\": \"3.1\", \"opencl_version\": \"3.0\", \"compute_units\": 2, "
    "\"clock_mhz\": 2596, \"global_memory_bytes\": 23129018368, \"native_float_width\": 16}",
    "\"model\": \"m\", \"architecture\": \"vgg16\", \"random_weights\": true, \"flops\": 30e9, "
    "\"layer\": \"pool5\", \"mode\": \"infer\", \"optimizer\": \"sgd\", \"classes\": 1000",
    "\"weights\": {\"seed\": 1, \"sha256\": \"ab\"}",
    "\"storage\": \"bf16\", \"accumulation\": \"float32\", \"input\": [3, 224, 224]",
    "\"options\": {\"min_time_s\": 1, \"variants\": [\"*=a\"], \"gemm\": \"auto\"}",
    "\"peak\": {\"fma_gflops\": 190, \"read_gbps\": 35}",
    "\"roof\": {\"fma_f32_gflops\": 1, \"fma_f16_gflops\": null, \"matrix_bf16_gflops\": 3, "
    "\"dot_int8_gops\": 4, \"read_gbps\": 5, \"write_gbps\": 6, \"copy_gbps\": 7, "
    "\"cache_read_gbps\": 8, \"cache_bytes\": 9, \"near_cache_read_gbps\": 10, "
    "\"local_gbps\": 11, \"launch_ms\": 12, \"transfer_latency_ms\": 13, \"upload_gbps\": 14, "
    "\"download_gbps\": 15}",
    "\"sensors\": {\"before\": {\"clock_mhz\": 3000, \"power_w\": null, \"temperature_c\": -2, "
    "\"load_average\": 0.5, \"unreadable\": []}, \"after\": null}",
    "\"system\": {\"os\": \"Linux\", \"cpu\": \"c\", \"cores\": 2, \"memory_bytes\": 1024}",
    "\"environment\": {\"POCL_X\": \"1\"}",
    "\"kernels\": {\"conv_direct.cl\": \"00ff\"}, \"class\": \"open\", \"clock\": \"device\"",
    "\"results\": [{\"batch\": 16, \"error_l2\": 1e-6, \"wrong\": false, \"repetitions\": 3, "
    "\"median_ms\": 5, \"min_ms\": 4, \"first_ms\": 30, \"p90_ms\": 6, \"interval_ms\": [4, null]",
    "\"samples_ms\": [6, 5, 4], \"cold_ms\": 7, \"cold_samples_ms\": [7], \"upload_ms\": 0.5",
    "\"download_ms\": 0.25, \"drift\": -0.5, \"drifted\": true, \"load_average\": [1, 2]",
    "\"reference\": \"float64\", \"gflops\": 96, \"kernel_ms\": 4.5, \"fingerprint\": \"c5\"",
    "\"layers\": [{\"name\": \"conv1_1\", \"layers\": \"conv1_1+relu1_1\", \"variant\": \"a\", "
    "\"tuned\": true, \"ms\": null, \"gflops\": 1, \"executed_gflops\": 2, \"fma_share\": 3, "
    "\"read_share\": 4, \"flops\": 5, \"executed_flops\": 6, \"bytes\": 7, \"weight_bytes\": 8, "
    "\"intensity\": 9, \"roof_share\": 10, \"choice\": \"tile 4\", \"samples_ms\": [2, 1]}]}]",
    "\"tuned\": true, \"error\": \"interrupted\"",
    "\"digest\": \"d1\"}",
};
enum { LINES = sizeof whole / sizeof *whole };

/* Writes the lines, with `replaced` (if any) in place of one, and reads them. */
static clvgg_status read_lines(int line, const char *replaced, vgg_bench_file *file)
{
    static char text[1 << 16];
    size_t length = 0;
    for (int i = 0; i < LINES; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i > 0 ? ",\n" : "",
                                   i == line ? replaced : whole[i]);
    test_scratch_write("whole.json", text, length);
    return vgg_bench_file_read(test_scratch_path("whole.json"), file);
}

#define IS(value, expected) assert_true((value) == (expected))

static void every_member_is_read(void **state)
{
    vgg_bench_file file;
    (void)state;
    if (read_lines(-1, NULL, &file) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    assert_string_equal(file.path, test_scratch_path("whole.json"));
    assert_string_equal(file.program, "clvgg");
    assert_string_equal(file.program_version, "0.9");
    assert_null(file.program_commit);
    assert_string_equal(file.device, "d");
    assert_string_equal(file.device_type, "cpu");
    assert_string_equal(file.vendor, "v");
    assert_string_equal(file.platform, "p");
    assert_string_equal(file.driver_version, "3.1");
    assert_string_equal(file.opencl_version, "3.0");
    IS(file.compute_units, 2);
    IS(file.device_clock_mhz, 2596);
    IS(file.global_memory_bytes, 23129018368.0);
    IS(file.native_float_width, 16);
    assert_string_equal(file.model, "m");
    assert_string_equal(file.architecture, "vgg16");
    assert_string_equal(file.layer, "pool5");
    assert_string_equal(file.mode, "infer");
    assert_string_equal(file.optimizer, "sgd");
    assert_string_equal(file.clock, "device");
    assert_string_equal(file.error, "interrupted");
    assert_string_equal(file.storage, "bf16");
    assert_string_equal(file.accumulation, "float32");
    assert_string_equal(file.class, "open");
    assert_string_equal(file.digest, "d1");
    assert_string_equal(file.weights_sha256, "ab");
    IS(file.weights_seed, 1);
    IS(file.classes, 1000);
    IS(file.flops, 30e9);
    assert_true(file.random_weights == VGG_BENCH_YES && file.tuned);
    assert_int_equal(file.input_count, 3);
    assert_int_equal(file.input[0], 3);
    assert_int_equal(file.input[2], 224);
    IS(file.fma_gflops, 190);
    IS(file.read_gbps, 35);
    assert_true(file.roof.measured);
    IS(file.roof.fma_f32_gflops, 1);
    assert_true(isnan(file.roof.fma_f16_gflops));
    IS(file.roof.matrix_bf16_gflops, 3);
    IS(file.roof.dot_int8_gops, 4);
    IS(file.roof.read_gbps, 5);
    IS(file.roof.write_gbps, 6);
    IS(file.roof.copy_gbps, 7);
    IS(file.roof.cache_read_gbps, 8);
    IS(file.roof.cache_bytes, 9);
    IS(file.roof.near_cache_read_gbps, 10);
    IS(file.roof.local_gbps, 11);
    IS(file.roof.launch_ms, 12);
    IS(file.roof.transfer_latency_ms, 13);
    IS(file.roof.upload_gbps, 14);
    IS(file.roof.download_gbps, 15);
    IS(file.before.clock_mhz, 3000);
    assert_true(isnan(file.before.power_w) && isnan(file.after.clock_mhz));
    IS(file.before.temperature_c, -2);
    IS(file.before.load_average, 0.5);
    assert_string_equal(file.os, "Linux");
    assert_string_equal(file.cpu, "c");
    IS(file.cores, 2);
    IS(file.memory_bytes, 1024);
    assert_string_equal(vgg_bench_pair_of(&file.options, "variants"), "[\"*=a\"]");
    assert_string_equal(vgg_bench_pair_of(&file.options, "gemm"), "auto");
    assert_string_equal(vgg_bench_pair_of(&file.options, "min_time_s"), "1");
    assert_string_equal(vgg_bench_pair_of(&file.environment, "POCL_X"), "1");
    assert_string_equal(vgg_bench_pair_of(&file.kernels, "conv_direct.cl"), "00ff");
    assert_null(vgg_bench_pair_of(&file.kernels, "conv"));
    assert_null(vgg_bench_file_result_of(&file, 1));
    const vgg_bench_file_result *result = vgg_bench_file_result_of(&file, 16);
    assert_true(result->drifted && !result->wrong);
    IS(result->error_l2, 1e-6);
    IS(result->repetitions, 3);
    IS(result->median_ms, 5);
    IS(result->min_ms, 4);
    IS(result->first_ms, 30);
    IS(result->p90_ms, 6);
    IS(result->interval_ms[0], 4);
    assert_true(isnan(result->interval_ms[1]));
    assert_int_equal(result->samples.count, 3);
    IS(result->samples.ms[0], 6);
    IS(result->samples.ms[2], 4);
    IS(result->cold_ms, 7);
    assert_int_equal(result->cold_samples.count, 1);
    IS(result->upload_ms, 0.5);
    IS(result->download_ms, 0.25);
    IS(result->drift, -0.5);
    IS(result->load_average[1], 2);
    assert_string_equal(result->reference, "float64");
    assert_string_equal(result->fingerprint, "c5");
    IS(result->gflops, 96);
    IS(result->kernel_ms, 4.5);
    assert_null(vgg_bench_file_layer_of(result, "conv1"));
    const vgg_bench_file_layer *layer = vgg_bench_file_layer_of(result, "conv1_1");
    assert_string_equal(layer->layers, "conv1_1+relu1_1");
    assert_string_equal(layer->variant, "a");
    assert_string_equal(layer->choice, "tile 4");
    assert_true(layer->tuned && isnan(layer->ms));
    IS(layer->gflops, 1);
    IS(layer->executed_gflops, 2);
    IS(layer->fma_share, 3);
    IS(layer->read_share, 4);
    IS(layer->flops, 5);
    IS(layer->executed_flops, 6);
    IS(layer->bytes, 7);
    IS(layer->weight_bytes, 8);
    IS(layer->intensity, 9);
    IS(layer->roof_share, 10);
    assert_int_equal(layer->samples.count, 2);
    vgg_bench_file_free(&file);
}

/* A line with one value that can't be, and the message's end. */
typedef struct damage {
    int line;
    const char *replaced, *message;
} damage;

static void wrong_members_are_named(void **state)
{
    static const damage damages[] = {
        {0, "{\"schema\": true", ": 'schema' must be \"clvgg-bench/1\", or 1"},
        {1, "\"program\": 1", ": 'program' must be an object"},
        {1, "\"program\": {\"name\": 1}", ": 'program.name' must be a string"},
        {2, "\"device\": {\"platform\": \"p\"}", ": 'device.name' must be a string"},
        {3, "\"model\": null", ": 'model' must be a string"},
        {3, "\"model\": \"m\", \"random_weights\": 1", ": 'random_weights' must be true or false"},
        {5, "\"input\": [0]", ": 'input' must hold numbers from 1 to 1e9"},
        {5, "\"input\": [1,1,1,1,1,1,1,1,1]", ": 'input' must be an array of at most 8"},
        {6, "\"options\": []", ": 'options' must be an object, of at most 4096 members"},
        {7, "\"peak\": {}", ": 'peak.fma_gflops' must be a number, 0 or more"},
        {8, "\"roof\": {\"launch_ms\": -1}", ": 'roof.launch_ms' must be a number, 0 or more"},
        {9, "\"sensors\": {\"after\": {\"power_w\": \"1\"}}",
         ": 'sensors.after.power_w' must be a number"},
        {9, "\"sensors\": {\"before\": []}", ": 'before' must be an object"},
        {14, "\"samples_ms\": [1, null]",
         ": results[0]: 'samples_ms' must be an array of numbers, 0 or more"},
        {14, "\"samples_ms\": {}", ": results[0]: 'samples_ms' must be an array"},
        {15, "\"load_average\": [1]",
         ": results[0]: 'load_average' must be an array of two numbers"},
        {15, "\"load_average\": [1, \"2\"]",
         ": results[0]: 'load_average' must be two numbers, 0 or more, or null"},
        {17, "\"layers\": [{\"name\": \"a\", \"variant\": \"v\"}]}]",
         ": results[0]: layers[0]: 'ms' must be a number, 0 or more"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        vgg_bench_file file;
        if (read_lines(damages[i].line, damages[i].replaced, &file) != CLVGG_STATUS_BAD_FILE)
            fail_msg("%s isn't refused", damages[i].replaced);
        assert_contains(vgg_message(), "whole.json: not a result of clvgg bench: ");
        const size_t length = strlen(vgg_message()), end = strlen(damages[i].message);
        assert_string_equal(vgg_message() + (length > end ? length - end : 0), damages[i].message);
        assert_null(file.device);
    }
    vgg_bench_file file;
    IS(read_lines(0, "{\"schema\": \"clvgg-bench/2\"", &file), CLVGG_STATUS_UNSUPPORTED);
    assert_contains(vgg_message(), "schema clvgg-bench/2, this version reads clvgg-bench/1");
}

#define OLD(device)                                                                                \
    "{\"schema\": 1, \"device\": {\"name\": \"" device "\", \"platform\": \"p\"}, "                \
    "\"model\": \"vgg16\", \"peak\": {\"fma_gflops\": 300, \"read_gbps\": 15}, \"results\": "      \
    "[{\"batch\": 1, \"median_ms\": 5, \"min_ms\": 4}, {\"batch\": 2, \"wrong\": true}]}"

static void put(const char *name, const char *text)
{
    test_scratch_write(name, text, strlen(text));
}

static void what_older_files_lack_is_unknown(void **state)
{
    vgg_bench_file file;
    (void)state;
    put("old.json", OLD("d"));
    IS(vgg_bench_file_read(test_scratch_path("old.json"), &file), CLVGG_STATUS_OK);
    assert_string_equal(file.storage, "f32");
    assert_string_equal(file.accumulation, "float32");
    assert_string_equal(file.program, "clvgg");
    assert_null(file.program_version);
    assert_true(isnan(file.weights_seed) && isnan(file.roof.launch_ms) && !file.roof.measured);
    assert_int_equal(file.input_count + file.kernels.count + file.results[0].samples.count, 0);
    assert_true(isnan(file.results[0].drift) && isnan(file.results[0].interval_ms[0]));
    assert_true(file.results[1].wrong && isnan(file.results[1].median_ms));
    vgg_bench_file_free(&file);
    IS(read_lines(7, "\"peak\": null", &file), CLVGG_STATUS_OK); /* other programs know none */
    assert_true(isnan(file.fma_gflops) && isnan(file.read_gbps));
    vgg_bench_file_free(&file);
}

static void folders_and_devices_are_several(void **state)
{
    vgg_bench_files files = {0};
    vgg_bench_file file;
    (void)state;
    test_scratch_folder("results");
    test_scratch_folder("results/deeper.json");
    test_scratch_folder("none");
    put("results/b.json", "{\"devices\": [" OLD("b1") "," OLD("b2") "]}");
    put("results/a.json", OLD("a"));
    put("results/other.json", "{\"schema\": 1, \"results\": []}");
    put("results/list.json", "[1]");
    put("results/notes.txt", "{");
    IS(vgg_bench_files_add(&files, test_scratch_path("results")), CLVGG_STATUS_OK);
    IS(vgg_bench_files_add(&files, test_scratch_path("results/a.json")), CLVGG_STATUS_OK);
    assert_int_equal(files.count, 4);
    assert_string_equal(files.items[0].device, "a");
    assert_string_equal(files.items[1].device, "b1");
    assert_string_equal(files.items[2].device, "b2");
    assert_string_equal(files.items[3].device, "a");
    assert_contains(files.items[2].path, "results/b.json");
    IS(vgg_bench_files_add(&files, test_scratch_path("none")), CLVGG_STATUS_BAD_FILE);
    assert_contains(vgg_message(), "none: holds no result of clvgg bench (*.json)");
    IS(vgg_bench_files_add(&files, test_scratch_path("absent")), CLVGG_STATUS_NOT_FOUND);
    IS(vgg_bench_file_read(test_scratch_path("results/b.json"), &file), CLVGG_STATUS_BAD_FILE);
    assert_contains(vgg_message(), "b.json: holds results of several devices");
    put("results/cut.json", "{\"schema\": 1, \"results\": [");
    IS(vgg_bench_files_add(&files, test_scratch_path("results")), CLVGG_STATUS_BAD_FILE);
    assert_contains(vgg_message(), "cut.json: not a result of clvgg bench: not a JSON object");
    vgg_bench_files_free(&files);
    assert_int_equal(files.count, 0);
}

static int set_up(void **state)
{
    (void)state;
    return test_scratch_make() == NULL;
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
        cmocka_unit_test(every_member_is_read),
        cmocka_unit_test(wrong_members_are_named),
        cmocka_unit_test(what_older_files_lack_is_unknown),
        cmocka_unit_test(folders_and_devices_are_several),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
