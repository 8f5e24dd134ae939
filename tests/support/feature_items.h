/* support/feature_items.h — a data set with views and a frozen part, and filling a file with them.
 */
#ifndef TEST_SUPPORT_FEATURE_ITEMS_H
#define TEST_SUPPORT_FEATURE_ITEMS_H

#include "support/feature_set.h"

enum { IMAGES = 45, VIEWS = 3, ITEMS = IMAGES * VIEWS };

extern char folder[400]; /* of feature files; it needn't be there */
extern feature_set set;
extern vgg_feature_item items[ITEMS]; /* all views of all images, shuffled */
extern frozen_part part;

/* A group's setup and teardown; a test's teardown, which removes the folder. */
int feature_items_setup(void **state);
int feature_items_teardown(void **state);
int feature_items_clear(void **state);

/* The last report of progress; it asks to stop at `stop_at`. */
typedef struct progress {
    uint64_t done, total, calls, stop_at;
    bool falls; /* it went back, or past the total */
} progress;
bool note(void *user, uint64_t done, uint64_t total);

/* Fills with the first items, or fails the test. */
void fill(vgg_features *features, size_t count);
/* Fills, and returns how many images were computed for that. */
long computed_by_fill(vgg_features *features, size_t count);

#endif
