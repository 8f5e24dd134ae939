/* report/bench_check_times.c — figures recomputed from samples, and whether clvgg would have taken
 * so many. */
#include "report/bench_check_inside.h"

#ifdef CLVGG_HAVE_CJSON
#include <math.h>
#include <string.h>

#include "base/statistics.h"
#include "clvgg/bench.h"
#include "report/memory.h"

/* As clvgg/bench.h says of min_seconds. */
enum { LEAST_PASSES = 9, MOST_PASSES = 10000 };
static const double patience_ms = 60e3, precision = 0.01, drifts = 0.05;

static clvgg_status read_samples(const cJSON *object, const char *name, double **values,
                                 size_t *count)
{
    const cJSON *samples = vgg_bench_member(object, name), *sample = NULL;
    *count = 0;
    VGG_MEMORY_NEW_PASS(*values, (size_t)cJSON_GetArraySize(samples), "samples of a benchmark");
    cJSON_ArrayForEach(sample, samples)(*values)[(*count)++] = sample->valuedouble;
    return CLVGG_STATUS_OK;
}

/* Says whether half of the median's interval is below 1 % of it, or of a little more or less. */
static clvgg_status judge(const double *samples, size_t count, double about, bool *precise)
{
    double *sorted = NULL;
    VGG_MEMORY_NEW_PASS(sorted, count, "samples of a benchmark");
    memcpy(sorted, samples, count * sizeof *sorted);
    const vgg_statistics s = vgg_statistics_of(sorted, count);
    *precise = (s.high - s.low) / 2 <= precision * about * s.median;
    vgg_memory_free(sorted);
    return CLVGG_STATUS_OK;
}

/* Passes go on until there are nine (or a minute of them), and options.min_time_s have gone by and
 * the median is known to 1 %, or options.max_time_s have; precision is looked at whenever an eighth
 * more are there. So they neither end earlier nor go on. */
static clvgg_status check_repetitions(const vgg_bench_document *document,
                                      const vgg_bench_part *part, const double *samples,
                                      size_t count)
{
    const cJSON *options = vgg_bench_member(document->root, "options");
    const double min_ms = 1e3 * vgg_bench_number(options, "min_time_s");
    const double asked = 1e3 * vgg_bench_number(options, "max_time_s");
    const double max_ms = isnan(asked) ? 5 * min_ms : asked;
    bool surely = false, perhaps = false; /* precise */
    size_t next = LEAST_PASSES;
    double spent = 0;
    for (size_t done = 0; done < count; spent += samples[done++]) {
        if (done == next) {
            VGG_PASS(judge(samples, done, 1 - 1e-6, &surely));
            next = done + done / 8 + 1;
        }
        if (done >= LEAST_PASSES && spent > (surely ? min_ms : max_ms) * (1 + 1e-6)) {
            vgg_bench_refuse_number(part, "samples_ms", (double)count,
                                    "%zu samples: they are %.9g ms, and no more pass begins", done,
                                    spent);
            return CLVGG_STATUS_OK;
        }
    }
    if (count == next)
        VGG_PASS(judge(samples, count, 1 + 1e-6, &perhaps));
    else
        perhaps = surely;
    const double least_ms = count < LEAST_PASSES ? patience_ms : perhaps ? min_ms : max_ms;
    if (count < MOST_PASSES && spent < least_ms * (1 - 1e-6))
        vgg_bench_refuse_number(part, "samples_ms", spent,
                                "%.9g ms in all at least: passes go on for so long%s", least_ms,
                                perhaps ? "" : " where their median isn't known to 1 %");
    return CLVGG_STATUS_OK;
}

static void check_interval(const vgg_bench_part *part, const vgg_statistics *statistics)
{
    const cJSON *interval = vgg_bench_member(part->object, "interval_ms");
    const double ends[] = {statistics->low, statistics->high};
    if (interval == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        const cJSON *item = cJSON_GetArrayItem(interval, i);
        const double actual = cJSON_IsNumber(item) ? item->valuedouble : NAN;
        if (isnan(actual) != isnan(ends[i]) ||
            fabs(actual - ends[i]) > VGG_BENCH_DIGITS * fabs(ends[i]))
            vgg_bench_refuse_number(part, "interval_ms", actual, "%.9g: %s", ends[i],
                                    "ranks of samples_ms that the median lies between");
    }
}

static void expect_if_there(const vgg_bench_part *part, const char *name, double expected,
                            const char *why)
{
    if (vgg_bench_member(part->object, name) != NULL)
        vgg_bench_expect(part, name, expected, why);
}

static void check_figures(const vgg_bench_document *document, const vgg_bench_part *part,
                          double *samples, size_t count)
{
    const double drift = vgg_drift_of(samples, count);
    const cJSON *drifted = vgg_bench_member(part->object, "drifted");
    const vgg_statistics s = vgg_statistics_of(samples, count);
    const double batch = vgg_bench_number(part->object, "batch");
    vgg_bench_expect(part, "repetitions", (double)count, "as many as samples_ms");
    vgg_bench_expect(part, "median_ms", s.median, "the median of samples_ms");
    vgg_bench_expect(part, "min_ms", s.least, "the least of samples_ms");
    expect_if_there(part, "p90_ms", s.p90, "nine tenths of samples_ms don't exceed it");
    check_interval(part, &s);
    const double actual =
        vgg_bench_number(part->object, "drift"); /* a difference of like numbers */
    if (fabs(actual - drift) > 1e-6)
        vgg_bench_refuse_number(part, "drift", actual, "%.9g: %s", drift,
                                "the later half of samples_ms over the earlier, less 1");
    if (cJSON_IsBool(drifted) && cJSON_IsTrue(drifted) != (fabs(drift) > drifts))
        vgg_bench_refuse(part, "drifted", cJSON_IsTrue(drifted) ? "true" : "false",
                         "%s: drift is %.9g", fabs(drift) > drifts ? "true" : "false", drift);
    vgg_bench_expect(part, "gflops",
                     vgg_bench_number(document->root, "flops") * batch / s.median * 1e-6,
                     "flops x batch / median_ms");
}

/* ---- layers ---- */

static void check_layer_rates(const vgg_bench_document *document, const vgg_bench_part *part,
                              double ms)
{
    const cJSON *layer = part->object, *peak = vgg_bench_member(document->root, "peak");
    const double flops = vgg_bench_number(layer, "flops");
    const double executed = vgg_bench_number(layer, "executed_flops");
    const double bytes = vgg_bench_number(layer, "bytes");
    const double fma = vgg_bench_number(peak, "fma_gflops");
    const double read = vgg_bench_number(peak, "read_gbps");
    expect_if_there(part, "gflops", flops / ms * 1e-6, "flops / ms");
    expect_if_there(part, "executed_gflops", executed / ms * 1e-6, "executed_flops / ms");
    expect_if_there(part, "intensity", bytes > 0 ? executed / bytes : NAN,
                    "executed_flops / bytes");
    expect_if_there(part, "fma_share", fma > 0 ? flops / ms * 1e-6 / fma : NAN,
                    "gflops of peak.fma_gflops");
    expect_if_there(part, "read_share",
                    read > 0 ? vgg_bench_number(layer, "weight_bytes") / ms * 1e-6 / read : NAN,
                    "weight_bytes / ms of peak.read_gbps");
}

/* Adds the layer's samples to those of the whole, and checks what it says of them. */
static clvgg_status check_layer(const vgg_bench_document *document, const vgg_bench_part *part,
                                double *sums, size_t sum_count)
{
    double *samples = NULL;
    size_t count = 0;
    VGG_PASS(read_samples(part->object, "samples_ms", &samples, &count));
    if (count != sum_count || count == 0) {
        vgg_bench_refuse_number(part, "samples_ms", (double)count,
                                "%zu samples, as many as the first layer has", sum_count);
    } else {
        for (size_t i = 0; i < count; i++)
            sums[i] += samples[i];
        const double ms = vgg_statistics_of(samples, count).median;
        vgg_bench_expect(part, "ms", ms > 0 ? ms : NAN, "the median of samples_ms");
        check_layer_rates(document, part, ms > 0 ? ms : NAN);
    }
    vgg_memory_free(samples);
    return CLVGG_STATUS_OK;
}

static clvgg_status check_layers(const vgg_bench_document *document, const vgg_bench_part *part)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const cJSON *layers = vgg_bench_member(part->object, "layers"), *layer = NULL;
    const cJSON *first = cJSON_GetArrayItem(layers, 0);
    const size_t count = (size_t)cJSON_GetArraySize(vgg_bench_member(first, "samples_ms"));
    double *sums = NULL;
    int index = 0;
    VGG_MEMORY_NEW(sums, count, "times of a benchmark's passes");
    cJSON_ArrayForEach(layer, layers)
    {
        const vgg_bench_part at = vgg_bench_part_at(document, part, "layers", layer, index++);
        VGG_TRY(check_layer(document, &at, sums, count));
    }
    if (count > 0) {
        const double median = vgg_statistics_of(sums, count).median;
        vgg_bench_expect(part, "kernel_ms", median > 0 ? median : NAN,
                         "the median of the sums of all layers' samples_ms");
    }
cleanup:
    vgg_memory_free(sums);
    return status;
}

static clvgg_status check_cold(const vgg_bench_part *part)
{
    double *samples = NULL;
    size_t count = 0;
    if (vgg_bench_member(part->object, "cold_samples_ms") == NULL)
        return CLVGG_STATUS_OK;
    VGG_PASS(read_samples(part->object, "cold_samples_ms", &samples, &count));
    vgg_bench_expect(part, "cold_ms", count > 0 ? vgg_statistics_of(samples, count).median : NAN,
                     "the median of cold_samples_ms");
    vgg_memory_free(samples);
    return CLVGG_STATUS_OK;
}

/* ---- errors ---- */

/* What rounding alone makes of logits: weights in so few bits, or float32 beside float64. Below
 * half of a hundredth of what is usual, they weren't stored so. */
static double least_error(const vgg_bench_document *document, const cJSON *result)
{
    const char *storage = vgg_bench_string(document->root, "storage");
    const char *reference = vgg_bench_string(result, "reference");
    if (document->network == NULL)
        return 0; /* the file's weights may be rounded already */
    return strcmp(storage, "bf16") == 0                             ? 5e-5
           : strcmp(storage, "f16") == 0                            ? 5e-6
           : reference != NULL && strcmp(reference, "float64") == 0 ? 5e-9
                                                                    : 0;
}

static void check_error(const vgg_bench_document *document, const vgg_bench_part *part)
{
    const char *name = vgg_bench_string(document->root, "storage");
    const bool wrong = vgg_bench_is_true(part->object, "wrong");
    const double error = vgg_bench_number(part->object, "error_l2");
    const clvgg_storage storage = strcmp(name, "f32") == 0   ? CLVGG_STORAGE_F32
                                  : strcmp(name, "f16") == 0 ? CLVGG_STORAGE_F16
                                                             : CLVGG_STORAGE_BF16;
    const double most = clvgg_bench_error_limit(storage),
                 least = least_error(document, part->object);
    if (strcmp(name, "int8") == 0)
        return; /* clvgg has no limit for it */
    if (wrong != !(error <= most))
        vgg_bench_refuse(part, "wrong", wrong ? "true" : "false",
                         "%s: error_l2 is %.3g, the limit of %s %.3g", wrong ? "false" : "true",
                         error, name, most);
    if (error < least)
        vgg_bench_refuse_number(part, "error_l2", error,
                                "%.3g or more: rounding to %s makes as much", least, name);
}

/* ---- results ---- */

static void check_presence(const vgg_bench_part *part, bool wrong, bool own)
{
    static const char *const names[] = {"repetitions", "median_ms", "min_ms",   "samples_ms",
                                        "gflops",      "p90_ms",    "first_ms", "interval_ms",
                                        "layers",      "kernel_ms", "drift",    "drifted"};
    const size_t count = own ? sizeof names / sizeof *names : 5;
    for (size_t i = 0; i < count; i++)
        if (wrong == (vgg_bench_member(part->object, names[i]) != NULL))
            vgg_bench_refuse(part, names[i], wrong ? "a member" : "nothing",
                             wrong ? "none: wrong results aren't timed" : "a member of that name");
}

static clvgg_status check_result(const vgg_bench_document *document, const vgg_bench_part *part)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const bool wrong = vgg_bench_is_true(part->object, "wrong");
    double *samples = NULL;
    size_t count = 0;
    check_error(document, part);
    check_presence(part, wrong, document->own);
    if (wrong)
        goto cleanup;
    VGG_TRY(read_samples(part->object, "samples_ms", &samples, &count));
    if (count > 0 && document->own)
        VGG_TRY(check_repetitions(document, part, samples, count));
    if (count > 0)
        check_figures(document, part, samples, count);
    VGG_TRY(check_cold(part));
    VGG_TRY(check_layers(document, part));
cleanup:
    vgg_memory_free(samples);
    return status;
}

clvgg_status vgg_bench_check_times(const vgg_bench_document *document)
{
    const cJSON *results = vgg_bench_member(document->root, "results"), *result = NULL;
    int index = 0;
    if (cJSON_GetArraySize(results) == 0)
        vgg_findings_add(&document->check->refused, "results", "none", "a result at least");
    cJSON_ArrayForEach(result, results)
    {
        const vgg_bench_part part = vgg_bench_part_at(document, NULL, "results", result, index++);
        VGG_PASS(check_result(document, &part));
    }
    vgg_bench_note(&document->check->checked, "medians, ranks, drift and rates against samples_ms");
    return CLVGG_STATUS_OK;
}
#endif
