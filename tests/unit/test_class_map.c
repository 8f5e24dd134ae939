/* unit/test_class_map.c — groups of classes: what a file may say, and that sums are exact. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clvgg/class_map.h"
#include "model/class_map.h"
#include "model/labels.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/small_model.h"
#include "support/text.h"

static const char *const labels[] = {"tabby",  "crane", "Siamese cat", "pug", "crane",
                                     "beagle", "tab",   "12",          "#1",  ""};
enum { CLASSES = sizeof labels / sizeof *labels };

static clvgg_status read_bytes(const void *bytes, size_t size, clvgg_class_map **map)
{
    *map = NULL;
    file_write(temp_path("map.tsv"), bytes, size);
    return vgg_class_map_read(temp_path("map.tsv"), labels, CLASSES, map);
}

static clvgg_class_map *read_map(const char *text)
{
    clvgg_class_map *map;
    if (read_bytes(text, strlen(text), &map) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return map;
}

/* The classes of a group are exactly these. */
static void assert_group(const clvgg_class_map *map, size_t group, size_t count,
                         const size_t *classes)
{
    assert_int_equal(clvgg_class_map_size(map, group), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(map->members[map->first[group] + i], classes[i]);
}

static void lines_are_read(void **state)
{
    (void)state;
    clvgg_class_map *map = read_map("# breeds\n"
                                    "dog\t3\r\n"
                                    "\n"
                                    "cat\tSiamese cat\n"
                                    "dog\t5-7\n"
                                    "cat\ttabby\r\n"
                                    "#dog\t8\n"
                                    "\xC3\xA9tang\t8-8");
    assert_int_equal(clvgg_class_map_count(map), 3);
    assert_string_equal(clvgg_class_map_name(map, 0), "dog");
    assert_string_equal(clvgg_class_map_name(map, 1), "cat");
    assert_string_equal(clvgg_class_map_name(map, 2), "\xC3\xA9tang");
    assert_null(clvgg_class_map_name(map, 3));
    assert_group(map, 0, 4, (size_t[]){3, 5, 6, 7});
    assert_group(map, 1, 2, (size_t[]){0, 2});
    assert_group(map, 2, 1, (size_t[]){8});
    assert_group(map, 3, 3, (size_t[]){1, 4, 9}); /* in no group */
    assert_int_equal(clvgg_class_map_size(map, 4), 0);
    vgg_class_map_free(map);
    map = read_map("\xEF\xBB\xBF"
                   "all\t0-9\r\n"); /* as editors on Windows write it */
    assert_string_equal(clvgg_class_map_name(map, 0), "all");
    assert_int_equal(clvgg_class_map_size(map, 1), 0);
    vgg_class_map_free(map);
}

static void wrong_lines_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } wrong[] = {
        {"", "has no group"},
        {"\n# nothing\n", "has no group"},
        {"\ncat 3\n", "line 2: needs a group, a tab and a class, has 'cat 3'"},
        {"cat\t\n", "line 1: group 'cat' is given no class"},
        {"\t3\n", "line 1: no group before the tab, for class '3'"},
        {"\t\n", "line 1: no group before the tab, for class ''"},
        {"cat\t3\t4\n", "line 1: a second tab, behind group 'cat'"},
        {"a\t0\na\t10\n", "line 2: class 10: the model's go from 0 to 9"},
        {"a\t0-10\n", "line 1: class 0-10: the model's go from 0 to 9"},
        {"a\t99999999999999999999999\n", "class 99999999999999999999999: the model's go from"},
        {"a\t0-18446744073709551616\n", "class 0-18446744073709551616: the model's go from"},
        {"a\t5-3\n", "line 1: the range 5-3 runs backwards"},
        {"a\t5-\n", "line 1: the model has no class '5-'"},
        {"a\t-5\n", "line 1: the model has no class '-5'"},
        {"a\t1 \n", "line 1: the model has no class '1 '"},
        {"a\tPug\n", "line 1: the model has no class 'Pug'"},
        {"a\tzzz\n", "line 1: the model has no class 'zzz'"},
        {"a\tcrane\n", "line 1: classes 1 and 4 are both called 'crane': give an index"},
        {"a\t1\nb\t0\nb\t0-2\n", "line 3: class 0 ('tabby') is in group 'b' already, by line 2"},
        {"a\t3\nb\tpug\n", "line 2: class 3 ('pug') is in group 'a' already, by line 1"},
        {"a\t3\nother\t4\n", "line 2: 'other' is the name of what is in no group"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        clvgg_class_map *map;
        assert_int_equal(read_bytes(wrong[i].text, strlen(wrong[i].text), &map),
                         CLVGG_STATUS_BAD_FILE);
        assert_null(map);
        assert_memory_equal(vgg_message(), temp_path("map.tsv"), strlen(temp_path("map.tsv")));
        assert_contains(vgg_message(), wrong[i].message);
    }
}

static void hostile_files_are_refused(void **state)
{
    (void)state;
    clvgg_class_map *map;
    assert_int_equal(read_bytes("a\t0\nb\t\0", 7, &map), CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(vgg_message(), "line 2: a NUL byte"));
    char *large = malloc((16 << 20) + 1);
    assert_non_null(large);
    memset(large, '\n', (16 << 20) + 1);
    assert_int_equal(read_bytes(large, (16 << 20) + 1, &map), CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(vgg_message(), "16777217 bytes, more than the 16777216 allowed"));
    memset(large, 'x', 2000);
    memcpy(large + VGG_MAX_LABEL_BYTES + 1, "\t0", 3);
    assert_int_equal(read_bytes(large, strlen(large), &map), CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(vgg_message(), "a group's name has at most 1024 bytes"));
    free(large);
    assert_int_equal(vgg_class_map_read(temp_path("absent"), labels, CLASSES, &map),
                     CLVGG_STATUS_NOT_FOUND);
}

static void groups_are_counted(void **state)
{
    (void)state;
    enum { MANY = CLVGG_CLASS_MAP_MOST_GROUPS + 1 };
    char **many, *text = malloc(32 * MANY);
    clvgg_class_map *map;
    assert_int_equal(vgg_labels_generate(MANY, &many), CLVGG_STATUS_OK);
    size_t length = 0;
    for (int i = 0; i < MANY; i++)
        length += (size_t)sprintf(text + length, "group %d\tclass %d\n", i, MANY - 1 - i);
    file_write(temp_path("many.tsv"), text, length);
    assert_int_equal(
        vgg_class_map_read(temp_path("many.tsv"), (const char *const *)many, MANY, &map),
        CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(vgg_message(), "line 4097: more than 4096 groups"));
    *strrchr(text, 'g') = '#';
    file_write(temp_path("many.tsv"), text, length);
    assert_int_equal(
        vgg_class_map_read(temp_path("many.tsv"), (const char *const *)many, MANY, &map),
        CLVGG_STATUS_OK);
    assert_int_equal(clvgg_class_map_count(map), MANY - 1);
    assert_group(map, 7, 1, (size_t[]){MANY - 8});
    assert_group(map, MANY - 1, 1, (size_t[]){0});
    vgg_class_map_free(map);
    vgg_labels_free(many, MANY);
    free(text);
}

/* Float32 sums of these would lose the small ones, or depend on the order of the lines. */
static void sums_are_exact(void **state)
{
    (void)state;
    clvgg_class_map *maps[] = {read_map("a\t7\na\t0-3\nb\t4\n"), read_map("a\t0-3\nb\t4\na\t7\n")};
    const float small = 0x1p-26f; /* a quarter of the last digit of 0.5 */
    float values[CLASSES] = {0.5f, small, small, small, 0.1f, 0.5f, small, small, small, small};
    for (size_t i = 0; i < 2; i++) {
        float groups[2] = {-1, -1}, other = -1;
        clvgg_class_map_sum(maps[i], values, groups, &other);
        assert_true(groups[0] == 0.5f + 4 * small);
        assert_true(groups[1] == 0.1f);
        assert_true(other == 0.5f + 4 * small); /* three quarters of a digit, rounded */
        clvgg_class_map_sum(maps[i], values, groups, NULL);
    }
    values[0] = NAN;
    float groups[2], other;
    clvgg_class_map_sum(maps[0], values, groups, &other);
    assert_true(isnan(groups[0]) && groups[1] == 0.1f && !isnan(other));
    vgg_class_map_free(maps[0]);
    vgg_class_map_free(maps[1]);
}

/* ImageNet's dogs are 151 (Chihuahua) to 268 (Mexican hairless), cats 281 to 285. */
static void shipped_map_fits_the_shipped_labels(void **state)
{
    (void)state;
    char **names;
    clvgg_class_map *map;
    assert_int_equal(vgg_labels_read_file(PROJECT_ROOT "/models/imagenet-1k.txt", 1000, &names),
                     CLVGG_STATUS_OK);
    if (vgg_class_map_read(PROJECT_ROOT "/models/imagenet-cat-dog.tsv", (const char *const *)names,
                           1000, &map) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    assert_int_equal(clvgg_class_map_count(map), 2);
    assert_string_equal(clvgg_class_map_name(map, 0), "cat");
    assert_string_equal(clvgg_class_map_name(map, 1), "dog");
    static const char *const ends[2][2] = {{"n02123045 tabby", "n02124075 Egyptian cat"},
                                           {"n02085620 Chihuahua", "n02113978 Mexican hairless"}};
    static const size_t sizes[] = {5, 118};
    for (size_t g = 0; g < 2; g++) {
        assert_int_equal(clvgg_class_map_size(map, g), sizes[g]);
        assert_string_equal(names[map->members[map->first[g]]], ends[g][0]);
        assert_string_equal(names[map->members[map->first[g + 1] - 1]], ends[g][1]);
    }
    vgg_class_map_free(map);
    vgg_labels_free(names, 1000);
}

static void public_calls_check_their_arguments(void **state)
{
    (void)state;
    clvgg_runtime *runtime;
    clvgg_model *model;
    clvgg_class_map *map;
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    description.architecture = "vgg11";
    description.input_height = description.input_width = 32;
    description.head[0] = description.head[1] = 4;
    description.class_count = CLASSES;
    description.labels = labels;
    description.source = small_model_source;
    assert_int_equal(clvgg_runtime_create(NULL, &runtime), CLVGG_STATUS_OK);
    assert_int_equal(clvgg_model_build(runtime, &description, &model), CLVGG_STATUS_OK);
    file_write(temp_path("map.tsv"), "cat\ttabby\n", 10);
    assert_int_equal(clvgg_class_map_load(model, temp_path("map.tsv"), &map), CLVGG_STATUS_OK);
    clvgg_model_free(model);
    assert_int_equal(clvgg_class_map_size(map, 0), 1); /* the model isn't needed any more */
    clvgg_class_map_free(map);
    clvgg_class_map_free(NULL);
    assert_int_equal(clvgg_class_map_load(NULL, "x", &map), CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_runtime_free(runtime);
}

static clvgg_status read_swept(void *path)
{
    clvgg_class_map *map = NULL;
    clvgg_status status = vgg_class_map_read(path, labels, CLASSES, &map);
    vgg_class_map_free(map);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s", temp_path("swept.tsv"));
    file_write(path, "cat\ttabby\ndog\t3-5\n", 18);
    assert_true(failing_allocator_sweep(read_swept, path) > 8);
}

/* Cut anywhere, a file is read or refused. */
static void truncation_at_every_byte(void **state)
{
    (void)state;
    static const char text[] = "# x\ncat\ttabby\r\ncat\tSiamese cat\ndog\t3\ndog\t5-6\n";
    size_t read = 0;
    for (size_t size = 0; size < sizeof text; size++) {
        clvgg_class_map *map;
        clvgg_status status = read_bytes(text, size, &map);
        assert_true(status == CLVGG_STATUS_OK || status == CLVGG_STATUS_BAD_FILE);
        read += status == CLVGG_STATUS_OK;
        vgg_class_map_free(map);
    }
    assert_in_range(read, 8, sizeof text - 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(wrong_lines_are_named),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(groups_are_counted),
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(shipped_map_fits_the_shipped_labels),
        cmocka_unit_test(public_calls_check_their_arguments),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(truncation_at_every_byte),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
