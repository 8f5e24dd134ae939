/* cli/isolated.c — forks, pipes, and which driver it was. */
#define _DEFAULT_SOURCE /* SIGTRAP, mkdtemp */
#include "cli/isolated.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clvgg/device.h"
#include "clvgg/report.h"

/* Time limits for listing a driver's devices, and for compiling and computing on one of them:
 * llvmpipe takes a minute for that where it shares two cores. */
enum { LISTING_SECONDS = 30, WORKING_SECONDS = 180 };

/* ---- a driver alone ---- */

/* A folder that names the library; "" where none can be made. */
static void make_folder(const cli_program *cli, const char *library, char folder[64])
{
    char path[96];
    const char *parent = cli->temporary;
    snprintf(folder, 64, "%s/clvgg-driver-XXXXXX",
             parent != NULL && strlen(parent) <= 40 ? parent : "/tmp");
    if (mkdtemp(folder) == NULL) {
        folder[0] = '\0';
        return;
    }
    snprintf(path, sizeof path, "%s/one.icd", folder);
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        fprintf(file, "%s\n", library);
        fclose(file);
    }
}

static void remove_folder(const char *folder)
{
    char path[96];
    snprintf(path, sizeof path, "%s/one.icd", folder);
    unlink(path);
    rmdir(folder);
}

/* ocl-icd and Khronos' loader both take a folder, with a slash behind it. */
static void see_driver_alone(const char *folder)
{
    char vendors[80];
    snprintf(vendors, sizeof vendors, "%s/", folder);
    setenv("OCL_ICD_VENDORS", vendors, 1);
    unsetenv("OPENCL_VENDOR_PATH");
    unsetenv("OCL_ICD_FILENAMES");
}

/* ---- a child ---- */

void cli_isolated_send(void *pipe, const char *name, const char *value)
{
    vgg_out out = {.fd = *(const int *)pipe};
    vgg_text_append(&out.text, name, strlen(name) + 1);
    vgg_text_append(&out.text, value, strlen(value) + 1);
    vgg_out_flush(&out);
    vgg_text_free(&out.text);
}

static void receive(int pipe, vgg_text *bytes)
{
    char buffer[4096];
    ssize_t length;
    while ((length = read(pipe, buffer, sizeof buffer)) > 0 || (length < 0 && errno == EINTR))
        if (length > 0)
            vgg_text_append(bytes, buffer, (size_t)length);
}

static bool is_crash(int state)
{
    static const int signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP};
    for (size_t i = 0; WIFSIGNALED(state) && i < sizeof signals / sizeof *signals; i++)
        if (WTERMSIG(state) == signals[i])
            return true;
    return false;
}

static int wait_for(pid_t child)
{
    int state = 0;
    while (waitpid(child, &state, 0) < 0 && errno == EINTR)
        ;
    return state;
}

static void describe_end(int state, unsigned seconds, char *words, size_t capacity)
{
    if (WIFSIGNALED(state) && WTERMSIG(state) == SIGALRM)
        snprintf(words, capacity, "not done after %u s", seconds);
    else if (WIFSIGNALED(state))
        snprintf(words, capacity, "crashed: %s", strsignal(WTERMSIG(state)));
    else if (WEXITSTATUS(state) != 0)
        snprintf(words, capacity, "ended the process, with exit code %d", WEXITSTATUS(state));
}

void cli_isolated_run(cli_program *cli, const char *library, cli_isolated_fn work, void *user,
                      cli_facts *facts)
{
    char folder[64] = "";
    const unsigned seconds = library != NULL ? LISTING_SECONDS : WORKING_SECONDS;
    int ends[2];
    if (pipe(ends) != 0) {
        snprintf(facts->problem, sizeof facts->problem, "not tried: %s", strerror(errno));
        return;
    }
    if (library != NULL)
        make_folder(cli, library, folder);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        alarm(seconds);
        if (library != NULL)
            see_driver_alone(folder);
        work(cli, user, &ends[1]);
        _exit(0); /* without what drivers do at an exit */
    }
    close(ends[1]);
    if (child > 0) {
        receive(ends[0], &facts->bytes);
        describe_end(wait_for(child), seconds, facts->problem, sizeof facts->problem);
    } else {
        snprintf(facts->problem, sizeof facts->problem, "not tried: %s", strerror(errno));
    }
    close(ends[0]);
    if (folder[0] != '\0')
        remove_folder(folder);
}

bool cli_facts_next(const cli_facts *facts, size_t *at, const char **name, const char **value)
{
    const vgg_text *bytes = &facts->bytes;
    if (*at >= bytes->length)
        return false;
    *name = bytes->bytes + *at;
    *value = *name + strlen(*name) + 1;
    if (*value >= bytes->bytes + bytes->length) /* cut off by a crash */
        return false;
    *at = (size_t)(*value - bytes->bytes) + strlen(*value) + 1;
    return true;
}

/* The dynamic linker's words about a library that it can't load, without the library's name. */
static void send_why_not(const char *library, void *pipe)
{
    const char *error = dlopen(library, RTLD_LAZY | RTLD_LOCAL) == NULL ? dlerror() : NULL;
    const size_t length = strlen(library);
    if (error != NULL && strncmp(error, library, length) == 0 && error[length] == ':')
        error += length + 1 + strspn(error + length + 1, " ");
    if (error != NULL)
        cli_isolated_send(pipe, "can't be loaded", error);
}

static void count_devices(cli_program *cli, void *user, void *pipe)
{
    clvgg_runtime *runtime = NULL;
    size_t count = 0;
    char words[32];
    cli->silent = true;
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(cli_runtime(cli, &runtime));
    VGG_TRY(clvgg_device_count(runtime, &count));
    snprintf(words, sizeof words, "%zu device%s", count, count == 1 ? "" : "s");
    cli_isolated_send(pipe, "devices", words);
    if (count == 0)
        send_why_not(user, pipe);
cleanup:
    if (status != CLVGG_STATUS_OK)
        cli_isolated_send(pipe, "devices", vgg_message_of(status));
}

void cli_isolated_count(cli_program *cli, const char *library, cli_facts *facts)
{
    char *copy = vgg_memory_copy(library, "a driver's name");
    if (copy != NULL)
        cli_isolated_run(cli, library, count_devices, copy, facts);
    else
        snprintf(facts->problem, sizeof facts->problem, "not tried: %.140s", vgg_message());
    vgg_memory_free(copy);
}

/* ---- a verb ---- */

typedef struct blame {
    cli_program *cli;
    int found;
} blame;

static void try_driver(void *user, const char *file, const char *library, const char *problem)
{
    blame *to = user;
    cli_facts facts = {0};
    (void)problem;
    if (library == NULL)
        return;
    cli_isolated_count(to->cli, library, &facts);
    if (facts.problem[0] != '\0') {
        cli_error(to->cli,
                  "the driver %s (%s), asked for its devices, %s. The others can be used: copy "
                  "their .icd files to a folder, and let OCL_ICD_VENDORS name it, with a "
                  "slash at the end",
                  file, library, facts.problem);
        to->found++;
    }
    vgg_text_free(&facts.bytes);
}

clvgg_status cli_isolated_verb(cli_program *cli)
{
    clvgg_runtime *runtime = NULL;
    blame blamed = {.cli = cli};
    char words[160] = "";
    const pid_t child = fork();
    if (child == 0)
        alarm(2 * LISTING_SECONDS);
    if (child <= 0)
        return CLVGG_STATUS_OK;
    const int state = wait_for(child);
    if (WIFEXITED(state) && WEXITSTATUS(state) <= CLI_EXIT_USAGE)
        _exit(WEXITSTATUS(state));
    if (WIFSIGNALED(state) && !is_crash(state) && WTERMSIG(state) != SIGALRM) {
        signal(WTERMSIG(state), SIG_DFL);
        raise(WTERMSIG(state));
    }
    if (clvgg_runtime_create(NULL, &runtime) == CLVGG_STATUS_OK)
        (void)clvgg_report_drivers(runtime, try_driver, &blamed);
    clvgg_runtime_free(runtime);
    describe_end(state, 2 * LISTING_SECONDS, words, sizeof words);
    if (blamed.found == 0)
        return vgg_fail(CLVGG_STATUS_OPENCL, "%s, though no driver does that when it is asked alone",
                        words);
    _exit(CLI_EXIT_FAILED); /* each has been named */
}
