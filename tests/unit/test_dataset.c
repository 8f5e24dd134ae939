/* Data sets: layouts, order, digests, what is left out and why, hostile folders, failing memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/meter.h"
#include "train/dataset.h"

#define PNG "\x89PNG\r\n\x1A\n"
#define JPEG "\xFF\xD8\xFF"

static clvgg_runtime *runtime;

static int setup(void **state)
{
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    options.threads = 3;
    return temp_folder_setup(state) != 0 ||
           clvgg_runtime_create(&options, &runtime) != CLVGG_STATUS_OK;
}

static int teardown(void **state)
{
    clvgg_runtime_free(runtime);
    return temp_folder_teardown(state);
}

/* A file that begins as an image does, with its name as content. */
static void put(const char *name)
{
    char content[600];
    int size = snprintf(content, sizeof content, "%s%s", strstr(name, "jp") ? JPEG : PNG, name);
    file_write_deep(temp_path(name), content, (size_t)size);
}

static clvgg_dataset *open_good(const char *path)
{
    clvgg_dataset *dataset = NULL;
    if (clvgg_dataset_open(runtime, path, &dataset) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return dataset;
}

static void check_digest(const clvgg_dataset_item *item)
{
    size_t size = 0;
    unsigned char digest[VGG_SHA256_BYTES];
    char *content = file_read(item->path, &size);
    vgg_sha256 hash = vgg_sha256_begin();
    vgg_sha256_add(&hash, content, size);
    vgg_sha256_end(&hash, digest);
    assert_memory_equal(item->digest, digest, sizeof digest);
    free(content);
}

/* `expected`: "class path" of every image, in order, paths below the data set's. */
static void has_images(const clvgg_dataset *dataset, const char *const *expected, size_t count)
{
    assert_int_equal(clvgg_dataset_count(dataset), count);
    size_t sizes[16] = {0};
    for (size_t i = 0; i < count; i++) {
        char words[600];
        clvgg_dataset_item item;
        clvgg_dataset_at(dataset, i, &item);
        const char *below = item.path + strlen(clvgg_dataset_path(dataset)) + 1;
        snprintf(words, sizeof words, "%s %s", clvgg_dataset_class_name(dataset, item.class_index),
                 below);
        assert_string_equal(words, expected[i]);
        assert_ptr_equal(vgg_dataset_image_path(dataset, i), item.path);
        sizes[item.class_index]++;
        check_digest(&item);
    }
    for (size_t i = 0; i < clvgg_dataset_class_count(dataset); i++)
        assert_int_equal(clvgg_dataset_class_size(dataset, i), sizes[i]);
}

/* `expected`: pairs of a path below the data set's, and a beginning of the reason. */
static void has_skipped(const clvgg_dataset *dataset, const char *const *expected, size_t count)
{
    assert_int_equal(clvgg_dataset_skipped_count(dataset), count);
    for (size_t i = 0; i < count; i++) {
        const char *path, *reason;
        clvgg_dataset_skipped(dataset, i, &path, &reason);
        assert_string_equal(path + strlen(clvgg_dataset_path(dataset)) + 1, expected[2 * i]);
        assert_ptr_equal(strstr(reason, expected[2 * i + 1]), reason);
    }
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void a_folder_for_each_class(void **state)
{
    (void)state;
    static const char *const files[] = {
        "f/dog/b.png", "f/dog/a.jpg",      "f/a b/1.png", "f/a/1.png",        "f/a/deep/er/2.jpeg",
        "f/a/0",       "f/\xFF\n/odd.png", "f/Cat/1.png", "f/dog/none.txt.jp"};
    for (size_t i = 0; i < COUNT(files); i++)
        put(files[i]);
    file_write_deep(temp_path("f/notes.txt"), "notes", 5);
    file_write_deep(temp_path("f/a/empty.png"), "", 0);
    file_write_deep(temp_path("f/a/short.png"), PNG, 7);
    put("f/.git/image.png");
    put("f/dog/._a.jpg");
    assert_int_equal(mkdir(temp_path("f/dog/nothing"), 0777), 0);

    /* Whole paths are sorted, and names of classes: a blank stands before a slash. */
    static const char *const images[] = {
        "Cat Cat/1.png", "a b a b/1.png",       "a a/0",
        "a a/1.png",     "a a/deep/er/2.jpeg",  "dog dog/a.jpg",
        "dog dog/b.png", "dog dog/none.txt.jp", "\xFF\n \xFF\n/odd.png"};
    static const char *const classes[] = {"Cat", "a", "a b", "dog", "\xFF\n"};
    static const char *const skipped[] = {".git",         "hidden",
                                          "a/empty.png",  "an empty file",
                                          "a/short.png",  "not a PNG, JPEG or WebP image",
                                          "dog/._a.jpg",  "hidden",
                                          "dog/nothing/", "an empty folder",
                                          "notes.txt",    "not a PNG, JPEG or WebP image"};
    clvgg_dataset *dataset = open_good(temp_path("f"));
    assert_string_equal(clvgg_dataset_path(dataset), temp_path("f"));
    assert_int_equal(clvgg_dataset_class_count(dataset), COUNT(classes));
    for (size_t i = 0; i < COUNT(classes); i++)
        assert_string_equal(clvgg_dataset_class_name(dataset, i), classes[i]);
    has_images(dataset, images, COUNT(images));
    has_skipped(dataset, skipped, COUNT(skipped) / 2);

    /* Beyond the end. */
    clvgg_dataset_item item;
    const char *path = "", *reason = "";
    clvgg_dataset_at(dataset, COUNT(images), &item);
    clvgg_dataset_skipped(dataset, COUNT(skipped) / 2, &path, &reason);
    assert_true(item.path == NULL && path == NULL && reason == NULL);
    assert_null(clvgg_dataset_class_name(dataset, COUNT(classes)));
    assert_int_equal(clvgg_dataset_class_size(dataset, COUNT(classes)), 0);
    clvgg_dataset_free(dataset);

    /* A slash at the end changes paths by nothing. */
    char with_slash[600];
    snprintf(with_slash, sizeof with_slash, "%s/", temp_path("f"));
    dataset = open_good(with_slash);
    clvgg_dataset_at(dataset, 0, &item);
    assert_string_equal(item.path, temp_path("f/Cat/1.png"));
    assert_string_equal(clvgg_dataset_class_name(dataset, item.class_index), "Cat");
    clvgg_dataset_free(dataset);
    remove_tree(temp_path("f"));
}

static void names_that_begin_with_a_class(void **state)
{
    (void)state;
    static const char *const files[] = {"f/dog.2.jpg",  "f/cat.10.jpg", "f/cat.9.jpg",
                                        "f/DOG.1.PNG",  "f/cat.x",      "f/a.b.c.jpeg",
                                        "f/loose.JpEg", "f/plain",      "f/7.png"};
    for (size_t i = 0; i < COUNT(files); i++)
        put(files[i]);
    file_write_deep(temp_path("f/more/notes.txt"), "notes", 5);
    static const char *const images[] = {"DOG DOG.1.PNG", "a a.b.c.jpeg", "cat cat.10.jpg",
                                         "cat cat.9.jpg", "cat cat.x",    "dog dog.2.jpg"};
    static const char *const skipped[] = {"7.png",          "its name doesn't begin with a class",
                                          "loose.JpEg",     "its name doesn't begin with a class",
                                          "more/notes.txt", "not a PNG, JPEG or WebP image",
                                          "plain",          "its name doesn't begin with a class"};
    clvgg_dataset *dataset = open_good(temp_path("f"));
    assert_int_equal(clvgg_dataset_class_count(dataset), 4);
    has_images(dataset, images, COUNT(images));
    has_skipped(dataset, skipped, COUNT(skipped) / 2);
    clvgg_dataset_free(dataset);
    remove_tree(temp_path("f"));
}

static void one_class_will_do(void **state)
{
    (void)state;
    static const char *const images[] = {"cat cat/1.png"};
    put("f/cat/1.png");
    clvgg_dataset *dataset = open_good(temp_path("f"));
    has_images(dataset, images, 1);
    has_skipped(dataset, NULL, 0);
    clvgg_dataset_free(dataset);
    remove_tree(temp_path("f"));
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    /* Files that are made, apart by |, then the status, and a part of the message, in which % is
     * the folder. What ends in a slash is a folder, what ends in .txt isn't an image. */
    static const struct {
        const char *files;
        clvgg_status status;
        const char *message;
    } cases[] = {
        {"f/", CLVGG_STATUS_BAD_FILE, "%: an empty folder"},
        {"f/b.txt|f/a/c.txt", CLVGG_STATUS_BAD_FILE,
         "%: no image there (a/c.txt: not a PNG, JPEG or WebP image)"},
        {"f/cat.0.png|f/dog/b.png", CLVGG_STATUS_BAD_FILE,
         "%: has images of its own (cat.0.png) beside folders with images (dog/b.png)"},
        {"f/cat/1.png|f/bird/", CLVGG_STATUS_BAD_FILE,
         "%: class folder 'bird' has no image (bird/: an empty folder)"},
        {"f/cat/1.png|f/dog/a/b.txt", CLVGG_STATUS_BAD_FILE,
         "class folder 'dog' has no image (dog/a/b.txt: not a PNG, JPEG or WebP image)"},
        {"f/1.png|f/2.jpg", CLVGG_STATUS_BAD_FILE, "begin with a class, as cat.0.jpg: '1.png'"},
        {"f/train/cat/1.png|f/val/cat/1.png|f/test/2.png", CLVGG_STATUS_BAD_FILE,
         "%: 'train' and 'val' are parts of a data set, not classes: "
         "train on %/train, validate or evaluate on %/val"},
        {"f/Train/cat.1.png|f/Validation/cat.1.png", CLVGG_STATUS_BAD_FILE,
         "train on %/Train, validate or evaluate on %/Validation"},
        {"f/train/cat.1.jpg|f/test1/1.jpg", CLVGG_STATUS_BAD_FILE,
         "%: 'train' is a part of a data set, not a class: name a part, as %/train"},
        {"f/train/cat/1.png|f/val/", CLVGG_STATUS_BAD_FILE,
         "train on %/train, validate or evaluate on %/val"},
        /* Classes with such names. */
        {"f/train/1.png|f/car/1.png", CLVGG_STATUS_OK, ""},
        {"f/trainer/1.png|f/val/1.png", CLVGG_STATUS_OK, ""},
        {"f/val/1.png|f/test/1.png", CLVGG_STATUS_OK, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char files[200], wanted[2000] = "";
        strcpy(files, cases[i].files);
        for (char *name = strtok(files, "|"); name != NULL; name = strtok(NULL, "|")) {
            if (name[strlen(name) - 1] == '/') {
                mkdir(temp_path("f"), 0777);
                mkdir(temp_path(name), 0777);
            } else if (strstr(name, ".txt") != NULL) {
                file_write_deep(temp_path(name), "words", 5);
            } else {
                put(name);
            }
        }
        for (const char *at = cases[i].message; *at != '\0'; at++)
            snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted),
                     *at == '%' ? "%s" : "%.1s", *at == '%' ? temp_path("f") : at);
        clvgg_dataset *dataset = NULL;
        clvgg_status status = clvgg_dataset_open(runtime, temp_path("f"), &dataset);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(dataset != NULL, status == CLVGG_STATUS_OK);
        if (status != CLVGG_STATUS_OK && strstr(clvgg_status_message(), wanted) == NULL)
            fail_msg("got '%s', wanted '%s'", clvgg_status_message(), wanted);
        clvgg_dataset_free(dataset);
        remove_tree(temp_path("f"));
    }
}

static void fails(const char *path, clvgg_status wanted, const char *message)
{
    clvgg_dataset *dataset = NULL;
    assert_int_equal(clvgg_dataset_open(runtime, path, &dataset), wanted);
    assert_null(dataset);
    assert_non_null(strstr(clvgg_status_message(), message));
}

static void what_is_no_folder_is_refused(void **state)
{
    (void)state;
    clvgg_dataset *dataset = NULL;
    file_write_deep(temp_path("file.png"), PNG, 8);
    fails(temp_path("absent"), CLVGG_STATUS_NOT_FOUND, "absent: no such folder");
    fails(temp_path("file.png/below"), CLVGG_STATUS_NOT_FOUND, "no such folder");
    fails(temp_path("file.png"), CLVGG_STATUS_BAD_FILE, "is a file; a data set is a folder");
    fails("", CLVGG_STATUS_NOT_FOUND, "no such folder");
    assert_int_equal(symlink("self", temp_path("self")), 0);
    fails(temp_path("self"), CLVGG_STATUS_IO, "self: Too many levels");
    assert_int_equal(clvgg_dataset_open(NULL, "x", &dataset), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_dataset_open(runtime, NULL, &dataset), CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_dataset_open(runtime, "x", NULL), CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_dataset_free(NULL);
}

static void make_link(const char *to, const char *name)
{
    assert_int_equal(symlink(to, temp_path(name)), 0);
}

static void links_pipes_and_giants(void **state)
{
    (void)state;
    put("f/a/1.png");
    put("else/where/2.png");
    make_link("../../else/where/2.png", "f/a/file-link");
    make_link("../else", "f/folder-link");
    make_link("..", "f/a/back");
    make_link(".", "f/round");
    make_link("nowhere", "f/a/dangling.png");
    make_link("self", "f/a/self");
    assert_int_equal(mkfifo(temp_path("f/a/pipe.jpg"), 0666), 0);
    file_write_deep(temp_path("f/a/giant.png"), PNG, 8);
    assert_int_equal(truncate(temp_path("f/a/giant.png"), (off_t)1 << 40), 0);
    static const char *const images[] = {"a a/1.png", "a a/file-link",
                                         "folder-link folder-link/where/2.png"};
    static const char *const skipped[] = {
        "a/back",         "a link to a folder that is read already",
        "a/dangling.png", "not there, or a link that leads nowhere",
        "a/giant.png",    "too large for an image file",
        "a/pipe.jpg",     "a pipe or a device",
        "a/self",         "Too many levels of symbolic links",
        "round",          "a link to a folder that is read already"};
    clvgg_dataset *dataset = open_good(temp_path("f"));
    has_images(dataset, images, COUNT(images));
    has_skipped(dataset, skipped, COUNT(skipped) / 2);
    clvgg_dataset_free(dataset);
    remove_tree(temp_path("f"));
    remove_tree(temp_path("else"));
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        fprintf(stderr, "SKIPPED: root reads every file\n");
        skip();
    }
    static const char *const images[] = {"a a/2.png"};
    static const char *const skipped[] = {"a/1.png", "Permission denied", "a/in/",
                                          "Permission denied"};
    put("f/a/1.png");
    put("f/a/2.png");
    put("f/a/in/3.png");
    assert_int_equal(chmod(temp_path("f/a/1.png"), 0), 0);
    assert_int_equal(chmod(temp_path("f/a/in"), 0), 0);
    clvgg_dataset *dataset = open_good(temp_path("f"));
    has_images(dataset, images, COUNT(images));
    has_skipped(dataset, skipped, COUNT(skipped) / 2);
    clvgg_dataset_free(dataset);
    /* A class that can't be read isn't left out in silence. */
    assert_int_equal(chmod(temp_path("f/a/in"), 0700), 0);
    put("f/b/1.png");
    assert_int_equal(chmod(temp_path("f/b"), 0), 0);
    fails(temp_path("f"), CLVGG_STATUS_BAD_FILE, "'b' has no image (b/: Permission");
    assert_int_equal(chmod(temp_path("f/b"), 0700), 0);
    assert_int_equal(chmod(temp_path("f"), 0), 0);
    fails(temp_path("f"), CLVGG_STATUS_IO, "f: Permission denied");
    assert_int_equal(chmod(temp_path("f"), 0700), 0);
    remove_tree(temp_path("f"));
}

/* Many files, several chunks of them each, with one thread and with seven. */
static void threads_change_nothing_and_memory_is_small(void **state)
{
    (void)state;
    enum { FILES = 1500, LARGE = 20 };
    static char large[200000] = PNG;
    for (int i = 0; i < FILES; i++) {
        char name[64];
        snprintf(name, sizeof name, "f/class%d/%d.png", i % 7, i);
        put(name);
        snprintf(large + 8, 20, "%d", i);
        if (i < LARGE)
            file_write_deep(temp_path(name), large, sizeof large - (size_t)i);
    }
    clvgg_dataset *datasets[2];
    clvgg_runtime *runtimes[2];
    static meter meters[2];
    for (int i = 0; i < 2; i++) {
        int threads = i == 0 ? 1 : 7;
        runtimes[i] = meter_runtime(&meters[i], threads);
        assert_int_equal(clvgg_dataset_open(runtimes[i], temp_path("f"), &datasets[i]),
                         CLVGG_STATUS_OK);
        assert_int_equal(clvgg_dataset_count(datasets[i]), FILES);
        assert_true(meters[i].peak_bytes <= threads * 65536 + FILES * 300);
        assert_true(meters[i].held_bytes <= FILES * 160);
    }
    for (size_t i = 0; i < FILES; i++) {
        clvgg_dataset_item one, seven;
        clvgg_dataset_at(datasets[0], i, &one);
        clvgg_dataset_at(datasets[1], i, &seven);
        assert_string_equal(one.path, seven.path);
        assert_int_equal(one.class_index, seven.class_index);
        assert_memory_equal(one.digest, seven.digest, sizeof one.digest);
        check_digest(&one);
    }
    for (int i = 0; i < 2; i++) {
        clvgg_dataset_free(datasets[i]);
        clvgg_runtime_free(runtimes[i]);
        assert_int_equal(meters[i].held_blocks, 0);
    }
    remove_tree(temp_path("f"));
}

static clvgg_status open_and_close(void *user)
{
    clvgg_dataset *dataset = NULL;
    clvgg_status status = vgg_dataset_open(1, user, &dataset);
    assert_int_equal(dataset == NULL, status != CLVGG_STATUS_OK);
    vgg_dataset_free(dataset);
    return status;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    put("f/a/1.png");
    put("f/a/in/2.png");
    put("f/b/3.jpg");
    file_write_deep(temp_path("f/b/notes"), "words", 5);
    assert_int_equal(mkdir(temp_path("f/b/empty"), 0777), 0);
    char path[512];
    strcpy(path, temp_path("f"));
    assert_true(failing_allocator_sweep(open_and_close, path) > 15);
    remove_tree(temp_path("f"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_for_each_class),
        cmocka_unit_test(names_that_begin_with_a_class),
        cmocka_unit_test(one_class_will_do),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(what_is_no_folder_is_refused),
        cmocka_unit_test(links_pipes_and_giants),
        cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(threads_change_nothing_and_memory_is_small),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
