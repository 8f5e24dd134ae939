/* ocl/icd.c — looks where the OpenCL loader looks: the folder of vendors, the environment. */
#include "ocl/icd.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/text.h"
#include "ocl/query.h"

#define VENDOR_FOLDER "/etc/OpenCL/vendors"

/* The callback that gets each driver, and whether memory ran out. */
typedef struct search {
    clvgg_driver_fn visit;
    void *user;
    bool failed;
} search;

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

const char *vgg_icd_folder(const char **variable)
{
    static const char *const variables[] = {"OCL_ICD_VENDORS", "OPENCL_VENDOR_PATH"};
    const char *folder = NULL;
    for (size_t i = 0; i < 2 && folder == NULL; i++) {
        *variable = variables[i];
        folder = getenv(variables[i]);
    }
    return folder;
}

/* The library that an .icd file names, in its first line. */
static void visit_file(search *into, const char *path)
{
    char line[1024] = "", library[1024];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        into->visit(into->user, path, NULL, strerror(errno));
        return;
    }
    (void)!fgets(line, sizeof line, file);
    fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    vgg_clean_text(library, sizeof library, line);
    if (library[0] != '\0')
        into->visit(into->user, path, library, NULL);
    else
        into->visit(into->user, path, NULL, "names no library");
}

static int only_icd(const struct dirent *entry)
{
    return ends_with(entry->d_name, ".icd");
}

/* Every .icd file of a folder, in the order of their names; `path` may be such a file itself. */
static void visit_folder(search *into, const char *path)
{
    struct stat info;
    struct dirent **names = NULL;
    if (stat(path, &info) == 0 && !S_ISDIR(info.st_mode)) {
        visit_file(into, path);
        return;
    }
    int count = scandir(path, &names, only_icd, alphasort);
    if (count <= 0)
        into->visit(into->user, path, NULL, count < 0 ? strerror(errno) : "no .icd file");
    for (int i = 0; i < count; i++) {
        vgg_text file = {0};
        vgg_text_printf(&file, "%s%s%s", path, ends_with(path, "/") ? "" : "/", names[i]->d_name);
        if (!file.failed)
            visit_file(into, file.bytes);
        into->failed |= file.failed;
        vgg_text_free(&file);
        free(names[i]); /* scandir's, by malloc */
    }
    free(names);
}

/* A colon-separated list of .icd files or libraries. */
static void visit_list(search *into, const char *list)
{
    while (*list != '\0') {
        size_t length = strcspn(list, ":");
        char *path = vgg_strndup(list, length);
        into->failed |= path == NULL;
        if (path != NULL && ends_with(path, ".icd"))
            visit_file(into, path);
        else if (path != NULL && length > 0)
            into->visit(into->user, path, path, NULL);
        vgg_free(path);
        list += length + (list[length] == ':');
    }
}

clvgg_status vgg_icd_visit(clvgg_driver_fn visit, void *user)
{
    search found = {visit, user, false};
    const char *variable = NULL, *folder = vgg_icd_folder(&variable);
    const char *files = getenv("OCL_ICD_FILENAMES");
    visit_folder(&found, folder != NULL ? folder : VENDOR_FOLDER);
    if (files != NULL)
        visit_list(&found, files);
    return found.failed ? CLVGG_STATUS_OUT_OF_MEMORY : CLVGG_STATUS_OK;
}

void vgg_icd_judge(const char *library, char *words, size_t capacity)
{
    const bool loads = dlopen(library, RTLD_LAZY | RTLD_LOCAL) != NULL;
    const char *error = loads ? NULL : dlerror();
    vgg_clean_text(words, capacity, loads ? "loads" : error != NULL ? error : "can't be loaded");
}
