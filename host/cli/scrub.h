/* cli/scrub.h — text without names of users, hosts and private paths, for what is shown to others.
 */
#ifndef VGG_CLI_SCRUB_H
#define VGG_CLI_SCRUB_H

#include "cli/cli.h"

enum { VGG_SCRUB_WORDS = 8 };

typedef struct vgg_scrub_word {
    char word[256];
    const char *shown; /* instead */
} vgg_scrub_word;

typedef struct vgg_scrub {
    const char *home;                      /* or NULL */
    vgg_scrub_word words[VGG_SCRUB_WORDS]; /* users and hosts */
    size_t word_count;
} vgg_scrub;

/* Learns who and where this is. */
void vgg_scrub_learn(vgg_scrub *scrub, const vgg_cli *cli);
/* Appends `string`: the home is ~; of a path that isn't the system's (/usr, /etc, …) the last part
 * alone is left, behind "…/"; a user's or the host's name is "(user)" or "(host)". A path ends at
 * white space, a quotation mark, a bracket, a comma, or a colon. */
void vgg_scrub_append(const vgg_scrub *scrub, const char *string, vgg_text *text);
/* A string that is one path, whatever is in it. */
void vgg_scrub_path(const vgg_scrub *scrub, const char *path, vgg_text *text);

#endif
