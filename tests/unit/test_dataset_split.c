/* Parts of data sets: sizes a class, seeds, copies; and what two data sets have in common. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/runtime.h"
#include "train/dataset.h"

/* Image `name` of a class, with a content. */
static void put(const char *folder, const char *class_name, int name, int content)
{
    char path[200], bytes[64];
    snprintf(path, sizeof path, "%s/%s/%04d.png", folder, class_name, name);
    int size = snprintf(bytes, sizeof bytes, "\x89PNG\r\n\x1A\n%d", content);
    file_write_deep(temp_path(path), bytes, (size_t)size);
}

static clvgg_dataset *open_good(const char *folder)
{
    clvgg_dataset *dataset = NULL;
    if (clvgg_dataset_open(runtime, temp_path(folder), &dataset) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return dataset;
}

typedef struct parts {
    clvgg_dataset *first, *second;
} parts;

/* Both parts together are the whole, in its order, and each is consistent. */
static parts split(const clvgg_dataset *whole, double fraction, uint64_t seed)
{
    parts p = {NULL, NULL};
    assert_int_equal(clvgg_dataset_split(whole, fraction, seed, &p.first, &p.second),
                     CLVGG_STATUS_OK);
    const clvgg_dataset *const both[] = {p.first, p.second};
    size_t at[2] = {0, 0}, sizes[2][16] = {{0}};
    for (size_t i = 0; i < clvgg_dataset_count(whole); i++) {
        clvgg_dataset_item item, got[2];
        clvgg_dataset_at(whole, i, &item);
        for (int k = 0; k < 2; k++)
            clvgg_dataset_at(both[k], at[k], &got[k]);
        int k = got[0].path == item.path ? 0 : 1;
        assert_ptr_equal(got[k].path, item.path);
        assert_int_equal(got[k].class_index, item.class_index);
        assert_memory_equal(got[k].digest, item.digest, sizeof item.digest);
        at[k]++;
        sizes[k][item.class_index]++;
    }
    for (int k = 0; k < 2; k++) {
        assert_int_equal(clvgg_dataset_count(both[k]), at[k]);
        assert_int_equal(clvgg_dataset_skipped_count(both[k]), 0);
        assert_string_equal(clvgg_dataset_path(both[k]), clvgg_dataset_path(whole));
        assert_int_equal(clvgg_dataset_class_count(both[k]), clvgg_dataset_class_count(whole));
        for (size_t c = 0; c < clvgg_dataset_class_count(whole); c++) {
            assert_string_equal(clvgg_dataset_class_name(both[k], c),
                                clvgg_dataset_class_name(whole, c));
            assert_int_equal(clvgg_dataset_class_size(both[k], c), sizes[k][c]);
        }
    }
    return p;
}

static void free_parts(parts p)
{
    clvgg_dataset_free(p.first);
    clvgg_dataset_free(p.second);
}

static int same_images(const clvgg_dataset *a, const clvgg_dataset *b)
{
    int same = clvgg_dataset_count(a) == clvgg_dataset_count(b);
    for (size_t i = 0; same && i < clvgg_dataset_count(a); i++)
        same = memcmp(vgg_dataset_image_at(a, i)->digest, vgg_dataset_image_at(b, i)->digest,
                      CLVGG_DATASET_DIGEST_BYTES) == 0;
    return same;
}

static void each_class_is_parted_by_itself(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 10, 85, 200};
    static const double fractions[] = {0.001, 0.1, 0.25, 0.5, 0.9, 0.999};
    for (size_t c = 0; c < 6; c++)
        for (size_t i = 0; i < sizes[c]; i++) {
            char name[2] = {(char)('a' + c), '\0'};
            put("f", name, (int)i, (int)(c * 1000 + i));
        }
    clvgg_dataset *whole = open_good("f");
    for (size_t f = 0; f < 6; f++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            parts p = split(whole, fractions[f], seed);
            for (size_t c = 0; c < 6; c++) {
                double size = (double)sizes[c], wanted = floor(fractions[f] * size + 0.5);
                wanted = sizes[c] == 1 ? 0 : fmin(fmax(wanted, 1), size - 1);
                assert_int_equal(clvgg_dataset_class_size(p.second, c), (size_t)wanted);
            }
            free_parts(p);
        }
    clvgg_dataset_free(whole);
    remove_tree(temp_path("f"));
}

/* 100 images of two classes, once in order and once renamed and turned around. */
static void the_seed_and_the_files_decide(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        put("f", i % 2 ? "cat" : "dog", i, i);
        put("g", i % 2 ? "cat" : "dog", 500 - i, i);
    }
    clvgg_dataset *f = open_good("f"), *g = open_good("g");
    int in_second[100] = {0};
    for (uint64_t seed = 1; seed <= 40; seed++) {
        parts a = split(f, 0.2, seed), b = split(f, 0.2, seed), c = split(g, 0.2, seed),
              d = split(f, 0.2, seed + 1);
        assert_true(same_images(a.second, b.second));
        assert_false(same_images(a.second, d.second));
        size_t common = 0;
        assert_int_equal(clvgg_dataset_common(a.second, c.second, &common, NULL, NULL),
                         CLVGG_STATUS_OK);
        assert_int_equal(common, 20);
        for (size_t i = 0; i < 20; i++)
            in_second[a.second->chosen[i]]++;
        free_parts(a);
        free_parts(b);
        free_parts(c);
        free_parts(d);
    }
    /* No image is favoured: 40 draws of one in five, eight expected, 2.5 the deviation. */
    for (int i = 0; i < 100; i++)
        assert_true(in_second[i] >= 1 && in_second[i] <= 18);

    /* Parts of parts, which outlive the whole. */
    parts a = split(f, 0.5, 1), b = split(a.first, 0.5, 1);
    assert_int_equal(clvgg_dataset_count(b.first) + clvgg_dataset_count(b.second), 50);
    clvgg_dataset_free(f);
    clvgg_dataset_free(g);
    free_parts(a);
    assert_string_equal(clvgg_dataset_class_name(b.second, 1), "dog");
    free_parts(b);
    remove_tree(temp_path("f"));
    remove_tree(temp_path("g"));
}

/* No file of one part is in the other. */
static void are_apart(parts p)
{
    size_t count = 1;
    assert_int_equal(clvgg_dataset_common(p.first, p.second, &count, NULL, NULL), CLVGG_STATUS_OK);
    assert_int_equal(count, 0);
}

static void copies_stay_together(void **state)
{
    (void)state;
    /* Groups of 1, 2, 3, … 9 copies; "both" are in two classes; "rare" has one image thrice. */
    int name = 0;
    for (int group = 1; group <= 9; group++)
        for (int copy = 0; copy < group; copy++)
            put("f", "cat", name++, group);
    for (int i = 0; i < 30; i++) {
        put("f", "dog", i, 100 + i);
        if (i < 10)
            put("f", "both", i, 100 + i);
    }
    for (int i = 0; i < 3; i++)
        put("f", "rare", i, 200);
    /* All groups are larger than a tenth. */
    for (int i = 0; i < 8; i++)
        put("f", "two", i, i < 5 ? 300 : 301);
    clvgg_dataset *whole = open_good("f");
    for (uint64_t seed = 0; seed < 30; seed++) {
        parts p = split(whole, 0.1, seed);
        are_apart(p);
        /* both, cat, dog, rare, two. 45 cats: 4 or, as copies allow, fewer. */
        assert_int_equal(clvgg_dataset_class_size(p.second, 0), 1);
        assert_in_range(clvgg_dataset_class_size(p.second, 1), 1, 5);
        assert_int_equal(clvgg_dataset_class_size(p.second, 2), 3);
        assert_int_equal(clvgg_dataset_class_size(p.second, 3), 0);
        assert_int_equal(clvgg_dataset_class_size(p.second, 4), 3);
        free_parts(p);
        p = split(whole, 0.5, seed);
        are_apart(p);
        assert_int_equal(clvgg_dataset_class_size(p.second, 0), 5);
        assert_in_range(clvgg_dataset_class_size(p.second, 1), 14, 23);
        assert_int_equal(clvgg_dataset_class_size(p.second, 2), 15);
        free_parts(p);
    }
    clvgg_dataset_free(whole);
    remove_tree(temp_path("f"));
}

static void common_files_are_found_by_content(void **state)
{
    (void)state;
    static const int first[] = {7, 3, 9, 3, 1}, second[] = {2, 4, 3, 8, 7, 3};
    for (int i = 0; i < 5; i++)
        put("f", "cat", i, first[i]);
    for (int i = 0; i < 6; i++)
        put("g", i % 2 ? "dog" : "ant", i / 2, second[i / 2 + (i % 2) * 3]);
    /* In order: ant 2, 4, 3; dog 8, 7, 3. */
    clvgg_dataset *f = open_good("f"), *g = open_good("g");
    size_t count = 0, i = 99, k = 99;
    assert_int_equal(clvgg_dataset_common(f, g, &count, &i, &k), CLVGG_STATUS_OK);
    assert_true(count == 3 && i == 1 && k == 2);
    assert_int_equal(clvgg_dataset_common(g, f, &count, &i, &k), CLVGG_STATUS_OK);
    assert_true(count == 3 && i == 4 && k == 0);
    assert_int_equal(clvgg_dataset_common(f, f, &count, NULL, NULL), CLVGG_STATUS_OK);
    assert_int_equal(count, 5);
    clvgg_dataset_free(f);
    remove_tree(temp_path("f"));
    put("f", "cat", 0, 77);
    f = open_good("f");
    i = k = 99;
    assert_int_equal(clvgg_dataset_common(f, g, &count, &i, &k), CLVGG_STATUS_OK);
    assert_true(count == 0 && i == 99 && k == 99);
    clvgg_dataset_free(f);
    clvgg_dataset_free(g);
    remove_tree(temp_path("f"));
    remove_tree(temp_path("g"));
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const double fractions[] = {0, 1, -0.5, 1.5, NAN, INFINITY};
    put("f", "cat", 0, 1);
    clvgg_dataset *whole = open_good("f"), *first, *second;
    for (size_t i = 0; i < 6; i++) {
        first = second = whole;
        assert_int_equal(clvgg_dataset_split(whole, fractions[i], 1, &first, &second),
                         CLVGG_STATUS_INVALID_ARGUMENT);
        assert_true(first == NULL && second == NULL);
    }
    size_t count;
    assert_int_equal(clvgg_dataset_split(NULL, 0.5, 1, &first, &second),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_dataset_split(whole, 0.5, 1, NULL, &second),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_int_equal(clvgg_dataset_common(whole, NULL, &count, NULL, NULL),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    /* One image stays where it trains; the other part is empty, but a data set. */
    parts p = split(whole, 0.9, 1);
    assert_int_equal(clvgg_dataset_count(p.second), 0);
    free_parts(p);
    clvgg_dataset_free(whole);
    remove_tree(temp_path("f"));
}

static clvgg_status split_and_compare(void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_dataset *first = NULL, *second = NULL;
    size_t count = 0;
    VGG_TRY(vgg_dataset_split(user, 0.5, 1, &first, &second));
    VGG_TRY(vgg_dataset_common(first, second, &count, NULL, NULL));
cleanup:
    assert_int_equal(first == NULL, second == NULL);
    vgg_dataset_free(first);
    vgg_dataset_free(second);
    return status;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        put("f", i % 2 ? "cat" : "dog", i, i);
    clvgg_dataset *whole = open_good("f");
    assert_int_equal(failing_allocator_sweep(split_and_compare, whole), 10);
    clvgg_dataset_free(whole);
    remove_tree(temp_path("f"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_is_parted_by_itself),
        cmocka_unit_test(the_seed_and_the_files_decide),
        cmocka_unit_test(copies_stay_together),
        cmocka_unit_test(common_files_are_found_by_content),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}
