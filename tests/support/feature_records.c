/* support/feature_records.c — see feature_records.h. */
#include "support/feature_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "support/feature_set.h"
#include "support/files.h"

char record_folder[400];

int record_folder_setup(void **state)
{
    if (temp_folder_setup(state) != 0)
        return -1;
    snprintf(record_folder, sizeof record_folder, "%s", temp_path("cache"));
    return 0;
}

int record_folder_teardown(void **state)
{
    return temp_folder_teardown(state);
}

int record_folder_remove(void **state)
{
    (void)state;
    feature_folder_remove(record_folder);
    return 0;
}

void message_has(const char *part)
{
    if (strstr(vgg_message(), part) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", part, vgg_message());
}

vgg_feature_id record_id(uint64_t i)
{
    vgg_feature_id id = {.variation = i % 3, .view = (uint32_t)(i % 3)};
    for (size_t k = 0; k < sizeof id.digest; k++)
        id.digest[k] = (uint8_t)(vgg_random_bits(i / 3 * 4 + k / 8) >> k % 8 * 8);
    return id;
}

static void record_values(uint64_t i, uint16_t values[RECORD_VALUES])
{
    for (size_t k = 0; k < RECORD_VALUES; k++)
        values[k] = (uint16_t)vgg_random_bits(500 + i * RECORD_VALUES + k);
}

vgg_feature_file *record_file_limited(uint8_t which, uint64_t limit_bytes)
{
    const uint8_t digest[32] = {which};
    vgg_feature_file *file = NULL;
    if (vgg_feature_file_open(record_folder, limit_bytes, digest, RECORD_VALUES, &file) !=
        CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return file;
}

vgg_feature_file *record_file(uint8_t which)
{
    return record_file_limited(which, 1 << 30);
}

clvgg_status record_write(vgg_feature_file *file, uint64_t i, uint32_t *out)
{
    const vgg_feature_id id = record_id(i);
    uint16_t values[RECORD_VALUES];
    record_values(i, values);
    assert_int_equal(vgg_feature_index_grow(&file->index, file->index.count + 1), CLVGG_STATUS_OK);
    const uint32_t slot = vgg_feature_file_assign(file, &id);
    if (out != NULL)
        *out = slot;
    return vgg_feature_file_write(file, slot, &id, values);
}

/* Writes records first…end − 1. */
void record_write_all(vgg_feature_file *file, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        assert_int_equal(record_write(file, i, NULL), CLVGG_STATUS_OK);
}

/* True when the record is there, sound, and what was written; fails when it is another. */
bool record_has(const vgg_feature_file *file, uint64_t i)
{
    const vgg_feature_id id = record_id(i);
    uint16_t values[RECORD_VALUES], expected[RECORD_VALUES];
    bool sound = false;
    const uint32_t slot = vgg_feature_index_find(&file->index, &id);
    if (slot == VGG_FEATURE_NO_SLOT || file->index.slots[slot].state < VGG_FEATURE_PRESENT)
        return false;
    assert_int_equal(vgg_feature_file_read(file, slot, values, &sound), CLVGG_STATUS_OK);
    record_values(i, expected);
    if (sound)
        assert_memory_equal(values, expected, sizeof values);
    return sound;
}

const char *record_file_path(const vgg_feature_file *file)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", record_folder, file->name);
    return path;
}
