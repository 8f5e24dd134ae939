/* tests/unit/test_feature_file.c — records come back as they were written or not at all, whatever
 * happened to the file; processes share it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "support/feature_records.h"
#include "support/files.h"

enum { GROUP = 64, HEADS = 4096, FIRST_VALUES = 2 * HEADS };

/* ---- records ---- */

static void records_come_back(void **state)
{
    (void)state;
    enum { COUNT = 3 * GROUP + 5 };
    vgg_feature_file *file = record_file(1);
    assert_int_equal(file->index.count, 0);
    record_write_all(file, 0, COUNT);
    assert_int_equal(file_mode(record_folder), 0700);
    assert_int_equal(file_mode(record_file_path(file)), 0600);
    vgg_feature_file_close(file);
    file = record_file(1);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_true(record_has(file, i));
    assert_false(record_has(file, COUNT));
    assert_int_equal(vgg_feature_index_free_slot(&file->index), COUNT);
    record_write_all(file, COUNT, COUNT + 1);
    vgg_feature_file_close(file);
    file = record_file(2); /* of other weights: nothing */
    assert_false(record_has(file, 0));
    vgg_feature_file_close(file);
    vgg_feature_file_close(NULL);
}

static void loading_keeps_what_is_verified(void **state)
{
    (void)state;
    vgg_feature_file *file = record_file(1), *same = record_file(1);
    record_write_all(file, 0, 3);
    assert_int_equal(vgg_feature_file_load(file), CLVGG_STATUS_OK);
    assert_int_equal(file->index.slots[1].state, VGG_FEATURE_PRESENT);
    file->index.slots[1].state = VGG_FEATURE_VERIFIED;
    file->index.slots[2].state = VGG_FEATURE_VERIFIED;
    const vgg_feature_id id = record_id(2);
    const uint16_t others[RECORD_VALUES] = {9, 9, 9, 9}; /* another process has computed it again */
    assert_int_equal(vgg_feature_file_load(same), CLVGG_STATUS_OK);
    assert_int_equal(vgg_feature_file_write(same, 2, &id, others), CLVGG_STATUS_OK);
    assert_int_equal(vgg_feature_file_load(file), CLVGG_STATUS_OK);
    assert_int_equal(file->index.slots[0].state, VGG_FEATURE_PRESENT);
    assert_int_equal(file->index.slots[1].state, VGG_FEATURE_VERIFIED);
    assert_int_equal(file->index.slots[2].state, VGG_FEATURE_PRESENT);
    vgg_feature_file_close(file);
    vgg_feature_file_close(same);
}

/* ---- damage ---- */

enum { RECORDS = 3, FILE_BYTES = FIRST_VALUES + RECORDS * RECORD_VALUES * 2 };

/* A file with three records; its path and content. */
static char *make_small_file(char path[600])
{
    size_t bytes = 0;
    vgg_feature_file *file = record_file(1);
    record_write_all(file, 0, RECORDS);
    strcpy(path, record_file_path(file));
    vgg_feature_file_close(file);
    char *content = file_read(path, &bytes);
    assert_int_equal(bytes, FILE_BYTES);
    return content;
}

/* The records that a file of these bytes has, one bit each. */
static unsigned records_of(const char *path, const char *content, size_t bytes)
{
    unsigned found = 0;
    unlink(path); /* some file systems sync a file that is written over */
    file_write(path, content, bytes);
    vgg_feature_file *file = record_file(1);
    for (unsigned i = 0; i < RECORDS; i++)
        found |= (unsigned)record_has(file, i) << i;
    vgg_feature_file_close(file);
    return found;
}

/* The record that a byte belongs to, as a bit; all of them for the header's; 0: to none. */
static unsigned owner_of(size_t offset)
{
    if (offset < 64)
        return 7;
    if (offset >= FIRST_VALUES)
        return 1u << (offset - FIRST_VALUES) / (RECORD_VALUES * 2);
    return offset >= HEADS && offset < HEADS + RECORDS * 64 ? 1u << (offset - HEADS) / 64 : 0;
}

static void every_damaged_byte_is_noticed(void **state)
{
    (void)state;
    char path[600];
    char *content = make_small_file(path);
    for (size_t at = 0; at < FILE_BYTES; at++) {
        content[at] ^= (char)(1 << at % 8);
        assert_int_equal(records_of(path, content, FILE_BYTES), 7 & ~owner_of(at));
        content[at] ^= (char)(1 << at % 8);
    }
    free(content);
}

static void a_file_may_end_anywhere(void **state)
{
    (void)state;
    char path[600];
    char *content = make_small_file(path);
    for (size_t bytes = 0; bytes <= FILE_BYTES; bytes++) {
        unsigned whole = 0;
        for (unsigned i = 0; i < RECORDS; i++)
            if (bytes >= FIRST_VALUES + (i + 1) * RECORD_VALUES * 2)
                whole |= 1u << i;
        assert_int_equal(records_of(path, content, bytes), whole);
        if (bytes % 97 == 0) { /* and what is missing can be written again */
            vgg_feature_file *file = record_file(1);
            record_write_all(file, 0, RECORDS);
            vgg_feature_file_close(file);
            file = record_file(1);
            assert_true(record_has(file, 0) && record_has(file, 1) && record_has(file, 2));
            vgg_feature_file_close(file);
        }
    }
    free(content);
}

/* A record that is sound in one slot is none in another. */
static void records_are_bound_to_their_slots(void **state)
{
    (void)state;
    enum { VALUE_BYTES = RECORD_VALUES * 2 };
    char path[600], values[VALUE_BYTES];
    char *content = make_small_file(path);
    memcpy(values, content + FIRST_VALUES, VALUE_BYTES);
    memcpy(content + HEADS + 64, content + HEADS, 64); /* record 0 over record 1 */
    memcpy(content + FIRST_VALUES + VALUE_BYTES, values, VALUE_BYTES);
    memset(content + HEADS, 0, 64);
    assert_int_equal(records_of(path, content, FILE_BYTES), 4);
    free(content);

    vgg_feature_file *file = record_file(2); /* equal values, under keys that differ */
    const uint16_t zeros[RECORD_VALUES] = {0};
    const vgg_feature_id a = record_id(0), b = record_id(3);
    assert_int_equal(vgg_feature_index_grow(&file->index, 2), CLVGG_STATUS_OK);
    assert_int_equal(vgg_feature_file_write(file, vgg_feature_file_assign(file, &a), &a, zeros),
                     CLVGG_STATUS_OK);
    assert_int_equal(vgg_feature_file_write(file, vgg_feature_file_assign(file, &b), &b, zeros),
                     CLVGG_STATUS_OK);
    assert_true(file->index.slots[0].checksum != file->index.slots[1].checksum);
    vgg_feature_file_close(file);
}

static void a_second_record_of_one_key_is_none(void **state)
{
    (void)state;
    uint32_t slot = 0;
    vgg_feature_file *file = record_file(1);
    record_write_all(file, 0, 3);
    assert_int_equal(record_write(file, 0, &slot), CLVGG_STATUS_OK);
    assert_int_equal(slot, 0);
    const vgg_feature_id id = record_id(0);
    uint16_t other[RECORD_VALUES] = {0};
    assert_int_equal(vgg_feature_index_grow(&file->index, 4), CLVGG_STATUS_OK);
    assert_int_equal(vgg_feature_file_write(file, 3, &id, other), CLVGG_STATUS_OK);
    vgg_feature_file_close(file);
    file = record_file(1);
    assert_true(record_has(file, 0));
    assert_int_equal(file->index.slots[3].state, VGG_FEATURE_FREE);
    vgg_feature_file_close(file);
}

static void noise_is_no_record(void **state)
{
    (void)state;
    char path[600];
    char *content = make_small_file(path);
    for (uint64_t seed = 0; seed < 50; seed++) {
        for (size_t i = seed % 2 ? HEADS : 0; i < FILE_BYTES; i++)
            content[i] = (char)vgg_random_bits(seed << 32 | i);
        assert_int_equal(records_of(path, content, FILE_BYTES), 0);
    }
    free(content);
}

static void a_free_slot_is_used_again(void **state)
{
    (void)state;
    char path[600];
    uint32_t slot;
    char *content = make_small_file(path);
    memset(content + HEADS + 64, 0, 64); /* values were written, the head wasn't */
    file_write(path, content, FILE_BYTES);
    free(content);
    vgg_feature_file *file = record_file(1);
    assert_int_equal(record_write(file, 10, &slot), CLVGG_STATUS_OK);
    assert_int_equal(slot, 1);
    assert_int_equal(record_write(file, 11, &slot), CLVGG_STATUS_OK);
    assert_int_equal(slot, 3);
    assert_int_equal(record_write(file, 2, &slot), CLVGG_STATUS_OK); /* its own */
    assert_int_equal(slot, 2);
    vgg_feature_file_close(file);
    file = record_file(1);
    assert_true(record_has(file, 0) && record_has(file, 10) && record_has(file, 2) &&
                record_has(file, 11) && !record_has(file, 1));
    vgg_feature_file_close(file);
}

static void a_full_disk_leaves_what_is_there(void **state)
{
    (void)state;
    struct rlimit limit, small;
    vgg_feature_file *file = record_file(1);
    record_write_all(file, 0, 2);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = FIRST_VALUES + 2 * RECORD_VALUES * 2 + 3; /* in the midst of the third */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    clvgg_status status = record_write(file, 2, NULL);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, CLVGG_STATUS_IO);
    message_has(record_file_path(file));
    message_has("can't be written: File too large");
    vgg_feature_file_close(file);
    file = record_file(1);
    assert_true(record_has(file, 0) && record_has(file, 1) && !record_has(file, 2));
    record_write_all(file, 2, 3);
    vgg_feature_file_close(file);
    file = record_file(1);
    assert_true(record_has(file, 0) && record_has(file, 1) && record_has(file, 2));
    vgg_feature_file_close(file);
}

/* ---- sharing ---- */

static void one_writer_at_a_time(void **state)
{
    (void)state;
    bool locked = false;
    vgg_feature_file *a = record_file(1), *b = record_file(1);
    assert_int_equal(vgg_feature_lock(&a->folder, a->descriptor, &locked), CLVGG_STATUS_OK);
    assert_true(locked);
    assert_int_equal(vgg_feature_lock(&b->folder, b->descriptor, &locked), CLVGG_STATUS_OK);
    assert_false(locked);
    vgg_feature_file *c = record_file(1); /* opens all the same, and closing it drops no lock */
    vgg_feature_file_close(c);
    assert_int_equal(vgg_feature_lock(&b->folder, b->descriptor, &locked), CLVGG_STATUS_OK);
    assert_false(locked);
    vgg_feature_unlock(a->descriptor);
    assert_int_equal(vgg_feature_lock(&b->folder, b->descriptor, &locked), CLVGG_STATUS_OK);
    assert_true(locked);
    vgg_feature_file_close(b);
    vgg_feature_file_close(a);
}

static void a_killed_process_holds_no_lock(void **state)
{
    (void)state;
    int ready[2];
    bool locked = true;
    char byte;
    vgg_feature_file *file = record_file(1);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        vgg_feature_file *own = record_file(1);
        if (vgg_feature_lock(&own->folder, own->descriptor, &locked) != CLVGG_STATUS_OK || !locked)
            _exit(1);
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(vgg_feature_lock(&file->folder, file->descriptor, &locked), CLVGG_STATUS_OK);
    assert_false(locked);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(vgg_feature_lock(&file->folder, file->descriptor, &locked), CLVGG_STATUS_OK);
    assert_true(locked);
    close(ready[0]);
    close(ready[1]);
    vgg_feature_file_close(file);
}

static void opening_waits_while_another_has_it_alone(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        vgg_feature_file *own = record_file(1);
        if (vgg_feature_take_alone(own->descriptor) && write(ready[1], "", 1) == 1)
            nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    vgg_feature_file *file = record_file(1);
    assert_true(vgg_feature_is_alone(file->descriptor)); /* the other has ended */
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
    vgg_feature_file_close(file);
}

static void nothing_is_discarded_while_others_may_read(void **state)
{
    (void)state;
    vgg_feature_file *file = record_file(1), *reader = record_file(1);
    record_write_all(file, 0, 3);
    assert_int_equal(vgg_feature_file_load(file), CLVGG_STATUS_OK);
    file->index.slots[1].state = VGG_FEATURE_VERIFIED;
    assert_int_equal(vgg_feature_file_discard(file), CLVGG_STATUS_OK);
    assert_int_equal(vgg_feature_file_load(file), CLVGG_STATUS_OK);
    assert_true(record_has(file, 0) && record_has(file, 1) && record_has(file, 2));
    vgg_feature_file_close(reader);
    assert_int_equal(vgg_feature_file_discard(file), CLVGG_STATUS_OK);
    assert_int_equal(vgg_feature_file_load(file), CLVGG_STATUS_OK);
    assert_true(!record_has(file, 0) && record_has(file, 1) && !record_has(file, 2));
    reader = record_file(1); /* it is shared again */
    assert_false(vgg_feature_is_alone(file->descriptor));
    vgg_feature_file_close(reader);
    vgg_feature_file_close(file);
}

static void a_damaged_file_is_replaced_not_overwritten(void **state)
{
    (void)state;
    vgg_feature_file *old = record_file(1);
    record_write_all(old, 0, 3);
    assert_int_equal(vgg_feature_file_load(old), CLVGG_STATUS_OK);
    assert_int_equal(pwrite(old->descriptor, "damage", 6, 0), 6);
    vgg_feature_file *new = record_file(1);
    assert_false(record_has(new, 0));
    record_write_all(new, 5, 6);
    assert_true(record_has(old, 0) && record_has(old, 1) && record_has(old, 2));
    vgg_feature_file_close(new);
    vgg_feature_file_close(old);
    new = record_file(1);
    assert_int_equal(vgg_feature_index_free_slot(&new->index), 1);
    vgg_feature_file_close(new);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, record_folder_remove)
    const struct CMUnitTest tests[] = {
        TEST(records_come_back),
        TEST(loading_keeps_what_is_verified),
        TEST(every_damaged_byte_is_noticed),
        TEST(a_file_may_end_anywhere),
        TEST(records_are_bound_to_their_slots),
        TEST(a_second_record_of_one_key_is_none),
        TEST(noise_is_no_record),
        TEST(a_free_slot_is_used_again),
        TEST(a_full_disk_leaves_what_is_there),
        TEST(one_writer_at_a_time),
        TEST(a_killed_process_holds_no_lock),
        TEST(opening_waits_while_another_has_it_alone),
        TEST(nothing_is_discarded_while_others_may_read),
        TEST(a_damaged_file_is_replaced_not_overwritten),
    };
    return cmocka_run_group_tests(tests, record_folder_setup, record_folder_teardown);
}
