/* cli/shipped.h — files that come with the program: the default model, labels, groups. */
#ifndef CLI_SHIPPED_H
#define CLI_SHIPPED_H

#include <stdbool.h>

enum { CLI_SHIPPED_PATH = 4096 };

/* Finds the file of that name: installed, or beside the program in a build tree. False where
 * neither can be read; `path` is then where it would be installed. */
bool cli_find_shipped(const char *name, char path[CLI_SHIPPED_PATH]);
/* `path` itself; but where there is no such file and no slash in it, the shipped one of that name,
 * whose path is written to `found`. */
const char *cli_file_or_shipped(const char *path, char found[CLI_SHIPPED_PATH]);

#endif
