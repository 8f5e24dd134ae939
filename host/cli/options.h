/* cli/options.h — options as data: one table parses the command line and prints --help.
 *
 * Accepted are --name=value, --name value, -x value, -xvalue and flags --name, -x (not bundled);
 * options and operands may be mixed; "--" ends the options. A new kind of value is a row in the
 * table of options.c and a function in value.c.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"
#include "clvgg/storage.h"

typedef struct cli_values {
    int count; /* 1 or 3; 0: not given */
    float values[3];
} cli_values;

typedef struct cli_extent {
    int height, width; /* 0 0: not given */
} cli_extent;

typedef struct cli_list {
    const char **items; /* owned by the list, the strings by argv */
    size_t count;
} cli_list;

enum { CLI_COUNTS_MOST = 16 };
typedef struct cli_counts {
    int values[CLI_COUNTS_MOST];
    size_t count;
} cli_counts;

typedef struct cli_operands {
    const char *const *items; /* argv's */
    size_t count;
} cli_operands;

/* Number of items that may be bad: a count, or a share of them but at least one. */
typedef struct cli_allowance {
    double share;  /* 0 … 1 */
    int64_t count; /* -1: by the share */
} cli_allowance;
#define CLI_ALLOWANCE_DEFAULT                                                                      \
    {                                                                                              \
        0.01, -1                                                                                   \
    }

/* The type that an option's field has in the verb's struct of arguments. */
typedef enum cli_option_kind {
    CLI_OPTION_HEADING,   /* no option: a line in --help */
    CLI_OPTION_OPERANDS,  /* no option: cli_operands, what isn't one. Verbs without such a row take
                             none; a row with `help` takes none either, and says what else to do */
    CLI_OPTION_FLAG,      /* bool */
    CLI_OPTION_TEXT,      /* const char * */
    CLI_OPTION_LIST,      /* cli_list, one item each time the option is given */
    CLI_OPTION_COUNT,     /* int between least and most */
    CLI_OPTION_COUNTS,    /* cli_counts, commas between, each between least and most */
    CLI_OPTION_NUMBER,    /* float, finite and above 0 */
    CLI_OPTION_REAL,      /* double from least to most */
    CLI_OPTION_WORDS,     /* unsigned: bit i for word i of `argument`, commas between */
    CLI_OPTION_DURATION,  /* float seconds, above 0: 90, 60s, 5m, 1h */
    CLI_OPTION_SIZE,      /* uint64_t bytes, at least `least`: 512M, 1G, 1048576 */
    CLI_OPTION_VALUES,    /* cli_values: one or three finite numbers, each above `least` */
    CLI_OPTION_EXTENT,    /* cli_extent: HxW or N, between least and most */
    CLI_OPTION_ALLOWANCE, /* cli_allowance: N or P% */
    CLI_OPTION_PERCENT,   /* double, a share: P% from `least` to `most` */
    CLI_OPTION_CHOICE,    /* int: position in `argument`, words with "|" between */
    CLI_OPTION_STORAGE    /* clvgg_storage */
} cli_option_kind;

struct cli_option {
    const char *name; /* without dashes; NULL in a heading */
    char letter;      /* or 0 */
    cli_option_kind kind;
    size_t offset;        /* of the field */
    const char *argument; /* name of the value in --help; NULL for flags */
    double least, most;
    const char *help; /* NULL in the row that ends the table */
};

/* Runs a verb: its arguments are filled by its table, checked, and freed behind it. --help prints
 * what the table says instead. */
clvgg_status cli_call_verb(cli_program *cli, const cli_verb *verb, int argc, char **argv);

#endif
