#include "support/bench_checks.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/statistics.h"
#include "support/json.h"

/* The figures have nine digits. */
static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 2e-8 * fabs(expected)))
        fail_msg("%.12g, not %.12g", value, expected);
}

void bench_check_head(const cJSON *json)
{
    assert_string_equal(json->child->string, "schema");
    assert_string_equal(string(json, "schema"), "clvgg-bench/1");
    assert_string_equal(string(member(json, "program"), "name"), "clvgg");
    assert_true(strlen(string(member(json, "program"), "version")) > 0);
    const cJSON *commit = member(member(json, "program"), "commit");
    assert_true(cJSON_IsNull(commit) || strlen(commit->valuestring) >= 40);
    assert_string_equal(string(json, "accumulation"), "float32");
    const cJSON *options = member(json, "options");
    assert_true(number(options, "min_time_s") > 0);
    assert_true(cJSON_IsBool(member(options, "per_layer")));
    assert_true(cJSON_IsArray(member(options, "variants")));
    assert_true(strlen(string(options, "gemm")) > 0);
}

static double *read_samples(const cJSON *object, int *count)
{
    const cJSON *samples = member(object, "samples_ms");
    *count = cJSON_GetArraySize(samples);
    assert_true(*count > 0);
    double *values = calloc((size_t)*count, sizeof *values), *next = values;
    assert_non_null(values);
    const cJSON *sample;
    cJSON_ArrayForEach(sample, samples) *next++ = sample->valuedouble;
    return values;
}

static void check_layer(const cJSON *layer)
{
    int count = 0;
    double *samples = read_samples(layer, &count);
    const vgg_statistics s = vgg_statistics_of(samples, (size_t)count);
    if (!cJSON_IsNull(member(layer, "ms"))) {
        assert_near(number(layer, "ms"), s.median);
        assert_near(number(layer, "gflops"), number(layer, "flops") / number(layer, "ms") / 1e6);
        assert_near(number(layer, "executed_gflops"),
                    number(layer, "executed_flops") / number(layer, "ms") / 1e6);
    }
    assert_true(number(layer, "bytes") >= number(layer, "weight_bytes"));
    if (number(layer, "bytes") > 0)
        assert_near(number(layer, "intensity"),
                    number(layer, "executed_flops") / number(layer, "bytes"));
    assert_non_null(string(layer, "choice"));
    free(samples);
}

void bench_check_samples(const cJSON *result)
{
    int count = 0;
    double *samples = read_samples(result, &count);
    const vgg_statistics s = vgg_statistics_of(samples, (size_t)count);
    assert_int_equal(integer(result, "repetitions"), count);
    assert_near(number(result, "median_ms"), s.median);
    assert_near(number(result, "min_ms"), s.least);
    assert_near(number(result, "p90_ms"), s.p90);
    const cJSON *interval = member(result, "interval_ms");
    assert_int_equal(cJSON_IsNull(interval), count < VGG_INTERVAL_LEAST);
    if (!cJSON_IsNull(interval)) {
        assert_int_equal(cJSON_GetArraySize(interval), 2);
        assert_near(cJSON_GetArrayItem(interval, 0)->valuedouble, s.low);
        assert_near(cJSON_GetArrayItem(interval, 1)->valuedouble, s.high);
    }
    const cJSON *layer;
    cJSON_ArrayForEach(layer, cJSON_GetObjectItem(result, "layers")) check_layer(layer);
    free(samples);
}
