/* cli/eval/eval.h — the parts of `clvgg eval` and what they share.
 *
 * An evaluation is a run (run.h) over the images of a data set whose format counts instead of
 * printing. cmd_eval.c parses and says what comes after what; eval_classes.c finds the data set's
 * classes among the model's; eval_count.c is the format; eval_text.c and eval_json.c print what was
 * counted; eval_mistakes.c draws the worst of it; eval_against.c runs another model beside it.
 */
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include "cli/run/run.h"
#include "clvgg/dataset.h"
#include "clvgg/evaluate.h"
#include "report/contact_sheet.h"

typedef struct cli_eval_arguments {
    cli_run_arguments run;
    const char *data, *mistakes, *against;
    cli_allowance max_bad;
} cli_eval_arguments;

typedef struct cli_mistake {
    size_t item;       /* of the data set */
    size_t predicted;  /* as in the run: a class of the model, or a group */
    float probability; /* of `predicted` */
} cli_mistake;

/* The evaluated model beside another one; 0 images: it wasn't asked for. */
typedef struct cli_against {
    uint64_t images, agreeing; /* whose largest logit is of the same class */
    double difference, size;   /* Σ (a − b)² and Σ b² of all logits, b the other model's */
    double worst;              /* of an image's √(difference / size) */
} cli_against;

typedef struct cli_eval {
    cli_run run;
    const cli_eval_arguments *arguments;
    clvgg_dataset *dataset;
    const char **paths;           /* of its items */
    size_t *classes;              /* of the data set's class i: the run's */
    bool by_order;                /* because the model has no names for its classes */
    clvgg_evaluation *evaluation; /* of the run's classes */
    size_t next_item;             /* of the data set, that a result is of */
    cli_mistake mistakes[VGG_CONTACT_MOST_CELLS]; /* descending by probability */
    size_t mistake_count;
    double other_sum;           /* probability outside the groups, over all images … */
    uint64_t other_first_count; /* … and images where it is above every group's */
    cli_against against;
} cli_eval;

/* Fills eval->classes. NOT_FOUND when a class of the data set isn't the model's. */
clvgg_status cli_eval_match_classes(cli_eval *eval);
/* The run's class of an item of the data set. */
size_t cli_eval_truth(const cli_eval *eval, size_t item);

/* Result format that counts; the run's format_user must be the cli_eval. */
extern const cli_run_format cli_eval_count;

/* Prints what was counted. `error` is why the run stopped early, or NULL. */
void cli_eval_print_text(cli_eval *eval, const char *error);
/* The JSON object, in two parts: errors are printed in between. */
void cli_eval_begin_json(cli_eval *eval);
void cli_eval_end_json(cli_eval *eval, const char *error);

/* Runs the photographs through both models. Errors: UNSUPPORTED (they can't be compared), and those of
 * loading and running the other one. */
clvgg_status cli_eval_compare(cli_eval *eval);
void cli_eval_against_text(const cli_eval *eval, vgg_text *text);
void cli_eval_against_json(const cli_eval *eval, vgg_json *json);

/* Draws eval->mistakes into the file of --mistakes. */
clvgg_status cli_eval_draw_mistakes(cli_eval *eval);

#endif
