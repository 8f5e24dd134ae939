/* ocl/loader.c — the OpenCL loader of this process. Two of them don't know each other's drivers, so
 * a second one is worth a word.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ocl/icd.h"
#include "ocl/query.h"

/* clGetICDLoaderInfoOCLICD(), of ocl-icd and of Khronos' loader; in no core header. */
typedef cl_int(CL_API_CALL *loader_info_fn)(cl_uint what, size_t bytes, void *value, size_t *used);
enum { LOADER_OPENCL = 1, LOADER_VERSION = 2, LOADER_NAME = 3, LOADER_VENDOR = 4 };

/* C has no cast between an object and a function. */
typedef union symbol {
    void *object;
    void *(CL_API_CALL *extension)(const char *name);
    loader_info_fn info;
} symbol;

/* Finds the loader's function, NULL where it has none. OpenCL's header isn't used, as it calls this
 * way there deprecated. */
static loader_info_fn find_info(void)
{
    symbol found = {.object = dlsym(dlopen(NULL, RTLD_LAZY), "clGetExtensionFunctionAddress")};
    if (found.object != NULL)
        found.object = found.extension("clGetICDLoaderInfoOCLICD");
    return found.info;
}

static void ask(loader_info_fn info, cl_uint what, char *text, size_t capacity)
{
    char raw[256] = "";
    if (info == NULL || info(what, sizeof raw - 1, raw, NULL) != CL_SUCCESS)
        snprintf(raw, sizeof raw, "unknown");
    vgg_clean_text(text, capacity, raw);
}

/* The path of a mapped file that is called libOpenCL.so…, or NULL. */
static char *loader_path(char *line)
{
    char *path = strchr(line, '/'), *name = strrchr(line, '/');
    line[strcspn(line, "\n")] = '\0';
    return name != NULL && strncmp(name, "/libOpenCL.so", 13) == 0 ? path : NULL;
}

/* Each loader that is mapped, once. */
static void report_files(clvgg_fact_fn visit, void *user)
{
    char line[4400], seen[4400] = "";
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        const char *path = loader_path(line);
        if (path == NULL || strcmp(path, seen) == 0)
            continue;
        snprintf(seen, sizeof seen, "%s", path);
        visit(user, count++ == 0 ? "file" : "a second one", path);
    }
    if (maps != NULL)
        fclose(maps);
    if (count > 1)
        visit(user, "warning",
              "two OpenCL loaders are in one process: a driver, or LD_PRELOAD, brings one of its "
              "own, and what one of them lists fails in the other");
}

clvgg_status vgg_loader_report(clvgg_fact_fn visit, void *user)
{
    const loader_info_fn info = find_info();
    char name[128], vendor[128], version[128], opencl[128];
    vgg_text text = {0};
    ask(info, LOADER_NAME, name, sizeof name);
    ask(info, LOADER_VENDOR, vendor, sizeof vendor);
    ask(info, LOADER_VERSION, version, sizeof version);
    ask(info, LOADER_OPENCL, opencl, sizeof opencl);
    vgg_text_printf(&text, "%s %s by %s, %s", name, version, vendor, opencl);
    const bool failed = text.failed;
    if (!failed)
        visit(user, "loader", text.bytes);
    vgg_text_free(&text);
    report_files(visit, user);
    return failed ? CLVGG_STATUS_OUT_OF_MEMORY : CLVGG_STATUS_OK;
}
