/* cli/devices/scrub.h — text without names of users, hosts and private paths, for what is shown to
 * others. */
#ifndef CLI_SCRUB_H
#define CLI_SCRUB_H

#include "cli/cli.h"

enum { CLI_SCRUB_WORDS = 8 };

typedef struct cli_scrub_word {
    char word[256];
    const char *shown; /* instead */
} cli_scrub_word;

typedef struct cli_scrub {
    const char *home;                      /* or NULL */
    cli_scrub_word words[CLI_SCRUB_WORDS]; /* users and hosts */
    size_t word_count;
} cli_scrub;

/* Learns who and where this is. */
void cli_scrub_learn(cli_scrub *scrub, const cli_program *cli);
/* Appends `string`: the home is ~; of a path that isn't the system's (/usr, /etc, …) the last part
 * alone is left, behind "…/"; a user's or the host's name is "(user)" or "(host)". A path ends at
 * white space, a quotation mark, a bracket, a comma, or a colon. */
void cli_scrub_append(const cli_scrub *scrub, const char *string, vgg_text *text);
/* The same of a message that may name one of `paths` [count], each NULL or whatever is in it: of
 * those the last part is left, also of one that begins in the folder that the program was in. */
void cli_scrub_without(const cli_scrub *scrub, const char *string, const char *const *paths,
                       size_t count, vgg_text *text);
/* A string that is one path, whatever is in it. */
void cli_scrub_path(const cli_scrub *scrub, const char *path, vgg_text *text);

#endif
