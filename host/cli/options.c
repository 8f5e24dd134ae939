/* cli/options.c — the parser that walks a verb's option table. */
#include "cli/options.h"

#include <assert.h>
#include <stdio.h>
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

static clvgg_status refuse_unknown(cli_program *cli, const cli_option *options, const char *word)
{
    cli_closest closest = {0};
    char name[64] = "";
    if (word[1] == '-')
        strncat(name, word + 2, strcspn(word + 2, "=") < 63 ? strcspn(word + 2, "=") : 63);
    for (const cli_option *o = options; o->help != NULL && name[0] != '\0'; o++)
        if (o->name != NULL)
            cli_closest_offer(&closest, name, o->name);
    return closest.name != NULL
               ? cli_misuse(cli, "unknown option '%s': did you mean --%s?", word, closest.name)
               : cli_misuse(cli, "unknown option '%s'", word);
}

/* Reads a value into its field; false where it is none. */
static bool read_value(const cli_option *option, const char *value, void *field)
{
    const int least = (int)option->least, most = (int)option->most;
    switch (option->kind) {
    case CLI_OPTION_FLAG:
        return *(bool *)field = true;
    case CLI_OPTION_TEXT:
        *(const char **)field = value;
        return true;
    case CLI_OPTION_COUNT:
        return cli_value_count(value, least, most, field);
    case CLI_OPTION_COUNTS:
        return cli_value_counts(value, least, most, field);
    case CLI_OPTION_NUMBER:
        return cli_value_number(value, field) && *(float *)field > 0;
    case CLI_OPTION_REAL:
        return cli_value_real(value, option->least, option->most, field);
    case CLI_OPTION_WORDS:
        return cli_value_words(value, option->argument, field);
    case CLI_OPTION_DURATION:
        return cli_value_duration(value, field);
    case CLI_OPTION_SIZE:
        return cli_value_size(value, field) && (double)*(uint64_t *)field >= option->least;
    case CLI_OPTION_VALUES:
        return cli_value_values(value, option->least, field);
    case CLI_OPTION_EXTENT:
        return cli_value_extent(value, least, most, field);
    case CLI_OPTION_ALLOWANCE:
        return cli_value_allowance(value, field);
    case CLI_OPTION_PERCENT:
        return cli_value_percent(value, option->least, option->most, field);
    case CLI_OPTION_CHOICE:
        return cli_value_choice(value, option->argument, field);
    case CLI_OPTION_STORAGE:
        return clvgg_storage_parse(value, field) == CLVGG_STATUS_OK;
    default: /* no values */
        return false;
    }
}

/* Writes what a value of the option must be, and returns its length. */
static int say_need(const cli_option *option, char words[256])
{
    const int least = (int)option->least, most = (int)option->most;
    switch (option->kind) {
    case CLI_OPTION_COUNT:
        return snprintf(words, 256, "a number from %d to %d", least, most);
    case CLI_OPTION_COUNTS:
        return snprintf(words, 256, "numbers from %d to %d with commas between, at most %d", least,
                        most, CLI_COUNTS_MOST);
    case CLI_OPTION_NUMBER:
        return snprintf(words, 256, "a number above 0");
    case CLI_OPTION_REAL:
        return snprintf(words, 256, "a number from %g to %g", option->least, option->most);
    case CLI_OPTION_WORDS:
        return snprintf(words, 256, "words among %s with commas between", option->argument);
    case CLI_OPTION_DURATION:
        return snprintf(words, 256, "a time such as 90, 60s, 5m or 1h");
    case CLI_OPTION_SIZE:
        return snprintf(words, 256, "a size of at least %.0fM such as 512M or 2G",
                        option->least / 1048576);
    case CLI_OPTION_VALUES:
        return snprintf(words, 256, "one number or three %s%s", option->argument,
                        option->least >= 0 ? " above 0" : "");
    case CLI_OPTION_EXTENT:
        return snprintf(words, 256, "HEIGHTxWIDTH or one number, each from %d to %d", least, most);
    case CLI_OPTION_ALLOWANCE:
        return snprintf(words, 256, "a number, or a share such as 10%%");
    case CLI_OPTION_PERCENT:
        return snprintf(words, 256, "a share from %g%% to %g%%, such as 5%%", option->least * 100,
                        option->most * 100);
    default:
        return snprintf(words, 256, "one of %s", option->argument);
    }
}

/* Stores a value into its field. */
static clvgg_status store(cli_program *cli, const cli_option *option, const char *value,
                          void *arguments)
{
    void *field = (char *)arguments + option->offset;
    if (option->kind == CLI_OPTION_LIST) {
        cli_list *list = field;
        VGG_MEMORY_GROW_PASS(list->items, list->count + 1, "an option's values");
        list->items[list->count++] = value;
    } else if (!read_value(option, value, field)) {
        char need[256];
        say_need(option, need);
        return cli_misuse(cli, "--%s: needs %s, got '%s'", option->name, need, value);
    }
    return CLVGG_STATUS_OK;
}

/* Handles the option at argv[*at], taking the next word as its value where needed. */
static clvgg_status parse_option(cli_program *cli, const cli_verb *verb, int argc, char **argv,
                                 int *at, void *arguments, bool *help)
{
    match found = find_option(verb->options, argv[*at]);
    const cli_option *option = found.option;
    if (option == NULL)
        return refuse_unknown(cli, verb->options, argv[*at]);
    if (option->argument == NULL && found.value != NULL)
        return cli_misuse(cli, "--%s takes no value, got '%s'", option->name, found.value);
    if (option == &help_option) {
        *help = true;
        return CLVGG_STATUS_OK;
    }
    if (option->argument != NULL && found.value == NULL) {
        if (*at + 1 >= argc)
            return cli_misuse(cli, "--%s needs a value: %s", option->name, option->argument);
        found.value = argv[++*at];
    }
    return store(cli, option, found.value, arguments);
}

/* Gives the operands, which stand at the front of argv, to their row. */
static clvgg_status take_operands(cli_program *cli, const cli_verb *verb, char **argv, size_t count,
                                  void *arguments)
{
    const cli_option *row = verb->options;
    while (row->help != NULL && row->kind != CLI_OPTION_OPERANDS)
        row++;
    if (row->kind != CLI_OPTION_OPERANDS || row->argument == NULL)
        return count == 0 ? CLVGG_STATUS_OK
                          : cli_misuse(cli, "takes no argument, got '%s'%s", argv[1],
                                       row->help != NULL ? row->help : "");
    *(cli_operands *)((char *)arguments + row->offset) =
        (cli_operands){(const char *const *)argv + 1, count};
    return CLVGG_STATUS_OK;
}

/* Fills the arguments by the verb's table; operands move to the front of argv. */
static clvgg_status parse(cli_program *cli, const cli_verb *verb, int argc, char **argv,
                          void *arguments, bool *help)
{
    static char standard_input[] = "/dev/stdin";
    size_t kept = 0;
    bool only_operands = false;
    for (int at = 1; at < argc && !*help; at++) {
        bool is_option = !only_operands && argv[at][0] == '-' && argv[at][1] != '\0';
        if (is_option && strcmp(argv[at], "--") == 0)
            only_operands = true;
        else if (is_option)
            VGG_PASS(parse_option(cli, verb, argc, argv, &at, arguments, help));
        else
            argv[++kept] = strcmp(argv[at], "-") == 0 ? standard_input : argv[at];
    }
    if (!*help)
        VGG_PASS(take_operands(cli, verb, argv, kept, arguments));
    return CLVGG_STATUS_OK;
}

static void print_option(vgg_text *text, const cli_option *option)
{
    enum { HELP_COLUMN = 30 };
    char left[96], letter[8] = "      ";
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "  -%c, ", option->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
    if (strlen(left) > HELP_COLUMN - 2)
        vgg_text_printf(text, "%s\n%*s", left, HELP_COLUMN, "");
    else
        vgg_text_printf(text, "%-*s", HELP_COLUMN, left);
    for (const char *line = option->help; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        if (line != option->help)
            vgg_text_printf(text, "%*s", HELP_COLUMN, "");
        vgg_text_append(text, line, length);
        vgg_text_puts(text, "\n");
        line += length + (line[length] == '\n');
    }
}

static void print_help(cli_program *cli, const cli_verb *verb)
{
    vgg_text *text = &cli->out.text;
    const char *bold = vgg_style_bold(&cli->out_style), *reset = vgg_style_reset(&cli->out_style);
    vgg_text_printf(text, "%sUsage:%s clvgg %s %s\n\n%s\n\n%sOptions:%s\n", bold, reset, verb->name,
                    verb->usage, verb->description, bold, reset);
    for (const cli_option *option = verb->options; option->help != NULL; option++) {
        if (option->kind == CLI_OPTION_HEADING)
            vgg_text_printf(text, "\n%s%s:%s\n", bold, option->help, reset);
        else if (option->kind != CLI_OPTION_OPERANDS)
            print_option(text, option);
    }
    vgg_text_puts(text, "\n");
    print_option(text, &help_option);
    vgg_text_printf(text, "\n%sExamples:%s\n%s", bold, reset, verb->examples);
}

clvgg_status cli_call_verb(cli_program *cli, const cli_verb *verb, int argc, char **argv)
{
    static union {
        max_align_t alignment;
        char bytes[1024];
    } arguments;
    clvgg_status status = CLVGG_STATUS_OK;
    bool help = false;
    if (verb->dispatch != NULL)
        return verb->dispatch(cli, argc, argv);
    assert(verb->arguments_size <= sizeof arguments);
    if (verb->defaults != NULL)
        memcpy(&arguments, verb->defaults, verb->arguments_size);
    if (verb->set_defaults != NULL)
        verb->set_defaults(&arguments);
    VGG_TRY(parse(cli, verb, argc, argv, &arguments, &help));
    if (help) {
        print_help(cli, verb);
        goto cleanup;
    }
    const char *wrong = verb->check != NULL ? verb->check(&arguments) : NULL;
    status = wrong != NULL ? cli_misuse(cli, "%s", wrong) : verb->run(cli, &arguments);
cleanup:
    for (const cli_option *option = verb->options; option->help != NULL; option++)
        if (option->kind == CLI_OPTION_LIST)
            vgg_memory_free(((cli_list *)(arguments.bytes + option->offset))->items);
    return status;
}
