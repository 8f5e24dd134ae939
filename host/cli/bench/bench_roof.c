/* cli/bench/bench_roof.c — `clvgg bench --roof`: the most that the device can do, measured and
 * shown; what its sensors say, before and after.
 */
#include <math.h>
#include <string.h>

#include "cli/bench/bench.h"
#include "report/format.h"
#include "report/table.h"

/* A figure of clvgg_roof. */
typedef struct figure {
    const char *name, *words, *unit;
    size_t offset;
    int digits;
} figure;

#define FIGURE(member, words, unit, digits)                                                        \
    {                                                                                              \
#member, words, unit, offsetof(clvgg_roof, member), digits                                 \
    }
static const figure figures[] = {
    FIGURE(fma_f32_gflops, "multiplying and adding, float32", "GFLOP/s", 0),
    FIGURE(fma_f16_gflops, "multiplying and adding, float16", "GFLOP/s", 0),
    FIGURE(matrix_bf16_gflops, "matrix unit, bfloat16", "GFLOP/s", 0),
    FIGURE(dot_int8_gops, "dot products of bytes", "GOP/s", 0),
    FIGURE(read_gbps, "memory, reading", "GB/s", 1),
    FIGURE(write_gbps, "memory, writing", "GB/s", 1),
    FIGURE(copy_gbps, "memory, copying: read and written", "GB/s", 1),
    FIGURE(cache_read_gbps, "last cache, reading", "GB/s", 0),
    FIGURE(near_cache_read_gbps, "nearest cache, reading", "GB/s", 0),
    FIGURE(local_gbps, "local memory, reading", "GB/s", 0),
    FIGURE(launch_ms, "a launch, until it is seen", "ms", 3),
    FIGURE(transfer_latency_ms, "four bytes to the device or back", "ms", 3),
    FIGURE(upload_gbps, "to the device", "GB/s", 1),
    FIGURE(download_gbps, "from the device", "GB/s", 1),
};
enum { FIGURES = sizeof figures / sizeof *figures };

static double value_of(const clvgg_roof *roof, const figure *f)
{
    return *(const double *)(const void *)((const char *)roof + f->offset);
}

static void read_sensors(const cli_benchmark *run, clvgg_sensors *sensors)
{
    sensors->struct_size = sizeof *sensors;
    clvgg_device_read_sensors(run->context.device, sensors);
}

/* With --roof the peak is two of its figures: nothing is measured twice. */
clvgg_status cli_bench_measure_limits(cli_benchmark *run)
{
    read_sensors(run, &run->before);
    run->peak.struct_size = sizeof run->peak;
    run->roof.struct_size = sizeof run->roof;
    if (!run->arguments->roof)
        return clvgg_device_measure_peak(run->context.device, &run->peak);
    VGG_PASS(clvgg_device_measure_roof(run->context.device, &run->roof));
    run->peak.fma_gflops = run->roof.fma_f32_gflops;
    run->peak.read_gbps = run->roof.read_gbps;
    return CLVGG_STATUS_OK;
}

clvgg_status cli_bench_improve_roof(cli_benchmark *run)
{
    clvgg_roof again = {.struct_size = sizeof again};
    VGG_PASS(clvgg_device_measure_roof(run->context.device, &again));
    for (int i = 0; i < FIGURES; i++) {
        double *known = (double *)(void *)((char *)&run->roof + figures[i].offset);
        const double value = value_of(&again, &figures[i]);
        const bool is_time = strcmp(figures[i].unit, "ms") == 0;
        if (value > 0 && (!(*known > 0) || (is_time ? value < *known : value > *known)))
            *known = value;
    }
    return CLVGG_STATUS_OK;
}

void cli_bench_roof_json(cli_benchmark *run)
{
    vgg_json *json = &run->json;
    if (!run->arguments->roof)
        return;
    vgg_json_begin_object(json, "roof");
    for (int i = 0; i < FIGURES; i++) {
        const double value = value_of(&run->roof, &figures[i]);
        vgg_json_number(json, figures[i].name, value > 0 ? value : NAN);
    }
    if (run->roof.cache_bytes > 0)
        vgg_json_bytes(json, "cache_bytes", run->roof.cache_bytes);
    else
        vgg_json_raw(json, "cache_bytes", "null");
    vgg_json_end(json);
}

void cli_bench_roof_text(cli_benchmark *run)
{
    static const vgg_column columns[] = {{"limit", false}, {"at most", true}, {"unit", false}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    vgg_text *text = &run->cli->out.text;
    if (!run->arguments->roof)
        return;
    for (int i = 0; i < FIGURES; i++) {
        const double value = value_of(&run->roof, &figures[i]);
        vgg_table_put(&table, figures[i].words);
        if (value > 0)
            vgg_table_measure(&table, value, figures[i].digits, "");
        else
            vgg_table_put(&table, "-");
        vgg_text_puts(vgg_table_cell(&table), figures[i].unit);
        if (figures[i].offset == offsetof(clvgg_roof, cache_read_gbps) && run->roof.cache_bytes > 0)
            vgg_text_printf(vgg_table_cell(&table), ", %s", VGG_SIZE(run->roof.cache_bytes));
        vgg_table_next(&table);
    }
    vgg_text_puts(text, "\n");
    vgg_table_finish(&table, &run->cli->out_style, text);
}

/* A sensor of clvgg_sensors. */
typedef struct sensor {
    const char *name, *words, *unit;
    size_t value, why;
    int digits;
} sensor;

#define SENSOR(member, why, words, unit, digits)                                                   \
    {                                                                                              \
#member, words, unit, offsetof(clvgg_sensors, member), offsetof(clvgg_sensors, why),       \
            digits                                                                                 \
    }
static const sensor sensors[] = {
    SENSOR(clock_mhz, clock_why, "clock", " MHz", 0),
    SENSOR(power_w, power_why, "power", " W", 1),
    SENSOR(temperature_c, temperature_why, "temperature", " °C", 1),
    SENSOR(load_average, load_why, "load average", "", 2),
};
enum { SENSORS = sizeof sensors / sizeof *sensors };

static double read_value(const clvgg_sensors *from, const sensor *s)
{
    return *(const double *)(const void *)((const char *)from + s->value);
}

static const char *reason(const clvgg_sensors *from, const sensor *s)
{
    return (const char *)from + s->why;
}

void cli_bench_sensors_end(cli_benchmark *run)
{
    read_sensors(run, &run->after);
}

static void print_sensors(vgg_json *json, const char *key, const clvgg_sensors *from)
{
    vgg_json_begin_object(json, key);
    for (int i = 0; i < SENSORS; i++)
        vgg_json_number(json, sensors[i].name, read_value(from, &sensors[i]));
    vgg_json_begin_array(json, "unreadable");
    for (int i = 0; i < SENSORS; i++)
        if (reason(from, &sensors[i])[0] != '\0') {
            vgg_json_begin_object(json, NULL);
            vgg_json_string(json, "what", sensors[i].name);
            vgg_json_string(json, "why", reason(from, &sensors[i]));
            vgg_json_end(json);
        }
    vgg_json_end(json);
    vgg_json_end(json);
}

void cli_bench_sensors_json(cli_benchmark *run)
{
    vgg_json_begin_object(&run->json, "sensors");
    print_sensors(&run->json, "before", &run->before);
    print_sensors(&run->json, "after", &run->after);
    vgg_json_end(&run->json);
}

void cli_bench_sensors_text(cli_benchmark *run)
{
    static const vgg_column columns[] = {
        {"sensor", false}, {"before", true}, {"after", true}, {"unreadable", false}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    const clvgg_sensors *const both[] = {&run->before, &run->after};
    if (!run->arguments->roof)
        return;
    for (int i = 0; i < SENSORS; i++) {
        vgg_table_put(&table, sensors[i].words);
        for (int j = 0; j < 2; j++) {
            const double value = read_value(both[j], &sensors[i]);
            if (isfinite(value))
                vgg_text_printf(vgg_table_cell(&table), "%.*f%s", sensors[i].digits, value,
                                sensors[i].unit);
            else
                vgg_text_puts(vgg_table_cell(&table), "-");
            vgg_table_next(&table);
        }
        vgg_table_put(&table, reason(&run->after, &sensors[i]));
    }
    vgg_text_puts(&run->cli->out.text, "\n");
    vgg_table_finish(&table, &run->cli->out_style, &run->cli->out.text);
}
