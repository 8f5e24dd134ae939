/* cli/info/info.h — what `clvgg info` gathered, and its two ways of printing it. */
#ifndef CLI_INFO_H
#define CLI_INFO_H

#include "clvgg/session.h"
#include "report/json.h"
#include "report/style.h"

typedef struct cli_info {
    clvgg_model *model;
    const char *labels_path; /* label file in use, NULL: the model's own */
    clvgg_device *device;    /* NULL: no plan */
    clvgg_session *session;
    int batch; /* that the plan is for */
} cli_info;

void cli_info_print_text(const cli_info *info, const vgg_style *style, vgg_text *text);
void cli_info_print_json(const cli_info *info, vgg_text *text);

#endif
