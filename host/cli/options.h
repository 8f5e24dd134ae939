/* cli/options.h — options as data: one table parses the command line and prints --help.
 *
 * Accepted are --name=value, --name value, -x value, -xvalue and flags --name, -x (not bundled);
 * options and operands may be mixed; "--" ends the options. A new kind of value is a row in the
 * table of options.c and a function in value.c.
 */
#ifndef VGG_CLI_OPTIONS_H
#define VGG_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"

typedef struct vgg_values {
    int count; /* 1 or 3; 0: not given */
    float values[3];
} vgg_values;

typedef struct vgg_extent {
    int height, width; /* 0 0: not given */
} vgg_extent;

typedef struct vgg_list {
    const char **items; /* owned by the list, the strings by argv */
    size_t count;
} vgg_list;

enum { VGG_COUNTS_MOST = 16 };
typedef struct vgg_counts {
    int values[VGG_COUNTS_MOST];
    size_t count;
} vgg_counts;

/* Number of items that may be bad: a count, or a share of them but at least one. */
typedef struct vgg_allowance {
    double share;  /* 0 … 1 */
    int64_t count; /* -1: by the share */
} vgg_allowance;
#define VGG_ALLOWANCE_DEFAULT ((vgg_allowance){0.01, -1})

/* The type that an option's field has in the verb's struct of arguments. */
typedef enum vgg_option_kind {
    VGG_OPTION_HEADING,   /* no option: a line in --help */
    VGG_OPTION_FLAG,      /* bool */
    VGG_OPTION_TEXT,      /* const char * */
    VGG_OPTION_LIST,      /* vgg_list, one item each time the option is given */
    VGG_OPTION_COUNT,     /* int between least and most */
    VGG_OPTION_COUNTS,    /* vgg_counts, commas between, each between least and most */
    VGG_OPTION_NUMBER,    /* float, finite and above 0 */
    VGG_OPTION_REAL,      /* double from least to most */
    VGG_OPTION_WORDS,     /* unsigned: bit i for word i of `argument`, commas between */
    VGG_OPTION_DURATION,  /* float seconds, above 0: 90, 60s, 5m, 1h */
    VGG_OPTION_SIZE,      /* uint64_t bytes, at least `least`: 512M, 1G, 1048576 */
    VGG_OPTION_VALUES,    /* vgg_values: one or three finite numbers, each above `least` */
    VGG_OPTION_EXTENT,    /* vgg_extent: HxW or N, between least and most */
    VGG_OPTION_ALLOWANCE, /* vgg_allowance: N or P% */
    VGG_OPTION_CHOICE     /* int: position in `argument`, words with "|" between */
} vgg_option_kind;

struct vgg_option {
    const char *name; /* without dashes; NULL in a heading */
    char letter;      /* or 0 */
    vgg_option_kind kind;
    size_t offset;        /* of the field */
    const char *argument; /* name of the value in --help; NULL for flags */
    double least, most;
    const char *help; /* NULL in the row that ends the table */
};

typedef enum vgg_parsed { VGG_PARSED, VGG_PARSED_HELP, VGG_PARSED_WRONG } vgg_parsed;

/* Fills `arguments` (which holds the defaults) by the verb's table. Operands move to the front of
 * argv, behind argv[0]; *operand_count says how many. Help and errors have been printed. */
vgg_parsed vgg_options_parse(vgg_cli *cli, const vgg_verb *verb, int argc, char **argv,
                             void *arguments, size_t *operand_count);

/* Prints what `clvgg <verb> --help` says. */
void vgg_options_print_help(vgg_cli *cli, const vgg_verb *verb);

/* "Try 'clvgg run --help'." behind an error in the command line; returns VGG_EXIT_USAGE. */
int vgg_options_try_help(const vgg_cli *cli);

#endif
