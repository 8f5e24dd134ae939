/* cli/cli.c — messages of the program, and the runtime it makes. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/format.h"

/* Line breaks inside are kept: lists of devices and compilers' logs have several lines. Nothing is
 * allocated, since memory may be what is wanting: the text has room for a message whose every byte
 * is escaped. */
static void print_lines(const cli_program *cli, const char *before, const char *format,
                        va_list arguments)
{
    char message[20000], bytes[4 * sizeof message + 128];
    vsnprintf(message, sizeof message, format, arguments);
    size_t length = strlen(message);
    if (length > 0 && message[length - 1] == '\n')
        message[length - 1] = '\0';
    vgg_out out = {.fd = STDERR_FILENO, .text = {.bytes = bytes, .capacity = sizeof bytes}};
    vgg_text_puts(&out.text, before);
    vgg_text_terminal_lines(&out.text, message);
    vgg_text_printf(&out.text, "%s\n", vgg_style_reset(&cli->err_style));
    vgg_out_flush(&out);
}

void cli_error(const cli_program *cli, const char *format, ...)
{
    char before[64];
    snprintf(before, sizeof before, "%sclvgg%s%s: ", vgg_style_red(&cli->err_style),
             cli->verb ? " " : "", cli->verb ? cli->verb : "");
    va_list arguments;
    va_start(arguments, format);
    print_lines(cli, before, format, arguments);
    va_end(arguments);
}

void cli_note(const cli_program *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_lines(cli, vgg_style_dim(&cli->err_style), format, arguments);
    va_end(arguments);
}

void cli_note_text(const cli_program *cli, vgg_text *text, const char *what)
{
    if (text->failed) /* not by the message, which a failure before may be holding */
        cli_note(cli, "out of memory for %s", what);
    else
        cli_note(cli, "%s", vgg_text_string(text));
    vgg_text_free(text);
}

void cli_fail(cli_program *cli, clvgg_status status)
{
    if (status == CLVGG_STATUS_OK)
        return;
    cli_error(cli, "%s", vgg_message_of(status));
    if (status == CLVGG_STATUS_NO_DEVICE)
        cli_note(cli, "'clvgg devices' says what was looked for.");
    if (cli->misused)
        cli_note(cli, "Try 'clvgg%s%s --help'.", cli->verb ? " " : "", cli->verb ? cli->verb : "");
    cli->misused = false;
    if (cli->exit_code == CLI_EXIT_OK)
        cli->exit_code = status == CLVGG_STATUS_INVALID_ARGUMENT ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
}

clvgg_status cli_misuse(cli_program *cli, const char *format, ...)
{
    char words[VGG_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    cli->misused = true;
    return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT, "%s", words);
}

/* Log messages of level INFO, about what takes a while, are shown on a terminal alone. A progress
 * line may be drawn meanwhile. */
static void log_line(void *user, clvgg_log_level level, const char *line)
{
    static const char *const before[] = {"error: ", "warning: ", ""};
    const cli_program *cli = user;
    if (level > CLVGG_LOG_INFO || cli->silent)
        return;
    if (cli->err_style.colour)
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
    cli_note(cli, "%s%s", before[level], line);
}

bool cli_replaces(const char *output, const char *source)
{
    struct stat target, read;
    return output != NULL && source != NULL && stat(output, &target) == 0 &&
           S_ISREG(target.st_mode) && stat(source, &read) == 0 && target.st_dev == read.st_dev &&
           target.st_ino == read.st_ino;
}

clvgg_status cli_cache_path(const cli_program *cli, vgg_text *path)
{
    if (cli->no_cache || (cli->cache != NULL && strcmp(cli->cache, "off") == 0))
        return CLVGG_STATUS_OK;
    if (cli->cache != NULL)
        vgg_text_puts(path, cli->cache);
    else if (cli->cache_home != NULL && cli->cache_home[0] == '/') /* others don't count: XDG */
        vgg_text_printf(path, "%s/clvgg/cache.sqlite", cli->cache_home);
    else if (cli->home != NULL)
        vgg_text_printf(path, "%s/.cache/clvgg/cache.sqlite", cli->home);
    else if (!cli->silent)
        cli_note(cli, "no cache: neither HOME nor XDG_CACHE_HOME says where");
    return vgg_text_check(path, "the cache's path");
}

clvgg_status cli_beside_cache(const cli_program *cli, const char *name, vgg_text *path)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text file = {0};
    VGG_TRY(cli_cache_path(cli, &file));
    if (file.bytes != NULL) {
        const char *slash = strrchr(file.bytes, '/');
        vgg_text_append(path, file.bytes, slash != NULL ? (size_t)(slash - file.bytes + 1) : 0);
        vgg_text_puts(path, name);
    }
    VGG_TRY(vgg_text_check(path, "the path of a folder"));
cleanup:
    vgg_text_free(&file);
    return status;
}

clvgg_status cli_runtime(cli_program *cli, clvgg_runtime **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text cache_path = {0};
    VGG_TRY(cli_house_pocl(cli));
    VGG_TRY(cli_cache_path(cli, &cache_path));
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    options.log = log_line;
    options.log_user = cli;
    options.log_level = cli->err_style.terminal ? CLVGG_LOG_INFO : CLVGG_LOG_WARNING;
    options.kernel_dir = cli->kernel_dir;
    options.verify = !cli->no_verify;
    options.cache_path = cache_path.bytes;
    VGG_TRY(clvgg_runtime_create(&options, out));
cleanup:
    vgg_text_free(&cache_path);
    return status;
}

void cli_runtime_free(const cli_program *cli, clvgg_runtime *runtime)
{
    const char *first = NULL;
    const size_t count = runtime != NULL ? clvgg_damaged_image_count(runtime, &first) : 0;
    if (count == 1 && !cli->silent)
        cli_note(cli, "warning: %s is damaged, but could be read", first);
    else if (count > 1 && !cli->silent)
        cli_note(cli, "warning: %zu photographs are damaged, but could be read; one is %s", count,
                 first);
    clvgg_runtime_free(runtime);
}

void cli_say_skipped(const cli_program *cli, const clvgg_image_stream *stream)
{
    size_t count = 0;
    const char *words = clvgg_image_stream_skipped(stream, &count);
    if (count > 0 && !cli->silent)
        cli_note(cli, "left out: %zu file%s that %s not named as images: %s", count,
                 count == 1 ? "" : "s", count == 1 ? "is" : "are", words);
}
