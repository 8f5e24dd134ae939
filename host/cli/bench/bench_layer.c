/* cli/bench/bench_layer.c — what a step's time means: rates, and shares of what the device can do.
 */
#include <math.h>
#include <string.h>

#include "cli/bench/bench.h"

double cli_bench_gflops(uint64_t flops, int batch, double ms)
{
    return ms > 0 ? (double)flops * batch / ms * 1e-6 : NAN;
}

bool cli_bench_drifted(const clvgg_bench_result *result)
{
    return fabs(result->drift) > 0.05;
}

/* Milliseconds that no step with so much arithmetic and so many bytes goes below: by the rate of
 * the unit that its variant runs on, and of memory. */
static double least_ms(const cli_benchmark *run, const cli_bench_layer *layer)
{
    const bool matrix = strstr(layer->variant, "amx") != NULL && run->roof.matrix_bf16_gflops > 0;
    const double gflops = matrix ? run->roof.matrix_bf16_gflops : run->peak.fma_gflops;
    return fmax((double)layer->executed_flops / gflops,
                (double)layer->bytes / run->peak.read_gbps) *
           1e-6;
}

cli_bench_layer cli_bench_describe(const cli_benchmark *run, const clvgg_step_info *step)
{
    const uint64_t batch = (uint64_t)run->results[run->result_count - 1].batch;
    const double ms = step->ms > 0 ? step->ms : NAN;
    cli_bench_layer layer = {.layers = step->layers,
                             .variant = step->variant,
                             .choice = step->choice,
                             .tuned = step->tuned != 0,
                             .ms = ms,
                             .flops = step->flops * batch,
                             .executed_flops = step->executed_flops * batch,
                             .weight_bytes = step->weight_bytes,
                             .bytes = step->weight_bytes + step->value_bytes * batch};
    memcpy(layer.name, step->layers, strcspn(step->layers, "+"));
    layer.gflops = cli_bench_gflops(layer.flops, 1, ms);
    layer.executed_gflops = cli_bench_gflops(layer.executed_flops, 1, ms);
    layer.fma_share = layer.gflops / run->peak.fma_gflops;
    layer.read_share = (double)step->weight_bytes / ms * 1e-6 / run->peak.read_gbps;
    layer.intensity = layer.bytes > 0 ? (double)layer.executed_flops / (double)layer.bytes : NAN;
    layer.roof_share = layer.bytes > 0 ? least_ms(run, &layer) / ms : NAN;
    return layer;
}
