/* cli/verify/cmd_verify.c — `clvgg verify`: whether a device's kernels give right values. */
#include <stdio.h>
#include <string.h>

#include "cli/context.h"
#include "cli/each_device.h"
#include "cli/interrupt.h"
#include "cli/verify/verify_results.h"
#include "clvgg/verify.h"
#include "report/device.h"
#include "report/json.h"
#include "report/memory.h"
#include "report/progress.h"

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

typedef struct verification {
    cli_program *cli;
    const verify_arguments *arguments;
    cli_context context;
    vgg_progress progress;
    verify_results results;
    vgg_text json_text;
    vgg_json *json; /* NULL: text */
    bool begun;     /* it holds a device's results */
    bool values;    /* with --full: the walk over tunables' values has begun */
    size_t latest;  /* chain */
} verification;

static int note_event(void *user, const clvgg_verify_event *event)
{
    verification *run = user;
    char words[160];
    run->values = run->values || event->chain < run->latest;
    run->latest = event->chain;
    snprintf(words, sizeof words, "checking %zu of %zu  %.32s  %.32s %.32s", event->chain + 1,
             event->chain_count, event->layers, event->variant, event->parameters);
    const double walked = (double)event->chain / (double)event->chain_count;
    vgg_progress_show(&run->progress, run->arguments->full ? (run->values + walked) / 2 : walked,
                      words);
    verify_results_count(&run->results, event);
    if (run->json != NULL)
        verify_json_event(run->json, event);
    if (event->verdict == CLVGG_VERIFY_WRONG || event->verdict == CLVGG_VERIFY_UNBUILDABLE) {
        vgg_progress_clear(&run->progress);
        cli_error(run->cli, "%s: %s%s%s %s: %.*s", event->layers, event->variant,
                  event->parameters[0] != '\0' ? " " : "", event->parameters,
                  event->verdict == CLVGG_VERIFY_WRONG ? "is wrong" : "can't be run",
                  (int)strcspn(event->reason, "\n"), event->reason);
    }
    return cli_interrupt_signal() != 0;
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
    run->results.row_count = 0;
    run->values = false;
    run->latest = 0;
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
        verify_json_end(run->json, &summary, error);
    else
        verify_results_print(&run->results, &run->context.device_info, &summary,
                             &run->cli->out_style, &run->cli->out.text);
    VGG_PASS(status);
    if (summary.stopped)
        cli_error(run->cli, "interrupted: what was found is kept");
    if (summary.wrong + summary.unbuildable > 0)
        run->cli->exit_code = CLI_EXIT_FAILED;
    return CLVGG_STATUS_OK;
}

/* One device, asked for by `device`. */
static clvgg_status verify_one(void *user, const char *device)
{
    clvgg_status status = CLVGG_STATUS_OK;
    verification *run = user;
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
    const clvgg_status status = cli_wants_all_devices(device)
                                    ? cli_each_device(cli, run.json == NULL, verify_one, &run)
                                    : verify_one(&run, device);
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
        "its buffers, NaN let through. Likewise what 'clvgg visualize' runs, walks back and "
        "searches\n"
        "for the strongest activations, and the gradients that 'clvgg finetune' trains dense\n"
        "layers by. A variant that is wrong is named and isn't used on that device and driver any\n"
        "more, until its kernel or the driver changes. Exits 1 where one is.\n"
        "What 'clvgg run' and others use is checked anyway, once, before it is used first.",
    .examples = "  clvgg verify --device all --budget 5m\n"
                "  clvgg verify --device 1 --model vgg16.pth --storage f16\n"
                "  clvgg verify --full --json > verify.json\n",
    .options = options,
    .arguments_size = sizeof(verify_arguments),
    .defaults = &(const verify_arguments){.context = CLI_CONTEXT_DEFAULTS, .batch = 1},
    .run = run_verify,
};
