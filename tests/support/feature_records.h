/* support/feature_records.h — feature files with records that are known by a number. */
#ifndef TEST_SUPPORT_FEATURE_RECORDS_H
#define TEST_SUPPORT_FEATURE_RECORDS_H

#include "train/feature_file.h"

enum { RECORD_VALUES = 4 };

/* The folder of feature files, in the test's folder (support/files.h). A group's setup and
 * teardown, and a test's teardown, which removes it. */
extern char record_folder[400];
int record_folder_setup(void **state);
int record_folder_teardown(void **state);
int record_folder_remove(void **state);

/* The file `which` in the folder; fails the test when it can't be opened. */
vgg_feature_file *record_file_limited(uint8_t which, uint64_t limit_bytes);
vgg_feature_file *record_file(uint8_t which);
/* Valid until the next call. */
const char *record_file_path(const vgg_feature_file *file);

/* Three records in a row are of one image. */
vgg_feature_id record_id(uint64_t i);
/* Writes record i; *slot (may be NULL) says where to. */
clvgg_status record_write(vgg_feature_file *file, uint64_t i, uint32_t *slot);
/* Writes records first…end − 1, or fails the test. */
void record_write_all(vgg_feature_file *file, uint64_t first, uint64_t end);
/* True when the record is there, sound, and what was written; fails when it is another. */
bool record_has(const vgg_feature_file *file, uint64_t i);
/* Fails the test unless the thread's message has this part. */
void message_has(const char *part);

#endif
