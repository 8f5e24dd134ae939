/* ocl/device_diagnose.c — why there may be no device, in lines that a user can act on.
 *
 * Looks where the OpenCL loader looks (icd.c) and where GPU drivers keep their device files.
 * Nothing is changed, and no library is loaded that listing the devices doesn't load.
 */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pocl_folder.h"
#include "ocl/device.h"
#include "ocl/icd.h"

typedef struct findings {
    bool loads_any;
    bool rusticl, pocl;
    bool gpu_file;
} findings;

/* The `user` of describe_icd(): the text that gets lines about drivers, and the findings. */
typedef struct driver_lines {
    vgg_text *text;
    findings *found;
} driver_lines;

static void describe_icd(void *user, const char *path, const char *library, const char *problem)
{
    const driver_lines *lines = user;
    findings *found = lines->found;
    char verdict[512];
    if (library == NULL) {
        vgg_text_printf(lines->text, "  %s: %s\n", path, problem);
        return;
    }
    vgg_icd_judge(library, verdict, sizeof verdict);
    vgg_text_printf(lines->text, "  %s: %s (%s)\n", path, library, verdict);
    found->loads_any = found->loads_any || strcmp(verdict, "loads") == 0;
    found->rusticl = found->rusticl || strstr(path, "rusticl") != NULL;
    found->pocl = found->pocl || strstr(library, "pocl") != NULL;
}

static void describe_drivers(vgg_text *text, findings *found)
{
    const char *variable = NULL;
    driver_lines lines = {text, found};
    if (vgg_icd_folder(&variable) != NULL)
        vgg_text_printf(text, "OpenCL drivers (%s is set, so the system's aren't read):\n",
                        variable);
    else
        vgg_text_puts(text, "OpenCL drivers:\n");
    text->failed |= vgg_icd_visit(describe_icd, &lines) != CLVGG_STATUS_OK;
}

/* Describes one device file: whether this user may use it, and if not, which group would help. */
static void describe_gpu_file(vgg_text *text, const char *path, findings *found)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return;
    found->gpu_file = true;
    if (access(path, R_OK | W_OK) == 0) {
        vgg_text_printf(text, "  %s: you may use it\n", path);
        return;
    }
    char buffer[4096];
    struct group group, *owner = NULL;
    getgrgid_r(info.st_gid, &group, buffer, sizeof buffer, &owner);
    vgg_text_printf(text,
                    "  %s: %s; join its group: sudo usermod -aG %s $USER, then log in again\n",
                    path, strerror(errno), owner != NULL ? owner->gr_name : "render");
}

static int only_gpu_node(const struct dirent *entry)
{
    return strncmp(entry->d_name, "renderD", 7) == 0 || strncmp(entry->d_name, "card", 4) == 0;
}

/* "yes", "no", or that the system has no such group. */
static const char *membership(const char *name)
{
    char buffer[4096];
    struct group group, *found = NULL;
    gid_t groups[256];
    if (getgrnam_r(name, &group, buffer, sizeof buffer, &found) != 0 || found == NULL)
        return "no such group";
    if (getegid() == group.gr_gid)
        return "yes";
    int count = getgroups(256, groups);
    for (int i = 0; i < count; i++)
        if (groups[i] == group.gr_gid)
            return "yes";
    return "no";
}

static void describe_gpu_files(vgg_text *text, findings *found)
{
    struct dirent **names = NULL;
    vgg_text_puts(text, "GPU device files:\n");
    int count = scandir("/dev/dri", &names, only_gpu_node, alphasort);
    for (int i = 0; i < count; i++) {
        char path[300];
        snprintf(path, sizeof path, "/dev/dri/%s", names[i]->d_name);
        describe_gpu_file(text, path, found);
        free(names[i]); /* scandir's, by malloc */
    }
    free(names);
    describe_gpu_file(text, "/dev/kfd", found);
    describe_gpu_file(text, "/dev/nvidiactl", found);
    if (!found->gpu_file)
        vgg_text_puts(text, "  none: no GPU that the kernel drives, or a container without it\n");
    else
        vgg_text_printf(text, "  you are in group render: %s, video: %s\n", membership("render"),
                        membership("video"));
}

static void advise(vgg_text *text, const findings *found)
{
    const char *rusticl = getenv("RUSTICL_ENABLE");
    if (found->rusticl && (rusticl == NULL || rusticl[0] == '\0'))
        vgg_text_puts(text, "Mesa's rusticl shows its devices only when RUSTICL_ENABLE names a "
                            "driver: radeonsi, iris, nouveau, or llvmpipe for the CPU\n");
    if (!found->loads_any)
        vgg_text_puts(text, "Install a driver (Debian's packages): pocl-opencl-icd for any CPU, "
                            "intel-opencl-icd for Intel GPUs, mesa-opencl-icd for AMD GPUs, "
                            "nvidia-opencl-icd for NVIDIA GPUs\n");
    else if (found->gpu_file)
        vgg_text_puts(text, "A GPU needs its own driver (Debian's packages): intel-opencl-icd, "
                            "mesa-opencl-icd (AMD) or nvidia-opencl-icd\n");
}

static bool pocl_folder(vgg_text *path)
{
    const vgg_pocl_environment environment = {getenv("POCL_CACHE_DIR"), getenv("XDG_CACHE_HOME"),
                                              getenv("HOME")};
    return vgg_pocl_folder(&environment, path);
}

clvgg_status vgg_device_fail_without(void)
{
    vgg_text path = {0};
    const bool writable = pocl_folder(&path);
    const clvgg_status status =
        writable || path.failed
            ? vgg_fail(CLVGG_STATUS_NO_DEVICE, "no OpenCL device on this machine")
            : vgg_fail(
                  CLVGG_STATUS_NO_DEVICE,
                  "no OpenCL device on this machine; PoCL, if it is installed, can't write its "
                  "folder %s: set POCL_CACHE_DIR to one that can be written",
                  path.bytes);
    vgg_text_free(&path);
    return status;
}

/* Says that PoCL's folder can't be written, where PoCL is found and that keeps it from working. */
static void describe_pocl_folder(vgg_text *text, const findings *found)
{
    vgg_text path = {0};
    if (found->pocl && !pocl_folder(&path) && !path.failed)
        vgg_text_printf(text,
                        "PoCL offers no device without a folder to compile in, and can't write %s: "
                        "set POCL_CACHE_DIR to one that can be written\n",
                        path.bytes);
    vgg_text_free(&path);
}

void vgg_device_diagnose(vgg_text *text)
{
    findings found = {0};
    describe_drivers(text, &found);
    describe_pocl_folder(text, &found);
    describe_gpu_files(text, &found);
    advise(text, &found);
}
