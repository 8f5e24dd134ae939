/* cli/devices/report_system.c — this build, the machine under it, and the environment. */
#define _DEFAULT_SOURCE /* _SC_NPROCESSORS_ONLN */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/devices/report.h"
#include "report/format.h"

void cli_report_build(vgg_report *report)
{
    cli_report_begin(report, "clvgg");
    cli_report_fact(report, "version", clvgg_version());
    if (cli_commit != NULL)
        cli_report_fact(report, "commit", cli_commit);
    cli_report_fact(report, "built by", CLVGG_BUILT_BY);
    cli_report_fact(report, "with", CLVGG_BUILT_WITH);
    cli_report_fact(report, "without",
                    CLVGG_BUILT_WITHOUT[0] != '\0' ? CLVGG_BUILT_WITHOUT : "nothing");
    cli_report_end(report);
}

/* Finds in a file the text behind "KEY" and a separator, without quotes; false where there is none.
 */
static bool find_line(const char *path, const char *key, char *value, size_t capacity)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "r");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        found = strncmp(line, key, strlen(key)) == 0;
        if (found) {
            char *at = line + strlen(key);
            at += strspn(at, " \t:=\"");
            at[strcspn(at, "\"\n")] = '\0';
            snprintf(value, capacity, "%s", at);
        }
    }
    if (file != NULL)
        fclose(file);
    return found;
}

/* A row of the table below: the first file that has such a line tells the fact. */
static const struct {
    const char *name, *path, *key;
} lines[] = {
    {"system", "/etc/os-release", "PRETTY_NAME"},
    {"processor", "/proc/cpuinfo", "model name"},
    {"processor part", "/proc/cpuinfo", "CPU part"}, /* of Arm */
    {"memory", "/proc/meminfo", "MemTotal"},
    {"free memory", "/proc/meminfo", "MemAvailable"},
    {"control group", "/sys/fs/cgroup/memory.max", ""},
    {"of processor time", "/sys/fs/cgroup/cpu.max", ""},
    {"NVIDIA's module", "/proc/driver/nvidia/version", "NVRM version"},
};

static const char *const processor_flags[] = {"sse4_2",      "avx",      "avx2", "fma",   "avx512f",
                                              "avx512_bf16", "amx_bf16", "f16c", "asimd", "sve"};

/* Reports the processor's flags that kernels or drivers care for. */
static void report_flags(vgg_report *report)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[8192];
    vgg_text text = {0};
    while (file != NULL && text.length == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "flags", 5) != 0 && strncmp(line, "Features", 8) != 0)
            continue;
        for (char *flag = strtok(line, " \t\n"); flag != NULL; flag = strtok(NULL, " \t\n"))
            for (size_t i = 0; i < sizeof processor_flags / sizeof *processor_flags; i++)
                if (strcmp(flag, processor_flags[i]) == 0)
                    vgg_text_printf(&text, "%s ", flag);
    }
    if (file != NULL)
        fclose(file);
    if (text.bytes != NULL)
        cli_report_fact(report, "of its flags", text.bytes);
    report->cli->out.text.failed |= text.failed;
    vgg_text_free(&text);
}

void cli_report_system(vgg_report *report)
{
    static const char *const device_files[] = {"/dev/dri/renderD128", "/dev/dri/renderD129",
                                               "/dev/kfd", "/dev/nvidiactl", "/dev/nvidia0"};
    struct utsname kernel;
    char words[600];
    cli_report_begin(report, "system");
    if (uname(&kernel) == 0) {
        snprintf(words, sizeof words, "%s %s %s", kernel.sysname, kernel.release, kernel.machine);
        cli_report_fact(report, "kernel", words);
    }
    if (confstr(_CS_GNU_LIBC_VERSION, words, sizeof words) > 0)
        cli_report_fact(report, "C library", words);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (find_line(lines[i].path, lines[i].key, words, sizeof words))
            cli_report_fact(report, lines[i].name, words);
    snprintf(words, sizeof words, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    cli_report_fact(report, "processors", words);
    report_flags(report);
    for (size_t i = 0; i < sizeof device_files / sizeof *device_files; i++)
        if (access(device_files[i], F_OK) == 0)
            cli_report_fact(report, device_files[i],
                            access(device_files[i], R_OK | W_OK) == 0 ? "may be used"
                                                                      : "may not be used");
    cli_report_end(report);
}

/* A list of paths with colons between, each by itself. */
static void report_variable(vgg_report *report, const char *name, const char *value)
{
    vgg_text shown = {0};
    while (*value != '\0') {
        char part[4096];
        const size_t length = strcspn(value, ":");
        snprintf(part, sizeof part, "%.*s", (int)length, value);
        cli_scrub_path(&report->scrub, part, &shown);
        vgg_text_puts(&shown, value[length] == ':' ? ":" : "");
        value += length + (value[length] == ':');
    }
    cli_report_fact(report, name, vgg_text_string(&shown));
    report->cli->out.text.failed |= shown.failed;
    vgg_text_free(&shown);
}

void cli_report_environment(vgg_report *report)
{
    static const char *const names[] = {"CLVGG_CACHE",
                                        "CLVGG_DEVICE",
                                        "CLVGG_KERNEL_DIR",
                                        "CLVGG_MODEL",
                                        "OCL_ICD_VENDORS",
                                        "OPENCL_VENDOR_PATH",
                                        "OCL_ICD_FILENAMES",
                                        "OPENCL_LAYERS",
                                        "POCL_CACHE_DIR",
                                        "POCL_DEVICES",
                                        "POCL_MAX_PTHREAD_COUNT",
                                        "RUSTICL_ENABLE",
                                        "CUDA_VISIBLE_DEVICES",
                                        "NVIDIA_DRIVER_CAPABILITIES",
                                        "LD_LIBRARY_PATH",
                                        "LD_PRELOAD"};
    bool found = false;
    cli_report_begin(report, "environment");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (getenv(names[i]) == NULL)
            continue;
        found = true;
        report_variable(report, names[i], getenv(names[i]));
    }
    if (!found)
        cli_report_fact(report, "variables", "none that matters is set");
    cli_report_end(report);
}
