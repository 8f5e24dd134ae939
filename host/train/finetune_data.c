/* train/finetune_data.c — the photographs of a fine-tuning: parts that can be trained and measured
 * on, what is to be computed of them, and those that turn out to be unreadable, which are left out.
 *
 * Photographs are read when their features are computed, so that is when a cut one is met. Whether
 * it can be read depends on its content alone: runs on the same data leave the same ones out,
 * whatever is cached. An epoch's order, its steps and the schedule are those of the rest, as though
 * the others weren't there.
 */
#include <string.h>

#include "base/alloc.h"
#include "train/finetune.h"

/* ---- parts ---- */

/* A class that can't be learned, or nothing to choose the best epoch by. */
static clvgg_status check_parts(const clvgg_dataset *train, const clvgg_dataset *val)
{
    VGG_CHECK(val->count > 0, CLVGG_STATUS_BAD_FILE,
              "%s: there is no validation photograph, and without one no epoch is the best: put "
              "two different photographs or more into a class, or give others by --val",
              val->files->root);
    for (size_t i = 0; i < train->files->class_count; i++)
        VGG_CHECK(train->class_sizes[i] > 0, CLVGG_STATUS_BAD_FILE,
                  "%s: there is no training photograph of '%s'", train->files->root,
                  vgg_dataset_class_name(train, i));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_finetune_check_data(const clvgg_dataset *train, const clvgg_dataset *val)
{
    const size_t count = train->files->class_count, others = val->files->class_count;
    size_t same = 0; /* both lists are sorted */
    int order = 0;
    while (same < count && same < others && order == 0) {
        order = strcmp(vgg_dataset_class_name(train, same), vgg_dataset_class_name(val, same));
        same += order == 0;
    }
    const bool more = same < others && (same == count || order > 0); /* val has one more */
    const clvgg_dataset *having = more ? val : train, *lacking = more ? train : val;
    VGG_CHECK(count >= 2, CLVGG_STATUS_INVALID_ARGUMENT,
              "%s has one class, '%s': there is nothing to tell apart", train->files->root,
              vgg_dataset_class_name(train, 0));
    VGG_CHECK(same == count && same == others, CLVGG_STATUS_INVALID_ARGUMENT,
              "%s has a class '%s', which %s lacks", having->files->root,
              vgg_dataset_class_name(having, same), lacking->files->root);
    return check_parts(train, val);
}

/* ---- what is to be computed ---- */

clvgg_status vgg_finetune_list_items(clvgg_finetune *finetune)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t images = finetune->train->count;
    const size_t others = finetune->val->count;
    const size_t views = (size_t)finetune->options.views;
    uint32_t *order = NULL;
    VGG_REQUIRE(images <= INT32_MAX / views && others <= INT32_MAX, CLVGG_STATUS_UNSUPPORTED,
                "%zu views of %zu images are too many", views, images);
    vgg_free(finetune->items);
    finetune->items = NULL;
    finetune->item_count = images * views + others;
    VGG_NEW(finetune->items, finetune->item_count);
    VGG_NEW(order, images);
    vgg_epoch_order(finetune->options.seed, -1, images, order);
    vgg_feature_item *item = finetune->items;
    for (size_t i = 0; i < images; i++)
        for (size_t v = 0; v < views; v++)
            *item++ = (vgg_feature_item){finetune->train, order[i], (uint32_t)v};
    for (size_t i = 0; i < others; i++)
        *item++ = (vgg_feature_item){finetune->val, (uint32_t)i, 0};
cleanup:
    vgg_free(order);
    return status;
}

/* ---- leaving out ---- */

static clvgg_status mark_all(const clvgg_dataset *dataset, uint8_t **used)
{
    VGG_NEW_PASS(*used, dataset->files->image_count);
    for (size_t i = 0; i < dataset->count; i++)
        (*used)[dataset->chosen[i]] = 1;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_finetune_watch_data(clvgg_finetune *finetune)
{
    finetune->given_count = finetune->train->count + finetune->val->count;
    VGG_PASS(mark_all(finetune->train, &finetune->used[0]));
    return mark_all(finetune->val, &finetune->used[1]);
}

static clvgg_status require_few(const clvgg_finetune *finetune)
{
    const clvgg_finetune_options *options = &finetune->options;
    const size_t count = finetune->left_out_count;
    size_t most = (size_t)(options->max_bad_share * (double)finetune->given_count);
    most = options->max_bad_images >= 0 ? (size_t)options->max_bad_images : most > 1 ? most : 1;
    VGG_CHECK(count <= most, CLVGG_STATUS_BAD_FILE,
              "%zu of %zu photographs can't be read%s, and %zu may be left out (--max-bad); the "
              "last is %s: %s",
              count, finetune->given_count, finetune->checking ? "" : " so far", most,
              finetune->left_out[count - 1].path, finetune->left_out[count - 1].reason);
    return CLVGG_STATUS_OK;
}

static clvgg_status note_left_out(clvgg_finetune *finetune, const char *path, const char *reason)
{
    vgg_left_out *grown =
        vgg_realloc(finetune->left_out, finetune->left_out_count + 1, sizeof *finetune->left_out);
    if (grown == NULL)
        return vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "no memory for another left-out photograph");
    finetune->left_out = grown;
    vgg_left_out *left = &grown[finetune->left_out_count];
    *left = (vgg_left_out){.path = path};
    VGG_DUP_PASS(left->reason, reason);
    finetune->left_out_count++;
    clvgg_finetune_event event = {
        .type = CLVGG_FINETUNE_LEFT_OUT, .path = path, .reason = left->reason};
    (void)vgg_finetune_tell(finetune, &event); /* a wish to stop is heard behind the batch */
    return CLVGG_STATUS_OK;
}

/* Copies of a photograph are computed once, so they are left out together. */
clvgg_status vgg_finetune_leave_out(void *user, const vgg_feature_item *item, const char *message)
{
    clvgg_finetune *finetune = user;
    const clvgg_dataset *parts[2] = {finetune->train, finetune->val};
    const uint8_t *digest = vgg_dataset_image_at(item->dataset, item->image)->digest;
    const char *path = vgg_dataset_image_path(item->dataset, item->image);
    const size_t length = strlen(path);
    if (strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0)
        message += length + 2;
    for (int p = 0; p < 2; p++)
        for (size_t i = 0; i < parts[p]->count; i++) {
            uint8_t *used = &finetune->used[p][parts[p]->chosen[i]];
            if (!*used || memcmp(vgg_dataset_image_at(parts[p], i)->digest, digest,
                                 CLVGG_DATASET_DIGEST_BYTES) != 0)
                continue;
            VGG_PASS(note_left_out(finetune, vgg_dataset_image_path(parts[p], i), message));
            *used = 0;
        }
    if (!finetune->checking) /* a check names them all */
        VGG_PASS(require_few(finetune));
    return CLVGG_STATUS_OK;
}

/* Trains and validates on those that are left. */
static clvgg_status drop_left_out(clvgg_finetune *finetune)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_dataset *train = NULL, *val = NULL;
    VGG_TRY(vgg_dataset_choose(finetune->train->files, finetune->used[0], 1, &train));
    VGG_TRY(vgg_dataset_choose(finetune->val->files, finetune->used[1], 1, &val));
    VGG_TRY(check_parts(train, val));
    vgg_dataset_free(finetune->train);
    vgg_dataset_free(finetune->val);
    finetune->train = train;
    finetune->val = val;
    train = val = NULL;
    VGG_TRY(vgg_finetune_list_items(finetune));
cleanup:
    vgg_dataset_free(train);
    vgg_dataset_free(val);
    return status;
}

clvgg_status vgg_finetune_settle_data(clvgg_finetune *finetune)
{
    if (finetune->left_out_count == 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(require_few(finetune));
    return drop_left_out(finetune);
}

void vgg_finetune_forget_data(clvgg_finetune *finetune)
{
    for (size_t i = 0; i < finetune->left_out_count; i++)
        vgg_free(finetune->left_out[i].reason);
    vgg_free(finetune->left_out);
    vgg_free(finetune->used[0]);
    vgg_free(finetune->used[1]);
    vgg_free(finetune->items);
    vgg_dataset_free(finetune->train);
    vgg_dataset_free(finetune->val);
}
