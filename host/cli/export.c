/* cli/export.c — see export.h. */
#include "cli/export.h"

#include <string.h>

#include "cli/interrupt.h"
#include "report/clock.h"
#include "report/device.h"
#include "report/format.h"

enum { RATE_MS = 500 }; /* less time says little about the rest */

/* Of writing alone: a check reads a few weights, computes for long, and then reads the most. */
static void add_rate(const vgg_progress *progress, uint64_t done, uint64_t total, vgg_text *words)
{
    const double ms = vgg_report_now_ms() - progress->start_ms;
    if (ms < RATE_MS || done == 0)
        return;
    const double per_second = (double)done / ms * 1e3;
    const int seconds = (int)((double)(total - done) / per_second);
    vgg_text_printf(words, "  %s/s  %d:%02d left", VGG_SIZE((uint64_t)per_second), seconds / 60,
                    seconds % 60);
}

static clvgg_status show_progress(void *user, clvgg_export_phase phase, uint64_t done,
                                  uint64_t total)
{
    static const char *const doing[] = {"writing", "checking", "storing"};
    cli_export *export = user;
    vgg_progress *progress = &export->progress;
    vgg_text words = {0};
    if (cli_interrupt_signal() != 0)
        return vgg_fail(CLVGG_STATUS_CANCELLED, "interrupted");
    if (export->quiet)
        return CLVGG_STATUS_OK;
    if (done == 0) { /* a phase begins */
        vgg_progress_finish(progress);
        *progress = vgg_progress_start(&export->cli->err_style, doing[phase], SIZE_MAX);
    }
    vgg_text_printf(&words, "%s ", doing[phase]);
    if (phase != CLVGG_EXPORT_STORING)
        vgg_text_printf(&words, "%s of ", VGG_SIZE(done));
    vgg_text_puts(&words, VGG_SIZE(total));
    if (phase == CLVGG_EXPORT_WRITING)
        add_rate(progress, done, total, &words);
    const double share = total > 0 ? (double)done / (double)total : 1;
    vgg_progress_show(progress, share, vgg_text_string(&words));
    vgg_text_free(&words);
    return CLVGG_STATUS_OK;
}

clvgg_status cli_export_model(cli_export *export, const clvgg_model *model, const char *path,
                              clvgg_export_options *request, clvgg_export_report *report)
{
    char unchecked[sizeof report->unchecked];
    memcpy(unchecked, report->unchecked, sizeof unchecked);
    report->struct_size = sizeof *report;
    request->progress = show_progress;
    request->progress_user = export;
    cli_interrupt_watch();
    clvgg_status status = clvgg_model_export(model, path, request, report);
    vgg_progress_finish(&export->progress);
    if (status == CLVGG_STATUS_CANCELLED)
        status = vgg_fail(status, "interrupted: %s wasn't written", path);
    if (request->check_device == NULL)
        memcpy(report->unchecked, unchecked, sizeof unchecked);
    return status;
}

void cli_export_print_check(const cli_context *context, const clvgg_export_report *report,
                            vgg_text *text)
{
    if (report->checked) {
        vgg_text_puts(text, "checked: read again, its ");
        if (strcmp(report->compared, "logits") == 0)
            vgg_text_puts(text, "logits");
        else
            vgg_text_name(text, "last layer's values, '", report->compared, "',");
        vgg_text_printf(text, " differ by %.2g (relative L2, at most %.0e) on ", report->error,
                        report->error_limit);
        vgg_report_device_name(text, &context->device_info);
        vgg_text_puts(text, "\n");
    } else {
        vgg_text_printf(text, "not checked%s%s\n", report->unchecked[0] != '\0' ? ": " : "",
                        report->unchecked);
    }
}

void cli_export_check_json(const clvgg_export_report *report, vgg_json *json)
{
    vgg_json_bool(json, "checked", report->checked != 0);
    if (report->checked) {
        vgg_json_string(json, "compared", report->compared);
        vgg_json_number(json, "error", report->error);
        vgg_json_number(json, "error_limit", report->error_limit);
    } else {
        vgg_json_string(json, "unchecked", report->unchecked);
    }
}
