/* cli/visualize/visualize.h — the parts of `clvgg visualize` and what they share.
 *
 * cmd_visualize.c has the table of subverbs and everything around their work; vis_NAME.c is one
 * subverb. Its arguments are a struct that begins with cli_vis_arguments, so that the rows below
 * fit any of them. A new subverb is a file, a declaration here and a row in cmd_visualize.c.
 */
#ifndef CLI_VISUALIZE_H
#define CLI_VISUALIZE_H

#include "cli/context.h"
#include "report/json.h"
#include "report/progress.h"
#include "report/vis_figure.h"

typedef enum cli_vis_format { CLI_VIS_PNG, CLI_VIS_SVG, CLI_VIS_PDF } cli_vis_format;

typedef struct cli_vis_arguments {
    cli_context_arguments context;
    cli_execution_arguments execution;
    cli_operands paths;
    cli_list images; /* files and folders of --images */
    const char *out; /* folder; "clvgg-visualize" unless given */
    int format;      /* a cli_vis_format */
    bool json;
} cli_vis_arguments;

/* Rows of option tables, in this order behind the subverb's own; each names the heading that stands
 * before it. */
#define CLI_VIS_AT(field) offsetof(cli_vis_arguments, field)
/* clang-format off */
#define CLI_VIS_OPTIONS_IMAGES \
    {"images", 0, CLI_OPTION_LIST, CLI_VIS_AT(images), "DIR", 0, 0, \
     "Photographs: a folder or file; repeatable"}
#define CLI_VIS_OPTIONS_COMMON \
    {NULL, 0, CLI_OPTION_OPERANDS, CLI_VIS_AT(paths), "IMAGE", 0, 0, ""}, \
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"}, \
    {"out", 'o', CLI_OPTION_TEXT, CLI_VIS_AT(out), "DIR", 0, 0, \
     "Folder of the figures, made where it isn't (clvgg-visualize)"}, \
    {"format", 0, CLI_OPTION_CHOICE, CLI_VIS_AT(format), "png|svg|pdf", 0, 0, "Of figures (png)"}, \
    CLI_ROW_JSON(cli_vis_arguments, json), \
    CLI_ROW_QUIET(cli_vis_arguments, context), \
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Model, device, memory"}, \
    CLI_ROWS_DEVICE(cli_vis_arguments, context), \
    CLI_ROW_MODEL(cli_vis_arguments, context), \
    CLI_ROW_LABELS(cli_vis_arguments, context), \
    CLI_ROWS_BATCH(cli_vis_arguments, execution), \
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Input"}, \
    CLI_ROWS_PREPROCESS(cli_vis_arguments, context), \
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Kernels"}, \
    CLI_ROWS_KERNELS(cli_vis_arguments, context, execution), \
    CLI_ROW_NO_VERIFY(cli_vis_arguments, context)
/* clang-format on */

/* A subverb at work. */
typedef struct cli_vis {
    cli_program *cli;
    const cli_vis_arguments *arguments; /* begin of the subverb's own */
    cli_context context;
    vgg_progress progress;
    size_t progress_done; /* steps of calls before this one: cli_vis_progress_step() */
    vgg_json json;        /* with --json: the object that is open, into json_text */
    vgg_text json_text;
    size_t file_count; /* written, by cli_vis_wrote() */
    vgg_text files;    /* their names, a NUL behind each */
    vgg_text scratch;  /* of cli_vis_path() */
    bool for_page;     /* figures are drawn for a page too: */
    size_t page_count; /* of these */
    vgg_text page; /* of each: its file and its sheet below `out`, what is to be read beside it (see
                      report/page_figure.h), a NUL behind each of the three */
    vgg_text sheet; /* scratch of cli_vis_sheet_path() */
} cli_vis;

/* Runs a subverb: refuses pictures that can't be drawn; makes --out; opens runtime, model and
 * device; calls `work`; ends the output and closes everything. Ctrl-C is only noted from before
 * `work` on: ask cli_interrupt_signal(). */
clvgg_status cli_vis_run(cli_program *cli, const cli_vis_arguments *arguments,
                         clvgg_status (*work)(cli_vis *vis));
/* The `run` of a subverb that has nothing to do before: runs its `visualize`. */
clvgg_status cli_vis_verb(cli_program *cli, const void *arguments);
/* A check of arguments: at least one photograph as an operand. */
const char *cli_vis_check_photographs(const void *arguments);
/* Prints a failure that others go on without; one by Ctrl-C is said at the end. */
void cli_vis_fail(cli_vis *vis, clvgg_status status);

/* Initial values of the arguments that all sub-verbs have: { .common = CLI_VIS_DEFAULTS }. */
#define CLI_VIS_DEFAULTS                                                                           \
    {                                                                                              \
        .context = CLI_CONTEXT_DEFAULTS, .out = "clvgg-visualize"                                  \
    }

/* Makes the folders of a path, up to its last slash. Returns errno, or 0. */
int cli_vis_make_folders(char *path);
/* "OUT/name" or, for figures, "OUT/name.png" by --format. `name` may have folders, which are made.
 * Characters of it that file systems or browsers take amiss become '_'. *path is valid until the
 * next call. */
clvgg_status cli_vis_path(cli_vis *vis, const char *name, const char **path);
clvgg_status cli_vis_figure_path(cli_vis *vis, const char *name, const char **path);
/* "OUT/page/name.png" for a figure "OUT/name.svg"; calls of the others leave it valid. */
clvgg_status cli_vis_sheet_path(cli_vis *vis, const char *figure, const char **path);
/* Draw a figure at `path`; and, where it is for a page, for that. Errors: as vgg_figure_grid(). */
clvgg_status cli_vis_grid(cli_vis *vis, const char *path, const vgg_grid *grid);
clvgg_status cli_vis_panels(cli_vis *vis, const char *path, const vgg_panels *panels);
/* Counts a finished file: named on standard output, or in the JSON object at the end. */
void cli_vis_wrote(cli_vis *vis, const char *path);

/* Starts the progress line; the callback (clvgg_visualize_progress_fn, user: the cli_vis) adds what
 * is done to what calls before have done, and stops at Ctrl-C. */
void cli_vis_progress_begin(cli_vis *vis, const char *what, size_t total);
int cli_vis_progress_step(void *user, size_t done, size_t total);

/* Says whether a layer is a convolution, or the batch normalisation that completes one: what is
 * shown where no layer is named. Fills *layer in. */
bool cli_vis_is_convolution(const clvgg_model *model, size_t index, clvgg_layer_info *layer);
/* Calls `add` for each layer of these names; without names, for every convolution. */
typedef clvgg_status (*cli_vis_add_layer_fn)(void *user, size_t index,
                                             const clvgg_layer_info *layer);
clvgg_status cli_vis_each_layer(const cli_vis *vis, const cli_list *names, cli_vis_add_layer_fn add,
                                void *user);
/* Splits all items at their commas: names, each once, in order. names->items is one block with the
 * strings behind the pointers, to be freed by vgg_memory_free(). */
clvgg_status cli_vis_split_names(const cli_list *list, cli_list *names);
/* Files and folders of --images, and the operands; to be freed likewise. */
clvgg_status cli_vis_photographs(const cli_vis *vis, cli_list *paths);
/* A photograph as the network sees it: `input` [channels][height][width] of the preprocessing. */
clvgg_status cli_vis_read_input(cli_vis *vis, const char *path, float *input);

/* The last part of a path; the length of it without its ending. */
const char *cli_vis_file_of(const char *path);
size_t cli_vis_stem_length(const char *file);
/* "what/STEM" for a photograph, STEM being its file's name without folders and ending; with a
 * number behind where this run has written into that folder already, so that equal names don't
 * meet. */
clvgg_status cli_vis_image_folder(cli_vis *vis, const char *what, const char *path, char *folder,
                                  size_t capacity);

/* The work of `filters`. */
clvgg_status cli_vis_draw_filters(cli_vis *vis);

extern const cli_verb cli_vis_filters, cli_vis_activations, cli_vis_top, cli_vis_project,
    cli_vis_occlusion, cli_vis_invariance, cli_vis_gradcam, cli_vis_all;

#endif
