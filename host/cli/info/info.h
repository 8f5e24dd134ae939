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

/* Weights of a kind, stored alike: a row of the table. */
typedef struct cli_info_weights {
    const char *type;      /* of layers, "conv2d"; "bias" */
    int winograd_tile;     /* as of clvgg_step_info */
    clvgg_storage storage; /* on the device */
    int layers;
    uint64_t values, model_bytes, device_bytes; /* values: in the model; 0 of biases */
    bool kept;                                  /* float32, though another storage was asked for */
} cli_info_weights;

enum { CLI_INFO_WEIGHTS = 24 };
/* What the plan's steps have of them, biases last; returns how many rows. */
size_t cli_info_weights_of(const clvgg_session *session, cli_info_weights rows[CLI_INFO_WEIGHTS]);
/* Why they take on the device what they take, in words; "" where that is what the model has. */
void cli_info_weights_reason(const cli_info_weights *row, vgg_text *text);
/* Nothing where the plan has none. */
void cli_info_print_weights(const clvgg_session *session, const vgg_style *style, vgg_text *text);
void cli_info_weights_json(const clvgg_session *session, vgg_json *json);

clvgg_status cli_info_print_text(const cli_info *info, const vgg_style *style, vgg_text *text);
clvgg_status cli_info_print_json(const cli_info *info, vgg_text *text);

/* Which formats of weight files this build reads, and which it writes. */
clvgg_status cli_info_print_formats(cli_program *cli, bool as_json);

#endif
