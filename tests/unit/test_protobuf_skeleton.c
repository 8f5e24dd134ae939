/* tests/unit/test_protobuf_skeleton.c — the copy of a protobuf file without its values: what is in
 * it, where the values are, and hostile files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "weights/protobuf_skeleton.h"

/* A node {1: name, 2: child nodes, 3: values, 4: a node that may be there once}. */
static const vgg_protobuf_message node;
static const vgg_protobuf_field fields[] = {
    {1, VGG_PROTOBUF_KEEP, NULL},
    {2, VGG_PROTOBUF_INTO, &node},
    {3, VGG_PROTOBUF_LEAVE, NULL},
    {4, VGG_PROTOBUF_ONCE, &node},
};
static const vgg_protobuf_message node = {"Node", fields, 4};

static vgg_file *file;
static vgg_protobuf_skeleton skeleton;

static clvgg_status walk(void *path)
{
    clvgg_status status = vgg_file_open(path, &file);
    if (status != CLVGG_STATUS_OK)
        return status;
    status = vgg_protobuf_skeleton_read(file, &node, &skeleton);
    vgg_protobuf_skeleton_free(&skeleton);
    vgg_file_close(file);
    return status;
}

static void open_bytes(const void *bytes, size_t count)
{
    file_write(temp_path("case"), bytes, count);
    assert_int_equal(vgg_file_open(temp_path("case"), &file), CLVGG_STATUS_OK);
}

static void close_all(void)
{
    vgg_protobuf_skeleton_free(&skeleton);
    vgg_file_close(file);
}

#define OPEN(text) open_bytes(text, sizeof(text) - 1)

static void assert_refused(const void *bytes, size_t count, const char *says)
{
    open_bytes(bytes, count);
    assert_int_equal(vgg_protobuf_skeleton_read(file, &node, &skeleton), CLVGG_STATUS_BAD_FILE);
    if (strstr(vgg_message(), says) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", says, vgg_message());
    assert_non_null(strstr(vgg_message(), temp_path("case")));
    close_all();
}
#define REFUSED(text, says) assert_refused(text, sizeof(text) - 1, says)

/* Field 3 twice as bytes, then four fixed32 by themselves; fields 7 and 1000003 are nobody's. */
#define GOOD                                                                                       \
    "\x0a\x03"                                                                                     \
    "abc"                                                                                          \
    "\x12\x0d"                                                                                     \
    "\x1a\x04"                                                                                     \
    "wxyz"                                                                                         \
    "\x3a\x01q"                                                                                    \
    "\x1a\x02gh"                                                                                   \
    "\x98\xa4\xe8\x03\x05"                                                                         \
    "\x1d"                                                                                         \
    "1111"                                                                                         \
    "\x1d"                                                                                         \
    "2222"                                                                                         \
    "\x1d"                                                                                         \
    "3333"

static void values_are_left_out_and_found(void **state)
{
    (void)state;
    static const char copy[] = "\x0a\x03"
                               "abc"
                               "\x12\x8a\x80\x80\x80\x00"
                               "\x98\xa4\xe8\x03\x00"
                               "\x98\xa4\xe8\x03\x01"
                               "\x98\xa4\xe8\x03\x02";
    const uint32_t places[] = {0, 1}, apart[] = {2};
    char text[16] = {0};
    OPEN(GOOD);
    assert_int_equal(vgg_protobuf_skeleton_read(file, &node, &skeleton), CLVGG_STATUS_OK);
    assert_int_equal(skeleton.length, sizeof copy - 1);
    assert_memory_equal(skeleton.bytes, copy, sizeof copy - 1);
    assert_int_equal(skeleton.place_count, 3);
    assert_int_equal(vgg_protobuf_bytes(&skeleton, places, 2), 6);
    assert_int_equal(vgg_protobuf_read(file, &skeleton, places, 2, 1, text, 4), CLVGG_STATUS_OK);
    assert_string_equal(text, "xyzg");
    assert_int_equal(vgg_protobuf_bytes(&skeleton, apart, 1), 12);
    assert_int_equal(vgg_protobuf_read(file, &skeleton, apart, 1, 4, text, 8), CLVGG_STATUS_OK);
    assert_string_equal(text, "22223333");
    close_all();
}

static void many_numbers_apart_are_one_place(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    char *bytes = malloc(5 * COUNT), *got = malloc(4 * COUNT);
    const uint32_t place[] = {0};
    for (int i = 0; i < COUNT; i++) {
        bytes[5 * i] = 0x1d;
        memcpy(bytes + 5 * i + 1, &i, 4);
    }
    open_bytes(bytes, 5 * COUNT);
    assert_int_equal(vgg_protobuf_skeleton_read(file, &node, &skeleton), CLVGG_STATUS_OK);
    assert_int_equal(skeleton.place_count, 1);
    assert_int_equal(vgg_protobuf_read(file, &skeleton, place, 1, 0, got, 4 * COUNT),
                     CLVGG_STATUS_OK);
    for (int i = 0; i < COUNT; i++)
        assert_memory_equal(got + 4 * i, &i, 4);
    close_all();
    free(bytes);
    free(got);
}

static void hostile_files_are_refused(void **state)
{
    (void)state;
    REFUSED("\x0a\x7f"
            "a",
            "byte 0: field 1 claims 127 bytes, its message has 1 left");
    REFUSED("\x12\x02\x0a\x01", "byte 2: field 1 claims 1 bytes, its message has 0 left");
    REFUSED("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "claims 18446744073709551615 bytes");
    REFUSED("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "more than 64 bits");
    REFUSED("\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", "more than 64 bits");
    REFUSED("\x08\x80", "beyond the end of its message");
    REFUSED("\x02\x01q", "isn't a field's number");
    REFUSED("\x8a\x80\x80\x80\x80\x01\x01q", "isn't a field's number");
    REFUSED("\x0b\x0c", "a kind that protobuf files don't have");
    REFUSED("\x10\x01", "a number stands where a message should");
    REFUSED("\x18\x01", "holds a single varint");
    REFUSED("\x22\x00\x22\x00", "Node has field 4 twice");
}

/* A message in a message, deeper than any network; and very many of them. */
static void depth_and_numbers_are_bounded(void **state)
{
    (void)state;
    enum { MANY = VGG_PROTOBUF_MOST_MESSAGES + 1 };
    unsigned char nested[80];
    for (size_t i = 0; i < sizeof nested; i += 2) {
        nested[i] = 0x12;
        nested[i + 1] = (unsigned char)(sizeof nested - i - 2);
    }
    assert_refused(nested, sizeof nested, "or deeper than 32");
    char *many = calloc(MANY, 2);
    for (size_t i = 0; i < MANY; i++)
        many[2 * i] = 0x12;
    assert_refused(many, 2 * MANY, "more than 262144 messages");
    for (size_t i = 0; i < MANY; i++)
        many[2 * i] = 0x1a;
    assert_refused(many, 2 * MANY, "more than 262144 arrays");
    free(many);
}

static void what_is_kept_is_bounded(void **state)
{
    (void)state;
    enum { LARGE = VGG_PROTOBUF_LARGEST_SKELETON };
    char *large = calloc(LARGE + 5, 1);
    memcpy(large, "\x0a\x80\x80\x80\x04", 5);
    assert_refused(large, LARGE + 5, "more than 8 MiB beside its weights");
    large[0] = 0x3a; /* nobody's: not copied */
    open_bytes(large, LARGE + 5);
    assert_int_equal(vgg_protobuf_skeleton_read(file, &node, &skeleton), CLVGG_STATUS_OK);
    assert_int_equal(skeleton.length, 0);
    close_all();
    free(large);
}

/* Cut where a field ends, a file is a shorter one; anywhere else it is refused. */
static void truncation_does_no_harm(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < sizeof GOOD - 1; bytes++) {
        file_write(temp_path("cut"), GOOD, bytes);
        const bool whole =
            bytes == 0 || bytes == 5 || bytes == 20 || bytes == 25 || bytes == 30 || bytes == 35;
        char *path = strdup(temp_path("cut"));
        assert_int_equal(walk(path), whole ? CLVGG_STATUS_OK : CLVGG_STATUS_BAD_FILE);
        free(path);
    }
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    file_write(temp_path("good"), GOOD, sizeof GOOD - 1);
    char *path = strdup(temp_path("good"));
    assert_true(failing_allocator_sweep(walk, path) >= 3);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_left_out_and_found),
        cmocka_unit_test(many_numbers_apart_are_one_place),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(depth_and_numbers_are_bounded),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(truncation_does_no_harm),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
