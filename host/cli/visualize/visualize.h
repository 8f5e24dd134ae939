/* cli/visualize/visualize.h — the parts of `clvgg visualize` and what they share.
 *
 * cmd_visualize.c has the table of subverbs and everything around their work; vis_NAME.c is one
 * subverb. Its arguments are a struct that begins with cli_vis_arguments, so that the rows below
 * fit any of them. A new subverb is a file, a declaration here and a row in cmd_visualize.c.
 */
#ifndef CLI_VISUALIZE_H
#define CLI_VISUALIZE_H

#include "cli/run/run.h"
#include "cli/run/run_options.h"
#include "report/vis_figure.h"

typedef enum cli_vis_format { CLI_VIS_PNG, CLI_VIS_SVG, CLI_VIS_PDF } cli_vis_format;

typedef struct cli_vis_arguments {
    cli_run_arguments run; /* model, device, batch, preprocessing …; paths are the operands */
    const char *out;       /* folder; "clvgg-visualize" unless given */
    cli_list images;       /* files and folders of --images */
    int format;            /* a cli_vis_format */
} cli_vis_arguments;

/* Rows of option tables, in this order behind the subverb's own; each names the heading that stands
 * before it. */
#define CLI_VIS_AT(field) offsetof(cli_vis_arguments, field)
#define CLI_VIS_RUN_AT(field) offsetof(cli_vis_arguments, run.field)
/* clang-format off */
#define CLI_VIS_OPTIONS_IMAGES \
    {"images", 0, CLI_OPTION_LIST, CLI_VIS_AT(images), "DIR", 0, 0, \
     "Photographs: a folder or file; repeatable"}
#define CLI_VIS_OPTIONS_COMMON \
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Output"}, \
    {"out", 'o', CLI_OPTION_TEXT, CLI_VIS_AT(out), "DIR", 0, 0, \
     "Folder of the figures, made where it isn't (clvgg-visualize)"}, \
    {"format", 0, CLI_OPTION_CHOICE, CLI_VIS_AT(format), "png|svg|pdf", 0, 0, "Of figures (png)"}, \
    {"json", 0, CLI_OPTION_FLAG, CLI_VIS_RUN_AT(json), NULL, 0, 0, "Print one JSON object"}, \
    {"quiet", 'q', CLI_OPTION_FLAG, CLI_VIS_RUN_AT(quiet), NULL, 0, 0, \
     "Nothing but errors on standard error"}, \
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Model, device, memory"}, \
    CLI_RUN_OPTIONS_DEVICE(CLI_VIS_RUN_AT), \
    {"labels", 'l', CLI_OPTION_TEXT, CLI_VIS_RUN_AT(labels), "FILE", 0, 0, \
     "Names of the classes, one a line"}, \
    CLI_RUN_OPTIONS_BATCH(CLI_VIS_RUN_AT), \
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Input"}, \
    CLI_RUN_OPTIONS_PREPROCESS(CLI_VIS_RUN_AT), \
    {NULL, 0, CLI_OPTION_HEADING, 0, NULL, 0, 0, "Kernels"}, \
    CLI_RUN_OPTIONS_KERNELS(CLI_VIS_RUN_AT)
/* clang-format on */

/* A subverb at work. */
typedef struct cli_vis {
    cli_program *cli;
    const cli_vis_arguments *arguments; /* begin of the subverb's own */
    cli_run run; /* its runtime, model, device, device_info and preprocess are open; `arguments` are
                    run's; engine, writer, buffers unused */
    vgg_json json; /* with --json: the object that is open, into json_text */
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

/* Runs a subverb: fills `arguments` (which hold its defaults) by the verb's table; asks `check`
 * (NULL: nothing to ask) what the command line lacks or contradicts, NULL when nothing; refuses
 * pictures that can't be drawn; makes --out; opens runtime, model and device; calls `work`, which
 * returns an exit code and has reported failures; ends the output and closes everything. Returns
 * the exit code. The list `images` and what `run` holds are freed; lists of the subverb's own
 * aren't. Ctrl-C is only noted from before `work` on: ask cli_interrupt_signal(). */
int cli_vis_main(cli_program *cli, const cli_verb *verb, int argc, char **argv,
                 cli_vis_arguments *arguments, const char *(*check)(const void *arguments),
                 int (*work)(cli_vis *vis));

/* Initial values of the arguments that all sub-verbs have: { .common = CLI_VIS_DEFAULTS }. */
#define CLI_VIS_DEFAULTS                                                                           \
    {                                                                                              \
        .run = {.resize_mode = -1, .channels = -1}, .out = "clvgg-visualize"                       \
    }

/* "OUT/name" or, for figures, "OUT/name.png" by --format. `name` may have folders, which are made.
 * Characters of it that file systems or browsers take amiss become '_'. NULL when it can't be made,
 * which has been reported. Valid until the next call. */
const char *cli_vis_path(cli_vis *vis, const char *name);
const char *cli_vis_figure_path(cli_vis *vis, const char *name);
/* "OUT/page/name.png" for a figure "OUT/name.svg"; calls of the others leave it valid. */
const char *cli_vis_sheet_path(cli_vis *vis, const char *figure);
/* Draw a figure at `path`; and, where it is for a page, for that. Errors: as vgg_figure_grid(). */
clvgg_status cli_vis_grid(cli_vis *vis, const char *path, const vgg_grid *grid);
clvgg_status cli_vis_panels(cli_vis *vis, const char *path, const vgg_panels *panels);
/* Counts a finished file: named on standard output, or in the JSON object at the end. */
void cli_vis_wrote(cli_vis *vis, const char *path);

/* The layer of that name. Unknown: reported with the valid ones, CLI_EXIT_USAGE. */
int cli_vis_find_layer(cli_vis *vis, const char *name, clvgg_layer_info *info, size_t *index);
/* Names between the commas of all items, each once, in order. *names is one block with the strings
 * behind the pointers, to be freed by vgg_free(). False: out of memory. */
bool cli_vis_split_names(const cli_list *list, const char ***names, size_t *count);
/* A photograph as the network sees it: `input` [channels][height][width] of vis->run.preprocess. */
clvgg_status cli_vis_read_input(cli_vis *vis, const char *path, float *input);

/* "what/STEM" for a photograph, STEM being its file's name without folders and ending; with a
 * number behind where this run has written into that folder already, so that equal names don't
 * meet. */
void cli_vis_image_folder(cli_vis *vis, const char *what, const char *path, char *folder,
                          size_t capacity);

/* The work of `filters`. */
int cli_vis_draw_filters(cli_vis *vis);

extern const cli_verb cli_vis_filters, cli_vis_activations, cli_vis_top, cli_vis_project,
    cli_vis_occlusion, cli_vis_invariance, cli_vis_gradcam, cli_vis_all;

#endif
