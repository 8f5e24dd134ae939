/* tests/unit/test_npy.c — .npy files: what is read, what is refused and how, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/failing_allocator.h"
#include "support/files.h"
#include "tensor/npy.h"

#define HEADER_2X3 "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"

static clvgg_runtime *runtime;

static void assert_message_has(const char *part)
{
    if (strstr(clvgg_status_message(), part) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", part, clvgg_status_message());
}

/* Magic, version, length, header and `data_bytes` zero bytes; returns the size. */
static size_t build(char *file, int version, const char *header, size_t data_bytes)
{
    size_t length = strlen(header), prefix = version == 1 ? 10 : 12;
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (char)version;
    file[7] = 0;
    for (size_t i = 8; i < prefix; i++)
        file[i] = (char)(length >> 8 * (i - 8) & 0xFF);
    memcpy(file + prefix, header, length);
    memset(file + prefix + length, 0, data_bytes);
    return prefix + length + data_bytes;
}

static clvgg_status open_bytes(const char *file, size_t bytes, clvgg_npy_reader **reader,
                               clvgg_shape *shape)
{
    const char *path = temp_path("case.npy");
    file_write(path, file, bytes);
    return clvgg_npy_open(runtime, path, reader, shape);
}

static void reads_rows_of_each_version(void **state)
{
    (void)state;
    static const float values[6] = {1, -2, 3.5f, 1e-40f, 5, 6};
    for (int version = 1; version <= 3; version++) {
        char file[512];
        float row[3];
        clvgg_npy_reader *reader;
        clvgg_shape shape;
        size_t bytes = build(file, version, HEADER_2X3, sizeof values);
        memcpy(file + bytes - sizeof values, values, sizeof values);
        assert_int_equal(open_bytes(file, bytes, &reader, &shape), CLVGG_STATUS_OK);
        assert_int_equal(shape.rank, 2);
        assert_int_equal(shape.dims[0], 2);
        assert_int_equal(shape.dims[1], 3);
        assert_int_equal(clvgg_npy_read(reader, 1, 1, row), CLVGG_STATUS_OK);
        assert_memory_equal(row, values + 3, sizeof row);
        assert_int_equal(clvgg_npy_read(reader, 2, 0, NULL), CLVGG_STATUS_OK);
        assert_int_equal(clvgg_npy_read(reader, 1, 2, row), CLVGG_STATUS_INVALID_ARGUMENT);
        assert_int_equal(clvgg_npy_read(reader, -1, 1, row), CLVGG_STATUS_INVALID_ARGUMENT);
        assert_int_equal(clvgg_npy_read(reader, INT64_MAX, 1, row), CLVGG_STATUS_INVALID_ARGUMENT);
        assert_int_equal(truncate(temp_path("case.npy"), (off_t)bytes - 1), 0);
        assert_int_equal(clvgg_npy_read(reader, 0, 1, row), CLVGG_STATUS_OK);
        assert_int_equal(clvgg_npy_read(reader, 1, 1, row), CLVGG_STATUS_BAD_FILE);
        clvgg_npy_close(reader);
    }
}

static void headers_are_read_as_written_or_refused(void **state)
{
    (void)state;
#define ORDER "'fortran_order': False"
#define SHAPED(shape) "{'descr': '<f4', " ORDER ", 'shape': " shape "}"
    static const struct {
        const char *header;
        clvgg_status status;
        const char *says;
    } cases[] = {
        {HEADER_2X3, CLVGG_STATUS_OK, NULL},
        {"{\"shape\":(2,3),\"descr\":\"<f4\",\"fortran_order\":False}", CLVGG_STATUS_OK, NULL},
        {" {'shape' : ( 2L , 3L , ) , 'fortran_order':False,'descr':'<f4' , }  \n", CLVGG_STATUS_OK,
         NULL},
        {SHAPED("(6,)"), CLVGG_STATUS_OK, NULL},
        {SHAPED("(2, 3, 1, 1, 1, 1, 1, 1)"), CLVGG_STATUS_OK, NULL},
        {SHAPED("(2, 3, 1, 1, 1, 1, 1, 1, 1)"), CLVGG_STATUS_UNSUPPORTED, "8 dimensions"},
        {SHAPED("()"), CLVGG_STATUS_BAD_FILE, "single number"},
        {SHAPED("(6)"), CLVGG_STATUS_BAD_FILE, "isn't a tuple"},
        {SHAPED("[2, 3]"), CLVGG_STATUS_BAD_FILE, "isn't a tuple"},
        {SHAPED("(2 3)"), CLVGG_STATUS_BAD_FILE, "isn't a tuple"},
        {SHAPED("(-2, 3)"), CLVGG_STATUS_BAD_FILE, "non-negative integer"},
        {SHAPED("(2.0, 3)"), CLVGG_STATUS_BAD_FILE, "isn't a tuple"},
        {SHAPED("(2,, 3)"), CLVGG_STATUS_BAD_FILE, "non-negative integer"},
        {SHAPED("(9223372036854775808,)"), CLVGG_STATUS_BAD_FILE, "beyond 64 bits"},
        {SHAPED("(99999999999999999999999,)"), CLVGG_STATUS_BAD_FILE, "beyond 64 bits"},
        {SHAPED("(4294967296, 4294967296)"), CLVGG_STATUS_BAD_FILE, "beyond 64 bits"},
        {SHAPED("(0, 4294967296, 4294967296)"), CLVGG_STATUS_BAD_FILE, "beyond 64 bits"},
        {SHAPED("(4611686018427387904,)"), CLVGG_STATUS_BAD_FILE, "beyond 64 bits"},
        {SHAPED("(2, 4)"), CLVGG_STATUS_BAD_FILE, "shape [2, 4] of float32 needs"},
        {SHAPED("(2, 2)"), CLVGG_STATUS_BAD_FILE, "shape [2, 2] of float32 needs"},
        {"{'descr': '|u1', " ORDER ", 'shape': (2, 3)}", CLVGG_STATUS_UNSUPPORTED,
         "has elements of type '|u1', needs float32 ('<f4')"},
        {"{'descr': '<f8', " ORDER ", 'shape': (2, 3)}", CLVGG_STATUS_UNSUPPORTED, "'<f8'"},
        {"{'descr': '>f4', " ORDER ", 'shape': (2, 3)}", CLVGG_STATUS_UNSUPPORTED, "'>f4'"},
        {"{'descr': [('x', '<f4')], " ORDER ", 'shape': (2, 3)}", CLVGG_STATUS_UNSUPPORTED,
         "structured"},
        {"{'descr': '\\x3cf4', " ORDER ", 'shape': (2, 3)}", CLVGG_STATUS_BAD_FILE, "string"},
        {"{'descr': '<f4", CLVGG_STATUS_BAD_FILE, "string"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", CLVGG_STATUS_UNSUPPORTED,
         "Fortran order"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}", CLVGG_STATUS_BAD_FILE,
         "neither True nor False"},
        {"{'descr': '<f4', " ORDER "}", CLVGG_STATUS_BAD_FILE, "has no 'shape'"},
        {"{'descr': '<f4', 'descr': '<f4', " ORDER ", 'shape': (2, 3)}", CLVGG_STATUS_BAD_FILE,
         "'descr' is doubled"},
        {"{'descr': '<f4', " ORDER ", 'shape': (2, 3), 'x': 1}", CLVGG_STATUS_BAD_FILE,
         "'x' is unknown"},
        {"{'descr': '<f4' " ORDER ", 'shape': (2, 3)}", CLVGG_STATUS_BAD_FILE, "comma"},
        {"{'descr' '<f4', " ORDER ", 'shape': (2, 3)}", CLVGG_STATUS_BAD_FILE, "no value"},
        {"{'descr': '<f4', " ORDER ", 'shape': (2, 3)} x", CLVGG_STATUS_BAD_FILE, "follows"},
        {"{'descr': '<f4', " ORDER ", 'shape': (2, 3), ", CLVGG_STATUS_BAD_FILE, "string"},
        {"('descr', '<f4')", CLVGG_STATUS_BAD_FILE, "not a dictionary"},
        {"", CLVGG_STATUS_BAD_FILE, "not a dictionary"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[512];
        clvgg_npy_reader *reader;
        clvgg_shape shape;
        size_t bytes = build(file, 1, cases[i].header, 6 * sizeof(float));
        clvgg_status status = open_bytes(file, bytes, &reader, &shape);
        if (status != cases[i].status)
            fail_msg("%s: %s, %s", cases[i].header, clvgg_status_name(status),
                     clvgg_status_message());
        if (status == CLVGG_STATUS_OK) {
            clvgg_npy_close(reader);
            continue;
        }
        assert_null(reader);
        assert_message_has(cases[i].says);
        assert_message_has("case.npy: ");
    }
}

static void sizes_are_checked_against_the_file(void **state)
{
    (void)state;
    char file[512];
    clvgg_npy_reader *reader;
    clvgg_shape shape;
    size_t whole = build(file, 1, HEADER_2X3, 6 * sizeof(float));
    for (size_t bytes = 0; bytes < whole; bytes++) {
        assert_int_equal(open_bytes(file, bytes, &reader, &shape), CLVGG_STATUS_BAD_FILE);
        assert_null(reader);
    }
    assert_int_equal(open_bytes(file, whole + 1, &reader, &shape), CLVGG_STATUS_BAD_FILE);
    assert_message_has("needs 93 bytes with the header, the file has 94");
    memset(file + 8, 0xFF, 4); /* a header of 4 GiB */
    file[6] = 2;
    assert_int_equal(open_bytes(file, whole, &reader, &shape), CLVGG_STATUS_BAD_FILE);
    assert_message_has("claims a header of 4294967295 bytes");
    file[6] = 4;
    assert_int_equal(open_bytes(file, whole, &reader, &shape), CLVGG_STATUS_UNSUPPORTED);
    assert_message_has("version 4.0");
    file[0] = 'x';
    assert_int_equal(open_bytes(file, whole, &reader, &shape), CLVGG_STATUS_BAD_FILE);
    assert_message_has("not a .npy file");
}

static void padding_is_limited(void **state)
{
    (void)state;
    static const struct {
        size_t header_bytes;
        clvgg_status status;
    } cases[] = {{65536, CLVGG_STATUS_OK}, {65537, CLVGG_STATUS_BAD_FILE}};
    char *header = malloc(65538), *file = malloc(65537 + 12 + 6 * sizeof(float));
    for (size_t i = 0; i < 2; i++) {
        clvgg_npy_reader *reader;
        clvgg_shape shape;
        memset(header, ' ', cases[i].header_bytes);
        memcpy(header, HEADER_2X3, sizeof HEADER_2X3 - 1);
        header[cases[i].header_bytes] = '\0';
        size_t bytes = build(file, 2, header, 6 * sizeof(float));
        assert_int_equal(open_bytes(file, bytes, &reader, &shape), cases[i].status);
        clvgg_npy_close(reader);
    }
    free(file);
    free(header);
}

/* The file is NumPy's own for two rows of shape (3, 1), up to the amount of padding. */
static void writes_what_numpy_reads(void **state)
{
    (void)state;
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    const clvgg_shape row = {2, {3, 1}};
    const char *path = temp_path("written.npy");
    clvgg_npy_writer *writer;
    assert_int_equal(clvgg_npy_create(runtime, path, &row, &writer), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_npy_append(writer, 1, values), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_npy_append(writer, 0, NULL), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_npy_append(writer, -1, values), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_npy_append(writer, 1, values + 3), CLVGG_STATUS_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(clvgg_npy_commit(writer), CLVGG_STATUS_OK);
    clvgg_npy_writer_free(writer);
    char expected[128 + sizeof values];
    memset(expected, ' ', 128);
    expected[127] = '\n';
    memcpy(expected, "\x93NUMPY\x01\x00\x76\x00", 10);
    static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 1), }";
    memcpy(expected + 10, header, sizeof header - 1);
    memcpy(expected + 128, values, sizeof values);
    size_t bytes;
    char *content = file_read(path, &bytes);
    assert_int_equal(bytes, sizeof expected);
    assert_memory_equal(content, expected, sizeof expected);
    free(content);
}

static void what_is_written_can_be_read(void **state)
{
    (void)state;
    static const clvgg_shape rows[] = {
        {0, {0}}, {1, {5}}, {1, {0}}, {7, {1, 2, 1, 3, 1, 2, 1}}, {3, {2, 3, 4}}};
    float values[24], back[24];
    for (int i = 0; i < 24; i++)
        values[i] = (float)i;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int64_t count = 0; count < 3; count++) {
            const char *path = temp_path("again.npy");
            clvgg_npy_writer *writer;
            clvgg_npy_reader *reader;
            clvgg_shape shape;
            assert_int_equal(clvgg_npy_create(runtime, path, &rows[i], &writer), CLVGG_STATUS_OK);
            for (int64_t r = 0; r < count; r++)
                assert_int_equal(clvgg_npy_append(writer, 1, values), CLVGG_STATUS_OK);
            assert_int_equal(clvgg_npy_commit(writer), CLVGG_STATUS_OK);
            clvgg_npy_writer_free(writer);
            assert_int_equal(clvgg_npy_open(runtime, path, &reader, &shape), CLVGG_STATUS_OK);
            assert_int_equal(reader->origin % 64, 0);
            assert_int_equal(shape.rank, rows[i].rank + 1);
            assert_int_equal(shape.dims[0], count);
            assert_memory_equal(shape.dims + 1, rows[i].dims,
                                (size_t)rows[i].rank * sizeof(int64_t));
            for (int64_t r = 0; r < count; r++) {
                assert_int_equal(clvgg_npy_read(reader, r, 1, back), CLVGG_STATUS_OK);
                assert_memory_equal(back, values, reader->row_count * sizeof(float));
            }
            clvgg_npy_close(reader);
        }
    }
}

static void refused_targets(void **state)
{
    (void)state;
    const clvgg_shape row = {1, {4}}, deep = {CLVGG_MAX_RANK, {1, 1, 1, 1, 1, 1, 1, 1}};
    const clvgg_shape huge = {2, {INT64_MAX, 2}}, negative = {1, {-4}};
    const char *path = temp_path("never.npy");
    size_t before = temp_file_count();
    int ends[2];
    char name[64];
    clvgg_npy_writer *writer;
    assert_int_equal(clvgg_npy_create(runtime, path, &deep, &writer),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_npy_create(runtime, path, &huge, &writer),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_npy_create(runtime, path, &negative, &writer),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_null(writer);
    assert_int_equal(clvgg_npy_create(runtime, NULL, &row, &writer), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(pipe(ends), 0);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[1]);
    assert_int_equal(clvgg_npy_create(runtime, name, &row, &writer), CLVGG_STATUS_UNSUPPORTED);
    assert_message_has("can't be written to a pipe");
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(clvgg_npy_create(runtime, path, &row, &writer), CLVGG_STATUS_OK);
    clvgg_npy_writer_free(writer); /* without commit */
    assert_int_equal(temp_file_count(), before);
}

static clvgg_status write_and_read_back(void *path)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_npy_writer *writer = NULL;
    clvgg_npy_reader *reader = NULL;
    const clvgg_shape row = {1, {2}};
    float values[2] = {1, 2};
    VGG_TRY(vgg_npy_create(path, &row, &writer));
    VGG_TRY(vgg_npy_append(writer, 1, values));
    VGG_TRY(vgg_npy_commit(writer));
    VGG_TRY(vgg_npy_open(path, &reader));
    VGG_TRY(vgg_npy_read(reader, 0, 1, values));
cleanup:
    vgg_npy_close(reader);
    vgg_npy_writer_free(writer);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", temp_path("swept.npy"));
    assert_true(failing_allocator_sweep(write_and_read_back, path) >= 8);
}

static int setup(void **state)
{
    return clvgg_runtime_create(NULL, &runtime) == CLVGG_STATUS_OK ? temp_folder_setup(state) : -1;
}

static int teardown(void **state)
{
    clvgg_runtime_free(runtime);
    return temp_folder_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rows_of_each_version),
        cmocka_unit_test(headers_are_read_as_written_or_refused),
        cmocka_unit_test(sizes_are_checked_against_the_file),
        cmocka_unit_test(padding_is_limited),
        cmocka_unit_test(writes_what_numpy_reads),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(refused_targets),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
