/* cli/info/info.h — what `clvgg info` gathered, and its two ways of printing it. */
#ifndef CLI_INFO_H
#define CLI_INFO_H

#include "cli/context.h"
#include "report/json.h"

typedef struct cli_info {
    cli_context context;
    clvgg_model *as_run;    /* the context's with its batch normalisations folded; NULL: no plan */
    clvgg_session *session; /* NULL: no plan */
    int batch;              /* that the plan is for */
} cli_info;

clvgg_status cli_info_print_text(const cli_info *info, const vgg_style *style, vgg_text *text);
clvgg_status cli_info_print_json(const cli_info *info, vgg_text *text);

/* Which formats of weight files this build reads, and which it writes. */
clvgg_status cli_info_print_formats(cli_program *cli, bool as_json);

#endif
