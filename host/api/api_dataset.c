/* api/api_dataset.c — implements clvgg/dataset.h. */
#include <string.h>

#include "api/scope.h"
#include "train/dataset.h"

clvgg_status clvgg_dataset_open(clvgg_runtime *runtime, const char *path, clvgg_dataset **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(runtime, path);
    VGG_API_RETURN(&runtime->scope, vgg_dataset_open(runtime->threads, path, out));
}

void clvgg_dataset_free(clvgg_dataset *dataset)
{
    vgg_dataset_free(dataset);
}

const char *clvgg_dataset_path(const clvgg_dataset *dataset)
{
    return dataset->files->root;
}

size_t clvgg_dataset_count(const clvgg_dataset *dataset)
{
    return dataset->count;
}

size_t clvgg_dataset_class_count(const clvgg_dataset *dataset)
{
    return dataset->files->class_count;
}

const char *clvgg_dataset_class_name(const clvgg_dataset *dataset, size_t class_index)
{
    return vgg_dataset_class_name(dataset, class_index);
}

size_t clvgg_dataset_class_size(const clvgg_dataset *dataset, size_t class_index)
{
    return class_index < dataset->files->class_count ? dataset->class_sizes[class_index] : 0;
}

void clvgg_dataset_at(const clvgg_dataset *dataset, size_t index, clvgg_dataset_item *item)
{
    memset(item, 0, sizeof *item);
    if (index >= dataset->count)
        return;
    const vgg_dataset_image *image = vgg_dataset_image_at(dataset, index);
    item->path = vgg_dataset_image_path(dataset, index);
    item->class_index = image->class_index;
    memcpy(item->digest, image->digest, sizeof item->digest);
}

size_t clvgg_dataset_skipped_count(const clvgg_dataset *dataset)
{
    return dataset->part ? 0 : dataset->files->skipped_count;
}

void clvgg_dataset_skipped(const clvgg_dataset *dataset, size_t index, const char **path,
                           const char **reason)
{
    const vgg_dataset_files *files = dataset->files;
    *path = *reason = NULL;
    if (index >= clvgg_dataset_skipped_count(dataset))
        return;
    *path = files->paths.bytes + files->skipped[index].path;
    *reason = files->words.bytes + files->skipped[index].reason;
}

clvgg_status clvgg_dataset_split(const clvgg_dataset *dataset, double fraction, uint64_t seed,
                                 clvgg_dataset **first, clvgg_dataset **second)
{
    VGG_API_REQUIRE(first != NULL && second != NULL);
    *first = *second = NULL;
    VGG_API_REQUIRE(dataset != NULL);
    VGG_API_RETURN(dataset->scope, vgg_dataset_split(dataset, fraction, seed, first, second));
}

clvgg_status clvgg_dataset_common(const clvgg_dataset *first, const clvgg_dataset *second,
                                  size_t *count, size_t *first_index, size_t *second_index)
{
    VGG_API_REQUIRE(count != NULL);
    *count = 0;
    VGG_API_GIVEN(first, second);
    VGG_API_RETURN(first->scope,
                   vgg_dataset_common(first, second, count, first_index, second_index));
}
