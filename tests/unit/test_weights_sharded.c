/* tests/unit/test_weights_sharded.c — networks in several files with an index: good ones, and
 * indices that lie, leave the folder or contain themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "weights/weights.h"

#define FORMATS TEST_DATA "/formats/vgg16/"

static vgg_weights *must_open(const char *path)
{
    vgg_weights *weights;
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return weights;
}

static void indices_and_folders_are_read(void **state)
{
    (void)state;
    static const char *const paths[] = {FORMATS "shards", FORMATS "folder",
                                        FORMATS "shards/model.safetensors.index.json"};
    vgg_weights *expected = must_open(FORMATS "network.safetensors");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        vgg_weights *got = must_open(paths[i]);
        assert_int_equal(vgg_weights_count(got), vgg_weights_count(expected));
        const vgg_tensor_entry *entry = vgg_weights_find(got, "classifier.6.weight");
        const vgg_tensor_entry *wanted = vgg_weights_find(expected, "fc8.weight");
        float values[50], right[50];
        assert_int_equal(entry->count, 50);
        assert_int_equal(vgg_weights_read(got, entry, 0, 50, values), CLVGG_STATUS_OK);
        assert_int_equal(vgg_weights_read(expected, wanted, 0, 50, right), CLVGG_STATUS_OK);
        assert_memory_equal(values, right, sizeof right);
        vgg_weights_close(got);
    }
    vgg_weights_close(expected);
}

/* ---- files made here ---- */

/* A safetensors file with these tensors, one letter each, of one float32 each. */
static void write_shard(const char *name, const char *letters)
{
    char header[1024] = "{", file[2048] = {0};
    size_t length = 1, bytes = 0;
    for (const char *at = letters; *at != '\0'; at++, bytes += 4)
        length +=
            (size_t)snprintf(header + length, sizeof header - length,
                             "%s\"%c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%zu,"
                             "%zu]}",
                             at > letters ? "," : "", *at, bytes, bytes + 4);
    header[length++] = '}';
    file[0] = (char)(length & 0xFF);
    file[1] = (char)(length >> 8);
    memcpy(file + 8, header, length);
    file_write(temp_path(name), file, 8 + length + bytes);
}

static const char *write_index(const char *text)
{
    const char *path = temp_path("net.index.json");
    file_write(path, text, strlen(text));
    return path;
}

static void assert_refused(const char *path, const char *says)
{
    vgg_weights *weights;
    assert_int_not_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
    assert_null(weights);
    if (strstr(vgg_message(), says) == NULL || strstr(vgg_message(), path) == NULL)
        fail_msg("\"%s\" and \"%s\" were expected: %s", path, says, vgg_message());
}

static void indices_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"weight_map\": {\"a\": \"1\", \"c\": \"2\", \"b\": \"2\"}}",
         "tensor \"b\" is to be in 2 alone, and 1 has it"},
        {"{\"weight_map\": {\"a\": \"2\", \"b\": \"1\"}}", "is to be in 2 alone, and 1 has it"},
        {"{\"weight_map\": {\"a\": \"1\", \"z\": \"1\"}}", "and 1 doesn't have it"},
        {"{\"weight_map\": {\"a\": \"1\", \"d\": \"3\"}}", "two tensors named \"c\""},
        {"{\"weight_map\": {\"a\": \"1\", \"a\": \"2\"}}", "tensor \"a\" twice"},
        {"{\"weight_map\": {\"a\": \"absent\"}}", "absent"},
        {"{\"weight_map\": {\"a\": \"../1\"}}", "isn't in a file of this folder: ../1"},
        {"{\"weight_map\": {\"a\": \"/etc/passwd\"}}", "isn't in a file of this folder"},
        {"{\"weight_map\": {\"a\": \"b/1\"}}", "isn't in a file of this folder"},
        {"{\"weight_map\": {\"a\": \"..\"}}", "isn't in a file of this folder"},
        {"{\"weight_map\": {\"a\": \"\"}}", "isn't in a file of this folder"},
        {"{\"weight_map\": {\"a\": 1}}", "isn't in a file of this folder"},
        {"{\"weight_map\": {}}", "has 0 tensors"},
        {"{\"weight_map\": []}", "has no object"},
        {"{\"weight_map\": {\"a\": \"1\"}", "isn't valid JSON"},
        {"{\"weight_map\": {\"a\": \"1\"}} x", "isn't valid JSON"},
        {"{\"weight_map\": {\"a\": \"net.index.json\"}}", "an index inside of an index"},
        {"{\"weight_map\": {\"a\": \"net.ncnn.param\"}}", "a network of its own"},
    };
    static const char param[] = "7767517\n2 2\nInput in 0 1 in\nReLU r 1 1 in r\n";
    write_shard("1", "ab");
    write_shard("2", "c");
    write_shard("3", "cd");
    file_write(temp_path("net.ncnn.param"), param, sizeof param - 1);
    file_write(temp_path("net.ncnn.bin"), "", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i == 3)
            write_shard("1", "ac");
        assert_refused(write_index(cases[i].text), cases[i].says);
        if (i == 3)
            write_shard("1", "ab");
    }
}

/* What the index doesn't list is there too; total_size may say anything. */
static void unlisted_tensors_are_kept(void **state)
{
    (void)state;
    write_shard("1", "ab");
    write_shard("2", "c");
    vgg_weights *weights = must_open(write_index(
        " {\"metadata\": {\"total_size\": -1e99}, \"weight_map\": {\"a\": \"1\", \"c\": "
        "\"2\"}}"));
    assert_int_equal(vgg_weights_count(weights), 3);
    assert_non_null(vgg_weights_find(weights, "b"));
    assert_non_null(strstr(vgg_weights_notes(weights), "3 tensors from 2 files"));
    vgg_weights_close(weights);
}

static void large_indices_are_refused(void **state)
{
    (void)state;
    vgg_text text = {0};
    vgg_text_puts(&text, "{\"weight_map\": {");
    for (int i = 0; i < 300; i++)
        vgg_text_printf(&text, "%s\"%d\": \"f%d\"", i > 0 ? "," : "", i, i);
    vgg_text_puts(&text, "}}");
    assert_refused(write_index(text.bytes), "names 300 files, more than 256");
    while (text.length < (size_t)3 << 20)
        vgg_text_puts(&text, "                                                                ");
    assert_refused(write_index(text.bytes), "an index has at most");
    vgg_text_free(&text);
}

static void truncation_at_every_byte_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "{\"weight_map\": {\"a\": \"1\", \"c\": \"2\"}}";
    char text[sizeof whole];
    for (size_t bytes = 0; bytes + 1 < sizeof whole; bytes++) {
        vgg_weights *weights;
        memcpy(text, whole, bytes);
        text[bytes] = '\0';
        assert_int_not_equal(vgg_weights_open(write_index(text), &weights), CLVGG_STATUS_OK);
    }
    vgg_weights_close(must_open(write_index(whole)));
}

static clvgg_status open_and_close(void *path)
{
    vgg_weights *weights = NULL;
    const clvgg_status status = vgg_weights_open(path, &weights);
    vgg_weights_close(weights);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    assert_true(failing_allocator_sweep(open_and_close, FORMATS "shards") >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indices_and_folders_are_read),
        cmocka_unit_test(indices_are_checked),
        cmocka_unit_test(unlisted_tensors_are_kept),
        cmocka_unit_test(large_indices_are_refused),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
