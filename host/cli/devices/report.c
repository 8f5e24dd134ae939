/* cli/devices/report.c — sections in their order, as text in a code block or as JSON. */
#include "cli/devices/report.h"

#include <stdio.h>
#include <string.h>

#include "clvgg/cache.h"
#include "clvgg/device.h"
#include "clvgg/report.h"
#include "report/format.h"

/* ---- showing ---- */

void cli_report_begin(vgg_report *report, const char *title)
{
    if (report->as_json) {
        vgg_json_begin_object(&report->json, NULL);
        vgg_json_string(&report->json, "title", title);
        vgg_json_begin_array(&report->json, "facts");
    } else {
        vgg_text_printf(&report->cli->out.text, "%s\n", title);
    }
}

/* A value of several lines stays a column. */
static void put_lines(vgg_text *text, const char *name, const char *value)
{
    vgg_text_printf(text, "    %-19s ", name);
    for (const char *line = value; line != NULL;) {
        const size_t length = strcspn(line, "\n");
        vgg_text_append(text, line, length);
        line = line[length] != '\0' && line[length + 1] != '\0' ? line + length + 1 : NULL;
        vgg_text_printf(text, line != NULL ? "\n%24s" : "\n", "");
    }
}

static void show(vgg_report *report, const char *name, const vgg_text *shown)
{
    const char *value = vgg_text_string(shown);
    vgg_text clean = {0};
    if (report->as_json) {
        vgg_json_begin_object(&report->json, NULL);
        vgg_json_string(&report->json, "name", name);
        vgg_json_string(&report->json, "value", value);
        vgg_json_end(&report->json);
    } else {
        vgg_text_terminal_lines(&clean, value);
        put_lines(&report->cli->out.text, name, vgg_text_string(&clean));
    }
    report->cli->out.text.failed |= shown->failed || clean.failed;
    vgg_text_free(&clean);
}

void cli_report_fact(void *user, const char *name, const char *value)
{
    vgg_report *report = user;
    vgg_text shown = {0};
    if (value[0] == '/' && strstr(value, ": ") == NULL)
        cli_scrub_path(&report->scrub, value, &shown);
    else
        cli_scrub_append(&report->scrub, value, &shown);
    show(report, name, &shown);
    vgg_text_free(&shown);
}

void cli_report_end(vgg_report *report)
{
    if (report->as_json) {
        vgg_json_end(&report->json);
        vgg_json_end(&report->json);
    }
    vgg_out_flush(&report->cli->out); /* also for a reader who waits; before a fork */
}

void cli_report_facts(vgg_report *report, cli_facts *facts)
{
    const char *name = NULL, *value = NULL;
    for (size_t at = 0; cli_facts_next(facts, &at, &name, &value);) {
        cli_report_fact(report, name, value);
        report->usable_count += strcmp(name, CLI_REPORT_WORKS) == 0;
    }
    if (facts->problem[0] != '\0') {
        cli_report_fact(report, "PROBLEM", facts->problem);
        report->bad = true;
    }
    vgg_text_free(&facts->bytes);
}

/* ---- drivers ---- */

static void report_driver(void *user, const char *file, const char *library, const char *problem)
{
    vgg_report *report = user;
    cli_facts facts = {0};
    vgg_text title = {0};
    vgg_text_puts(&title, "driver ");
    cli_scrub_path(&report->scrub, file, &title);
    cli_report_begin(report, vgg_text_string(&title));
    report->cli->out.text.failed |= title.failed;
    if (library == NULL) {
        cli_report_fact(report, "PROBLEM", problem);
    } else {
        cli_report_fact(report, "library", library);
        cli_isolated_count(report->cli, library, &facts);
        cli_report_facts(report, &facts);
    }
    cli_report_end(report);
    vgg_text_free(&title);
}

static void send_loader(cli_program *cli, void *user, void *pipe)
{
    clvgg_runtime *runtime = NULL;
    size_t count = 0;
    char words[32];
    (void)user;
    cli->no_cache = true;
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(cli_runtime(cli, &runtime));
    VGG_TRY(clvgg_device_count(runtime, &count)); /* drivers may bring loaders */
    snprintf(words, sizeof words, "%zu", count);
    cli_isolated_send(pipe, "devices", words);
    (void)clvgg_report_loader(runtime, cli_isolated_send, pipe);
cleanup:
    if (status != CLVGG_STATUS_OK)
        cli_isolated_send(pipe, "devices", vgg_message_of(status));
}

static void report_loader(vgg_report *report)
{
    cli_facts facts = {0};
    const char *name = NULL, *value = NULL;
    size_t at = 0;
    cli_report_begin(report, "OpenCL loader");
    cli_isolated_run(report->cli, NULL, send_loader, NULL, &facts);
    if (cli_facts_next(&facts, &at, &name, &value))
        (void)sscanf(value, "%zu", &report->device_count);
    cli_report_facts(report, &facts);
    cli_report_end(report);
}

/* ---- devices, cache ---- */

static void report_devices(vgg_report *report)
{
    for (size_t i = 0; i < report->device_count; i++) {
        cli_facts facts = {0};
        char title[32];
        snprintf(title, sizeof title, "device %zu", i);
        cli_report_begin(report, title);
        cli_isolated_run(report->cli, NULL, cli_report_device_facts, &i, &facts);
        cli_report_facts(report, &facts);
        cli_report_end(report);
    }
}

typedef struct kept {
    size_t programs, tuned;
    char device[256]; /* of the tuning results that are counted */
} kept;

static void count_entry(void *user, const clvgg_cache_entry *entry)
{
    kept *counted = user;
    counted->programs += strcmp(entry->kind, "program") == 0;
    counted->tuned += strcmp(entry->kind, "tuning") == 0;
    if (strcmp(entry->kind, "tuning") == 0)
        snprintf(counted->device, sizeof counted->device, "%s", entry->device);
}

static void report_cache(vgg_report *report, clvgg_runtime *runtime)
{
    kept entries = {0};
    char words[320];
    cli_report_begin(report, "cache");
    (void)clvgg_report_cache(runtime, cli_report_fact, report);
    if (clvgg_cache_list(runtime, count_entry, &entries) == CLVGG_STATUS_OK) {
        snprintf(words, sizeof words, "%zu", entries.programs);
        cli_report_fact(report, "programs", words);
        snprintf(words, sizeof words, "%zu%s%s", entries.tuned,
                 entries.tuned > 0 ? ", the last used for " : "", entries.device);
        cli_report_fact(report, "tuning results", words);
    } else {
        cli_report_fact(report, "PROBLEM", clvgg_status_message());
    }
    cli_report_end(report);
}

/* ---- all of it ---- */

static clvgg_status report_all(vgg_report *report)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_runtime *runtime = NULL;
    cli_program quiet = *report->cli;
    quiet.silent = true;
    VGG_TRY(cli_runtime(&quiet, &runtime));
    cli_report_build(report);
    cli_report_system(report);
    cli_report_environment(report);
    report_loader(report);
    status = clvgg_report_drivers(runtime, report_driver, report);
    cli_fail(report->cli, status);
    report_devices(report);
    report_cache(report, runtime);
    status = CLVGG_STATUS_OK;
cleanup:
    clvgg_runtime_free(runtime);
    return status;
}

/* What the sections come to. */
static clvgg_status judge(const vgg_report *report)
{
    if (report->device_count == 0)
        return vgg_fail(
            CLVGG_STATUS_UNSUPPORTED,
            "no OpenCL device on this machine: 'clvgg devices' says what was looked for");
    if (report->usable_count < report->device_count || report->bad)
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%zu of %zu device%s work%s%s",
                        report->usable_count, report->device_count,
                        report->device_count == 1 ? "" : "s", report->device_count == 1 ? "s" : "",
                        report->bad ? ": see PROBLEM" : "");
    return CLVGG_STATUS_OK;
}

clvgg_status cli_report_run(cli_program *cli, bool as_json)
{
    vgg_report report = {.cli = cli, .as_json = as_json};
    cli->silent = true; /* what a warning would say is a fact */
    cli_scrub_learn(&report.scrub, cli);
    if (as_json) {
        vgg_json_begin(&report.json, &cli->out.text);
        vgg_json_begin_array(&report.json, "sections");
    } else {
        vgg_text_puts(&cli->out.text, "```\n");
    }
    const clvgg_status status = report_all(&report);
    if (as_json) {
        vgg_json_end(&report.json);
        vgg_json_end(&report.json);
    } else {
        vgg_text_puts(&cli->out.text, "```\n");
    }
    return status == CLVGG_STATUS_OK && cli->exit_code == CLI_EXIT_OK ? judge(&report) : status;
}
