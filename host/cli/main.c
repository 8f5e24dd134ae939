/* cli/main.c — the program: environment, standard streams, choosing the verb.
 *
 * No other file of the program reads the environment, but for cli/devices/, whose report shows
 * parts of it. A new verb is a file cmd_<verb>.c, its declaration in cli.h and a line in the table
 * below.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/closest.h"
#include "cli/crash.h"
#include "cli/interrupt.h"
#include "cli/options.h"

/* Verbs, in the order of --help. */
static const cli_verb *const verbs[] = {&cli_verb_run,
                                        &cli_verb_eval,
                                        &cli_verb_finetune,
                                        &cli_verb_visualize,
                                        &cli_verb_info,
                                        &cli_verb_convert,
                                        &cli_verb_quantize,
                                        &cli_verb_devices,
                                        &cli_verb_bench,
                                        &cli_verb_compare,
                                        &cli_verb_check_result,
                                        &cli_verb_report,
                                        &cli_verb_tune,
                                        &cli_verb_verify,
                                        &cli_verb_cache,
                                        NULL};

static const cli_verb *find_verb(const char *name)
{
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

static clvgg_status print_help(cli_program *cli)
{
    vgg_text *text = &cli->out.text;
    const char *bold = vgg_style_bold(&cli->out_style), *reset = vgg_style_reset(&cli->out_style);
    vgg_text_printf(text,
                    "clvgg %s: VGG-style convolutional networks on any OpenCL device\n\n"
                    "%sUsage:%s clvgg VERB [OPTION]... [ARGUMENT]...\n\n%sVerbs:%s\n",
                    clvgg_version(), bold, reset, bold, reset);
    for (size_t i = 0; verbs[i] != NULL; i++)
        vgg_text_printf(text, "  %-12s %s\n", verbs[i]->name, verbs[i]->summary);
    vgg_text_puts(
        text, "\n'clvgg VERB --help' explains a verb. Others: clvgg --help, clvgg --version.\n");
    return CLVGG_STATUS_OK;
}

static clvgg_status refuse_unknown(cli_program *cli, const char *name)
{
    cli_closest closest = {0};
    for (size_t i = 0; verbs[i] != NULL; i++)
        cli_closest_offer(&closest, name, verbs[i]->name);
    static const char *const others[] = {"help", "--help", "--version"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cli_closest_offer(&closest, name, others[i]);
    const char *what = name[0] == '-' ? "option" : "verb";
    return closest.name != NULL ? cli_misuse(cli, "unknown %s '%s': did you mean '%s'?", what, name,
                                             closest.name)
                                : cli_misuse(cli, "unknown %s '%s'", what, name);
}

/* clvgg help [VERB] */
static clvgg_status help(cli_program *cli, int argc, char **argv)
{
    if (argc < 2)
        return print_help(cli);
    const cli_verb *verb = find_verb(argv[1]);
    if (verb == NULL)
        return refuse_unknown(cli, argv[1]);
    return cli_call_verb(cli, verb, 2, (char *[]){argv[1], "--help", NULL});
}

static clvgg_status dispatch(cli_program *cli, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "--help";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return print_help(cli);
    if (strcmp(word, "help") == 0)
        return help(cli, argc - 1, argv + 1);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        vgg_text_printf(&cli->out.text, "clvgg %s\n", clvgg_version());
        return CLVGG_STATUS_OK;
    }
    const cli_verb *verb = find_verb(word);
    if (verb == NULL)
        return refuse_unknown(cli, word);
    cli->verb = verb->name;
    if (verb != &cli_verb_devices) /* which reports drivers' crashes itself */
        cli_crash_notice();
    return cli_call_verb(cli, verb, argc - 1, argv + 1);
}

/* Opens /dev/null in the place of a standard stream that the caller has closed, so that no file
 * opened later gets its descriptor; for the opposite direction, so that using it stays an error. */
static void hold_standard_streams(void)
{
    static const int unusable[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", unusable[fd]);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_off(const char *name)
{
    const char *value = environment(name);
    return value != NULL && strcmp(value, "off") == 0;
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    /* Without the signal, a file that reaches its size limit is a failed write, which names it. */
    signal(SIGXFSZ, SIG_IGN);
    setlocale(LC_CTYPE, ""); /* whether terminals take UTF-8; LC_NUMERIC stays "C" */
    bool no_colour = environment("NO_COLOR") != NULL;
    cli_program cli = {
        .device = environment("CLVGG_DEVICE"),
        .model = environment("CLVGG_MODEL"),
        .kernel_dir = environment("CLVGG_KERNEL_DIR"),
        .cache = environment("CLVGG_CACHE"),
        .no_verify = is_off("CLVGG_VERIFY"),
        .cache_home = environment("XDG_CACHE_HOME"),
        .home = environment("HOME"),
        .pocl_cache = environment("POCL_CACHE_DIR"),
        .temporary = environment("TMPDIR"),
        .out = {.fd = STDOUT_FILENO},
        .out_style = vgg_style_of(STDOUT_FILENO, no_colour),
        .err_style = vgg_style_of(STDERR_FILENO, no_colour),
    };
    cli_fail(&cli, dispatch(&cli, argc, argv));
    int error = vgg_out_close(&cli.out);
    cli_interrupt_die();
    if (error == 0 || error == EPIPE) /* EPIPE: the reader has all that it wants */
        return cli.exit_code;
    cli_fail(&cli, vgg_fail(error == ENOMEM ? CLVGG_STATUS_OUT_OF_MEMORY : CLVGG_STATUS_IO,
                            error == ENOMEM ? "out of memory for standard output"
                                            : "standard output: %s",
                            strerror(error)));
    return cli.exit_code;
}
