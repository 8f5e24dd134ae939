/* weights/folder.c — the file that stands for a folder: one by a usual name, as Hugging Face's
 * libraries write them; or what is the folder's only model, of any format. Of several, none is
 * guessed: the message names them.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/identify.h"
#include "weights/peek.h"

enum { LONGEST_PATH = 4096, MOST_FILES = 1000, MOST_NAMED = 8 };

/* In the order in which they are looked for. */
static const char *const usual_names[] = {"model.safetensors.index.json",
                                          "pytorch_model.bin.index.json", "model.safetensors",
                                          "pytorch_model.bin"};

typedef struct folder_file {
    char *name;
    const vgg_weights_format *format; /* NULL: none's */
    bool failed;                      /* to be opened */
} folder_file;

typedef struct listing {
    folder_file *files;
    size_t count, capacity;
} listing;

/* Says whether a regular file that isn't empty lies there, and joins its path. */
static bool find_file(const char *folder, const char *name, char path[LONGEST_PATH])
{
    size_t length = strlen(folder);
    char first;
    while (length > 0 && folder[length - 1] == '/')
        length--;
    return length + strlen(name) + 2 <= LONGEST_PATH &&
           snprintf(path, LONGEST_PATH, "%.*s/%s", (int)length, folder, name) > 0 &&
           vgg_peek(path, &first, 1) > 0;
}

static clvgg_status replace_path(vgg_weights *weights, const char *path)
{
    char *copy;
    VGG_DUP_PASS(copy, path);
    vgg_free(weights->path);
    weights->path = copy;
    return CLVGG_STATUS_OK;
}

/* ---- the files ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const folder_file *)a)->name, ((const folder_file *)b)->name);
}

static clvgg_status list_name(const char *path, const char *name, listing *out)
{
    VGG_CHECK(out->count < MOST_FILES, CLVGG_STATUS_UNSUPPORTED,
              "%s: is a folder of more than %d files, of which none is called %s or %s; name the "
              "file",
              path, MOST_FILES, usual_names[2], usual_names[3]);
    VGG_GROW_PASS(out->files, out->count, out->capacity, 32);
    out->files[out->count] = (folder_file){0};
    VGG_DUP_PASS(out->files[out->count].name, name);
    out->count++;
    return CLVGG_STATUS_OK;
}

static clvgg_status list_names(const char *path, listing *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    DIR *folder = opendir(path);
    VGG_REQUIRE(folder != NULL, CLVGG_STATUS_IO, "%s: the folder can't be read", path);
    for (const struct dirent *file; (file = readdir(folder)) != NULL;)
        if (file->d_name[0] != '.')
            VGG_TRY(list_name(path, file->d_name, out));
    if (out->count > 0)
        qsort(out->files, out->count, sizeof *out->files, compare_names);
cleanup:
    if (folder != NULL)
        closedir(folder);
    return status;
}

/* Finds a file's format. What can't be opened has none; an ncnn model's .bin neither, as it is
 * known by the .param beside it alone, which is found too. */
static clvgg_status identify(const char *folder, folder_file *file)
{
    char path[LONGEST_PATH];
    if (!find_file(folder, file->name, path))
        return CLVGG_STATUS_OK;
    vgg_weights there = {.path = path};
    const clvgg_status status = vgg_weights_identify(&there);
    vgg_archive_close(there.archive);
    vgg_file_close(there.file);
    const char *ending = strrchr(file->name, '.');
    if (there.format != &vgg_weights_ncnn || ending == NULL || strcmp(ending, ".bin") != 0)
        file->format = there.format;
    file->failed = status != CLVGG_STATUS_OK;
    return status == CLVGG_STATUS_OUT_OF_MEMORY ? status : CLVGG_STATUS_OK;
}

/* ---- the choice ---- */

static bool is_index(const folder_file *file)
{
    return file->format == &vgg_weights_sharded || file->format == &vgg_weights_keras_shards;
}

static bool is_model(const folder_file *file)
{
    return file->format != NULL && (file->format->open != NULL || file->format->needs != NULL);
}

static bool is_recognised(const folder_file *file)
{
    return file->format != NULL;
}

static bool has_failed(const folder_file *file)
{
    return file->failed;
}

static size_t count_of(const listing *list, bool (*is)(const folder_file *file),
                       const folder_file **first)
{
    size_t count = 0;
    for (size_t i = list->count; i-- > 0;)
        if (is(&list->files[i])) {
            *first = &list->files[i];
            count++;
        }
    return count;
}

static clvgg_status fail_several(const char *path, const listing *list, size_t count)
{
    char names[1024] = "";
    size_t named = 0;
    for (size_t i = 0; i < list->count && named < MOST_NAMED; i++)
        if (is_model(&list->files[i])) {
            const size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%.100s", named++ > 0 ? ", " : "",
                     list->files[i].name);
        }
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "%s: is a folder with %zu files of weights, %s%s; name the one to take", path,
                    count, names, named < count ? " ..." : "");
}

/* An index stands for the files that it names; of a format that isn't read, or of what can't be
 * opened, any file will do, since what follows says so. */
static clvgg_status choose(vgg_weights *weights, const listing *list)
{
    char path[LONGEST_PATH];
    const folder_file *only = NULL;
    const bool indexed = count_of(list, is_index, &only) == 1;
    if (!indexed) {
        const size_t count = count_of(list, is_model, &only);
        if (count > 1)
            return fail_several(weights->path, list, count);
        if (count == 0 && count_of(list, is_recognised, &only) == 0 &&
            count_of(list, has_failed, &only) == 0)
            return vgg_fail(CLVGG_STATUS_BAD_FILE,
                            "%s: is a folder without weights of a known format", weights->path);
    }
    VGG_CHECK(find_file(weights->path, only->name, path), CLVGG_STATUS_IO,
              "%s: the file that was there, %s, is gone", weights->path, only->name);
    vgg_weights_note(weights, indexed ? "taken as the folder's only index of files"
                                      : "taken as the folder's only model");
    return replace_path(weights, path);
}

static clvgg_status find_only_model(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    listing list = {0};
    VGG_TRY(list_names(weights->path, &list));
    for (size_t i = 0; i < list.count; i++)
        VGG_TRY(identify(weights->path, &list.files[i]));
    VGG_TRY(choose(weights, &list));
cleanup:
    for (size_t i = 0; i < list.count; i++)
        vgg_free(list.files[i].name);
    vgg_free(list.files);
    return status;
}

clvgg_status vgg_weights_enter_folder(vgg_weights *weights)
{
    char path[LONGEST_PATH];
    if (!vgg_file_is_folder(weights->path))
        return CLVGG_STATUS_OK;
    VGG_DUP_PASS(weights->folder, weights->path);
    for (size_t i = 0; i < sizeof usual_names / sizeof *usual_names; i++)
        if (find_file(weights->path, usual_names[i], path))
            return replace_path(weights, path);
    VGG_PASS(vgg_weights_identify(weights));
    return weights->format != NULL ? CLVGG_STATUS_OK : find_only_model(weights);
}
