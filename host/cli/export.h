/* cli/export.h — writing a model's file, for those verbs that do: progress, and what the check
 * found.
 */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "cli/context.h"
#include "clvgg/convert.h"
#include "report/json.h"
#include "report/progress.h"

typedef struct cli_export {
    const cli_program *cli;
    bool quiet;
    vgg_progress progress;
} cli_export;

/* clvgg_model_export(), with a line that says how far it is, to be ended by Ctrl-C. Without a
 * device to check on, what report->unchecked says stays. */
clvgg_status cli_export_model(cli_export *export, const clvgg_model *model, const char *path,
                              clvgg_export_options *request, clvgg_export_report *report);
void cli_export_print_check(const cli_context *context, const clvgg_export_report *report,
                            vgg_text *text);
void cli_export_check_json(const clvgg_export_report *report, vgg_json *json);

#endif
