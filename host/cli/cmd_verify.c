/* cli/cmd_verify.c — `clvgg verify`: whether a device's kernels give right values. */
#include <stdio.h>
#include <string.h>

#include "cli/context.h"
#include "cli/interrupt.h"
#include "clvgg/verify.h"
#include "report/device.h"
#include "report/format.h"
#include "report/json.h"
#include "report/memory.h"
#include "report/progress.h"
#include "report/table.h"

typedef struct verify_arguments {
    cli_context_arguments context;
    clvgg_storage storage;
    int batch;
    float budget; /* seconds */
    bool full, json;
} verify_arguments;

#define AT(field) offsetof(verify_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, 0, NULL, 0, 0, ": name a model by --model"},
    {"device", 'd', CLI_OPTION_TEXT, AT(context.device), "D|all", 0, 0,
     "Device as 'clvgg devices' lists it, or all that can be used, one\n"
     "after the other"},
    {"compute-units", 0, CLI_OPTION_COUNT, AT(context.compute_units), "N", 1, 65535,
     "Use only N compute units of a CPU"},
    {"model", 'm', CLI_OPTION_TEXT, AT(context.model), "F", 0, 0,
     "A model's file; or vgg11, vgg13, vgg16, vgg19\n"
     "(CLVGG_MODEL, else vgg16)"},
    {"batch", 'b', CLI_OPTION_COUNT, AT(batch), "N", 1, 4096, "Images at once (1)"},
    CLI_ROW_INPUT_SIZE(verify_arguments, context),
    {"storage", 0, CLI_OPTION_STORAGE, AT(storage), CLVGG_STORAGE_NAMES, 0, 0,
     "How weights lie on the device (f32)"},
    {"full", 0, CLI_OPTION_FLAG, AT(full), NULL, 0, 0,
     "Also odd shapes, and every value that tuning may try"},
    {"budget", 0, CLI_OPTION_DURATION, AT(budget), "TIME", 0, 0,
     "Begin nothing after so long: 90, 60s, 5m, 1h (no limit)"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"},
    CLI_ROW_JSON(verify_arguments, json),
    CLI_ROW_QUIET(verify_arguments, context),
    CLI_ROW_NO_CACHE(verify_arguments, context),
    {0},
};

/* A variant, over all chains of a device. */
typedef struct variant_row {
    char name[64];
    size_t verdicts[CLVGG_VERIFY_REFUSED + 1];
    double error_l2, error_bound; /* the worst of those that are right */
} variant_row;

enum { MOST_VARIANTS = 64 };

typedef struct verification {
    cli_program *cli;
    const verify_arguments *arguments;
    cli_context context;
    vgg_progress progress;
    variant_row rows[MOST_VARIANTS];
    size_t row_count;
    vgg_text json_text;
    vgg_json *json; /* NULL: text */
    bool begun;     /* it holds a device's results */
} verification;

static variant_row *row_of(verification *run, const char *variant)
{
    size_t i = 0;
    while (i < run->row_count && strcmp(run->rows[i].name, variant) != 0)
        i++;
    if (i == MOST_VARIANTS)
        return &run->rows[i - 1];
    if (i == run->row_count) {
        run->rows[run->row_count++] = (variant_row){.name = ""};
        snprintf(run->rows[i].name, sizeof run->rows[i].name, "%s", variant);
    }
    return &run->rows[i];
}

static void count(verification *run, const clvgg_verify_event *event)
{
    variant_row *row = row_of(run, event->variant);
    row->verdicts[event->verdict]++;
    if (event->verdict != CLVGG_VERIFY_RIGHT)
        return;
    if (event->error_l2 >= row->error_l2) {
        row->error_l2 = event->error_l2;
        row->error_bound = event->error_bound;
    }
}

static const char *const verdict_names[] = {[CLVGG_VERIFY_RIGHT] = "right",
                                            [CLVGG_VERIFY_WRONG] = "wrong",
                                            [CLVGG_VERIFY_UNBUILDABLE] = "unbuildable",
                                            [CLVGG_VERIFY_REFUSED] = "refused"};

static void put_object(vgg_json *json, const clvgg_verify_event *event)
{
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "layers", event->layers);
    vgg_json_string(json, "problem", event->problem);
    vgg_json_string(json, "variant", event->variant);
    vgg_json_string(json, "parameters", event->parameters);
    vgg_json_string(json, "verdict", verdict_names[event->verdict]);
    if (event->verdict <= CLVGG_VERIFY_WRONG) {
        vgg_json_number(json, "error", event->error);
        vgg_json_number(json, "error_l2", event->error_l2);
        vgg_json_number(json, "error_bound", event->error_bound);
    }
    if (event->reason[0] != '\0')
        vgg_json_string(json, "reason", event->reason);
    vgg_json_end(json);
}

static int note_event(void *user, const clvgg_verify_event *event)
{
    verification *run = user;
    char words[160];
    snprintf(words, sizeof words, "checking %zu of %zu  %.32s  %.32s", event->chain + 1,
             event->chain_count, event->layers, event->variant);
    vgg_progress_show(&run->progress, (double)event->chain / (double)event->chain_count, words);
    count(run, event);
    if (run->json != NULL)
        put_object(run->json, event);
    if (event->verdict == CLVGG_VERIFY_WRONG || event->verdict == CLVGG_VERIFY_UNBUILDABLE) {
        vgg_progress_clear(&run->progress);
        cli_error(run->cli, "%s: %s%s%s %s: %.*s", event->layers, event->variant,
                  event->parameters[0] != '\0' ? " " : "", event->parameters,
                  event->verdict == CLVGG_VERIFY_WRONG ? "is wrong" : "can't be run",
                  (int)strcspn(event->reason, "\n"), event->reason);
    }
    return cli_interrupt_signal() != 0;
}

/* Nothing where no chain was right. */
static void put_error(vgg_table *table, const variant_row *row, double error)
{
    if (row->verdicts[CLVGG_VERIFY_RIGHT] > 0 && error > 0)
        vgg_text_printf(vgg_table_cell(table), "%.1e", error);
    else if (row->verdicts[CLVGG_VERIFY_RIGHT] > 0)
        vgg_text_puts(vgg_table_cell(table), "exact");
    vgg_table_next(table);
}

static void print_table(verification *run, const clvgg_verify_summary *summary)
{
    static const vgg_column columns[] = {{"variant", false},    {"right", true},
                                         {"wrong", true},       {"can't run", true},
                                         {"relative L2", true}, {"at most", true}};
    vgg_text *text = &run->cli->out.text;
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < run->row_count; i++) {
        const variant_row *row = &run->rows[i];
        if (row->verdicts[CLVGG_VERIFY_RIGHT] + row->verdicts[CLVGG_VERIFY_WRONG] +
                row->verdicts[CLVGG_VERIFY_UNBUILDABLE] ==
            0)
            continue;
        vgg_table_put(&table, row->name);
        for (int v = 0; v < CLVGG_VERIFY_REFUSED; v++) {
            if (v == CLVGG_VERIFY_RIGHT || row->verdicts[v] > 0)
                vgg_text_printf(vgg_table_cell(&table), "%zu", row->verdicts[v]);
            vgg_table_next(&table);
        }
        put_error(&table, row, row->error_l2);
        put_error(&table, row, row->error_bound);
    }
    vgg_report_device_name(text, &run->context.device_info);
    vgg_text_puts(text, "\n\n");
    vgg_table_finish(&table, &run->cli->out_style, text);
    vgg_text_printf(text, "\n%zu %s of layers: %zu right", summary->chains,
                    vgg_plural(summary->chains, "chain", "chains"), summary->right);
    if (summary->wrong > 0)
        vgg_text_printf(text, ", %zu wrong", summary->wrong);
    if (summary->unbuildable > 0)
        vgg_text_printf(text, ", %zu can't be run", summary->unbuildable);
    if (summary->left > 0)
        vgg_text_printf(text, "; %zu %s left", summary->left,
                        vgg_plural(summary->left, "chain", "chains"));
    vgg_text_printf(text, "; %.1f s\n", summary->seconds);
}

static void end_object(vgg_json *json, const clvgg_verify_summary *summary, const char *error)
{
    vgg_json_end(json); /* results */
    vgg_json_integer(json, "chains", (int64_t)summary->chains);
    vgg_json_integer(json, "right", (int64_t)summary->right);
    vgg_json_integer(json, "wrong", (int64_t)summary->wrong);
    vgg_json_integer(json, "unbuildable", (int64_t)summary->unbuildable);
    vgg_json_integer(json, "left", (int64_t)summary->left);
    vgg_json_number(json, "seconds", summary->seconds);
    if (error != NULL)
        vgg_json_string(json, "error", error);
    vgg_json_end(json);
}

/* The device that the context has open. */
static clvgg_status verify_device(verification *run)
{
    const verify_arguments *arguments = run->arguments;
    clvgg_verify_options verify_options;
    clvgg_verify_summary summary = {.struct_size = sizeof summary};
    clvgg_verify_options_defaults(&verify_options);
    verify_options.batch = arguments->batch;
    verify_options.execution.storage = arguments->storage;
    verify_options.full = arguments->full;
    verify_options.budget_seconds = (double)arguments->budget;
    verify_options.progress = note_event;
    verify_options.user = run;
    run->row_count = 0;
    run->progress = vgg_progress_start(&run->cli->err_style, NULL, SIZE_MAX);
    if (run->json != NULL) {
        run->begun = true;
        vgg_json_begin_object(run->json, NULL);
        vgg_report_device_json(run->json, "device", &run->context.device_info);
        vgg_json_begin_array(run->json, "results");
    }
    const clvgg_status status =
        clvgg_verify_model(run->context.device, run->context.model, &verify_options, &summary);
    vgg_progress_finish(&run->progress);
    const char *error = status != CLVGG_STATUS_OK ? vgg_message_of(status)
                        : summary.stopped         ? "interrupted"
                                                  : NULL;
    if (run->json != NULL)
        end_object(run->json, &summary, error);
    else
        print_table(run, &summary);
    VGG_PASS(status);
    if (summary.stopped)
        cli_error(run->cli, "interrupted: what was found is kept");
    if (summary.wrong + summary.unbuildable > 0)
        run->cli->exit_code = CLI_EXIT_FAILED;
    return CLVGG_STATUS_OK;
}

/* One device, asked for by `device`. */
static clvgg_status verify_one(verification *run, const char *device)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cli_context_arguments with = run->arguments->context;
    with.device = device;
    VGG_TRY(cli_context_begin(&run->context, run->cli, &with));
    VGG_TRY(cli_context_find_model(&run->context));
    VGG_TRY(cli_context_open_device(&run->context));
    VGG_TRY(verify_device(run));
cleanup:
    cli_context_close(&run->context);
    return status;
}

/* All devices that can be used. */
static clvgg_status verify_all(verification *run)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_runtime *runtime = NULL;
    size_t devices = 0, checked = 0;
    VGG_TRY(cli_runtime(run->cli, &runtime));
    VGG_TRY(clvgg_device_count(runtime, &devices));
    for (size_t i = 0; i < devices && cli_interrupt_signal() == 0; i++) {
        clvgg_device_info info = {.struct_size = sizeof info};
        char index[32];
        VGG_TRY(clvgg_device_query(runtime, i, &info));
        if (!info.usable)
            continue;
        snprintf(index, sizeof index, "%zu", i);
        if (run->json == NULL && checked > 0)
            vgg_text_puts(&run->cli->out.text, "\n");
        cli_fail(run->cli, verify_one(run, index)); /* the others are checked all the same */
        vgg_out_flush(&run->cli->out);
        checked++;
    }
    VGG_REQUIRE(checked > 0, CLVGG_STATUS_NO_DEVICE, "no device that can be used");
cleanup:
    clvgg_runtime_free(runtime);
    return status;
}

static clvgg_status run_verify(cli_program *cli, const void *given)
{
    const verify_arguments *arguments = given;
    vgg_json json = {0};
    verification run = {.cli = cli, .arguments = arguments};
    const char *device = arguments->context.device;
    cli_interrupt_watch();
    if (arguments->json) {
        run.json = &json;
        vgg_json_begin(&json, &run.json_text);
        vgg_json_begin_array(&json, "devices");
    }
    const clvgg_status status =
        device != NULL && strcmp(device, "all") == 0 ? verify_all(&run) : verify_one(&run, device);
    if (run.begun) { /* what was found is printed, whatever came then */
        vgg_json_end(&json);
        vgg_json_end(&json);
        vgg_text_join(&cli->out.text, &run.json_text);
    }
    vgg_text_free(&run.json_text);
    return status;
}

const cli_verb cli_verb_verify = {
    .name = "verify",
    .summary = "check that a device's kernels give right values",
    .usage = "[OPTION]...",
    .description =
        "Runs every kernel variant on every shape of a model's layers and holds it against the\n"
        "layers' definition in double precision: values, bits over several runs, what lies around\n"
        "its buffers, NaN let through. A variant that is wrong is named and isn't used on that\n"
        "device and driver any more, until its kernel or the driver changes. Exits 1 where one "
        "is.\n"
        "What 'clvgg run' and others use is checked anyway, once, before it is used first.",
    .examples = "  clvgg verify --device all --budget 5m\n"
                "  clvgg verify --device 1 --model vgg16.pth --storage f16\n"
                "  clvgg verify --full --json > verify.json\n",
    .options = options,
    .arguments_size = sizeof(verify_arguments),
    .defaults = &(const verify_arguments){.context = CLI_CONTEXT_DEFAULTS, .batch = 1},
    .run = run_verify,
};
