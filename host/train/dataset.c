/* train/dataset.c — opens a folder of photographs, keeps what was found, counts references. */
#include "train/dataset.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "train/dataset_build.h"

static void release_files(vgg_dataset_files *files)
{
    if (files == NULL || atomic_fetch_sub(&files->references, 1) > 1)
        return;
    vgg_free(files->root);
    vgg_text_free(&files->paths);
    vgg_text_free(&files->words);
    vgg_free(files->images);
    vgg_free(files->skipped);
    vgg_free(files->class_names);
    vgg_free(files);
}

static clvgg_status check_folder(const char *path)
{
    char reason[VGG_DATASET_REASON_BYTES];
    struct stat info;
    if (stat(path, &info) != 0) {
        const int problem = errno;
        if (problem == ENOENT || problem == ENOTDIR)
            return vgg_fail(CLVGG_STATUS_NOT_FOUND, "%s: no such folder", path);
        vgg_dataset_reason(problem, reason);
        return vgg_fail(CLVGG_STATUS_IO, "%s: %s", path, reason);
    }
    if (!S_ISDIR(info.st_mode))
        return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: is a file; a data set is a folder", path);
    return CLVGG_STATUS_OK;
}

/* Parts the entries into images and skipped files, and takes the list's text over. */
static clvgg_status keep_entries(vgg_dataset_files *files, vgg_path_list *list,
                                 const vgg_dataset_entry *entries)
{
    char words[VGG_DATASET_REASON_BYTES];
    int last_problem = 0;
    size_t last_reason = 0, image_count = 0;
    for (size_t i = 0; i < list->count; i++)
        image_count += entries[i].problem == 0;
    VGG_CHECK(image_count < UINT32_MAX, CLVGG_STATUS_UNSUPPORTED, "%s: too many images: %zu",
              files->root, image_count);
    VGG_NEW_PASS(files->images, image_count);
    VGG_NEW_PASS(files->skipped, list->count - image_count);
    for (size_t i = 0; i < list->count; i++) {
        const vgg_dataset_entry *entry = &entries[i];
        const size_t path = list->entries[i].offset;
        if (entry->problem == 0) {
            vgg_dataset_image *image = &files->images[files->image_count++];
            image->path = path;
            image->class_index = entry->class_index;
            memcpy(image->digest, entry->digest, sizeof image->digest);
            continue;
        }
        if (entry->problem != last_problem) {
            last_problem = entry->problem;
            last_reason = files->words.length;
            vgg_dataset_reason(entry->problem, words);
            vgg_text_append(&files->words, words, strlen(words) + 1);
        }
        files->skipped[files->skipped_count++] = (vgg_dataset_skip){path, last_reason};
    }
    VGG_CHECK(!files->words.failed, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for reasons");
    files->paths = list->text;
    list->text = (vgg_text){0};
    return CLVGG_STATUS_OK;
}

static clvgg_status list_files(int threads, const char *path, vgg_dataset_files **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_dataset_files *files = NULL;
    vgg_dataset_entry *entries = NULL;
    vgg_path_list list = {0};
    VGG_TRY(check_folder(path));
    VGG_NEW(files, 1);
    atomic_init(&files->references, 1);
    VGG_DUP(files->root, path);
    VGG_TRY(vgg_path_list_add_all(&list, path));
    VGG_NEW(entries, list.count);
    VGG_TRY(vgg_dataset_check_files(threads, &list, entries));
    VGG_TRY(vgg_dataset_find_classes(files, &list, entries));
    VGG_TRY(keep_entries(files, &list, entries));
    VGG_GIVE(out, files);
cleanup:
    release_files(files);
    vgg_free(entries);
    vgg_path_list_free(&list);
    return status;
}

clvgg_status vgg_dataset_choose(vgg_dataset_files *files, const uint8_t *choose, uint8_t value,
                                clvgg_dataset **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_dataset *dataset = NULL;
    size_t count = 0;
    *out = NULL;
    for (size_t i = 0; i < files->image_count; i++)
        count += choose == NULL || choose[i] == value;
    VGG_NEW(dataset, 1);
    atomic_init(&dataset->references, 1);
    dataset->scope = vgg_scope_current();
    dataset->part = choose != NULL;
    dataset->files = files;
    atomic_fetch_add(&files->references, 1);
    VGG_NEW(dataset->class_sizes, files->class_count);
    VGG_NEW(dataset->chosen, count);
    for (size_t i = 0; i < files->image_count; i++)
        if (choose == NULL || choose[i] == value) {
            dataset->chosen[dataset->count++] = (uint32_t)i;
            dataset->class_sizes[files->images[i].class_index]++;
        }
    VGG_GIVE(out, dataset);
cleanup:
    vgg_dataset_free(dataset);
    return status;
}

clvgg_status vgg_dataset_open(int threads, const char *path, clvgg_dataset **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_dataset_files *files = NULL;
    *out = NULL;
    VGG_TRY(list_files(threads, path, &files));
    VGG_TRY(vgg_dataset_choose(files, NULL, 0, out));
cleanup:
    release_files(files);
    return status;
}

clvgg_dataset *vgg_dataset_retain(const clvgg_dataset *dataset)
{
    clvgg_dataset *counted = (clvgg_dataset *)dataset; /* the count is all that changes */
    atomic_fetch_add(&counted->references, 1);
    return counted;
}

void vgg_dataset_free(clvgg_dataset *dataset)
{
    if (dataset == NULL || atomic_fetch_sub(&dataset->references, 1) > 1)
        return;
    release_files(dataset->files);
    vgg_free(dataset->chosen);
    vgg_free(dataset->class_sizes);
    vgg_free(dataset);
}

const char *vgg_dataset_class_name(const clvgg_dataset *dataset, size_t class_index)
{
    const vgg_dataset_files *files = dataset->files;
    if (class_index >= files->class_count)
        return NULL;
    return files->words.bytes + files->class_names[class_index];
}
