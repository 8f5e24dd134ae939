/* cli/devices/cmd_devices.c — `clvgg devices`: the flat list of OpenCL devices, and help when it is
 * short. */

#include "cli/devices/report.h"
#include "cli/isolated.h"
#include "cli/options.h"
#include "clvgg/device.h"
#include "report/device.h"
#include "report/distrusted.h"

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
    clvgg_status status = CLVGG_STATUS_OK;
    size_t chosen = 0;
    VGG_TRY(clvgg_device_count(runtime, &list->count));
    VGG_MEMORY_NEW(list->infos, list->count + 1, "the list of devices");
    for (size_t i = 0; i < list->count; i++) {
        list->infos[i].struct_size = sizeof *list->infos;
        VGG_TRY(clvgg_device_query(runtime, i, &list->infos[i]));
    }
    status = clvgg_device_select(runtime, default_spec, &chosen);
    list->chosen = status == CLVGG_STATUS_OK ? (int)chosen : -1;
    if (status != CLVGG_STATUS_OUT_OF_MEMORY && status != CLVGG_STATUS_OUT_OF_DEVICE_MEMORY &&
        status != CLVGG_STATUS_OPENCL)
        status = CLVGG_STATUS_OK; /* CLVGG_DEVICE names none of the list */
cleanup:
    return status;
}

static clvgg_status print_json(clvgg_runtime *runtime, vgg_text *text, const device_list *list)
{
    vgg_json json;
    vgg_json_begin(&json, text);
    vgg_json_begin_array(&json, "devices");
    for (size_t i = 0; i < list->count; i++)
        vgg_report_device_json(&json, NULL, &list->infos[i]);
    vgg_json_end(&json);
    vgg_json_begin_array(&json, "not_used");
    for (size_t i = 0; i < list->count; i++)
        VGG_PASS(vgg_report_distrusted_json(runtime, &list->infos[i], &json));
    vgg_json_end(&json);
    vgg_json_end(&json);
    return CLVGG_STATUS_OK;
}

static clvgg_status print_text(clvgg_runtime *runtime, vgg_text *text, const vgg_style *style,
                               const device_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        vgg_text_puts(text, i > 0 ? "\n" : "");
        vgg_report_device_block(text, style, &list->infos[i], list->infos[i].index == list->chosen);
        VGG_PASS(vgg_report_distrusted(runtime, &list->infos[i], text));
    }
    return CLVGG_STATUS_OK;
}

/* Says whether the list has no GPU or accelerator that can be used. */
static bool lacks_accelerator(const device_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->infos[i].usable && list->infos[i].type != CLVGG_DEVICE_CPU)
            return false;
    return true;
}

static clvgg_status print_diagnosis(const cli_program *cli, clvgg_runtime *runtime)
{
    char text[8192];
    size_t length = 0;
    VGG_PASS(clvgg_device_diagnose(runtime, text, sizeof text, &length));
    cli_note(cli, "%s", text);
    return CLVGG_STATUS_OK;
}

static clvgg_status show_devices(cli_program *cli, bool json)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_runtime *runtime = NULL;
    device_list list = {.chosen = -1};
    VGG_TRY(cli_runtime(cli, &runtime));
    VGG_TRY(query_all(runtime, cli->device, &list));
    VGG_TRY(json ? print_json(runtime, &cli->out.text, &list)
                 : print_text(runtime, &cli->out.text, &cli->out_style, &list));
    vgg_out_flush(&cli->out);
    if (list.count == 0)
        cli->exit_code = CLI_EXIT_FAILED;
    if (lacks_accelerator(&list))
        VGG_TRY(print_diagnosis(cli, runtime));
cleanup:
    vgg_memory_free(list.infos);
    clvgg_runtime_free(runtime);
    return status;
}

static clvgg_status run_devices(cli_program *cli, const void *given)
{
    const devices_arguments *arguments = given;
    if (arguments->report)
        return cli_report_run(cli, arguments->json);
    VGG_PASS(cli_isolated_verb(cli));
    return show_devices(cli, arguments->json);
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
    .arguments_size = sizeof(devices_arguments),
    .run = run_devices,
};
