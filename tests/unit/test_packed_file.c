/* unit/test_packed_file.c — files of packed weights: what was written, or nothing, whatever lies
 * there and whoever writes to it meanwhile.
 */
#define _DEFAULT_SOURCE /* usleep */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "cache/packed_file.h"
#include "cache/packed_folder.h"
#include "support/files.h"

enum { SMALL = 5000, LARGE = 3 * (256 << 10) + 100, THREADS = 3 };

static const vgg_cache_key usual = {VGG_PACKED_KIND, "a device", "fc6.weight", "4x4", "stamp"};

static char folder[300];

static int fresh_folder(void **state)
{
    static int number;
    (void)state;
    snprintf(folder, sizeof folder, "%s-%d", temp_path("packed"), number++);
    return 0;
}

static unsigned char *values_of(size_t bytes)
{
    unsigned char *values = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        values[i] = (unsigned char)(i * 2654435761u >> 11);
    return values;
}

static void write_usual(size_t bytes)
{
    unsigned char *values = values_of(bytes);
    vgg_packed_write(folder, VGG_PACKED_LIMIT_BYTES, &usual, values, bytes);
    free(values);
}

/* Says whether the values are found; fails the test when others are. */
static bool is_found(const vgg_cache_key *key, size_t bytes)
{
    unsigned char *values = values_of(bytes), *read = calloc(bytes, 1);
    const bool found = vgg_packed_read(folder, key, THREADS, read, bytes);
    if (found)
        assert_memory_equal(read, values, bytes);
    free(read);
    free(values);
    return found;
}

static char last_name[200];
static int visited;

static void note_record(void *user, const vgg_cache_record *record)
{
    *(uint64_t *)user += record->bytes;
    snprintf(last_name, sizeof last_name, "%s", record->key.name);
    assert_string_equal(record->key.kind, VGG_PACKED_KIND);
    visited++;
}

static int count_files(void)
{
    uint64_t bytes = 0;
    visited = 0;
    assert_int_equal(vgg_packed_folder_visit(folder, false, note_record, &bytes), CLVGG_STATUS_OK);
    return visited;
}

/* The path of the only file. */
static const char *only_file(void)
{
    static char path[400];
    char command[400];
    snprintf(command, sizeof command, "ls '%s'", folder);
    FILE *list = popen(command, "r");
    char name[100];
    assert_int_equal(fscanf(list, "%99s", name), 1);
    pclose(list);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    const size_t sizes[] = {1, SMALL, 256 << 10, LARGE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fresh_folder(NULL);
        assert_false(is_found(&usual, sizes[i]));
        write_usual(sizes[i]);
        assert_int_equal(file_mode(only_file()), 0600);
        assert_true(is_found(&usual, sizes[i]));
        assert_true(is_found(&usual, sizes[i]));
        assert_int_equal(count_files(), 1);
        assert_string_equal(last_name, "fc6.weight");
    }
}

static void other_keys_are_other_files(void **state)
{
    (void)state;
    write_usual(SMALL);
    vgg_cache_key keys[5];
    for (int i = 0; i < 5; i++)
        keys[i] = usual;
    keys[0].kind = "Packed";
    keys[1].device = "another";
    keys[2].name = "fc7.weight";
    keys[3].options = "4x5";
    keys[4].stamp = "stam";
    for (int i = 0; i < 5; i++)
        assert_false(is_found(&keys[i], SMALL));
    assert_true(is_found(&usual, SMALL));
    assert_false(vgg_packed_read(NULL, &usual, THREADS, last_name, 1)); /* no folder at all */
}

/* A whole file of another weight under this one's name. */
static void a_file_of_another_weight_is_none(void **state)
{
    (void)state;
    size_t size = 0;
    vgg_cache_key other = usual;
    char path[400];
    other.name = "fc7.weight";
    write_usual(SMALL);
    snprintf(path, sizeof path, "%s", only_file());
    assert_int_equal(unlink(path), 0);
    unsigned char *values = values_of(SMALL);
    values[0]++;
    vgg_packed_write(folder, VGG_PACKED_LIMIT_BYTES, &other, values, SMALL);
    char *whole = file_read(only_file(), &size);
    file_write(path, whole, size);
    chmod(path, 0600);
    assert_false(is_found(&usual, SMALL));
    assert_false(file_exists(path));
    free(whole);
    free(values);
}

static void damage_at_any_byte_is_found(void **state)
{
    (void)state;
    size_t size = 0, padding = 0;
    write_usual(SMALL);
    char path[400];
    snprintf(path, sizeof path, "%s", only_file());
    char *whole = file_read(path, &size);
    for (size_t i = 0; i < size; i++) {
        whole[i] ^= (char)(1 << i % 8);
        file_write(path, whole, size);
        chmod(path, 0600);
        padding += is_found(&usual, SMALL); /* with the right values */
        whole[i] ^= (char)(1 << i % 8);
    }
    assert_true(padding < 4096);
    write_usual(SMALL);
    assert_true(is_found(&usual, SMALL));
    free(whole);
}

static void other_lengths_are_found(void **state)
{
    (void)state;
    size_t size = 0;
    write_usual(SMALL);
    char path[400];
    snprintf(path, sizeof path, "%s", only_file());
    char *whole = file_read(path, &size);
    char *longer = calloc(size + 1, 1);
    memcpy(longer, whole, size);
    for (size_t length = 0; length <= size + 1; length += length < 200 ? 1 : 61) {
        if (length == size)
            continue;
        file_write(path, longer, length);
        chmod(path, 0600);
        assert_false(is_found(&usual, SMALL));
        assert_false(file_exists(path));
    }
    file_write(path, longer, size + 1);
    assert_false(is_found(&usual, SMALL));
    free(longer);
    free(whole);
}

static void what_others_could_write_is_not_read(void **state)
{
    (void)state;
    write_usual(SMALL);
    char path[400], elsewhere[420];
    snprintf(path, sizeof path, "%s", only_file());
    assert_int_equal(chmod(folder, 0777), 0);
    assert_false(is_found(&usual, SMALL));
    assert_int_equal(chmod(folder, 0700), 0);
    assert_true(is_found(&usual, SMALL));
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", folder);
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    assert_false(is_found(&usual, SMALL));
    assert_int_equal(rename(elsewhere, path), 0);
    assert_true(is_found(&usual, SMALL));
    assert_int_equal(chmod(path, 0666), 0);
    assert_false(is_found(&usual, SMALL));
    assert_false(file_exists(path));
}

static void a_full_disk_leaves_nothing(void **state)
{
    (void)state;
    struct rlimit limit, small;
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = 6000; /* in the midst of the values */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    write_usual(SMALL);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(count_files(), 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary file either */
    write_usual(SMALL);
    assert_true(is_found(&usual, SMALL));
}

static void where_no_folder_can_be_nothing_is_kept(void **state)
{
    (void)state;
    file_write(folder, "a file", 6);
    write_usual(SMALL);
    assert_false(is_found(&usual, SMALL));
    snprintf(folder, sizeof folder, "/proc/packed");
    write_usual(SMALL);
    assert_false(is_found(&usual, SMALL));
    assert_int_equal(count_files(), 0);
}

static void what_went_unused_longest_is_dropped(void **state)
{
    (void)state;
    const uint64_t each = SMALL + 4096, limit = 3 * each;
    unsigned char *values = values_of(SMALL);
    vgg_cache_key keys[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 3; i++) {
        keys[i] = usual;
        keys[i].name = names[i];
        vgg_packed_write(folder, limit, &keys[i], values, SMALL);
    }
    assert_int_equal(count_files(), 3);
    char command[700];
    snprintf(command, sizeof command, "touch -d '3 days ago' '%s'/*", folder);
    assert_int_equal(system(command), 0);
    assert_true(is_found(&keys[0], SMALL) && is_found(&keys[2], SMALL)); /* used today */
    keys[3] = usual;
    vgg_packed_write(folder, limit, &keys[3], values, SMALL);
    assert_int_equal(count_files(), 3);
    assert_true(is_found(&keys[0], SMALL) && !is_found(&keys[1], SMALL) &&
                is_found(&keys[2], SMALL) && is_found(&keys[3], SMALL));
    keys[4] = usual;
    keys[4].name = names[4];
    vgg_packed_write(folder, each - 1, &keys[4], values, SMALL); /* more than the limit by itself */
    assert_int_equal(count_files(), 3);
    free(values);
}

static void what_a_killed_writer_left_is_removed(void **state)
{
    (void)state;
    char left[500];
    write_usual(SMALL);
    snprintf(left, sizeof left, "%s/.0123.packed.clvgg0.tmp", folder);
    file_write(left, "half", 4);
    uint64_t bytes = 0;
    visited = 0;
    assert_int_equal(vgg_packed_folder_visit(folder, true, note_record, &bytes), CLVGG_STATUS_OK);
    assert_int_equal(visited, 1);
    assert_int_equal(bytes, SMALL + 4096);
    assert_int_equal(rmdir(folder), 0);
}

static void a_damaged_head_is_listed_by_its_file(void **state)
{
    (void)state;
    write_usual(SMALL);
    char path[400];
    snprintf(path, sizeof path, "%s", only_file());
    file_write(path, "nothing", 7);
    assert_int_equal(count_files(), 1);
    assert_string_equal(last_name, strrchr(path, '/') + 1);
}

/* A process that writes, cuts, overwrites and removes the file until it is ended. */
static pid_t start_vandal(const char *path, uint32_t random)
{
    const pid_t parent = getpid(), child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return child;
    while (getppid() == parent) {
        vgg_random_next(&random);
        const int file = open(path, O_RDWR);
        if (file < 0 || random >> 30 == 0) {
            write_usual(LARGE);
        } else if (random >> 30 == 1) {
            (void)!ftruncate(file, (off_t)(random >> 8) % LARGE);
        } else if (random >> 30 == 2) {
            (void)!pwrite(file, path, 100, (off_t)(random >> 8) % LARGE);
        } else {
            unlink(path);
        }
        if (file >= 0)
            close(file);
        usleep(random >> 8 & 1023);
    }
    _exit(0);
}

static void whoever_writes_meanwhile_changes_no_values(void **state)
{
    (void)state;
    int found = 0;
    write_usual(LARGE);
    const pid_t vandals[] = {start_vandal(only_file(), 1), start_vandal(only_file(), 2)};
    for (int i = 0; i < 400; i++) {
        found += is_found(&usual, LARGE);
        write_usual(LARGE);
    }
    for (int i = 0; i < 2; i++) {
        kill(vandals[i], SIGKILL);
        assert_int_equal(waitpid(vandals[i], NULL, 0), vandals[i]);
    }
    fprintf(stderr, "%d of 400 were found\n", found);
    is_found(&usual, LARGE); /* removes what is damaged */
    write_usual(LARGE);
    assert_true(is_found(&usual, LARGE));
}

#define TEST(test) cmocka_unit_test_setup(test, fresh_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read),
        TEST(other_keys_are_other_files),
        TEST(a_file_of_another_weight_is_none),
        TEST(damage_at_any_byte_is_found),
        TEST(other_lengths_are_found),
        TEST(what_others_could_write_is_not_read),
        TEST(a_full_disk_leaves_nothing),
        TEST(where_no_folder_can_be_nothing_is_kept),
        TEST(what_went_unused_longest_is_dropped),
        TEST(what_a_killed_writer_left_is_removed),
        TEST(a_damaged_head_is_listed_by_its_file),
        TEST(whoever_writes_meanwhile_changes_no_values),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
