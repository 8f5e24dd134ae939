/* cli/run/run.h — the parts of `clvgg run` and what they share.
 *
 * cmd_run.c has the options; run_setup.c makes the session; run_work.c calls the parts in order;
 * run_images.c and run_npy.c feed the session; run_result.c ranks the classes of an image, or the
 * groups of --map, and hands the result to one of the formats: run_text.c, run_json.c, run_csv.c. A
 * new output format is a file and a row in cmd_run.c.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "cli/context.h"
#include "report/json.h"
#include "report/progress.h"

typedef struct cli_run_arguments {
    cli_context_arguments context;
    cli_execution_arguments execution;
    const char *map, *input, *output, *layer;
    int top;
    bool json, csv, profile;
    cli_operands paths;
} cli_run_arguments;

typedef struct cli_ranked {
    size_t index;             /* of a class, or of a group where there are groups */
    float probability, logit; /* groups have no logit */
    const char *label;
} cli_ranked;

/* Result of one image, either `error` or `top`. */
typedef struct vgg_result {
    const char *file;
    const char *error;
    int64_t row;    /* of `file`, when that is an array of inputs; else -1 */
    int64_t output; /* row of --output's array; -1: none */
    int warning_count;
    const cli_ranked *top;
    size_t top_count;
    const float *probabilities; /* [run->ranked_count] by index, with `top` */
    float other;                /* probability outside the groups; where run->has_other */
} vgg_result;

typedef struct cli_run cli_run;

/* A format of results. Its functions print into run->cli->out.text, which is flushed after each
 * image. */
typedef struct cli_run_format {
    void (*begin)(cli_run *run);
    void (*result)(cli_run *run, const vgg_result *result);
    /* `error` is why the run stopped early, or NULL. */
    void (*end)(cli_run *run, const char *error);
} cli_run_format;

/* "3 images, 1 failed; 20.5 ms an image on the device". */
void cli_run_say_counts(const cli_run *run);
extern const cli_run_format cli_run_text, cli_run_json, cli_run_csv;

enum { CLI_OUTPUT_LOGITS, CLI_OUTPUT_PROB, CLI_OUTPUT_LAYER, CLI_OUTPUT_COUNT };

struct cli_run {
    cli_program *cli;
    const cli_run_arguments *arguments;
    const cli_run_format *format;
    void *format_user;
    vgg_json json; /* state of the JSON format */
    cli_context context;
    cli_operands paths;     /* photographs */
    clvgg_class_map *map;   /* of --map, or NULL */
    bool has_other;         /* some classes are in no group */
    clvgg_session *session; /* in batches that fit; NULL before cli_run_start() */
    vgg_progress progress;
    clvgg_npy_writer *writer; /* of --output */
    int64_t written_rows;
    size_t class_count; /* 0: the model gives no probabilities, --layer is all there is */
    size_t result_count, failure_count;
    size_t unreadable_count;      /* of the failures: files that aren't images, or are truncated */
    const cli_allowance *max_bad; /* how many unreadable ones don't fail the run; NULL: none */
    size_t ranked_count;          /* groups of the map, or classes */
    const char *output_names[CLI_OUTPUT_COUNT];
    size_t output_count; /* of the session */
    size_t layer_index;  /* which output --output writes; 0 too where there are no classes */
    float *groups;       /* [ranked_count] probabilities of one image, with a map */
    cli_ranked *ranking; /* [ranked_count] */
    double load_ms;
    bool started; /* begin() was called */
};

/* Loads the model and its groups, opens the device, settles the preprocessing. */
clvgg_status cli_run_setup(cli_run *run);
/* Runs everything and ends the output; images that failed have been reported. */
clvgg_status cli_run_work(cli_run *run);
void cli_run_release(cli_run *run);
/* Makes session and writer for batches of at most `batch`, says on standard error what runs where,
 * and begins the output. */
clvgg_status cli_run_start(cli_run *run, int batch);
/* The largest batch to try for `image_count` images (0: unknown), by --batch and --mem-limit. */
int cli_run_batch(const cli_run *run, size_t image_count);
/* The two sources of inputs. Each runs all of its inputs, reports the failures of single ones, and
 * returns only what stops the run: CANCELLED where cli_run_flush() says so. */
clvgg_status cli_run_images(cli_run *run);
clvgg_status cli_run_npy(cli_run *run);

/* Ranks the classes of an image by the session's outputs for it, appends the layer's values to
 * --output, and reports the image under the result's name. */
clvgg_status cli_run_report(cli_run *run, vgg_result *result, const float *const *outputs);
/* Prints what was reported, and the progress. CANCELLED when the run should stop: standard output
 * can't be written, or it is a closed pipe and there is no --output to complete, or Ctrl-C came. */
clvgg_status cli_run_flush(cli_run *run);
/* The name of a class, or of a group where there are groups. */
const char *cli_run_name(const cli_run *run, size_t index);
/* Writes the members fingerprint, memory and timing into the JSON object that is open. */
void cli_run_costs_json(const cli_run *run, vgg_json *json);
/* Reports an image that has no result. `error` needs not name the file. */
void cli_run_report_error(cli_run *run, vgg_result *result, const char *error);

#endif
