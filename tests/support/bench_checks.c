#include "support/bench_checks.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/statistics.h"
#include "report/schema.h"
#include "support/json.h"

/* The figures have nine digits. */
static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 2e-8 * fabs(expected)))
        fail_msg("%.12g, not %.12g", value, expected);
}

static void check_schema(const cJSON *json)
{
    cJSON *schema = cJSON_Parse(vgg_bench_schema);
    vgg_findings findings = {0};
    vgg_finding finding = {0};
    assert_non_null(schema);
    vgg_schema_check(schema, json, &findings);
    if (vgg_findings_next(&findings, &finding))
        fail_msg("%s is %s, expected %s", finding.member, finding.actual, finding.expected);
    cJSON_Delete(schema);
}

void bench_check_head(const cJSON *json)
{
    check_schema(json);
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

static double *read_samples(const cJSON *object, const char *name, int *count)
{
    const cJSON *samples = member(object, name);
    *count = cJSON_GetArraySize(samples);
    assert_true(*count > 0);
    double *values = calloc((size_t)*count, sizeof *values), *next = values;
    assert_non_null(values);
    const cJSON *sample;
    cJSON_ArrayForEach(sample, samples) *next++ = sample->valuedouble;
    return values;
}

/* A figure that may be unknown, and is then null. */
static bool is_known(const cJSON *object, const char *name)
{
    const cJSON *value = member(object, name);
    assert_true(cJSON_IsNull(value) || (cJSON_IsNumber(value) && value->valuedouble > 0));
    return cJSON_IsNumber(value);
}

static void check_cold(const cJSON *result)
{
    if (!is_known(result, "cold_ms")) {
        assert_int_equal(cJSON_GetArraySize(member(result, "cold_samples_ms")), 0);
        return;
    }
    int count = 0;
    double *samples = read_samples(result, "cold_samples_ms", &count);
    assert_near(number(result, "cold_ms"), vgg_statistics_of(samples, (size_t)count).median);
    free(samples);
}

/* Drift is worked out of samples that JSON has rounded. */
static void check_steadiness(const cJSON *result)
{
    int count = 0;
    double *samples = read_samples(result, "samples_ms", &count);
    const double drift = vgg_drift_of(samples, (size_t)count);
    assert_true(fabs(number(result, "drift") - drift) < 1e-6);
    assert_int_equal(cJSON_IsTrue(member(result, "drifted")), fabs(number(result, "drift")) > 0.05);
    assert_int_equal(cJSON_GetArraySize(member(result, "load_average")), 2);
    free(samples);
}

static void check_layer(const cJSON *layer)
{
    int count = 0;
    double *samples = read_samples(layer, "samples_ms", &count);
    const vgg_statistics s = vgg_statistics_of(samples, (size_t)count);
    if (!cJSON_IsNull(member(layer, "ms"))) {
        assert_near(number(layer, "ms"), s.median);
        assert_near(number(layer, "gflops"), number(layer, "flops") / number(layer, "ms") / 1e6);
        assert_near(number(layer, "executed_gflops"),
                    number(layer, "executed_flops") / number(layer, "ms") / 1e6);
    }
    const cJSON *share = member(layer, "roof_share");
    assert_true(cJSON_IsNull(share) || share->valuedouble > 0);
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
    double *samples = read_samples(result, "samples_ms", &count);
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
    check_cold(result);
    check_steadiness(result);
    assert_int_equal(is_known(result, "upload_ms"), is_known(result, "download_ms"));
    const cJSON *layer;
    cJSON_ArrayForEach(layer, cJSON_GetObjectItem(result, "layers")) check_layer(layer);
    free(samples);
}
