/* cli/cli.h — what every verb is given, and what a verb is.
 *
 * A verb is one file, cmd_<verb>.c, that defines a vgg_verb; declared below and listed in main.c.
 * It parses its own options by the table in its vgg_verb (options.h), from which its --help is
 * printed too.
 */
#ifndef VGG_CLI_CLI_H
#define VGG_CLI_CLI_H

#include "clvgg/image.h"
#include "clvgg/runtime.h"
#include "report/alloc.h"
#include "report/out.h"
#include "report/style.h"

enum {
    VGG_EXIT_OK = 0,
    VGG_EXIT_FAILED = 1, /* the work failed, or part of it */
    VGG_EXIT_USAGE = 2   /* the command line makes no sense */
};

typedef struct vgg_cli {
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
} vgg_cli;

typedef struct vgg_option vgg_option;

typedef struct vgg_verb {
    const char *name, *summary; /* one line in the list of verbs */
    const char *usage;          /* what stands behind "clvgg <verb>" */
    const char *description, *examples;
    const vgg_option *options;                       /* ends with a row of zeros */
    int (*run)(vgg_cli *cli, int argc, char **argv); /* argv[0] is the verb; returns an exit code */
} vgg_verb;

extern const vgg_verb vgg_verb_bench, vgg_verb_cache, vgg_verb_compare, vgg_verb_devices,
    vgg_verb_eval, vgg_verb_finetune, vgg_verb_info, vgg_verb_run, vgg_verb_tune,
    vgg_verb_visualize;

/* Prints one line on standard error: "clvgg: …" or "clvgg run: …". Control characters are escaped.
 */
void vgg_cli_error(const vgg_cli *cli, const char *format, ...) VGG_PRINTF(2, 3);
/* Prints a line without the program's name, for facts that aren't errors. */
void vgg_cli_note(const vgg_cli *cli, const char *format, ...) VGG_PRINTF(2, 3);
/* Says what the library's latest failure was and returns the exit code for it. */
int vgg_cli_fail(const vgg_cli *cli, clvgg_status status);
/* Says whether writing `output` would replace the file `source`. Either may be NULL or not exist.
 */
bool vgg_cli_replaces(const char *output, const char *source);
/* The file of the cache, to be freed by vgg_text_free(); empty when there is to be none. */
vgg_text vgg_cli_cache_path(const vgg_cli *cli);
/* The folder beside it where features are kept, unless a command says otherwise; likewise. */
vgg_text vgg_cli_features_path(const vgg_cli *cli);
/* Gives PoCL a folder under TMPDIR, or /tmp, where it couldn't write its own and the user chose
 * none. To be called before the first call of OpenCL. */
void vgg_cli_house_pocl(const vgg_cli *cli);
/* A runtime that reports warnings on standard error, with the cache that the user wants. */
clvgg_status vgg_cli_runtime(vgg_cli *cli, clvgg_runtime **out);
/* Says how many photographs were damaged, and frees it. */
void vgg_cli_runtime_free(const vgg_cli *cli, clvgg_runtime *runtime);
/* Says which files in folders are no photographs. */
void vgg_cli_say_skipped(const vgg_cli *cli, const clvgg_image_stream *stream);

#endif
