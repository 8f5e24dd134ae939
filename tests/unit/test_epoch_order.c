/* tests/unit/test_epoch_order.c — orders of epochs are permutations, repeatable, mixed, and made of
 * runs that lie side by side on the disk; views come each once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "train/features.h"

enum { MOST = 20000 };
static uint32_t order[MOST], other[MOST];

static void is_a_permutation(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 15, 16, 17, 31, 32, 33, 1000, 4096, 4097, 9999, MOST};
    static uint8_t seen[MOST];
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int epoch = -1; epoch < 4; epoch++) {
            memset(seen, 0, sizeof seen);
            vgg_epoch_order(3, epoch, counts[c], order);
            for (size_t i = 0; i < counts[c]; i++) {
                assert_in_range(order[i], 0, counts[c] - 1);
                assert_int_equal(seen[order[i]]++, 0);
            }
        }
}

static size_t differences(uint64_t seed, int epoch, size_t count)
{
    size_t different = 0;
    vgg_epoch_order(seed, epoch, count, other);
    for (size_t i = 0; i < count; i++)
        different += order[i] != other[i];
    return different;
}

static void depends_on_seed_and_epoch_alone(void **state)
{
    (void)state;
    for (int epoch = -1; epoch < 3; epoch++) {
        vgg_epoch_order(7, epoch, 5000, order);
        assert_int_equal(differences(7, epoch, 5000), 0);
        assert_true(differences(7, epoch + 1, 5000) > 4900);
        assert_true(differences(8, epoch, 5000) > 4900);
    }
    /* Written down: orders must be the same in every version, or resumed runs change. */
    static const uint32_t first[8] = {96, 32, 49, 85, 70, 75, 98, 90};
    vgg_epoch_order(1, 2, 100, order);
    assert_memory_equal(order, first, sizeof first);
}

/* Images of two classes in their folders' order: half of one, then the other. In each hundred there
 * must be some of both: 15 and 85 are seven deviations from 50. */
static void mixes_classes(void **state)
{
    (void)state;
    for (int epoch = -1; epoch < 5; epoch++) {
        vgg_epoch_order(11, epoch, MOST, order);
        for (size_t first = 0; first < MOST; first += 100) {
            size_t of_second = 0;
            for (size_t i = first; i < first + 100; i++)
                of_second += order[i] >= MOST / 2;
            assert_in_range(of_second, 15, 85);
        }
    }
}

/* Every image comes early in some epochs and late in others, also those behind the last run. */
static void takes_every_image_everywhere(void **state)
{
    (void)state;
    enum { COUNT = 8200, EPOCHS = 200 };
    static uint16_t early[COUNT];
    memset(early, 0, sizeof early);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        vgg_epoch_order(2, epoch, COUNT, order);
        for (size_t i = 0; i < COUNT / 2; i++)
            early[order[i]]++;
    }
    for (size_t i = 0; i < COUNT; i++) /* 100 expected, the deviation is 7 */
        assert_in_range(early[i], 50, 150);
}

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* A window, sorted as the disk is, consists of runs: at most one jump for each 16 images. */
static void windows_are_runs_of_the_fixed_shuffle(void **state)
{
    (void)state;
    static uint32_t place[MOST];
    vgg_epoch_order(5, -1, MOST, other);
    for (uint32_t i = 0; i < MOST; i++)
        place[other[i]] = i;
    for (int epoch = 0; epoch < 3; epoch++) {
        vgg_epoch_order(5, epoch, MOST, order);
        for (size_t first = 0; first + 4096 <= MOST; first += 4096) {
            uint32_t places[4096];
            size_t jumps = 0;
            for (size_t i = 0; i < 4096; i++)
                places[i] = place[order[first + i]];
            qsort(places, 4096, sizeof *places, compare);
            for (size_t i = 1; i < 4096; i++)
                jumps += places[i] != places[i - 1] + 1;
            assert_true(jumps <= 4096 / 16 + 2);
        }
    }
}

static void each_view_comes_once_a_round(void **state)
{
    (void)state;
    size_t first[8] = {0};
    for (uint32_t image = 0; image < 800; image++) {
        first[vgg_epoch_view(4, 0, image, 8)]++;
        for (int round = 0; round < 3; round++) {
            unsigned seen = 0;
            for (int epoch = 0; epoch < 8; epoch++)
                seen |= 1u << vgg_epoch_view(4, 8 * round + epoch, image, 8);
            assert_int_equal(seen, 255);
        }
        assert_int_equal(vgg_epoch_view(4, 5, image, 1), 0);
    }
    for (int view = 0; view < 8; view++) /* an epoch has all views: 100 expected */
        assert_in_range(first[view], 60, 140);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_a_permutation),
        cmocka_unit_test(depends_on_seed_and_epoch_alone),
        cmocka_unit_test(mixes_classes),
        cmocka_unit_test(takes_every_image_everywhere),
        cmocka_unit_test(windows_are_runs_of_the_fixed_shuffle),
        cmocka_unit_test(each_view_comes_once_a_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
