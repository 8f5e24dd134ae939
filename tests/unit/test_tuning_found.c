/* test_tuning_found.c — which result of tuning is found for a chain: kept ones, and the nearest of
 * those that are shipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/cache.h"
#include "support/tuning_result.h"

static void count_record(void *user, const vgg_cache_record *record)
{
    (void)record;
    ++*(size_t *)user;
}

static void the_cache_finds_its_own(void **state)
{
    (void)state;
    vgg_cache *cache = cache_make(cache_fresh_path(), VGG_CACHE_LIMIT_BYTES);
    const vgg_tuning kept[2] = {tuning_make("conv2d 64x224x224 to 64", 16),
                                tuning_make("conv2d 1x1x1 to 2", 1)};
    vgg_tuning_source source = {.cache = cache, .device = kept[0].device};
    vgg_tuning found, *all = NULL;
    size_t count = 0;
    assert_false(vgg_tuning_find_own(&source, kept[0].problem, 16, &found));
    assert_int_equal(vgg_tuning_keep(cache, kept, 2), CLVGG_STATUS_OK);
    assert_true(vgg_tuning_find_own(&source, kept[0].problem, 16, &found));
    tuning_assert_same(&found, &kept[0]);
    assert_false(vgg_tuning_find_own(&source, kept[0].problem, 15, &found));
    source.device.compute_units = 1;
    assert_false(vgg_tuning_find_own(&source, kept[0].problem, 16, &found));
    source.device.compute_units = 2;
    source.device.amx = true;
    assert_false(vgg_tuning_find_own(&source, kept[0].problem, 16, &found));
    source.device.amx = false;
    source.device.words[0] = 'B';
    assert_false(vgg_tuning_find_own(&source, kept[0].problem, 16, &found));
    /* Sorted, whatever the order of keeping. */
    assert_int_equal(vgg_tuning_list(cache, &all, &count), CLVGG_STATUS_OK);
    assert_int_equal(count, 2);
    tuning_assert_same(&all[0], &kept[1]);
    tuning_assert_same(&all[1], &kept[0]);
    vgg_free(all);
    vgg_cache_free(cache);
    assert_int_equal(vgg_tuning_keep(NULL, kept, 1), CLVGG_STATUS_IO);
}

/* Results kept by a clvgg with other kernels aren't found, and make room. */
static void the_cache_forgets_changed_kernels(void **state)
{
    (void)state;
    vgg_cache *cache = cache_make(cache_fresh_path(), VGG_CACHE_LIMIT_BYTES);
    vgg_kernel_source other = *vgg_kernel_source_find("conv_blocked.cl");
    const vgg_tuning now = tuning_make("conv2d 64x224x224 to 64", 16);
    vgg_tuning before = now, found, *all = NULL;
    const vgg_tuning_source source = {.cache = cache, .device = now.device};
    size_t count = 0;
    other.hash = TUNING_OTHER_HASH;
    before.kernels[0] = &other;
    assert_int_equal(vgg_tuning_keep(cache, &before, 1), CLVGG_STATUS_IO);
    assert_false(vgg_tuning_find_own(&source, now.problem, 16, &found));
    assert_int_equal(vgg_tuning_list(cache, &all, &count), CLVGG_STATUS_OK);
    assert_int_equal(count, 0);
    vgg_free(all);
    assert_int_equal(vgg_tuning_keep(cache, &now, 1), CLVGG_STATUS_OK);
    assert_true(vgg_tuning_find_own(&source, now.problem, 16, &found));
    tuning_assert_same(&found, &now);
    size_t records = 0;
    assert_int_equal(vgg_cache_visit(cache, count_record, &records), CLVGG_STATUS_OK);
    assert_int_equal(records, 1);
    vgg_cache_free(cache);
}

/* The nearest of the shipped results for devices like this one is taken. */
static void the_nearest_shipped_is_taken(void **state)
{
    (void)state;
    enum { COUNT = 4 };
    static const int batches[COUNT] = {3, 8, 16, 8}, units[COUNT] = {8, 4, 8, 8};
    static const struct {
        int batch, units, nearest; /* −1: none */
    } cases[] = {{8, 8, 3},  {8, 16, 3}, {8, 4, 1},  {8, 2, 1},   {8, 17, -1},
                 {8, 1, -1}, {4, 8, 0},  {4, 2, 1},  {2, 8, 0},   {1, 8, -1},
                 {12, 8, 2}, {17, 8, 2}, {32, 8, 2}, {17, 3, -1}, {33, 8, -1}};
    vgg_tuning shipped[COUNT], found;
    for (int i = 0; i < COUNT; i++) {
        shipped[i] = tuning_make("conv2d 1x1x1 to 2", batches[i]);
        shipped[i].device.compute_units = units[i];
        shipped[i].ms = i;
    }
    vgg_tuning_source source = {
        .device = shipped[0].device, .shipped = shipped, .shipped_count = COUNT};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        source.device.compute_units = cases[i].units;
        const bool any = vgg_tuning_find(&source, "conv2d 1x1x1 to 2", cases[i].batch, &found);
        if ((any ? (int)found.ms : -1) != cases[i].nearest)
            fail_msg("case %zu: %d expected, got %d", i, cases[i].nearest,
                     any ? (int)found.ms : -1);
    }
    assert_false(vgg_tuning_find(&source, "conv2d 1x1x1 to 3", 8, &found));
}

/* On a device of another kind a result may be slower than what the rules choose: a result found
 * without AMX must not displace AMX. */
static void other_devices_get_no_shipped_results(void **state)
{
    (void)state;
    vgg_tuning shipped = tuning_make("conv2d 1x1x1 to 2", 8), found;
    for (int i = 0; i < 5; i++) {
        vgg_tuning_source source = {
            .device = shipped.device, .shipped = &shipped, .shipped_count = 1};
        if (i == 1)
            source.device.type = CLVGG_DEVICE_GPU;
        if (i == 2)
            strcpy(source.device.vendor, "Other");
        if (i == 3)
            source.device.vector_width = 8;
        source.device.amx = i == 4;
        assert_int_equal(vgg_tuning_find(&source, shipped.problem, 8, &found), i == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cache_finds_its_own),
        cmocka_unit_test(the_cache_forgets_changed_kernels),
        cmocka_unit_test(the_nearest_shipped_is_taken),
        cmocka_unit_test(other_devices_get_no_shipped_results),
    };
    return cmocka_run_group_tests(tests, cache_tests_begin, cache_tests_end);
}
