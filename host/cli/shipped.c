/* cli/shipped.c — files that come with the program, found from the program's own folder. */
#include "cli/shipped.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void drop_last_part(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* Writes the path of `name` in `place`, a path from the running program's folder on; says whether
 * it can be read. /proc names that folder without links, so every ".." takes its last part off. */
static bool is_beside_program(const char *place, const char *name, char path[CLI_SHIPPED_PATH])
{
    char folder[CLI_SHIPPED_PATH];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    folder[length > 0 ? length : 0] = '\0';
    drop_last_part(folder);
    for (; strncmp(place, "../", 3) == 0; place += 3)
        drop_last_part(folder);
    return snprintf(path, CLI_SHIPPED_PATH, "%s/%s/%s", folder, place, name) < CLI_SHIPPED_PATH &&
           access(path, R_OK) == 0;
}

/* The program's folder and the installed files can move together; a build folder has a link to the
 * source tree's. */
bool cli_find_shipped(const char *name, char path[CLI_SHIPPED_PATH])
{
    static const char installed[] = CLVGG_DATA_FROM_PROGRAM "/models";
    if (is_beside_program(installed, name, path) || is_beside_program("models", name, path))
        return true;
    (void)is_beside_program(installed, name, path);
    return false;
}

const char *cli_file_or_shipped(const char *path, char found[CLI_SHIPPED_PATH])
{
    const bool missing = access(path, F_OK) != 0 && strchr(path, '/') == NULL;
    return missing && cli_find_shipped(path, found) ? found : path;
}
