/* cli/cmd_check_result.c — `clvgg check-result`: results that somebody handed on, checked without a
 * device. */
#include <string.h>

#include "cli/context.h"
#include "report/bench_check.h"
#include "report/format.h"
#include "report/json.h"
#include "report/schema.h"

typedef struct check_arguments {
    cli_operands files;
    bool json, schema;
} check_arguments;

static const cli_option options[] = {
    {NULL, 0, CLI_OPTION_OPERANDS, offsetof(check_arguments, files), "FILE", 0, 0, ""},
    CLI_ROW_JSON(check_arguments, json),
    {"schema", 0, CLI_OPTION_FLAG, offsetof(check_arguments, schema), NULL, 0, 0,
     "Print what a result has, as JSON Schema, and check nothing"},
    {0},
};

/* Calls `put` for each line of a text. */
static void each_line(const vgg_text *lines, void (*put)(void *to, const char *line), void *to)
{
    const char *end = NULL;
    for (const char *line = vgg_text_string(lines); (end = strchr(line, '\n')) != NULL;
         line = end + 1) {
        char words[512] = "";
        const size_t length = (size_t)(end - line);
        memcpy(words, line, length < sizeof words ? length : sizeof words - 1);
        put(to, words);
    }
}

typedef struct line_writer {
    vgg_text *text;
    const char *before;
} line_writer;

static void put_line(void *to, const char *line)
{
    const line_writer *writer = to;
    vgg_text_name(writer->text, writer->before, line, "\n");
}

static void print_text(cli_program *cli, const char *path, const vgg_bench_check *check)
{
    vgg_text *text = &cli->out.text;
    const vgg_style *style = &cli->out_style;
    const bool good = check->refused.count == 0;
    vgg_finding finding = {0};
    vgg_text_puts(text, vgg_style_bold(style));
    vgg_text_name(text, "", path, "");
    vgg_text_printf(text, "%s: %s%s%s\n", vgg_style_reset(style), good ? "" : vgg_style_red(style),
                    good ? "nothing speaks against it" : "refused", vgg_style_reset(style));
    while (vgg_findings_next(&check->refused, &finding)) {
        vgg_text_name(text, "  ", finding.member, " is ");
        vgg_text_name(text, "", finding.actual, ", expected ");
        vgg_text_name(text, "", finding.expected, "\n");
    }
    each_line(&check->checked, put_line, &(line_writer){text, "  checked: "});
    each_line(&check->unknown, put_line, &(line_writer){text, "  can't show: "});
}

static void put_element(void *to, const char *line)
{
    vgg_json_string(to, NULL, line);
}

static void print_json(vgg_json *json, const char *path, const vgg_bench_check *check,
                       const char *error)
{
    vgg_finding finding = {0};
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "file", path);
    vgg_json_bool(json, "passed", error == NULL && check->refused.count == 0);
    if (error != NULL)
        vgg_json_string(json, "error", error);
    vgg_json_begin_array(json, "refused");
    while (vgg_findings_next(&check->refused, &finding)) {
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "member", finding.member);
        vgg_json_string(json, "expected", finding.expected);
        vgg_json_string(json, "actual", finding.actual);
        vgg_json_end(json);
    }
    vgg_json_end(json);
    vgg_json_begin_array(json, "checked");
    each_line(&check->checked, put_element, json);
    vgg_json_end(json);
    vgg_json_begin_array(json, "unknown");
    each_line(&check->unknown, put_element, json);
    vgg_json_end(json);
    vgg_json_end(json);
}

/* Every file is checked, so that all bad ones are named. */
static void check_file(cli_program *cli, const vgg_bench_build *build, const char *path,
                       vgg_json *json)
{
    vgg_bench_check check = {0};
    const clvgg_status status = vgg_bench_check_file(build, path, &check);
    if (json->text != NULL)
        print_json(json, path, &check, status != CLVGG_STATUS_OK ? vgg_message_of(status) : NULL);
    else if (status == CLVGG_STATUS_OK)
        print_text(cli, path, &check);
    cli_fail(cli, status);
    if (check.refused.count > 0 && cli->exit_code == CLI_EXIT_OK)
        cli->exit_code = CLI_EXIT_FAILED;
    vgg_bench_check_free(&check);
}

static clvgg_status run_check(cli_program *cli, const void *given)
{
    const check_arguments *arguments = given;
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_bench_build build = {.commit = cli_commit};
    vgg_json json = {0};
    if (arguments->schema) {
        vgg_text_puts(&cli->out.text, vgg_bench_schema);
        return CLVGG_STATUS_OK;
    }
    if (arguments->files.count == 0)
        return cli_misuse(cli, "needs a file that clvgg bench --submit wrote");
    cli->no_cache = true;
    VGG_TRY(cli_runtime(cli, &build.runtime));
    if (arguments->json) {
        vgg_json_begin(&json, &cli->out.text);
        vgg_json_begin_array(&json, "files");
    }
    for (size_t i = 0; i < arguments->files.count; i++)
        check_file(cli, &build, arguments->files.items[i], &json);
    if (arguments->json) {
        vgg_json_end(&json);
        vgg_json_end(&json);
    }
cleanup:
    clvgg_runtime_free(build.runtime);
    return status;
}

const cli_verb cli_verb_check_result = {
    .name = "check-result",
    .summary = "check results of bench that somebody handed on",
    .usage = "[--json] FILE...",
    .description =
        "Checks what clvgg bench --submit wrote, without a device: its schema, its digest, "
        "figures\n"
        "against the samples that they are of, layers against the network, times against what the\n"
        "device can do at most, and kernels against this program's. Says what can't be shown.\n"
        "Exit code 1 where anything speaks against a file.",
    .examples = "  clvgg bench --submit mine.json\n"
                "  clvgg check-result mine.json theirs.json\n",
    .options = options,
    .arguments_size = sizeof(check_arguments),
    .run = run_check,
};
