/* cli/finetune/finetune_resume.c — resuming a run: the checkpoint, and the message when a run is
 * stopped. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/finetune/finetune.h"

/* Says whether a path is this run's own last.ckpt, which may not exist. */
static bool is_own_checkpoint(const cli_finetuning *run, const char *path)
{
    static const char name[] = "last.ckpt";
    char folder[4096];
    struct stat one, other;
    const char *slash = strrchr(path, '/');
    if (strcmp(slash != NULL ? slash + 1 : path, name) != 0 || run->run_dir.bytes == NULL)
        return false;
    const int length = snprintf(folder, sizeof folder, "%.*s",
                                slash != NULL ? (int)(slash - path) : 1, slash != NULL ? path : ".");
    return length >= 0 && length < (int)sizeof folder &&
           (strcmp(folder, run->run_dir.bytes) == 0 ||
            (stat(folder, &one) == 0 && stat(run->run_dir.bytes, &other) == 0 &&
             one.st_dev == other.st_dev && one.st_ino == other.st_ino));
}

/* Behind a run that was stopped, or failed. */
void cli_finetune_say_what_goes_on(const cli_finetuning *run, clvgg_status status)
{
    const char *resume = run->arguments->resume;
    if (run->epoch_count > 0 && resume != NULL && is_own_checkpoint(run, resume))
        cli_note(run->cli, "the same command goes on");
    else if (run->epoch_count > 0)
        cli_note(run->cli, "the same command with --resume %s/last.ckpt goes on",
                 run->run_dir.bytes);
    else if (status == CLVGG_STATUS_CANCELLED && run->cache_dir.bytes != NULL)
        cli_note(run->cli, "the same command goes on: features that were computed are kept");
    else if (status == CLVGG_STATUS_CANCELLED)
        cli_note(run->cli, "the same command begins again: no epoch was trained");
}

const char *cli_finetune_checkpoint(const cli_finetuning *run)
{
    const char *resume = run->arguments->resume;
    if (resume == NULL || access(resume, F_OK) == 0 || errno != ENOENT ||
        !is_own_checkpoint(run, resume))
        return resume;
    if (!run->arguments->quiet)
        cli_note(run->cli, "%s: there is no checkpoint yet: the run begins", resume);
    return NULL;
}
