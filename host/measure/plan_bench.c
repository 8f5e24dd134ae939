/* measure/plan_bench.c — the reference, the check, and passes that are timed. */
#include "measure/plan_bench.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "graph/layer.h"

static void add_rule(vgg_definition_rules *rules, const vgg_variant *variant)
{
    char *text = rules->texts[rules->count];
    snprintf(text, sizeof rules->texts[0], "*=%s", variant->name);
    rules->rules[rules->count++] = text;
}

void vgg_definition_rules_list(clvgg_storage storage, vgg_definition_rules *out)
{
    *out = (vgg_definition_rules){0};
    for (size_t i = 0; i < vgg_variant_count; i++)
        if (vgg_variants[i]->definition &&
            vgg_variants[i]->quantizes == (storage == CLVGG_STORAGE_INT8))
            add_rule(out, vgg_variants[i]);
}

static clvgg_status open_bench(vgg_plan_bench *bench, size_t input_elements, size_t output_elements)
{
    *bench = (vgg_plan_bench){.input_elements = input_elements, .output_elements = output_elements};
    VGG_NEW_PASS(bench->image, bench->input_elements);
    VGG_NEW_PASS(bench->reference, bench->output_elements);
    /* About what normalised photographs are; bench/reference_logits.py has the same. */
    vgg_random_fill(bench->image, bench->input_elements, -1, 1);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_plan_bench_define(vgg_plan_bench *bench, vgg_plan *definition)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *values = NULL;
    VGG_TRY(open_bench(bench, (size_t)vgg_plan_input_elements(definition),
                       (size_t)vgg_plan_output_elements(definition, 0)));
    VGG_NEW(values, bench->output_elements);
    VGG_TRY(vgg_plan_run(definition, 1, bench->image, &values));
    for (size_t i = 0; i < bench->output_elements; i++)
        bench->reference[i] = values[i];
cleanup:
    vgg_free(values);
    return status;
}

clvgg_status vgg_plan_bench_take(vgg_plan_bench *bench, size_t input_elements,
                                 size_t output_elements, const double *values)
{
    VGG_PASS(open_bench(bench, input_elements, output_elements));
    memcpy(bench->reference, values, output_elements * sizeof *values);
    return CLVGG_STATUS_OK;
}

void vgg_plan_bench_close(vgg_plan_bench *bench)
{
    vgg_free(bench->image);
    vgg_free(bench->reference);
}

double vgg_bench_error_limit(clvgg_storage storage)
{
    return storage == CLVGG_STORAGE_F32    ? 1e-4
           : storage == CLVGG_STORAGE_F16  ? 2e-3
           : storage == CLVGG_STORAGE_INT8 ? 5e-2
                                           : 1.5e-2;
}

/* Sums in floats decide by their last bit which level a value between two comes to, and what becomes
 * of that grows from layer to layer to about what quantising changes: on noise, which no such network
 * was made for, several per cent. Nothing at all is 1 off. */
static double limit_of(const vgg_plan *plan)
{
    for (int i = 0; i < plan->graph->count; i++)
        if (vgg_layer_of(plan->graph->nodes[i].type)->quantizes &&
            plan->storage != CLVGG_STORAGE_INT8)
            return 0.5;
    return vgg_bench_error_limit(plan->storage);
}

/* ‖outputs − reference‖ / ‖reference‖ over all rows; NaN where anything isn't finite. */
static double relative_error(const vgg_plan_bench *bench, int batch, const float *outputs)
{
    double difference = 0, size = 0;
    for (size_t row = 0; row < (size_t)batch; row++)
        for (size_t i = 0; i < bench->output_elements; i++) {
            const double expected = bench->reference[i];
            const double off = outputs[row * bench->output_elements + i] - expected;
            difference += off * off;
            size += expected * expected;
        }
    return difference == 0 ? 0 : sqrt(difference / size);
}

/* ---- passes ---- */

typedef struct plan_pass {
    vgg_plan *plan;
    int batch;
    const float *input;
    float *outputs;
} plan_pass;

static clvgg_status make_pass(void *user, double *columns)
{
    const plan_pass *pass = user;
    (void)columns;
    return vgg_plan_run(pass->plan, pass->batch, pass->input, &pass->outputs);
}

/* Columns: all steps together, then each. */
static clvgg_status make_timed_pass(void *user, double *columns)
{
    const plan_pass *pass = user;
    const vgg_chain *chain = &pass->plan->chain;
    const clvgg_status status = make_pass(user, NULL);
    columns[0] = 0;
    for (int i = 0; i < chain->count; i++)
        columns[0] += columns[1 + i] = chain->stages[i]->ms;
    return status;
}

/* Passes of their own, in which every step is timed. */
static clvgg_status time_steps(plan_pass *pass, const vgg_measure_limits *limits,
                               vgg_bench_record *record, double *kernel_ms)
{
    clvgg_status status = CLVGG_STATUS_OK, restored = CLVGG_STATUS_OK;
    const vgg_chain *chain = &pass->plan->chain;
    const vgg_measured_pass timed = {make_timed_pass, pass,
                                     .column_count = 1 + (size_t)chain->count, .judged = 1};
    VGG_TRY(vgg_plan_set_profile(pass->plan, true));
    VGG_TRY(vgg_measure(&timed, limits, &record->steps));
    VGG_TRY(vgg_bench_record_step(record, 1, kernel_ms));
    for (int i = 0; i < chain->count; i++)
        VGG_TRY(vgg_bench_record_step(record, 2 + (size_t)i, &chain->stages[i]->ms));
cleanup:
    restored = vgg_plan_set_profile(pass->plan, false);
    return status != CLVGG_STATUS_OK ? status : restored;
}

/* Columns: in, out. */
static clvgg_status make_transfers(void *user, double *columns)
{
    const plan_pass *pass = user;
    const double start = vgg_clock_ms();
    VGG_PASS(vgg_plan_upload(pass->plan, pass->batch, pass->input));
    const double between = vgg_clock_ms();
    VGG_PASS(vgg_plan_download(pass->plan, pass->batch, &pass->outputs));
    columns[0] = between - start;
    columns[1] = vgg_clock_ms() - between;
    return CLVGG_STATUS_OK;
}

static clvgg_status time_passes(plan_pass *pass, const vgg_bench_how *how, vgg_bench_record *record,
                                clvgg_bench_result *result)
{
    const vgg_measured_pass whole = {.make = make_pass, .user = pass};
    VGG_PASS(vgg_bench_record_passes(record, pass->plan->device, &whole, how));
    VGG_PASS(vgg_bench_record_transfers(record, make_transfers, pass, &how->limits));
    if (how->steps)
        VGG_PASS(time_steps(pass, &how->limits, record, &result->kernel_ms));
    return vgg_bench_record_describe(record, result);
}

clvgg_status vgg_plan_bench_run(const vgg_plan_bench *bench, vgg_plan *plan,
                                const vgg_bench_how *how, vgg_bench_record *record,
                                clvgg_bench_result *result)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int batch = result->batch;
    const size_t inputs = (size_t)batch * bench->input_elements;
    float *input = NULL, *outputs = NULL;
    VGG_NEW(input, inputs);
    VGG_NEW(outputs, (size_t)batch * bench->output_elements);
    for (size_t i = 0; i < inputs; i++)
        input[i] = bench->image[i % bench->input_elements];
    plan_pass pass = {plan, batch, input, outputs};
    const double start = vgg_clock_ms();
    VGG_TRY(make_pass(&pass, NULL));
    result->first_ms = vgg_clock_ms() - start;
    result->error_l2 = relative_error(bench, batch, outputs);
    result->wrong = !(result->error_l2 <= limit_of(plan));
    if (!result->wrong)
        VGG_TRY(time_passes(&pass, how, record, result));
cleanup:
    vgg_free(outputs);
    vgg_free(input);
    return status;
}
