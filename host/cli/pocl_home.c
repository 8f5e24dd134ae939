/* cli/pocl_home.c — a folder for PoCL where the user's own can't be written: services and
 * containers often have no home. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "report/pocl_folder.h"

/* Makes the folder, or finds it as it was made: PoCL loads code from there, so it must be this
 * user's alone. */
static bool make_private(const char *path)
{
    struct stat info;
    mkdir(path, S_IRWXU);
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

clvgg_status cli_house_pocl(const cli_program *cli)
{
    char folder[300];
    bool writable = true;
    if (cli->pocl_cache == NULL)
        VGG_PASS(vgg_report_pocl_folder(cli->cache_home, cli->home, &writable));
    if (writable)
        return CLVGG_STATUS_OK;
    snprintf(folder, sizeof folder, "%.200s/clvgg-pocl-%lu",
             cli->temporary != NULL ? cli->temporary : "/tmp", (unsigned long)geteuid());
    if (make_private(folder))
        setenv("POCL_CACHE_DIR", folder, 1);
    return CLVGG_STATUS_OK;
}
