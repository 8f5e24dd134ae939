/* cli/cli.h — what every verb is given, and what a verb is.
 *
 * A verb is one file, cmd_<verb>.c, that defines a cli_verb; declared below and listed in main.c.
 * It parses its own options by the table in its cli_verb (options.h), from which its --help is
 * printed too.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "clvgg/image.h"
#include "clvgg/runtime.h"
#include "report/alloc.h"
#include "report/out.h"
#include "report/style.h"

enum {
    CLI_EXIT_OK = 0,
    CLI_EXIT_FAILED = 1, /* the work failed, or part of it */
    CLI_EXIT_USAGE = 2   /* the command line makes no sense */
};

typedef struct cli_program {
    const char *verb;       /* for messages; NULL before one is known */
    const char *device;     /* CLVGG_DEVICE or NULL */
    const char *model;      /* CLVGG_MODEL or NULL */
    const char *kernel_dir; /* CLVGG_KERNEL_DIR or NULL */
    const char *cache;      /* CLVGG_CACHE or NULL */
    const char *cache_home; /* XDG_CACHE_HOME or NULL */
    const char *home;       /* HOME or NULL */
    const char *pocl_cache; /* POCL_CACHE_DIR or NULL */
    const char *temporary;  /* TMPDIR or NULL */
    bool no_cache;          /* --no-cache */
    vgg_out out;            /* standard output */
    bool silent;            /* warnings of the library aren't printed */
    vgg_style out_style, err_style;
} cli_program;

typedef struct cli_option cli_option;

typedef struct cli_verb {
    const char *name, *summary; /* one line in the list of verbs */
    const char *usage;          /* what stands behind "clvgg <verb>" */
    const char *description, *examples;
    const cli_option *options; /* ends with a row of zeros */
    int (*run)(cli_program *cli, int argc,
               char **argv); /* argv[0] is the verb; returns an exit code */
} cli_verb;

extern const cli_verb cli_verb_bench, cli_verb_cache, cli_verb_compare, cli_verb_devices,
    cli_verb_eval, cli_verb_finetune, cli_verb_info, cli_verb_run, cli_verb_tune,
    cli_verb_visualize;

/* Prints one line on standard error: "clvgg: …" or "clvgg run: …". Control characters are escaped.
 */
void cli_error(const cli_program *cli, const char *format, ...) VGG_PRINTF(2, 3);
/* Prints a line without the program's name, for facts that aren't errors. */
void cli_note(const cli_program *cli, const char *format, ...) VGG_PRINTF(2, 3);
/* Says what the library's latest failure was and returns the exit code for it. */
int cli_fail(const cli_program *cli, clvgg_status status);
/* Says whether writing `output` would replace the file `source`. Either may be NULL or not exist.
 */
bool cli_replaces(const char *output, const char *source);
/* The file of the cache, to be freed by vgg_text_free(); empty when there is to be none. */
vgg_text cli_cache_path(const cli_program *cli);
/* The folder beside it where features are kept, unless a command says otherwise; likewise. */
vgg_text cli_features_path(const cli_program *cli);
/* Gives PoCL a folder under TMPDIR, or /tmp, where it couldn't write its own and the user chose
 * none. To be called before the first call of OpenCL. */
void cli_house_pocl(const cli_program *cli);
/* A runtime that reports warnings on standard error, with the cache that the user wants. */
clvgg_status cli_runtime(cli_program *cli, clvgg_runtime **out);
/* Says how many photographs were damaged, and frees it. */
void cli_runtime_free(const cli_program *cli, clvgg_runtime *runtime);
/* Says which files in folders are no photographs. */
void cli_say_skipped(const cli_program *cli, const clvgg_image_stream *stream);

#endif
