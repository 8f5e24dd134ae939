/* report/bench_check_rates.c — times against the device's roof: nothing is faster than arithmetic
 * and memory allow.
 *
 * Times hold noise, which makes them longer, and so does the roof, which it makes lower: so medians
 * of layers stand beside the best of many launches, and clvgg bench --submit measures the roof
 * again until nothing is above it.
 */
#include "report/bench_check_inside.h"

#ifdef CLVGG_HAVE_CJSON
#include <math.h>
#include <string.h>

typedef struct roof {
    double fma, matrix;   /* GFLOP/s; NAN: unknown */
    double memory, cache; /* GB/s */
    double cache_bytes;
    double latency_ms;
    bool device_clock; /* times layers: without what the host waits for each */
} roof;

/* The larger of two, either of which may be unknown. */
static double larger(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

static roof read_roof(const cJSON *root)
{
    const cJSON *peak = vgg_bench_member(root, "peak"), *measured = vgg_bench_member(root, "roof");
    static const char *const memories[] = {"read_gbps", "write_gbps", "copy_gbps"};
    static const char *const caches[] = {"cache_read_gbps", "near_cache_read_gbps", "local_gbps"};
    roof r = {
        larger(vgg_bench_number(peak, "fma_gflops"), vgg_bench_number(measured, "fma_f32_gflops")),
        vgg_bench_number(measured, "matrix_bf16_gflops"),
        vgg_bench_number(peak, "read_gbps"),
        NAN,
        vgg_bench_number(measured, "cache_bytes"),
        vgg_bench_number(measured, "transfer_latency_ms"),
        strcmp(vgg_bench_string(root, "clock"), "device") == 0};
    for (size_t i = 0; i < sizeof memories / sizeof *memories; i++)
        r.memory = larger(r.memory, vgg_bench_number(measured, memories[i]));
    for (size_t i = 0; i < sizeof caches / sizeof *caches; i++)
        r.cache = larger(r.cache, vgg_bench_number(measured, caches[i]));
    return r;
}

/* Kernels of matrix units are named for them. */
static bool uses_matrix_unit(const cJSON *layer)
{
    return strstr(vgg_bench_string(layer, "variant"), "_amx") != NULL;
}

/* Milliseconds that a layer takes at least: for its arithmetic; for its bytes, of which those that
 * the last cache can hold come from there. 0 where the roof doesn't tell. */
static double arithmetic_ms(const roof *r, const cJSON *layer)
{
    const bool matrix = uses_matrix_unit(layer);
    const double ms =
        vgg_bench_number(layer, "executed_flops") / (matrix ? r->matrix : r->fma) * 1e-6;
    return isfinite(ms) ? ms : 0;
}

static double memory_ms(const roof *r, const cJSON *layer)
{
    const double bytes = vgg_bench_number(layer, "bytes");
    const double held = fmin(bytes, r->cache_bytes);
    const double ms = (held / r->cache + (bytes - held) / r->memory) * 1e-6;
    return isfinite(ms) && !isnan(r->cache_bytes) ? ms : 0;
}

static void check_layer(const roof *r, const vgg_bench_part *part)
{
    const double ms = vgg_bench_number(part->object, "ms");
    const double arithmetic = arithmetic_ms(r, part->object);
    const double memory = memory_ms(r, part->object);
    if (ms * VGG_BENCH_MARGIN < arithmetic)
        vgg_bench_refuse_number(part, "ms", ms,
                                "%.4g or more: executed_flops at the roof's arithmetic, %s",
                                arithmetic, "less 10 %");
    if (ms * VGG_BENCH_MARGIN < memory)
        vgg_bench_refuse_number(part, "ms", ms,
                                "%.4g or more: bytes through the roof's cache and memory, %s",
                                memory, "less 10 %");
    if (uses_matrix_unit(part->object) && isnan(r->matrix))
        vgg_bench_refuse(part, "variant", vgg_bench_string(part->object, "variant"),
                         "no matrix unit: the roof has none");
}

/* What all layers together say. */
typedef struct layer_sums {
    double floor_ms; /* by the roof */
    double least_ms; /* of the least sample of each */
    double weight_gb;
} layer_sums;

static double least_sample(const cJSON *samples)
{
    const cJSON *sample = NULL;
    double least = NAN;
    cJSON_ArrayForEach(sample, samples) least = fmin(least, sample->valuedouble);
    return least;
}

static double most_sample(const cJSON *samples)
{
    const cJSON *sample = NULL;
    double most = NAN;
    cJSON_ArrayForEach(sample, samples) most = fmax(most, sample->valuedouble);
    return most;
}

static void add_layer(layer_sums *sums, const roof *r, const cJSON *layer)
{
    const double least = least_sample(vgg_bench_member(layer, "samples_ms"));
    const double weights = vgg_bench_number(layer, "weight_bytes");
    sums->floor_ms += fmax(arithmetic_ms(r, layer), memory_ms(r, layer));
    sums->least_ms += isfinite(least) ? least : 0;
    sums->weight_gb += isfinite(weights) ? weights * 1e-9 : 0;
}

/* No time of a whole pass is shorter than all its layers at the roof. */
static void check_floor(const vgg_bench_part *part, const char *name, double ms, double floor_ms,
                        const char *why)
{
    if (ms * VGG_BENCH_MARGIN < floor_ms)
        vgg_bench_refuse_number(part, name, ms, "%.4g or more: %s, less 10 %%", floor_ms, why);
}

/* What a transfer takes beside waiting for it, which a pass needn't. */
static double transfer_ms(const cJSON *result, const char *name, const roof *r)
{
    const double ms = vgg_bench_number(result, name) - r->latency_ms;
    return ms > 0 ? ms : 0;
}

static void check_whole(const roof *r, const vgg_bench_part *part, const layer_sums *sums)
{
    const cJSON *result = part->object;
    const double kernels = sums->least_ms + transfer_ms(result, "upload_ms", r) +
                           transfer_ms(result, "download_ms", r);
    const double longest = most_sample(vgg_bench_member(result, "samples_ms"));
    const double cold = least_sample(vgg_bench_member(result, "cold_samples_ms"));
    static const char *const at_roof = "all layers at the roof";
    check_floor(part, "min_ms", vgg_bench_number(result, "min_ms"), sums->floor_ms, at_roof);
    check_floor(part, "first_ms", vgg_bench_number(result, "first_ms"), sums->floor_ms, at_roof);
    check_floor(part, "cold_samples_ms", cold, sums->floor_ms, at_roof);
    if (isfinite(r->memory))
        check_floor(part, "cold_samples_ms", cold, sums->weight_gb / r->memory * 1e3,
                    "all weights from memory");
    if (r->device_clock && longest * VGG_BENCH_MARGIN < kernels)
        vgg_bench_refuse_number(part, "samples_ms", longest,
                                "a pass of %.4g or more: the least of every layer, and transfers, "
                                "less 10 %%",
                                kernels);
}

/* ---- the roof itself ---- */

/* Cores of CPUs have two units that multiply and add, of 16 values where the driver doesn't know
 * better; a GPU's compute unit makes 256 operations a cycle. */
static double most_gflops(const cJSON *root, double mhz)
{
    const cJSON *device = vgg_bench_member(root, "device");
    const double units = vgg_bench_number(device, "compute_units");
    const double width = vgg_bench_number(device, "native_float_width");
    const bool cpu = strcmp(vgg_bench_string(device, "type"), "cpu") == 0;
    return mhz * 1e-3 * units * (cpu ? 4 * (width >= 8 ? width : 16) : 256);
}

static double sensed_clock(const cJSON *root, const char *when)
{
    return vgg_bench_number(vgg_bench_member(vgg_bench_member(root, "sensors"), when), "clock_mhz");
}

static void check_clock(const vgg_bench_document *document, const roof *r)
{
    const cJSON *device = vgg_bench_member(document->root, "device");
    const char *type = vgg_bench_string(device, "type");
    const vgg_bench_part at = vgg_bench_part_of(document, "device");
    const vgg_bench_part roof_part = vgg_bench_part_of(
        document, vgg_bench_member(document->root, "roof") != NULL ? "roof" : "peak");
    const double clock = vgg_bench_number(device, "clock_mhz");
    const double before = sensed_clock(document->root, "before");
    const double after = sensed_clock(document->root, "after");
    const double sensed = fmax(before, after);
    const double turbo = strcmp(type, "cpu") == 0 ? 2 : 1;
    const double most = most_gflops(document->root, fmax(clock * turbo, sensed));
    if (!(clock >= 300) || !isfinite(most) || !(most > 0) || strcmp(type, "other") == 0 ||
        strcmp(type, "accelerator") == 0) {
        vgg_bench_note(&document->check->unknown,
                       "whether the roof is one of such a device: the driver tells no clock");
        return;
    }
    if (r->fma > most * VGG_BENCH_MARGIN)
        vgg_bench_refuse_number(&roof_part, "fma_f32_gflops", r->fma,
                                "%.4g at most: %g units at %.0f MHz, and 10 %% more", most,
                                vgg_bench_number(device, "compute_units"),
                                fmax(clock * turbo, sensed));
    /* A clock that stood still while it was read, and explains the roof, is the device's. */
    if (fabs(before - after) < 0.05 * sensed && clock > 1.9 * sensed &&
        r->fma <= most_gflops(document->root, sensed))
        vgg_bench_refuse_number(&at, "clock_mhz", clock,
                                "about %.0f, as the sensors say, which explains the roof", sensed);
    vgg_bench_note(&document->check->checked, "the roof against clock, units and width");
}

void vgg_bench_check_rates(const vgg_bench_document *document)
{
    const cJSON *results = vgg_bench_member(document->root, "results"), *result = NULL;
    const roof r = read_roof(document->root);
    int index = 0;
    cJSON_ArrayForEach(result, results)
    {
        const vgg_bench_part part = vgg_bench_part_at(document, NULL, "results", result, index++);
        const cJSON *layer = NULL;
        layer_sums sums = {0};
        int step = 0;
        cJSON_ArrayForEach(layer, vgg_bench_member(result, "layers"))
        {
            const vgg_bench_part at = vgg_bench_part_at(document, &part, "layers", layer, step++);
            check_layer(&r, &at);
            add_layer(&sums, &r, layer);
        }
        check_whole(&r, &part, &sums);
    }
    if (isnan(r.fma)) {
        vgg_bench_note(&document->check->unknown, "whether times are within the device's roof: the "
                                                  "file has none");
        return;
    }
    check_clock(document, &r);
    vgg_bench_note(&document->check->checked, "times against the roof, with a margin of 10 %%");
    if (isnan(r.cache_bytes))
        vgg_bench_note(&document->check->unknown,
                       "whether bytes are within the roof: it has no cache's size");
}
#endif
