/* cli/cmd_tune.c — `clvgg tune`: finding the fastest kernels for a model on a device, and carrying
 * what was found from one machine to another. */
#include <stdio.h>

#include "cli/context.h"
#include "cli/interrupt.h"
#include "clvgg/tune.h"
#include "report/device.h"
#include "report/format.h"
#include "report/json.h"
#include "report/progress.h"
#include "report/table.h"

typedef struct tune_arguments {
    cli_context_arguments context;
    const char *export_path, *import_path;
    int seed;
    clvgg_storage storage;
    cli_counts batches;
    float budget; /* seconds */
    bool redo, clblast, json;
} tune_arguments;

#define AT(field) offsetof(tune_arguments, field)

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, 0, NULL, 0, 0, ": name a model by --model"},
    CLI_ROWS_DEVICE(tune_arguments, context),
    {"model", 'm', CLI_OPTION_TEXT, AT(context.model), "F", 0, 0,
     "File of weights; or vgg11, vgg13, vgg16, vgg19\n"
     "(CLVGG_MODEL, else vgg16)"},
    {"batch", 'b', CLI_OPTION_COUNTS, AT(batches), "N,...", 1, 4096, "Batches to tune for (1)"},
    CLI_ROW_INPUT_SIZE(tune_arguments, context),
    {"storage", 0, CLI_OPTION_STORAGE, AT(storage), CLVGG_STORAGE_NAMES, 0, 0,
     "How weights lie on the device (f32)"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Search"},
    {"budget", 0, CLI_OPTION_DURATION, AT(budget), "TIME", 0, 0,
     "About how long it may take: 90, 60s, 5m, 1h (60s)"},
    {"seed", 0, CLI_OPTION_COUNT, AT(seed), "N", 0, 2147483647,
     "Order in which candidates are tried (1)"},
    {"redo", 0, CLI_OPTION_FLAG, AT(redo), NULL, 0, 0, "Also what was tuned before"},
    {"clblast", 0, CLI_OPTION_FLAG, AT(clblast), NULL, 0, 0,
     "First CLBlast's own parameters, in a quarter of the budget"},
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"},
    CLI_ROW_JSON(tune_arguments, json),
    {"export", 0, CLI_OPTION_TEXT, AT(export_path), "FILE", 0, 0,
     "Don't tune: write all results that are kept to FILE"},
    {"import", 0, CLI_OPTION_TEXT, AT(import_path), "FILE", 0, 0,
     "Don't tune: keep the results that FILE has, for the devices it names"},
    {0},
};

static const char *check(const void *given)
{
    const tune_arguments *arguments = given;
    return arguments->export_path != NULL && arguments->import_path != NULL
               ? "--export and --import exclude each other"
               : NULL;
}

typedef struct tuning {
    cli_program *cli;
    const tune_arguments *arguments;
    cli_context context;
    vgg_progress progress;
    vgg_table table;
    vgg_text json_text;
    vgg_json json;
} tuning;

static bool ends_chain(clvgg_tune_verdict verdict)
{
    return verdict >= CLVGG_TUNE_FOUND;
}

static void show_progress(tuning *run, const clvgg_tune_event *event)
{
    char words[160];
    const double chains =
        ((double)event->chain + (ends_chain(event->verdict) ? 1 : 0)) / (double)event->chain_count;
    const double time = event->seconds / (double)run->arguments->budget;
    snprintf(words, sizeof words, "tuning %zu of %zu  batch %d %.24s  %d tried", event->chain + 1,
             event->chain_count, event->batch, event->layers, event->candidates);
    vgg_progress_show(&run->progress, chains > time ? chains : time, words);
}

static void put_row(tuning *run, const clvgg_tune_event *event)
{
    vgg_table *table = &run->table;
    static const char *const notes[] = {[CLVGG_TUNE_FOUND] = "", [CLVGG_TUNE_KNOWN] = "known"};
    vgg_text_printf(vgg_table_cell(table), "%d", event->batch);
    vgg_table_next(table);
    vgg_table_put(table, event->layers);
    vgg_table_put(table, event->variant);
    vgg_table_put(table, event->parameters);
    vgg_table_measure(table, event->default_ms, 3, "");
    vgg_table_measure(table, event->ms, 3, "");
    if (event->verdict == CLVGG_TUNE_FAILED)
        vgg_text_terminal(vgg_table_cell(table), event->reason);
    else
        vgg_text_puts(vgg_table_cell(table), notes[event->verdict]);
    vgg_table_next(table);
}

static void put_object(tuning *run, const clvgg_tune_event *event)
{
    vgg_json *json = &run->json;
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "layers", event->layers);
    vgg_json_integer(json, "batch", event->batch);
    if (event->verdict == CLVGG_TUNE_FAILED) {
        vgg_json_string(json, "error", event->reason);
    } else {
        vgg_json_bool(json, "known", event->verdict == CLVGG_TUNE_KNOWN);
        vgg_json_string(json, "variant", event->variant);
        vgg_json_string(json, "parameters", event->parameters);
        vgg_json_number(json, "ms", event->ms);
        vgg_json_number(json, "default_ms", event->default_ms);
        vgg_json_integer(json, "candidates", event->candidates);
        vgg_json_integer(json, "wrong", event->wrong);
    }
    vgg_json_end(json);
}

static int note_event(void *user, const clvgg_tune_event *event)
{
    tuning *run = user;
    if (event != NULL) {
        show_progress(run, event);
        if (ends_chain(event->verdict))
            (run->arguments->json ? put_object : put_row)(run, event);
        if (event->verdict == CLVGG_TUNE_FAILED) {
            vgg_progress_clear(&run->progress);
            cli_error(run->cli, "%s, batch %d: %s", event->layers, event->batch, event->reason);
        }
        if (event->verdict == CLVGG_TUNE_WRONG) {
            vgg_progress_clear(&run->progress);
            cli_note(run->cli, "%s, batch %d: %s %s gives wrong results here: not used",
                     event->layers, event->batch, event->variant, event->parameters);
        }
    }
    return cli_interrupt_signal() != 0;
}

static void print_text(tuning *run, const clvgg_tune_summary *summary)
{
    vgg_text *text = &run->cli->out.text;
    vgg_report_device_name(text, &run->context.device_info);
    vgg_text_puts(text, "\n\n");
    vgg_table_finish(&run->table, &run->cli->out_style, text);
    vgg_text_printf(text, "\n%zu of %zu %s tuned in %.1f s, %zu of them faster; %zu %s",
                    summary->tuned, summary->chains, vgg_plural(summary->chains, "chain", "chains"),
                    summary->seconds, summary->faster, summary->candidates,
                    vgg_plural(summary->candidates, "candidate", "candidates"));
    if (summary->wrong > 0)
        vgg_text_printf(text, ", %zu of them wrong", summary->wrong);
    if (summary->known > 0)
        vgg_text_printf(text, "; %zu known before", summary->known);
    if (summary->left > 0)
        vgg_text_printf(text, "; %zu left for another run", summary->left);
    vgg_text_puts(text, "\n");
}

static void print_json(tuning *run, const clvgg_tune_summary *summary, const char *error)
{
    vgg_json *json = &run->json;
    vgg_json_end(json); /* chains */
    vgg_json_integer(json, "tuned", (int64_t)summary->tuned);
    vgg_json_integer(json, "faster", (int64_t)summary->faster);
    vgg_json_integer(json, "known", (int64_t)summary->known);
    vgg_json_integer(json, "failed", (int64_t)summary->failed);
    vgg_json_integer(json, "left", (int64_t)summary->left);
    vgg_json_integer(json, "candidates", (int64_t)summary->candidates);
    vgg_json_integer(json, "wrong", (int64_t)summary->wrong);
    vgg_json_number(json, "seconds", summary->seconds);
    if (error != NULL)
        vgg_json_string(json, "error", error);
    vgg_json_end(json);
    vgg_text_join(&run->cli->out.text, &run->json_text);
}

static clvgg_status tune(tuning *run)
{
    static const vgg_column columns[] = {
        {"batch", true},      {"layers", false}, {"variant", false}, {"parameters", false},
        {"default ms", true}, {"ms", true},      {"", false}};
    const tune_arguments *arguments = run->arguments;
    clvgg_tune_options tune_options;
    clvgg_tune_summary summary = {.struct_size = sizeof summary};
    clvgg_tune_options_defaults(&tune_options);
    tune_options.budget_seconds = (double)arguments->budget;
    tune_options.batches = arguments->batches.values;
    tune_options.batch_count = arguments->batches.count;
    tune_options.execution.storage = arguments->storage;
    tune_options.seed = (uint64_t)arguments->seed;
    tune_options.redo = arguments->redo;
    tune_options.clblast = arguments->clblast;
    tune_options.progress = note_event;
    tune_options.user = run;
    run->progress = vgg_progress_start(&run->cli->err_style, NULL, SIZE_MAX);
    run->table = (vgg_table){.columns = columns, .column_count = sizeof columns / sizeof *columns};
    if (arguments->json) {
        vgg_json_begin(&run->json, &run->json_text);
        vgg_report_device_json(&run->json, "device", &run->context.device_info);
        vgg_json_begin_array(&run->json, "chains");
    }
    cli_interrupt_watch();
    const clvgg_status status =
        clvgg_tune_model(run->context.device, run->context.model, &tune_options, &summary);
    vgg_progress_finish(&run->progress);
    const char *error = status != CLVGG_STATUS_OK ? vgg_message_of(status)
                        : summary.stopped         ? "interrupted"
                                                  : NULL;
    if (arguments->json)
        print_json(run, &summary, error);
    else
        print_text(run, &summary);
    VGG_PASS(status);
    if (summary.stopped)
        cli_error(run->cli, "interrupted: what was found is kept, another run goes on");
    if (summary.failed > 0)
        run->cli->exit_code = CLI_EXIT_FAILED;
    return CLVGG_STATUS_OK;
}

static clvgg_status tune_model(tuning *run)
{
    VGG_PASS(cli_context_find_model(&run->context));
    VGG_PASS(cli_context_open_device(&run->context));
    return tune(run);
}

/* --export and --import. */
static clvgg_status carry(const tuning *run)
{
    const tune_arguments *arguments = run->arguments;
    const bool out = arguments->export_path != NULL;
    const char *path = out ? arguments->export_path : arguments->import_path;
    size_t count = 0, left = 0;
    VGG_PASS(out ? clvgg_tune_export(run->context.runtime, path, &count)
                 : clvgg_tune_import(run->context.runtime, path, &count, &left));
    cli_note(run->cli, "%s: %zu tuning %s %s", path, count, vgg_plural(count, "result", "results"),
             out ? "written" : "kept");
    if (left > 0)
        cli_note(run->cli, "%s: %zu left, measured with other kernels than this clvgg's", path,
                 left);
    return CLVGG_STATUS_OK;
}

static clvgg_status run_tune(cli_program *cli, const void *given)
{
    const tune_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    tuning run = {.cli = cli, .arguments = arguments};
    vgg_text path = {0};
    VGG_TRY(cli_cache_path(cli, &path));
    VGG_REQUIRE(path.bytes != NULL, CLVGG_STATUS_NOT_FOUND,
                "needs a cache to keep results in: CLVGG_CACHE or HOME names none");
    VGG_REQUIRE(cli->kernel_dir == NULL, CLVGG_STATUS_UNSUPPORTED,
                "kernels from CLVGG_KERNEL_DIR aren't tuned");
    VGG_TRY(cli_context_begin(&run.context, cli, &arguments->context));
    VGG_TRY(arguments->export_path != NULL || arguments->import_path != NULL ? carry(&run)
                                                                             : tune_model(&run));
cleanup:
    vgg_text_free(&run.json_text);
    vgg_text_free(&run.table.cells);
    cli_context_close(&run.context);
    vgg_text_free(&path);
    return status;
}

const cli_verb cli_verb_tune = {
    .name = "tune",
    .summary = "find the fastest kernels for a model on a device",
    .usage = "[OPTION]... | --export FILE | --import FILE",
    .description =
        "Tries kernels and their parameters on each different chain of layers, checks their\n"
        "results, times what is right, and keeps what wins in the cache, where every later run\n"
        "finds it. What was tuned before is skipped, so a run that was interrupted goes on.\n"
        "Nobody has to tune: defaults measured elsewhere are built in.",
    .examples = "  clvgg tune --budget 5m --batch 1,16\n"
                "  clvgg tune --device gpu --model net.safetensors\n"
                "  clvgg tune --export tuned.json\n",
    .options = options,
    .arguments_size = sizeof(tune_arguments),
    .defaults =
        &(const tune_arguments){.batches = {.values = {1}, .count = 1}, .budget = 60, .seed = 1},
    .check = check,
    .run = run_tune,
};
