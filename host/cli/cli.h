/* cli/cli.h — what every verb is given, and what a verb is.
 *
 * A verb is one file, cmd_<verb>.c, that defines a cli_verb; declared below and listed in main.c.
 * Its options are a table (options.h), from which the command line is read and --help is printed.
 *
 * A function that fails returns a status with its message written, as in the library; main.c prints
 * the message and makes the exit code. A failure without which the verb goes on is printed at once,
 * by cli_fail().
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "clvgg/image.h"
#include "clvgg/runtime.h"
#include "report/memory.h"
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
    bool no_verify;         /* --no-verify, or CLVGG_VERIFY=off */
    vgg_out out;            /* standard output */
    bool silent;            /* --quiet: warnings of the library aren't printed */
    vgg_style out_style, err_style;
    int exit_code; /* of the first failure that was printed */
    bool misused;  /* the failure under way is the command line's: cli_misuse() */
} cli_program;

/* Of the sources that the program is built from, "…-dirty" where they had changes; NULL: unknown. */
extern const char *const cli_commit;

typedef struct cli_option cli_option;
struct cli_vis;

typedef struct cli_verb {
    const char *name, *summary; /* one line in the list of verbs */
    const char *usage;          /* what stands behind "clvgg <verb>" */
    const char *description, *examples;
    const cli_option *options; /* ends with a row of zeros */
    size_t arguments_size;     /* of the struct that the options fill */
    const void *defaults;      /* what that struct begins with; NULL: zeros */
    void (*set_defaults)(void *arguments); /* instead, where the library knows them */
    /* What the arguments lack or contradict, in words, or NULL. May be NULL itself. */
    const char *(*check)(const void *arguments);
    clvgg_status (*run)(cli_program *cli, const void *arguments);
    clvgg_status (*visualize)(struct cli_vis *vis); /* where `run` is cli_vis_verb(): its work */
    /* Instead, for a verb with verbs of its own: argv[0] is the verb. */
    clvgg_status (*dispatch)(cli_program *cli, int argc, char **argv);
} cli_verb;

extern const cli_verb cli_verb_bench, cli_verb_cache, cli_verb_check_result, cli_verb_compare, cli_verb_convert,
    cli_verb_devices, cli_verb_eval, cli_verb_finetune, cli_verb_info, cli_verb_quantize, cli_verb_report, cli_verb_run, cli_verb_tune,
    cli_verb_verify, cli_verb_visualize;

/* Prints one line on standard error: "clvgg: …" or "clvgg run: …". Control characters are escaped.
 */
void cli_error(const cli_program *cli, const char *format, ...) VGG_PRINTF(2, 3);
/* Prints a line without the program's name, for facts that aren't errors. */
void cli_note(const cli_program *cli, const char *format, ...) VGG_PRINTF(2, 3);
/* Prints a text as a note, or that there was no memory for it, and frees it. `what` names the text
 * in that message. */
void cli_note_text(const cli_program *cli, vgg_text *text, const char *what);
/* Prints the failure and makes it the program's exit code, unless one before did. Nothing for OK.
 */
void cli_fail(cli_program *cli, clvgg_status status);
/* Fails with INVALID_ARGUMENT and a message behind which "Try 'clvgg run --help'." is printed. */
clvgg_status cli_misuse(cli_program *cli, const char *format, ...) VGG_PRINTF(2, 3);
/* Says whether writing `output` would replace the file `source`. Either may be NULL or not exist.
 */
bool cli_replaces(const char *output, const char *source);
/* Appends the file of the cache; nothing when there is to be none. */
clvgg_status cli_cache_path(const cli_program *cli, vgg_text *path);
/* Appends a folder beside it: "features", those that are kept unless a command says otherwise, or
 * "packed". */
clvgg_status cli_beside_cache(const cli_program *cli, const char *name, vgg_text *path);
/* Gives PoCL a folder under TMPDIR, or /tmp, where it couldn't write its own and the user chose
 * none. To be called before the first call of OpenCL. */
clvgg_status cli_house_pocl(const cli_program *cli);
/* A runtime that reports warnings on standard error, with the cache that the user wants. */
clvgg_status cli_runtime(cli_program *cli, clvgg_runtime **out);
/* Says how many photographs were damaged, and frees it. */
void cli_runtime_free(const cli_program *cli, clvgg_runtime *runtime);
/* Says which files in folders are no photographs. */
void cli_say_skipped(const cli_program *cli, const clvgg_image_stream *stream);

#endif
