/* cli/bench/bench_text.c — `clvgg bench` for people: what was measured, a table a batch, the
 * summary. */
#include <inttypes.h>

#include "cli/bench/bench.h"
#include "report/device.h"
#include "report/format.h"
#include "report/model.h"
#include "report/table.h"

static void fact(vgg_text *text, const vgg_style *style, const char *name)
{
    vgg_text_printf(text, "%s%-7s%s ", vgg_style_dim(style), name, vgg_style_reset(style));
}

static void print_training(vgg_text *text, const cli_benchmark *run)
{
    static const char *const optimizers[] = {"SGD", "Adam", "AdamW"};
    cli_bench_training_name(run, text);
    vgg_text_printf(text, ", training with %s, %s GFLOP an image\n",
                    optimizers[run->training_options.optimizer],
                    VGG_MEASURE((double)run->flops / 1e9, 2));
}

static void print_model(vgg_text *text, const cli_benchmark *run)
{
    clvgg_layer_info input = {.struct_size = sizeof input};
    vgg_text_name(text, "", clvgg_model_name(run->context.model), " (");
    vgg_text_name(text, "", clvgg_model_architecture(run->context.model),
                  run->context.random_weights ? ", random weights)" : ")");
    if (clvgg_model_layer(run->context.model, 0, &input) == CLVGG_STATUS_OK) {
        vgg_text_puts(text, ", input ");
        vgg_report_shape(text, &input.output);
    }
    if (run->arguments->layer != NULL) {
        vgg_text_name(text, ", up to ", run->arguments->layer, "");
    }
    vgg_text_printf(text, ", %s GFLOP an image", VGG_MEASURE((double)run->flops / 1e9, 2));
    if (run->arguments->execution.storage != CLVGG_STORAGE_F32)
        vgg_text_printf(text, ", weights as %s",
                        clvgg_storage_name(run->arguments->execution.storage));
    if (run->arguments->execution.storage == CLVGG_STORAGE_INT8 && run->seeded)
        vgg_text_printf(text, ", calibrated by %d images of noise", CLVGG_BENCH_CALIBRATION);
    vgg_text_puts(text, "\n");
}

void cli_bench_text_begin(cli_benchmark *run)
{
    vgg_text *text = &run->cli->out.text;
    const vgg_style *style = &run->cli->out_style;
    fact(text, style, "device");
    vgg_report_device_name(text, &run->context.device_info);
    vgg_text_puts(text, "\n");
    fact(text, style, "model");
    (run->training != NULL ? print_training : print_model)(text, run);
    if (run->seeded) {
        fact(text, style, "weights");
        vgg_text_printf(text, "of seed %" PRIu64 ", SHA-256 %s\n", run->seed, run->weights_sha256);
    }
    fact(text, style, "peak");
    vgg_text_printf(text, "%s GFLOP/s multiplying and adding, %s GB/s reading\n",
                    VGG_MEASURE(run->peak.fma_gflops, 0), VGG_MEASURE(run->peak.read_gbps, 1));
    if (!run->has_clock) {
        fact(text, style, "clock");
        vgg_text_puts(text, "the host's: the device has none that can be believed\n");
    }
    cli_bench_roof_text(run);
}

void cli_bench_text_result(cli_benchmark *run)
{
    static const vgg_column columns[] = {{"layers", false}, {"variant", false}, {"ms", true},
                                         {"GFLOP/s", true}, {"executed", true}, {"of peak", true},
                                         {"reading", true}, {"of roof", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    const clvgg_bench_result *result = &run->results[run->result_count - 1];
    if (!run->arguments->per_layer || result->wrong)
        return;
    for (size_t i = 0; i < cli_bench_step_count(run); i++) {
        clvgg_step_info step;
        if (!cli_bench_step(run, i, &step))
            continue;
        const cli_bench_layer layer = cli_bench_describe(run, &step);
        vgg_table_put(&table, layer.layers);
        vgg_text_printf(vgg_table_cell(&table), "%s%s", layer.variant,
                        layer.tuned ? " (tuned)" : "");
        vgg_table_next(&table);
        vgg_table_measure(&table, layer.ms, 3, "");
        vgg_table_measure(&table, layer.gflops, 1, "");
        vgg_table_measure(&table, layer.executed_gflops, 1, "");
        vgg_table_measure(&table, 100 * layer.fma_share, 0, " %");
        vgg_table_measure(&table, 100 * layer.read_share, 0, " %");
        vgg_table_measure(&table, 100 * layer.roof_share, 0, " %");
    }
    vgg_text *text = &run->cli->out.text;
    vgg_text_printf(text, "\nbatch %d: steps by the %s clock", result->batch,
                    run->has_clock ? "device's" : "host's");
    if (result->kernel_ms > 0)
        vgg_text_printf(text, ", %s ms in all", VGG_MEASURE(result->kernel_ms, 2));
    vgg_text_puts(text, "\n");
    vgg_table_finish(&table, &run->cli->out_style, text);
}

/* How far the interval of the median reaches from it; 0: unknown. */
static double reach(const clvgg_bench_result *result)
{
    const double below = result->median_ms - result->low_ms;
    const double above = result->high_ms - result->median_ms;
    return result->high_ms <= 0 ? 0 : below > above ? below : above;
}

static void print_passes(const cli_benchmark *run)
{
    static const vgg_column columns[] = {{"batch", true},    {"median ms", true}, {"95 %", true},
                                         {"min ms", true},   {"p90 ms", true},    {"passes", true},
                                         {"an image", true}, {"GFLOP/s", true},   {"of peak", true},
                                         {"error", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < run->result_count; i++) {
        const clvgg_bench_result *result = &run->results[i];
        const double gflops = cli_bench_gflops(run->flops, result->batch, result->median_ms);
        vgg_text_printf(vgg_table_cell(&table), "%d", result->batch);
        vgg_table_next(&table);
        vgg_table_measure(&table, result->median_ms, 2, "");
        if (reach(result) > 0)
            vgg_text_printf(vgg_table_cell(&table), "± %s", VGG_MEASURE(reach(result), 2));
        vgg_table_next(&table);
        vgg_table_measure(&table, result->min_ms, 2, "");
        vgg_table_measure(&table, result->p90_ms, 2, "");
        vgg_text_printf(vgg_table_cell(&table), "%d", result->repetitions);
        vgg_table_next(&table);
        vgg_table_measure(&table, result->median_ms / result->batch, 2, "");
        vgg_table_measure(&table, gflops, 1, "");
        vgg_table_measure(&table, 100 * gflops / run->peak.fma_gflops, 0, " %");
        vgg_text_printf(vgg_table_cell(&table), "%.1e%s", result->error_l2,
                        result->wrong ? " WRONG" : "");
        vgg_table_next(&table);
    }
    vgg_table_finish(&table, &run->cli->out_style, &run->cli->out.text);
}

/* What the steady state leaves out, and how steady it was. */
static void print_rest(const cli_benchmark *run)
{
    static const vgg_column columns[] = {
        {"batch", true},       {"first ms", true}, {"cold ms", true}, {"upload ms", true},
        {"download ms", true}, {"drift", true},    {"load", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < run->result_count; i++) {
        const clvgg_bench_result *result = &run->results[i];
        if (result->wrong)
            continue;
        vgg_text_printf(vgg_table_cell(&table), "%d", result->batch);
        vgg_table_next(&table);
        vgg_table_measure(&table, result->first_ms, 2, "");
        vgg_table_measure(&table, result->cold_ms, 2, "");
        vgg_table_measure(&table, result->upload_ms, 2, "");
        vgg_table_measure(&table, result->download_ms, 2, "");
        vgg_text_printf(vgg_table_cell(&table), "%+.1f %%%s", 100 * result->drift,
                        cli_bench_drifted(result) ? " DRIFTED" : "");
        vgg_table_next(&table);
        if (result->load_after >= 0)
            vgg_text_printf(vgg_table_cell(&table), "%.2f, %.2f", result->load_before,
                            result->load_after);
        vgg_table_next(&table);
    }
    if (table.cell_count > 0)
        vgg_text_puts(&run->cli->out.text, "\n");
    if (table.cell_count > 0)
        vgg_table_finish(&table, &run->cli->out_style, &run->cli->out.text);
}

void cli_bench_text_end(cli_benchmark *run)
{
    vgg_text_puts(&run->cli->out.text, "\n");
    print_passes(run);
    print_rest(run);
    cli_bench_sensors_text(run);
}
