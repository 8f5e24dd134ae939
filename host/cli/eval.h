/* cli/eval.h — the parts of `clvgg eval` and what they share.
 *
 * An evaluation is a run (run.h) over the images of a data set whose format counts instead of
 * printing. cmd_eval.c parses and says what comes after what; eval_classes.c finds the data set's
 * classes among the model's; eval_count.c is the format; eval_text.c and eval_json.c print what was
 * counted; eval_mistakes.c draws the worst of it.
 */
#ifndef VGG_CLI_EVAL_H
#define VGG_CLI_EVAL_H

#include "cli/run.h"
#include "clvgg/dataset.h"
#include "clvgg/evaluate.h"
#include "report/contact_sheet.h"

typedef struct vgg_eval_arguments {
    vgg_run_arguments run;
    const char *data, *mistakes;
    vgg_allowance max_bad;
} vgg_eval_arguments;

typedef struct vgg_mistake {
    size_t item;       /* of the data set */
    size_t predicted;  /* as in the run: a class of the model, or a group */
    float probability; /* of `predicted` */
} vgg_mistake;

typedef struct vgg_eval {
    vgg_run run;
    const vgg_eval_arguments *arguments;
    clvgg_dataset *dataset;
    const char **paths;           /* of its items */
    size_t *classes;              /* of the data set's class i: the run's */
    bool by_order;                /* because the model has no names for its classes */
    clvgg_evaluation *evaluation; /* of the run's classes */
    size_t next_item;             /* of the data set, that a result is of */
    vgg_mistake mistakes[VGG_CONTACT_MOST_CELLS]; /* descending by probability */
    size_t mistake_count;
    double other_sum;           /* probability outside the groups, over all images … */
    uint64_t other_first_count; /* … and images where it is above every group's */
} vgg_eval;

/* Fills eval->classes. False, and said why, when a class of the data set isn't the model's. */
bool vgg_eval_match_classes(vgg_eval *eval);
/* The run's class of an item of the data set. */
size_t vgg_eval_truth(const vgg_eval *eval, size_t item);

/* Result format that counts; the run's format_user must be the vgg_eval. */
extern const vgg_run_format vgg_eval_count;

/* Prints what was counted. `error` is why the run stopped early, or NULL. */
void vgg_eval_print_text(vgg_eval *eval, const char *error);
/* The JSON object, in two parts: errors are printed in between. */
void vgg_eval_begin_json(vgg_eval *eval);
void vgg_eval_end_json(vgg_eval *eval, const char *error);

/* Draws eval->mistakes into the file of --mistakes. Returns an exit code. */
int vgg_eval_draw_mistakes(vgg_eval *eval);

#endif
