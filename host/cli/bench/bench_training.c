/* cli/bench/bench_training.c — `clvgg bench --mode finetune`: what is different from timing a
 * model. */
#include <string.h>

#include "cli/bench/bench.h"
#include "cli/value.h"
#include "report/model.h"

/* Widths of the layers before the last. */
static bool read_head(const char *text, cli_counts *widths)
{
    *widths = (cli_counts){.values = {4096, 4096}, .count = 2};
    return text == NULL || cli_value_head(text, widths);
}

clvgg_status cli_bench_training_check(cli_program *cli, const cli_bench_arguments *arguments)
{
    const bool trains = arguments->mode == CLI_BENCH_FINETUNE;
    const struct {
        const char *option;
        bool given, for_training;
    } rows[] = {{"--head", arguments->head != NULL, true},
                {"--classes", arguments->classes > 0, true},
                {"--optimizer", arguments->optimizer >= 0, true},
                {"--layer", arguments->layer != NULL, false},
                {"--variant", arguments->execution.variants.count > 0, false},
                {"--gemm", arguments->execution.gemm != 0, false},
                {"--storage", arguments->execution.storage != CLVGG_STORAGE_F32, false}};
    cli_counts widths;
    if (arguments->max_time > 0 && arguments->max_time < arguments->min_time)
        return cli_misuse(cli, "--max-time %g is less than --min-time %g",
                          (double)arguments->max_time, (double)arguments->min_time);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].given && rows[i].for_training != trains)
            return cli_misuse(cli, "%s is for --mode %s", rows[i].option,
                              trains ? "infer" : "finetune");
    if (!read_head(arguments->head, &widths))
        return cli_misuse(cli, "--head takes two widths, 4096,4096, or none, not '%s'",
                          arguments->head);
    return CLVGG_STATUS_OK;
}

/* Values of an image that the model's first dense layer reads. */
static int count_features(const clvgg_model *model)
{
    clvgg_layer_info layer = {.struct_size = sizeof layer}, input = {.struct_size = sizeof input};
    for (size_t i = 0; i < clvgg_model_layer_count(model); i++) {
        if (clvgg_model_layer(model, i, &layer) != CLVGG_STATUS_OK ||
            strcmp(layer.type, "dense") != 0 ||
            clvgg_model_layer(model, (size_t)layer.input, &input) != CLVGG_STATUS_OK)
            continue;
        int64_t features = 1;
        for (int d = 0; d < input.output.rank; d++)
            features *= input.output.dims[d];
        return (int)features;
    }
    return 0;
}

clvgg_status cli_bench_training_create(cli_benchmark *run)
{
    const cli_bench_arguments *arguments = run->arguments;
    clvgg_train_bench_options *options = &run->training_options;
    cli_counts widths;
    clvgg_train_bench_options_defaults(options);
    read_head(arguments->head, &widths);
    options->features = count_features(run->context.model);
    options->layer_count = (int)widths.count + 1;
    for (size_t i = 0; i < widths.count; i++)
        options->widths[i] = widths.values[i];
    options->widths[widths.count] = arguments->classes > 0 ? arguments->classes : 2;
    if (arguments->optimizer >= 0)
        options->optimizer = (clvgg_optimizer)arguments->optimizer;
    options->min_seconds = (double)arguments->min_time;
    options->max_seconds = (double)arguments->max_time;
    options->cold = !arguments->no_cold;
    options->per_layer = arguments->per_layer;
    VGG_PASS(clvgg_train_bench_create(run->context.device, options, &run->training));
    run->flops = clvgg_train_bench_flops(run->training);
    return CLVGG_STATUS_OK;
}

void cli_bench_training_name(const cli_benchmark *run, vgg_text *text)
{
    const clvgg_train_bench_options *options = &run->training_options;
    vgg_text_printf(text, "%d", options->features);
    for (int i = 0; i < options->layer_count; i++)
        vgg_text_printf(text, "-%d", options->widths[i]);
}

void cli_bench_training_json(cli_benchmark *run)
{
    static const char *const optimizers[] = {"sgd", "adam", "adamw"};
    const clvgg_train_bench_options *options = &run->training_options;
    vgg_json *json = &run->json;
    vgg_text name = {0};
    cli_bench_training_name(run, &name);
    vgg_json_string(json, "model", vgg_text_string(&name));
    json->text->failed |= name.failed;
    vgg_text_free(&name);
    vgg_json_string(json, "mode", "finetune");
    vgg_json_bool(json, "random_weights", true);
    vgg_json_integer(json, "features", options->features);
    vgg_json_begin_array(json, "head");
    for (int i = 0; i + 1 < options->layer_count; i++)
        vgg_json_integer(json, NULL, options->widths[i]);
    vgg_json_end(json);
    vgg_json_integer(json, "classes", options->widths[options->layer_count - 1]);
    vgg_json_string(json, "optimizer", optimizers[options->optimizer]);
}

void cli_bench_training_result_json(cli_benchmark *run)
{
    vgg_json_bytes(&run->json, "device_bytes", clvgg_train_bench_device_bytes(run->training));
    vgg_report_fingerprint_json(&run->json, clvgg_train_bench_fingerprint(run->training));
}

size_t cli_bench_step_count(const cli_benchmark *run)
{
    return run->training != NULL ? clvgg_train_bench_step_count(run->training)
                                 : clvgg_session_step_count(clvgg_bench_session(run->bench));
}

bool cli_bench_step(const cli_benchmark *run, size_t index, clvgg_step_info *step)
{
    *step = (clvgg_step_info){.struct_size = sizeof *step};
    const clvgg_status status =
        run->training != NULL ? clvgg_train_bench_step(run->training, index, step)
                              : clvgg_session_step(clvgg_bench_session(run->bench), index, step);
    return status == CLVGG_STATUS_OK;
}

const double *cli_bench_step_samples(const cli_benchmark *run, size_t index, size_t *count)
{
    return run->training != NULL ? clvgg_train_bench_step_samples(run->training, index, count)
                                 : clvgg_bench_step_samples(run->bench, index, count);
}

const double *cli_bench_samples(const cli_benchmark *run, clvgg_bench_series series, size_t *count)
{
    return run->training != NULL ? clvgg_train_bench_samples(run->training, series, count)
                                 : clvgg_bench_samples(run->bench, series, count);
}
