/* cli/isolated.h — work in a process of its own, because a driver may end the process that asks it.
 *
 * The program must not have called OpenCL before: a driver's threads don't survive a fork.
 */
#ifndef CLI_ISOLATED_H
#define CLI_ISOLATED_H

#include "cli/cli.h"

/* Facts on their way out of a child: pairs of name and value, each NUL-terminated. */
typedef struct cli_facts {
    vgg_text bytes;
    char problem[160]; /* how the child ended, in words, or "" */
} cli_facts;

/* Sends facts by cli_isolated_send(), whose `user` is `pipe`. */
typedef void (*cli_isolated_fn)(cli_program *cli, void *user, void *pipe);

/* Runs `work` in a child, whose loader sees no driver but `library` (NULL: those it always sees),
 * and takes the facts that it sends. A child that crashes or doesn't end is a problem. `facts` must
 * be zeroed; its bytes are freed by vgg_text_free(). */
void cli_isolated_run(cli_program *cli, const char *library, cli_isolated_fn work, void *user,
                      cli_facts *facts);
/* A clvgg_fact_fn. */
void cli_isolated_send(void *pipe, const char *name, const char *value);
/* The next pair; false behind the last. Begins with *at = 0. */
bool cli_facts_next(const cli_facts *facts, size_t *at, const char **name, const char **value);

/* Number of devices that a driver shows when it is alone, and how its process ended if it crashed.
 */
void cli_isolated_count(cli_program *cli, const char *library, cli_facts *facts);

/* Forks. In the child returns OK, to do the verb's work; likewise where no process can be made. The
 * parent waits and ends as the child does; it returns a failure if a driver crashed the child, with
 * which one, as far as can be found out. */
clvgg_status cli_isolated_verb(cli_program *cli);

#endif
