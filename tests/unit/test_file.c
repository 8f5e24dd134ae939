/* tests/unit/test_file.c — exact reads; a written file is the old one or the new one, whatever
 * happens on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "support/failing_allocator.h"
#include "support/files.h"

static void assert_message_has(const char *part)
{
    if (strstr(vgg_message(), part) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", part, vgg_message());
}

static void assert_content(const char *path, const char *expected)
{
    size_t bytes;
    char *content = file_read(path, &bytes);
    assert_string_equal(content, expected);
    assert_int_equal(bytes, strlen(expected));
    free(content);
}

/* ---- reading ---- */

static void reads_exactly(void **state)
{
    (void)state;
    const char *path = temp_path("read");
    vgg_file *file;
    char data[8] = "#######";
    file_write(path, "0123456789", 10);
    assert_int_equal(vgg_file_open(path, &file), CLVGG_STATUS_OK);
    assert_int_equal(vgg_file_size(file), 10);
    assert_string_equal(vgg_file_path(file), path);
    assert_int_equal(vgg_file_read(file, 7, data, 3), CLVGG_STATUS_OK);
    assert_memory_equal(data, "789####", 8);
    assert_int_equal(vgg_file_read(file, 10, data, 0), CLVGG_STATUS_OK);
    assert_int_equal(vgg_file_read(file, 8, data, 3), CLVGG_STATUS_BAD_FILE);
    assert_message_has("wanted 3 bytes at offset 8, but the file ends at 10");
    assert_int_equal(vgg_file_read(file, UINT64_MAX, data, 1), CLVGG_STATUS_BAD_FILE);
    assert_int_equal(vgg_file_read(file, INT64_MAX, data, 1), CLVGG_STATUS_BAD_FILE);
    assert_message_has("is beyond any file");
    assert_int_equal(truncate(path, 5), 0); /* shrinks while open */
    assert_int_equal(vgg_file_read(file, 4, data, 3), CLVGG_STATUS_BAD_FILE);
    assert_message_has(path);
    assert_message_has("the file ends at 5");
    vgg_file_close(file);
}

static void refuses_what_is_not_a_file(void **state)
{
    (void)state;
    const char *fifo = temp_path("fifo");
    vgg_file *file = (vgg_file *)1;
    assert_int_equal(vgg_file_open(temp_path("absent"), &file), CLVGG_STATUS_NOT_FOUND);
    assert_null(file);
    assert_message_has("absent");
    assert_int_equal(vgg_file_open(temp_path(""), &file), CLVGG_STATUS_BAD_FILE);
    assert_message_has("is a folder");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    alarm(20); /* no process writes to it: opening must not wait */
    assert_int_equal(vgg_file_open(fifo, &file), CLVGG_STATUS_BAD_FILE);
    alarm(0);
    assert_message_has("pipe");
    unlink(fifo);
    if (geteuid() != 0) {
        file_write(temp_path("secret"), "x", 1);
        chmod(temp_path("secret"), 0);
        assert_int_equal(vgg_file_open(temp_path("secret"), &file), CLVGG_STATUS_IO);
    }
}

static void reads_whole_files_up_to_a_limit(void **state)
{
    (void)state;
    const char *path = temp_path("whole");
    unsigned char *data;
    size_t size;
    file_write(path, "abc", 3);
    assert_int_equal(vgg_file_read_all(path, 3, &data, &size), CLVGG_STATUS_OK);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "abc", 4);
    vgg_free(data);
    assert_int_equal(vgg_file_read_all(path, 2, &data, &size), CLVGG_STATUS_BAD_FILE);
    assert_null(data);
    assert_message_has("has 3 bytes, more than the 2 allowed");
    file_write(path, "", 0);
    assert_int_equal(vgg_file_read_all(path, 0, &data, &size), CLVGG_STATUS_OK);
    assert_int_equal(size, 0);
    vgg_free(data);
}

static void texts_lose_their_byte_order_mark(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"\xEF\xBB\xBF"
                  "a\n",
                  "a\n"},
                 {"\xEF\xBB\xBF", ""},
                 {"\xEF\xBB", "\xEF\xBB"},
                 {"a\xEF\xBB\xBF", "a\xEF\xBB\xBF"},
                 {"", ""},
                 {"\xFE", "\xFE"}};
    const char *path = temp_path("text");
    unsigned char *data;
    size_t size;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file_write(path, cases[i].bytes, strlen(cases[i].bytes));
        assert_int_equal(vgg_file_read_text(path, 9, &data, &size), CLVGG_STATUS_OK);
        assert_int_equal(size, strlen(cases[i].text));
        assert_string_equal((const char *)data, cases[i].text);
        vgg_free(data);
    }
    static const char *const wide[] = {"\xFF\xFE"
                                       "a",
                                       "\xFE\xFF"};
    for (size_t i = 0; i < 2; i++) {
        file_write(path, wide[i], strlen(wide[i]));
        assert_int_equal(vgg_file_read_text(path, 9, &data, &size), CLVGG_STATUS_BAD_FILE);
        assert_null(data);
        assert_message_has("is UTF-16 text: save it as UTF-8");
    }
}

/* ---- writing ---- */

static void write_text(const char *path, const char *text)
{
    vgg_writer *writer;
    assert_int_equal(vgg_writer_open(path, &writer), CLVGG_STATUS_OK);
    assert_int_equal(vgg_writer_append(writer, text, strlen(text)), CLVGG_STATUS_OK);
    assert_int_equal(vgg_writer_commit(writer), CLVGG_STATUS_OK);
    vgg_writer_free(writer);
}

static void appears_whole_at_commit(void **state)
{
    (void)state;
    const char *path = temp_path("atomic");
    size_t before = temp_file_count();
    vgg_writer *writer;
    assert_int_equal(vgg_writer_open(path, &writer), CLVGG_STATUS_OK);
    assert_int_equal(vgg_writer_append(writer, "head 00 ", 8), CLVGG_STATUS_OK);
    assert_int_equal(vgg_writer_append(writer, "tail", 4), CLVGG_STATUS_OK);
    assert_true(vgg_writer_can_patch(writer));
    assert_int_equal(vgg_writer_patch(writer, 5, "42", 2), CLVGG_STATUS_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(vgg_writer_commit(writer), CLVGG_STATUS_OK);
    vgg_writer_free(writer);
    assert_content(path, "head 42 tail");
    assert_int_equal(temp_file_count(), before + 1);

    assert_int_equal(vgg_writer_open(path, &writer), CLVGG_STATUS_OK);
    assert_int_equal(vgg_writer_append(writer, "new", 3), CLVGG_STATUS_OK);
    vgg_writer_free(writer); /* without commit: no trace, the old one stays */
    assert_content(path, "head 42 tail");
    assert_int_equal(temp_file_count(), before + 1);
    vgg_writer_free(NULL);
}

static mode_t mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 07777;
}

static void permissions_are_as_expected(void **state)
{
    (void)state;
    const char *path = temp_path("mode");
    mode_t mask = umask(027);
    write_text(path, "one");
    assert_int_equal(mode_of(path), 0640);
    umask(mask);
    chmod(path, 0604);
    write_text(path, "two");
    assert_int_equal(mode_of(path), 0604);
    chmod(path, 0400);
    vgg_writer *writer;
    if (geteuid() != 0) /* root may write anything */
        assert_int_equal(vgg_writer_open(path, &writer), CLVGG_STATUS_IO);
}

static void follows_symbolic_links(void **state)
{
    (void)state;
    const char *target = temp_path("target"), *link = temp_path("link");
    const char *second = temp_path("second"), *loop = temp_path("loop");
    struct stat info;
    vgg_writer *writer;
    assert_int_equal(symlink("target", link), 0); /* relative, and dangling at first */
    assert_int_equal(symlink(link, second), 0);
    write_text(second, "first");
    assert_content(target, "first");
    write_text(link, "other");
    assert_content(target, "other");
    assert_true(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
    assert_true(lstat(target, &info) == 0 && S_ISREG(info.st_mode));
    assert_int_equal(symlink("loop", loop), 0);
    assert_int_equal(vgg_writer_open(loop, &writer), CLVGG_STATUS_IO);
    assert_null(writer);
}

static void says_why_a_target_is_impossible(void **state)
{
    (void)state;
    vgg_writer *writer;
    assert_int_equal(vgg_writer_open(temp_path(""), &writer), CLVGG_STATUS_IO);
    assert_message_has("is a folder");
    assert_int_equal(vgg_writer_open(temp_path("no/file"), &writer), CLVGG_STATUS_NOT_FOUND);
    assert_message_has("no/file");
    assert_int_equal(vgg_writer_open("", &writer), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_null(writer);
}

static void a_full_disk_is_named_and_leaves_the_old_file(void **state)
{
    (void)state;
    const char *path = temp_path("full");
    char data[4096] = {0};
    vgg_writer *writer;
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(vgg_writer_open("/dev/full", &writer), CLVGG_STATUS_OK);
        assert_int_equal(vgg_writer_append(writer, data, 1), CLVGG_STATUS_IO);
        assert_message_has("/dev/full: writing failed at byte 0: No space left");
        vgg_writer_free(writer);
    }
    write_text(path, "old");
    size_t before = temp_file_count();
    struct rlimit limit, small;
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = 6000; /* the second block is cut short, then refused */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    assert_int_equal(vgg_writer_open(path, &writer), CLVGG_STATUS_OK);
    clvgg_status first = vgg_writer_append(writer, data, sizeof data);
    clvgg_status second = vgg_writer_append(writer, data, sizeof data);
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(first, CLVGG_STATUS_OK);
    assert_int_equal(second, CLVGG_STATUS_IO);
    assert_message_has("writing failed at byte 6000");
    assert_int_equal(vgg_writer_append(writer, "more", 4), CLVGG_STATUS_OK); /* space again, but */
    assert_int_equal(vgg_writer_commit(writer), CLVGG_STATUS_IO);
    vgg_writer_free(writer);
    assert_content(path, "old");
    assert_int_equal(temp_file_count(), before);
}

/* ---- pipes and signals ---- */

enum { PIPED_BYTES = 1 << 20 };

static unsigned char piped_byte(size_t i)
{
    return (unsigned char)(i * 2654435761u >> 13);
}

/* Reads a FIFO so slowly that a blocked writer is interrupted several times before there is room
 * for a byte; returns how many bytes were right. */
static void *drain(void *path)
{
    size_t *matching = calloc(1, sizeof *matching), at = 0;
    static unsigned char piece[40000];
    sigset_t signals;
    sigfillset(&signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    int descriptor = open(path, O_RDONLY);
    for (ssize_t got; (got = read(descriptor, piece, sizeof piece)) > 0;) {
        for (ssize_t i = 0; i < got; i++, at++)
            *matching += piece[i] == piped_byte(at);
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    close(descriptor);
    *matching = at == PIPED_BYTES ? *matching : 0;
    return matching;
}

static void interrupt(int signal)
{
    (void)signal;
}

static void *interrupt_often(void *writer_thread)
{
    for (int i = 0; i < 100; i++) {
        nanosleep(&(struct timespec){0, 200000}, NULL);
        pthread_kill(*(pthread_t *)writer_thread, SIGUSR1);
    }
    return NULL;
}

static void pipes_are_written_directly_over_interruptions(void **state)
{
    (void)state;
    char path[512];
    pthread_t reader, interrupter, self = pthread_self();
    vgg_writer *writer;
    void *matching;
    struct sigaction action = {.sa_handler = interrupt}; /* no SA_RESTART: calls see EINTR */
    sigaction(SIGUSR1, &action, NULL);
    snprintf(path, sizeof path, "%s", temp_path("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    unsigned char *data = malloc(PIPED_BYTES);
    for (size_t i = 0; i < PIPED_BYTES; i++)
        data[i] = piped_byte(i);
    pthread_create(&reader, NULL, drain, path);
    assert_int_equal(vgg_writer_open(path, &writer), CLVGG_STATUS_OK);
    pthread_create(&interrupter, NULL, interrupt_often, &self);
    assert_int_equal(vgg_writer_append(writer, data, PIPED_BYTES), CLVGG_STATUS_OK);
    assert_false(vgg_writer_can_patch(writer));
    assert_int_equal(vgg_writer_patch(writer, 0, data, 1), CLVGG_STATUS_UNSUPPORTED);
    assert_int_equal(vgg_writer_commit(writer), CLVGG_STATUS_OK);
    vgg_writer_free(writer);
    pthread_join(reader, &matching);
    pthread_join(interrupter, NULL);
    assert_int_equal(*(size_t *)matching, PIPED_BYTES);
    free(matching);
    free(data);
    struct stat info;
    assert_true(stat(path, &info) == 0 && S_ISFIFO(info.st_mode));
}

/* ---- crashes ---- */

enum { GENERATION_BYTES = 300000 };

/* Replaces the file again and again by GENERATION_BYTES of one letter, until killed. */
static void write_generations(const char *path)
{
    static char block[GENERATION_BYTES / 10];
    for (unsigned generation = 0;; generation++) {
        vgg_writer *writer;
        memset(block, 'a' + (int)(generation % 26), sizeof block);
        if (vgg_writer_open(path, &writer) != CLVGG_STATUS_OK)
            _exit(1);
        for (int i = 0; i < 10; i++)
            vgg_writer_append(writer, block, sizeof block);
        if (vgg_writer_commit(writer) != CLVGG_STATUS_OK)
            _exit(1);
        vgg_writer_free(writer);
    }
}

static size_t count_files(const char *folder)
{
    DIR *open_folder = opendir(folder);
    size_t count = 0;
    assert_non_null(open_folder);
    for (const struct dirent *entry; (entry = readdir(open_folder)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(open_folder);
    return count;
}

/* Two at a time write the same file, and both are killed, at different moments. */
static void killed_writers_leave_a_whole_file_and_nothing_else(void **state)
{
    (void)state;
    char folder[300], path[400];
    snprintf(folder, sizeof folder, "%s", temp_path("crashes"));
    snprintf(path, sizeof path, "%s/generations", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    size_t most = 0;
    char *old = malloc(GENERATION_BYTES);
    memset(old, 'z', GENERATION_BYTES);
    file_write(path, old, GENERATION_BYTES);
    free(old);
    for (long round = 0; round < 100; round++) {
        pid_t children[2];
        for (int i = 0; i < 2; i++) {
            children[i] = fork();
            if (children[i] == 0)
                write_generations(path);
        }
        for (int i = 0; i < 2; i++) {
            nanosleep(&(struct timespec){0, 200000 + (round + i) * 1234567 % 5000000}, NULL);
            kill(children[i], SIGKILL);
            int result;
            assert_int_equal(waitpid(children[i], &result, 0), children[i]);
            assert_true(WIFSIGNALED(result));
        }
        const size_t files = count_files(folder);
        most = files > most ? files : most;
        assert_in_range(files, 1, 3); /* those of this round, not of all rounds */
        size_t bytes;
        char *content = file_read(path, &bytes);
        assert_int_equal(bytes, GENERATION_BYTES);
        for (size_t i = 1; i < bytes; i++)
            if (content[i] != content[0])
                fail_msg("byte %zu is of another generation", i);
        free(content);
    }
    assert_true(most > 1); /* some were killed while they wrote */
    write_text(path, "the next");
    assert_int_equal(count_files(folder), 1);
    assert_content(path, "the next");
}

/* A file that one writer is writing isn't taken for abandoned by another. */
static void writers_of_one_path_do_not_meet(void **state)
{
    (void)state;
    char folder[300], path[400];
    vgg_writer *writers[3];
    snprintf(folder, sizeof folder, "%s", temp_path("several"));
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vgg_writer_open(path, &writers[i]), CLVGG_STATUS_OK);
        assert_int_equal(vgg_writer_append(writers[i], &"abc"[i], 1), CLVGG_STATUS_OK);
    }
    assert_int_equal(count_files(folder), 3);
    for (int i = 1; i >= 0; i--) {
        assert_int_equal(vgg_writer_commit(writers[i]), CLVGG_STATUS_OK);
        assert_content(path, i == 1 ? "b" : "a");
        vgg_writer_free(writers[i]);
    }
    vgg_writer_free(writers[2]); /* without a commit */
    assert_int_equal(count_files(folder), 1);
    assert_content(path, "a");
}

/* ---- memory ---- */

static clvgg_status write_and_read_back(void *path)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_writer *writer = NULL;
    unsigned char *data = NULL;
    size_t size;
    VGG_TRY(vgg_writer_open(path, &writer));
    VGG_TRY(vgg_writer_append(writer, "swept", 5));
    VGG_TRY(vgg_writer_commit(writer));
    VGG_TRY(vgg_file_read_all(path, 5, &data, &size));
cleanup:
    vgg_free(data);
    vgg_writer_free(writer);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", temp_path("swept"));
    size_t before = temp_file_count();
    assert_true(failing_allocator_sweep(write_and_read_back, path) >= 5);
    assert_int_equal(temp_file_count(), before + 1);
    assert_content(path, "swept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_exactly),
        cmocka_unit_test(refuses_what_is_not_a_file),
        cmocka_unit_test(reads_whole_files_up_to_a_limit),
        cmocka_unit_test(texts_lose_their_byte_order_mark),
        cmocka_unit_test(appears_whole_at_commit),
        cmocka_unit_test(permissions_are_as_expected),
        cmocka_unit_test(follows_symbolic_links),
        cmocka_unit_test(says_why_a_target_is_impossible),
        cmocka_unit_test(a_full_disk_is_named_and_leaves_the_old_file),
        cmocka_unit_test(pipes_are_written_directly_over_interruptions),
        cmocka_unit_test(killed_writers_leave_a_whole_file_and_nothing_else),
        cmocka_unit_test(writers_of_one_path_do_not_meet),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
