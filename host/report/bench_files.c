/* report/bench_files.c — benchmarks by path: files, and what is in folders. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "report/bench_fields.h"
#include "report/memory.h"

void vgg_bench_files_free(vgg_bench_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        vgg_bench_file_free(&files->items[i]);
    vgg_memory_free(files->items);
    *files = (vgg_bench_files){0};
}

#ifdef CLVGG_HAVE_CJSON

static const uint64_t most_bytes = 32 << 20;
enum { MOST_DEVICES = 256, MOST_NAMES = 65536 };

static clvgg_status parse(const char *path, cJSON **root)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *bytes = NULL;
    size_t size = 0;
    VGG_TRY(vgg_memory_for(vgg_file_read_text(path, most_bytes, &bytes, &size), path));
    VGG_TRY(
        vgg_prefixed(vgg_json_parse((const char *)bytes, size + 1, true, NULL, root), "%s", path));
    VGG_REQUIRE(*root != NULL, CLVGG_STATUS_BAD_FILE,
                "%s: not a result of clvgg bench: not a JSON object", path);
cleanup:
    vgg_free(bytes);
    return status;
}

static clvgg_status read_one(const cJSON *root, const char *path, vgg_bench_file *file)
{
    const clvgg_status status = vgg_bench_file_parse(root, path, file);
    if (status != CLVGG_STATUS_OK)
        vgg_bench_file_free(file);
    return vgg_prefixed(
        status, status == CLVGG_STATUS_BAD_FILE ? "%s: not a result of clvgg bench" : "%s", path);
}

/* The results of several devices, or NULL. */
static const cJSON *devices_of(const cJSON *root)
{
    const cJSON *devices = cJSON_GetObjectItemCaseSensitive(root, "devices");
    return cJSON_IsArray(devices) ? devices : NULL;
}

static clvgg_status append(vgg_bench_files *files, const cJSON *root, const char *path)
{
    if (files->count == files->capacity) {
        const size_t capacity = files->capacity > 0 ? 2 * files->capacity : 8;
        VGG_MEMORY_GROW_PASS(files->items, capacity, "a list of benchmarks");
        files->capacity = capacity;
    }
    files->items[files->count] = (vgg_bench_file){0};
    VGG_PASS(read_one(root, path, &files->items[files->count]));
    files->count++;
    return CLVGG_STATUS_OK;
}

static clvgg_status append_all(vgg_bench_files *files, const cJSON *root, const char *path)
{
    const cJSON *devices = devices_of(root), *item = NULL;
    if (devices == NULL)
        return append(files, root, path);
    VGG_CHECK(cJSON_GetArraySize(devices) > 0 && cJSON_GetArraySize(devices) <= MOST_DEVICES,
              CLVGG_STATUS_BAD_FILE,
              "%s: not a result of clvgg bench: 'devices' must be an array of 1 to %d", path,
              MOST_DEVICES);
    cJSON_ArrayForEach(item, devices) VGG_PASS(append(files, item, path));
    return CLVGG_STATUS_OK;
}

/* Says whether JSON found in a folder is meant as a result; other programs' JSON has other members.
 */
static bool is_result(const cJSON *root)
{
    const cJSON *devices = devices_of(root);
    const cJSON *one = devices != NULL ? cJSON_GetArrayItem(devices, 0) : root;
    return cJSON_HasObjectItem(one, "schema") && cJSON_HasObjectItem(one, "results") &&
           cJSON_HasObjectItem(one, "device") && cJSON_HasObjectItem(one, "model");
}

static clvgg_status add_file(vgg_bench_files *files, const char *path, bool is_named)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL;
    VGG_TRY(parse(path, &root));
    if (is_named || is_result(root))
        VGG_TRY(append_all(files, root, path));
cleanup:
    cJSON_Delete(root);
    return status;
}

/* ---- folders ---- */

typedef struct names {
    char **items;
    size_t count, capacity;
} names;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static clvgg_status add_name(names *list, const char *folder, const char *name)
{
    VGG_CHECK(list->count < MOST_NAMES, CLVGG_STATUS_UNSUPPORTED, "%s: holds more than %d *.json",
              folder, MOST_NAMES);
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity > 0 ? 2 * list->capacity : 32;
        VGG_MEMORY_GROW_PASS(list->items, capacity, "a folder's files");
        list->capacity = capacity;
    }
    VGG_MEMORY_COPY_PASS(list->items[list->count], name, "a file's name");
    list->count++;
    return CLVGG_STATUS_OK;
}

static clvgg_status list_folder(const char *path, names *list)
{
    clvgg_status status = CLVGG_STATUS_OK;
    DIR *folder = opendir(path);
    VGG_REQUIRE(folder != NULL, CLVGG_STATUS_IO, "%s: the folder can't be read", path);
    for (const struct dirent *file; (file = readdir(folder)) != NULL;) {
        const size_t length = strlen(file->d_name);
        if (file->d_name[0] != '.' && length > 5 && strcmp(file->d_name + length - 5, ".json") == 0)
            VGG_TRY(add_name(list, path, file->d_name));
    }
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare_names);
cleanup:
    if (folder != NULL)
        closedir(folder);
    return status;
}

static clvgg_status add_inside(vgg_bench_files *files, const char *folder, const char *name)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_text path = {0};
    const size_t length = strlen(folder);
    vgg_text_printf(&path, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/",
                    name);
    VGG_TRY(vgg_text_check(&path, "a file's name"));
    if (!vgg_file_is_folder(vgg_text_string(&path)))
        VGG_TRY(add_file(files, vgg_text_string(&path), false));
cleanup:
    vgg_text_free(&path);
    return status;
}

static clvgg_status add_folder(vgg_bench_files *files, const char *path)
{
    clvgg_status status = CLVGG_STATUS_OK;
    names list = {0};
    const size_t before = files->count;
    VGG_TRY(list_folder(path, &list));
    for (size_t i = 0; i < list.count; i++)
        VGG_TRY(add_inside(files, path, list.items[i]));
    VGG_REQUIRE(files->count > before, CLVGG_STATUS_BAD_FILE,
                "%s: holds no result of clvgg bench (*.json)", path);
cleanup:
    for (size_t i = 0; i < list.count; i++)
        vgg_memory_free(list.items[i]);
    vgg_memory_free(list.items);
    return status;
}

clvgg_status vgg_bench_files_add(vgg_bench_files *files, const char *path)
{
    return vgg_file_is_folder(path) ? add_folder(files, path) : add_file(files, path, true);
}

clvgg_status vgg_bench_file_read(const char *path, vgg_bench_file *file)
{
    clvgg_status status = CLVGG_STATUS_OK;
    cJSON *root = NULL;
    *file = (vgg_bench_file){0};
    VGG_TRY(parse(path, &root));
    VGG_REQUIRE(devices_of(root) == NULL, CLVGG_STATUS_BAD_FILE,
                "%s: holds results of several devices, where one is wanted", path);
    VGG_TRY(read_one(root, path, file));
cleanup:
    cJSON_Delete(root);
    return status;
}

#else

static clvgg_status refuse(const char *path)
{
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s: this program is built without cJSON", path);
}

clvgg_status vgg_bench_files_add(vgg_bench_files *files, const char *path)
{
    (void)files;
    return refuse(path);
}

clvgg_status vgg_bench_file_read(const char *path, vgg_bench_file *file)
{
    *file = (vgg_bench_file){0};
    return refuse(path);
}

#endif
