/* cli/bench/bench_system.c — the machine under a benchmark, for people elsewhere: no name of it or
 * its users, no path. */
#define _GNU_SOURCE /* sched_getaffinity */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/bench/bench.h"
#include "cli/devices/scrub.h"

/* Variables that change how fast drivers are. Those that name files of this machine aren't here. */
static const char *const variables[] = {"CLVGG_VERIFY",
                                        "POCL_AFFINITY",
                                        "POCL_CPU_LOCAL_MEM_SIZE",
                                        "POCL_CPU_MAX_CU_COUNT",
                                        "POCL_DEBUG",
                                        "POCL_DEVICES",
                                        "POCL_EXTRA_BUILD_FLAGS",
                                        "POCL_MAX_PTHREAD_COUNT",
                                        "POCL_MAX_WORK_GROUP_SIZE",
                                        "POCL_MEMORY_LIMIT",
                                        "POCL_PTHREAD_MIN_THREADS",
                                        "POCL_WORK_GROUP_METHOD",
                                        "CL_CONFIG_CPU_FORCE_LOCAL_MEM_SIZE",
                                        "CL_CONFIG_CPU_TARGET_ARCH",
                                        "CL_CONFIG_CPU_VECTORIZER_MODE",
                                        "CL_CONFIG_USE_VECTORIZER",
                                        "DPCPP_CPU_CU_AFFINITY",
                                        "DPCPP_CPU_NUM_CUS",
                                        "DPCPP_CPU_PLACES",
                                        "DPCPP_CPU_SCHEDULE",
                                        "LP_NATIVE_VECTOR_WIDTH",
                                        "LP_NUM_THREADS",
                                        "RUSTICL_ENABLE",
                                        "RUSTICL_FEATURES",
                                        "CUDA_DEVICE_ORDER",
                                        "CUDA_FORCE_PTX_JIT",
                                        "CUDA_VISIBLE_DEVICES",
                                        "GPU_DEVICE_ORDINAL",
                                        "GPU_MAX_HW_QUEUES",
                                        "HIP_VISIBLE_DEVICES",
                                        "HSA_OVERRIDE_GFX_VERSION",
                                        "ROCR_VISIBLE_DEVICES",
                                        "ZE_AFFINITY_MASK",
                                        "OMP_NUM_THREADS",
                                        "OMP_PROC_BIND",
                                        "GLIBC_TUNABLES",
                                        "MALLOC_ARENA_MAX"};

/* Writes a string without names and paths; null for NULL. */
static void put_scrubbed(vgg_json *json, const cli_scrub *scrub, const char *key, const char *value)
{
    vgg_text text = {0};
    if (value == NULL) {
        vgg_json_raw(json, key, "null");
        return;
    }
    cli_scrub_append(scrub, value, &text);
    vgg_json_string(json, key, vgg_text_string(&text));
    json->text->failed |= text.failed;
    vgg_text_free(&text);
}

/* The value of the first line "KEY : value" or "KEY=\"value\"" of a file, or NULL. */
static const char *find_line(const char *path, const char *key, char line[512])
{
    FILE *file = fopen(path, "r");
    const char *value = NULL;
    while (file != NULL && value == NULL && fgets(line, 512, file) != NULL)
        if (strncmp(line, key, strlen(key)) == 0) {
            char *at = line + strlen(key);
            at += strspn(at, " \t:=\"");
            at[strcspn(at, "\"\n")] = '\0';
            value = at;
        }
    if (file != NULL)
        fclose(file);
    return value;
}

static void print_system(vgg_json *json, const cli_scrub *scrub)
{
    char line[512], words[1024] = "";
    struct utsname kernel;
    cpu_set_t processors;
    const char *distribution = find_line("/etc/os-release", "PRETTY_NAME", line);
    snprintf(words, sizeof words, "%s", distribution != NULL ? distribution : "");
    if (uname(&kernel) == 0)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s%.100s %.100s %.100s",
                 words[0] != '\0' ? ", " : "", kernel.sysname, kernel.release, kernel.machine);
    vgg_json_begin_object(json, "system");
    put_scrubbed(json, scrub, "os", words[0] != '\0' ? words : NULL);
    put_scrubbed(json, scrub, "cpu", find_line("/proc/cpuinfo", "model name", line));
    const bool known = sched_getaffinity(0, sizeof processors, &processors) == 0;
    const long online = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES);
    vgg_json_number(json, "cores",
                    known        ? CPU_COUNT(&processors)
                    : online > 0 ? (double)online
                                 : NAN);
    if (pages > 0)
        vgg_json_bytes(json, "memory_bytes", (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE));
    else
        vgg_json_raw(json, "memory_bytes", "null");
    vgg_json_end(json);
}

void cli_bench_system_json(cli_benchmark *run)
{
    vgg_json *json = &run->json;
    cli_scrub scrub = {0};
    cli_scrub_learn(&scrub, run->cli);
    print_system(json, &scrub);
    vgg_json_begin_object(json, "environment");
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && strchr(value, '/') == NULL)
            put_scrubbed(json, &scrub, variables[i], value);
    }
    vgg_json_end(json);
}

void cli_bench_error_json(cli_benchmark *run, const char *error)
{
    const cli_context *context = &run->context;
    const char *const paths[] = {context->model != NULL ? clvgg_model_name(context->model) : NULL,
                                 run->cli->kernel_dir, run->cli->cache};
    vgg_text text = {0};
    cli_scrub scrub = {0};
    cli_scrub_learn(&scrub, run->cli);
    cli_scrub_without(&scrub, error, paths, sizeof paths / sizeof *paths, &text);
    vgg_json_string(&run->json, "error", vgg_text_string(&text));
    run->json.text->failed |= text.failed;
    vgg_text_free(&text);
}

static void scrub_field(const cli_scrub *scrub, char *field, size_t capacity)
{
    vgg_text text = {0};
    cli_scrub_append(scrub, field, &text);
    if (!text.failed)
        snprintf(field, capacity, "%s", vgg_text_string(&text));
    vgg_text_free(&text);
}

void cli_bench_scrub_device(cli_benchmark *run)
{
    clvgg_device_info *info = &run->context.device_info;
    cli_scrub scrub = {0};
    cli_scrub_learn(&scrub, run->cli);
    scrub_field(&scrub, info->name, sizeof info->name);
    scrub_field(&scrub, info->vendor, sizeof info->vendor);
    scrub_field(&scrub, info->platform, sizeof info->platform);
    scrub_field(&scrub, info->driver_version, sizeof info->driver_version);
    scrub_field(&scrub, info->opencl_version, sizeof info->opencl_version);
}
