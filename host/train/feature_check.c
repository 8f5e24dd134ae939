/* train/feature_check.c — images read ahead of the features: is there one that can't be? */
#include "base/alloc.h"
#include "train/feature_compute.h"

static clvgg_status report(vgg_features_progress progress, void *user, size_t done, size_t total)
{
    if (progress == NULL || progress(user, done, total))
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_CANCELLED, "cancelled with %zu of %zu images read", done, total);
}

clvgg_status vgg_features_check(vgg_features *features, const vgg_feature_item *items, size_t count,
                                vgg_features_progress progress, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_feature_compute *compute = NULL;
    size_t *which = NULL, some = 1, done = 0, total = 0;
    VGG_NEW(which, count);
    for (size_t i = 0; i < count; i++)
        if (features->file == NULL || !vgg_features_has(features, &items[i]))
            which[total++] = i;
    if (total == 0)
        goto cleanup;
    VGG_TRY(vgg_feature_compute_open(features, items, which, total, &compute));
    while (some > 0) {
        VGG_TRY(report(progress, user, done, total));
        VGG_TRY(vgg_feature_compute_next(compute, NULL, NULL, &some));
        done += some;
    }
cleanup:
    vgg_feature_compute_close(compute);
    vgg_free(which);
    return status;
}
