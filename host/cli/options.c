/* cli/options.c — the parser that walks a verb's option table. */
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "cli/closest.h"
#include "cli/value.h"

static const cli_option help_option = {
    .name = "help", .letter = 'h', .kind = CLI_OPTION_FLAG, .help = "Show this help"};

/* An option as it was written: which row, and its value if it stood in the same word. */
typedef struct match {
    const cli_option *option;
    const char *value;
} match;

static bool append(cli_list *list, const char *item)
{
    const char **grown = vgg_realloc(list->items, list->count + 1, sizeof *grown);
    if (grown == NULL)
        return false;
    list->items = grown;
    list->items[list->count++] = item;
    return true;
}

int cli_options_try_help(const cli_program *cli)
{
    cli_note(cli, "Try 'clvgg%s%s --help'.", cli->verb ? " " : "", cli->verb ? cli->verb : "");
    return CLI_EXIT_USAGE;
}

/* Finds the row for "--name", "--name=value", "-x" or "-xvalue". */
static match find_option(const cli_option *options, const char *word)
{
    if (word[1] == '-') {
        size_t length = strcspn(word + 2, "=");
        const char *value = word[2 + length] == '=' ? word + 2 + length + 1 : NULL;
        for (const cli_option *o = options; o->help != NULL; o++)
            if (o->name != NULL && strlen(o->name) == length &&
                strncmp(o->name, word + 2, length) == 0)
                return (match){o, value};
        if (length == 4 && strncmp(word + 2, "help", 4) == 0)
            return (match){&help_option, value};
        return (match){0};
    }
    const char *value = word[2] != '\0' ? word + 2 : NULL;
    for (const cli_option *o = options; o->help != NULL; o++)
        if (o->letter != 0 && o->letter == word[1])
            return (match){o, value};
    return word[1] == 'h' ? (match){&help_option, value} : (match){0};
}

static void report_unknown(cli_program *cli, const cli_option *options, const char *word)
{
    cli_closest closest = {0};
    char name[64] = "";
    if (word[1] == '-')
        strncat(name, word + 2, strcspn(word + 2, "=") < 63 ? strcspn(word + 2, "=") : 63);
    for (const cli_option *o = options; o->help != NULL && name[0] != '\0'; o++)
        if (o->name != NULL)
            cli_closest_offer(&closest, name, o->name);
    if (closest.name != NULL)
        cli_error(cli, "unknown option '%s': did you mean --%s?", word, closest.name);
    else
        cli_error(cli, "unknown option '%s'", word);
}

/* Stores a value into its field; on failure writes what was needed. */
static bool store(cli_program *cli, const cli_option *option, const char *value, void *arguments)
{
    void *field = (char *)arguments + option->offset;
    int least = (int)option->least, most = (int)option->most;
    switch (option->kind) {
    case CLI_OPTION_FLAG:
        *(bool *)field = true;
        return true;
    case CLI_OPTION_TEXT:
        *(const char **)field = value;
        return true;
    case CLI_OPTION_LIST:
        if (append(field, value))
            return true;
        cli_fail(cli, CLVGG_STATUS_OUT_OF_MEMORY);
        exit(CLI_EXIT_FAILED); /* not the command line's fault; nothing is open yet */
    case CLI_OPTION_COUNT:
        if (cli_value_count(value, least, most, field))
            return true;
        cli_error(cli, "--%s: needs a number from %d to %d, got '%s'", option->name, least, most,
                  value);
        return false;
    case CLI_OPTION_COUNTS:
        if (cli_value_counts(value, least, most, field))
            return true;
        cli_error(cli,
                  "--%s: needs numbers from %d to %d with commas between, at most %d, got '%s'",
                  option->name, least, most, CLI_COUNTS_MOST, value);
        return false;
    case CLI_OPTION_NUMBER:
        if (cli_value_number(value, field) && *(float *)field > 0)
            return true;
        cli_error(cli, "--%s: needs a number above 0, got '%s'", option->name, value);
        return false;
    case CLI_OPTION_REAL:
        if (cli_value_real(value, option->least, option->most, field))
            return true;
        cli_error(cli, "--%s: needs a number from %g to %g, got '%s'", option->name, option->least,
                  option->most, value);
        return false;
    case CLI_OPTION_WORDS:
        if (cli_value_words(value, option->argument, field))
            return true;
        cli_error(cli, "--%s: needs words among %s with commas between, got '%s'", option->name,
                  option->argument, value);
        return false;
    case CLI_OPTION_DURATION:
        if (cli_value_duration(value, field))
            return true;
        cli_error(cli, "--%s: needs a time such as 90, 60s, 5m or 1h, got '%s'", option->name,
                  value);
        return false;
    case CLI_OPTION_SIZE:
        if (cli_value_size(value, field) && (double)*(uint64_t *)field >= option->least)
            return true;
        cli_error(cli, "--%s: needs a size of at least %.0fM such as 512M or 2G, got '%s'",
                  option->name, option->least / 1048576, value);
        return false;
    case CLI_OPTION_VALUES:
        if (cli_value_values(value, option->least, field))
            return true;
        cli_error(cli, "--%s: needs one number or three %s%s, got '%s'", option->name,
                  option->argument, option->least >= 0 ? " above 0" : "", value);
        return false;
    case CLI_OPTION_EXTENT:
        if (cli_value_extent(value, least, most, field))
            return true;
        cli_error(cli, "--%s: needs HEIGHTxWIDTH or one number, each from %d to %d, got '%s'",
                  option->name, least, most, value);
        return false;
    case CLI_OPTION_ALLOWANCE:
        if (cli_value_allowance(value, field))
            return true;
        cli_error(cli, "--%s: needs a number, or a share such as 10%%, got '%s'", option->name,
                  value);
        return false;
    case CLI_OPTION_CHOICE:
        if (cli_value_choice(value, option->argument, field))
            return true;
        cli_error(cli, "--%s: needs one of %s, got '%s'", option->name, option->argument, value);
        return false;
    case CLI_OPTION_STORAGE:
        if (clvgg_storage_parse(value, field) == CLVGG_STATUS_OK)
            return true;
        cli_error(cli, "--%s: needs one of %s, got '%s'", option->name, CLVGG_STORAGE_NAMES, value);
        return false;
    case CLI_OPTION_HEADING:
        break;
    }
    return false;
}

/* Handles the option at argv[*at], taking the next word as its value where needed. */
static cli_parsed parse_option(cli_program *cli, const cli_verb *verb, int argc, char **argv,
                               int *at, void *arguments)
{
    match found = find_option(verb->options, argv[*at]);
    const cli_option *option = found.option;
    if (option == NULL) {
        report_unknown(cli, verb->options, argv[*at]);
        return CLI_PARSED_WRONG;
    }
    if (option->argument == NULL && found.value != NULL) {
        cli_error(cli, "--%s takes no value, got '%s'", option->name, found.value);
        return CLI_PARSED_WRONG;
    }
    if (option == &help_option) {
        cli_options_print_help(cli, verb);
        return CLI_PARSED_HELP;
    }
    if (option->argument != NULL && found.value == NULL) {
        if (*at + 1 >= argc) {
            cli_error(cli, "--%s needs a value: %s", option->name, option->argument);
            return CLI_PARSED_WRONG;
        }
        found.value = argv[++*at];
    }
    return store(cli, option, found.value, arguments) ? CLI_PARSED : CLI_PARSED_WRONG;
}

cli_parsed cli_options_parse(cli_program *cli, const cli_verb *verb, int argc, char **argv,
                             void *arguments, size_t *operand_count)
{
    int kept = 1;
    bool only_operands = false;
    for (int at = 1; at < argc; at++) {
        bool is_option = !only_operands && argv[at][0] == '-' && argv[at][1] != '\0';
        if (is_option && strcmp(argv[at], "--") == 0) {
            only_operands = true;
        } else if (is_option) {
            cli_parsed parsed = parse_option(cli, verb, argc, argv, &at, arguments);
            if (parsed == CLI_PARSED_WRONG)
                cli_options_try_help(cli);
            if (parsed != CLI_PARSED)
                return parsed;
        } else {
            static char standard_input[] = "/dev/stdin";
            argv[kept++] = strcmp(argv[at], "-") == 0 ? standard_input : argv[at];
        }
    }
    *operand_count = (size_t)(kept - 1);
    return CLI_PARSED;
}

static void print_option(vgg_text *text, const cli_option *option)
{
    enum { HELP_COLUMN = 30 };
    vgg_text left = {0};
    if (option->letter != 0)
        vgg_text_printf(&left, "  -%c, ", option->letter);
    else
        vgg_text_puts(&left, "      ");
    vgg_text_printf(&left, "--%s%s%s", option->name, option->argument ? " " : "",
                    option->argument ? option->argument : "");
    if (left.failed) {
        text->failed = true;
        return;
    }
    if (left.length > HELP_COLUMN - 2)
        vgg_text_printf(text, "%s\n%*s", left.bytes, HELP_COLUMN, "");
    else
        vgg_text_printf(text, "%-*s", HELP_COLUMN, left.bytes);
    for (const char *line = option->help; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (line != option->help)
            vgg_text_printf(text, "%*s", HELP_COLUMN, "");
        vgg_text_append(text, line, length);
        vgg_text_puts(text, "\n");
        line += length + (line[length] == '\n');
    }
    vgg_text_free(&left);
}

void cli_options_print_help(cli_program *cli, const cli_verb *verb)
{
    vgg_text *text = &cli->out.text;
    const char *bold = vgg_style_bold(&cli->out_style), *reset = vgg_style_reset(&cli->out_style);
    vgg_text_printf(text, "%sUsage:%s clvgg %s %s\n\n%s\n\n%sOptions:%s\n", bold, reset, verb->name,
                    verb->usage, verb->description, bold, reset);
    for (const cli_option *option = verb->options; option->help != NULL; option++) {
        if (option->kind == CLI_OPTION_HEADING)
            vgg_text_printf(text, "\n%s%s:%s\n", bold, option->help, reset);
        else
            print_option(text, option);
    }
    vgg_text_puts(text, "\n");
    print_option(text, &help_option);
    vgg_text_printf(text, "\n%sExamples:%s\n%s", bold, reset, verb->examples);
}
