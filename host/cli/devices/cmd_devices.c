/* cli/devices/cmd_devices.c — `clvgg devices`: the flat list of OpenCL devices, and help when it is
 * short.
 */

#include "cli/devices/report.h"
#include "cli/isolated.h"
#include "cli/options.h"
#include "clvgg/device.h"
#include "report/device.h"

typedef struct devices_arguments {
    bool json, report;
} devices_arguments;

static const cli_option options[] = {
    {"json", 0, CLI_OPTION_FLAG, offsetof(devices_arguments, json), NULL, 0, 0,
     "Print one JSON object with every fact about every device"},
    {"report", 0, CLI_OPTION_FLAG, offsetof(devices_arguments, report), NULL, 0, 0,
     "Print what a report of a fault should hold: versions, drivers,\n"
     "limits, a test of each device; no names of users, hosts or folders"},
    {0},
};

/* The devices of the machine; `chosen` is the default device's index or -1. */
typedef struct device_list {
    clvgg_device_info *infos;
    size_t count;
    int chosen;
} device_list;

static clvgg_status query_all(clvgg_runtime *runtime, const char *default_spec, device_list *list)
{
    clvgg_status status = clvgg_device_count(runtime, &list->count);
    if (status != CLVGG_STATUS_OK)
        return status;
    list->infos = vgg_calloc(list->count + 1, sizeof *list->infos);
    if (list->infos == NULL)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    for (size_t i = 0; i < list->count; i++) {
        list->infos[i].struct_size = sizeof *list->infos;
        status = clvgg_device_query(runtime, i, &list->infos[i]);
        if (status != CLVGG_STATUS_OK)
            return status;
    }
    size_t chosen = 0;
    status = clvgg_device_select(runtime, default_spec, &chosen);
    list->chosen = status == CLVGG_STATUS_OK ? (int)chosen : -1;
    switch (status) {
    case CLVGG_STATUS_OUT_OF_MEMORY:
    case CLVGG_STATUS_OUT_OF_DEVICE_MEMORY:
    case CLVGG_STATUS_OPENCL:
        return status;
    default: /* CLVGG_DEVICE names none of the list */
        return CLVGG_STATUS_OK;
    }
}

static void print_json(vgg_text *text, const device_list *list)
{
    vgg_json json = {.text = text};
    vgg_json_begin_object(&json, NULL);
    vgg_json_integer(&json, "schema", 1);
    vgg_json_begin_array(&json, "devices");
    for (size_t i = 0; i < list->count; i++)
        vgg_report_device_json(&json, NULL, &list->infos[i]);
    vgg_json_end(&json);
    vgg_json_end(&json);
}

static void print_text(vgg_text *text, const vgg_style *style, const device_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        vgg_text_puts(text, i > 0 ? "\n" : "");
        vgg_report_device_block(text, style, &list->infos[i], list->infos[i].index == list->chosen);
    }
}

/* Says whether the list has no GPU or accelerator that can be used. */
static bool lacks_accelerator(const device_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->infos[i].usable && list->infos[i].type != CLVGG_DEVICE_CPU)
            return false;
    return true;
}

static int print_diagnosis(const cli_program *cli, clvgg_runtime *runtime)
{
    char text[8192];
    size_t length = 0;
    const clvgg_status status = clvgg_device_diagnose(runtime, text, sizeof text, &length);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(cli, status);
    cli_note(cli, "%s", text);
    return CLI_EXIT_OK;
}

static int show_devices(cli_program *cli, bool json)
{
    clvgg_runtime *runtime = NULL;
    device_list list = {.chosen = -1};
    cli->no_cache = true; /* no program is compiled */
    int exit_code = CLI_EXIT_OK;
    clvgg_status status = cli_runtime(cli, &runtime);
    if (status == CLVGG_STATUS_OK)
        status = query_all(runtime, cli->device, &list);
    if (status != CLVGG_STATUS_OK) {
        exit_code = cli_fail(cli, status);
    } else {
        if (json)
            print_json(&cli->out.text, &list);
        else
            print_text(&cli->out.text, &cli->out_style, &list);
        vgg_out_flush(&cli->out);
        if (lacks_accelerator(&list))
            exit_code = print_diagnosis(cli, runtime);
        exit_code = list.count > 0 ? exit_code : CLI_EXIT_FAILED;
    }
    vgg_free(list.infos);
    clvgg_runtime_free(runtime);
    return exit_code;
}

static int run_devices(cli_program *cli, int argc, char **argv)
{
    devices_arguments arguments = {0};
    size_t operand_count = 0;
    cli_parsed parsed =
        cli_options_parse(cli, &cli_verb_devices, argc, argv, &arguments, &operand_count);
    if (parsed != CLI_PARSED)
        return parsed == CLI_PARSED_HELP ? CLI_EXIT_OK : CLI_EXIT_USAGE;
    if (operand_count > 0) {
        cli_error(cli, "takes no argument, got '%s'", argv[1]);
        return cli_options_try_help(cli);
    }
    if (arguments.report)
        return cli_report_run(cli, arguments.json);
    return cli_isolated_verb(cli) ? show_devices(cli, arguments.json) : CLI_EXIT_FAILED;
}

const cli_verb cli_verb_devices = {
    .name = "devices",
    .summary = "list the OpenCL devices of this machine",
    .usage = "[--json] [--report]",
    .description =
        "Lists the devices of every OpenCL platform: platforms sorted by name, devices in the\n"
        "driver's order. The number in front is what --device takes. Devices that can't be used\n"
        "are listed with the reason. Without a GPU, standard error says what was looked for.\n"
        "Where a driver crashes, it says which one.",
    .examples = "  clvgg devices\n"
                "  clvgg devices --json\n"
                "  clvgg devices --report > report.md\n",
    .options = options,
    .run = run_devices,
};
