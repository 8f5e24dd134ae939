/* tests/unit/test_safetensors_write.c — the bytes a written file must have, and what is left when
 * writing fails. */
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
#include <unistd.h>

#include "support/failing_allocator.h"
#include "support/files.h"
#include "weights/weights.h"

static void assert_message_has(const char *part)
{
    if (strstr(vgg_message(), part) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", part, vgg_message());
}

static const vgg_tensor_entry two_tensors[] = {
    {.name = "z.weight", .dtype = CLVGG_DTYPE_F16, .shape = {2, {1, 3}}},
    {.name = "a \"\\\xC3\xA9", .dtype = CLVGG_DTYPE_F32, .shape = {0, {0}}},
};
static const vgg_metadata_entry two_entries[] = {{"format", "pt"}, {"clvgg.format", "1\n"}};

/* Values are the bytes 0, 1, 2 … of each tensor. `user`, when given, is the tensor that fails. */
static clvgg_status give_bytes(void *user, size_t tensor, uint64_t first, uint64_t count,
                               void *data)
{
    const size_t *failing = user;
    size_t size = two_tensors[tensor % 2].dtype == CLVGG_DTYPE_F32 ? 4 : 2;
    if (failing != NULL && *failing == tensor)
        return vgg_fail(CLVGG_STATUS_NON_FINITE, "the source's own words");
    for (size_t i = 0; i < count * size; i++)
        ((unsigned char *)data)[i] = (unsigned char)(first * size + i);
    return CLVGG_STATUS_OK;
}

static void writes_these_bytes(void **state)
{
    (void)state;
    static const char header[] =
        "{\"__metadata__\":{\"clvgg.format\":\"1\\u000a\",\"format\":\"pt\"},"
        "\"z.weight\":{\"dtype\":\"F16\",\"shape\":[1,3],\"data_offsets\":[0,6]},"
        "\"a \\\"\\\\\xC3\xA9\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[6,10]}}";
    static const char data[] = {0, 1, 2, 3, 4, 5, 0, 1, 2, 3};
    const char *path = temp_path("written.safetensors");
    assert_int_equal(vgg_weights_write(path, two_tensors, 2, two_entries, 2, give_bytes, NULL),
                     CLVGG_STATUS_OK);
    size_t bytes, padded = (sizeof header - 1 + 7) / 8 * 8;
    char *file = file_read(path, &bytes);
    assert_int_equal(bytes, 8 + padded + sizeof data);
    assert_int_equal((unsigned char)file[0], padded);
    assert_memory_equal(file + 1, "\0\0\0\0\0\0\0", 7);
    assert_memory_equal(file + 8, header, sizeof header - 1);
    assert_memory_equal(file + 8 + padded, data, sizeof data);
    free(file);
    vgg_weights *weights;
    assert_int_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
    assert_non_null(vgg_weights_find(weights, two_tensors[1].name));
    assert_string_equal(vgg_weights_metadata(weights, "clvgg.format"), "1\n");
    vgg_weights_close(weights);
    assert_int_equal(vgg_weights_write(path, NULL, 0, NULL, 0, give_bytes, NULL), CLVGG_STATUS_OK);
    assert_int_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
    assert_int_equal(vgg_weights_count(weights), 0);
    vgg_weights_close(weights);
}

/* More than one piece of 4 MiB, and not a multiple of it. */
static void large_tensors_come_in_pieces(void **state)
{
    (void)state;
    const vgg_tensor_entry large = {
        .name = "large", .dtype = CLVGG_DTYPE_F16, .shape = {2, {3, 1500001}}};
    const char *path = temp_path("large.safetensors");
    vgg_weights *weights;
    assert_int_equal(vgg_weights_write(path, &large, 1, NULL, 0, give_bytes, NULL),
                     CLVGG_STATUS_OK);
    assert_int_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
    const vgg_tensor_entry *entry = vgg_weights_entry(weights, 0);
    assert_int_equal(entry->count, 4500003);
    unsigned char *data = malloc(2 * entry->count);
    assert_int_equal(vgg_weights_read(weights, entry, 0, entry->count, data), CLVGG_STATUS_OK);
    for (size_t i = 0; i < 2 * entry->count; i++)
        if (data[i] != (unsigned char)i)
            fail_msg("byte %zu is wrong", i);
    free(data);
    vgg_weights_close(weights);
    unlink(path);
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", temp_path("kept.safetensors"));
    file_write(path, "old", 3);
    size_t before = temp_file_count(), failing = 1, bytes;
    assert_int_equal(vgg_weights_write(path, two_tensors, 2, NULL, 0, give_bytes, &failing),
                     CLVGG_STATUS_NON_FINITE);
    assert_string_equal(vgg_message(), "the source's own words");
    struct rlimit limit, small;
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = 100;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    clvgg_status status = vgg_weights_write(path, two_tensors, 2, NULL, 0, give_bytes, NULL);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, CLVGG_STATUS_IO);
    assert_message_has("kept.safetensors: writing failed at byte 100");
    assert_int_equal(temp_file_count(), before);
    char *content = file_read(path, &bytes);
    assert_string_equal(content, "old");
    free(content);
}

static void impossible_contents_are_refused(void **state)
{
    (void)state;
    const char *path = temp_path("impossible.safetensors");
    const struct {
        vgg_tensor_entry tensors[2];
        vgg_metadata_entry metadata[2];
        const char *says;
    } cases[] = {
        {{{.name = "a"}, {.name = "a"}}, {{"k", ""}, {"l", ""}}, "two tensors are named \"a\""},
        {{{.name = "a"}, {.name = "__metadata__"}}, {{"k", ""}, {"l", ""}}, "can't be a tensor's"},
        {{{.name = "a"}, {.name = "\xFF"}}, {{"k", ""}, {"l", ""}}, "can't be a tensor's name"},
        {{{.name = "a"}, {.name = "b"}}, {{"k", "1"}, {"k", "2"}}, "metadata has \"k\" twice"},
        {{{.name = "a"}, {.name = "b"}}, {{"k", "\xFF"}, {"l", ""}}, "isn't UTF-8"},
        {{{.name = "a", .shape = {2, {INT64_MAX, 2}}}, {.name = "b"}},
         {{"k", ""}, {"l", ""}},
         "too large"},
        {{{.name = "a", .shape = {1, {INT64_MAX / 4}}}, {.name = "b", .shape = {1, {9}}}},
         {{"k", ""}, {"l", ""}},
         "tensor \"b\": is too large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            vgg_weights_write(path, cases[i].tensors, 2, cases[i].metadata, 2, give_bytes, NULL),
            CLVGG_STATUS_INVALID_ARGUMENT);
        assert_message_has(cases[i].says);
        assert_int_equal(access(path, F_OK), -1);
    }
}

static clvgg_status write_two(void *path)
{
    return vgg_weights_write(path, two_tensors, 2, two_entries, 2, give_bytes, NULL);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", temp_path("swept.safetensors"));
    size_t before = temp_file_count();
    assert_true(failing_allocator_sweep(write_two, path) >= 8);
    assert_int_equal(temp_file_count(), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_these_bytes),
        cmocka_unit_test(large_tensors_come_in_pieces),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
        cmocka_unit_test(impossible_contents_are_refused),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
