/* support/feature_items.c — see feature_items.h. */
#include "support/feature_items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/files.h"

char folder[400];
feature_set set;
vgg_feature_item items[ITEMS];
frozen_part part;

int feature_items_setup(void **state)
{
    if (temp_folder_setup(state) != 0)
        return -1;
    snprintf(folder, sizeof folder, "%s", temp_path("cache"));
    feature_set_make(&set, IMAGES);
    uint32_t order[ITEMS];
    vgg_epoch_order(1, -1, ITEMS, order);
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (vgg_feature_item){&set.dataset, order[i] / VIEWS, order[i] % VIEWS};
    return 0;
}

int feature_items_teardown(void **state)
{
    feature_set_free(&set);
    return temp_folder_teardown(state);
}

int feature_items_clear(void **state)
{
    (void)state;
    feature_folder_remove(folder);
    return 0;
}

bool note(void *user, uint64_t done, uint64_t total)
{
    progress *p = user;
    p->falls |= done < p->done || done > total;
    *p = (progress){done, total, p->calls + 1, p->stop_at, p->falls};
    return done < p->stop_at;
}

void fill(vgg_features *features, size_t count)
{
    progress p = {.stop_at = UINT64_MAX};
    if (vgg_features_fill(features, items, count, note, &p) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    assert_false(p.falls);
    assert_int_equal(p.done, p.total);
    assert_int_equal(vgg_features_present(features, items, count), count);
}

long computed_by_fill(vgg_features *features, size_t count)
{
    const long before = part.images;
    fill(features, count);
    return part.images - before;
}
