/* kernel/test_conv.c — every convolution variant on every kind of shape, as conv_check.h has it.
 *
 * Walks the variant table, so that a new variant is covered the day it is added.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/cl_faults.h"
#include "support/conv_check.h"
#include "support/must_run.h"
#include "support/skip.h"
#include "tensor/storage.h"

/* The first SMALL_COUNT are what slow devices run, the first TINY_COUNT what Oclgrind does. */
enum { SMALL_COUNT = 9, TINY_COUNT = 2 };
static const conv_shape shapes[] = {
    SAME3(3, 6, 5, 4, 1, true, false),
    SAME3(5, 4, 6, 7, 2, true, true),
    SAME3(16, 7, 9, 18, 2, true, false),
    SAME3(5, 8, 8, 33, 1, true, true),
    SAME3(20, 1, 1, 16, 3, false, false),
    CONV(4, 9, 7, 6, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, false, false),
    CONV(6, 9, 8, 8, 3, 2, 2, 3, 1, 1, 1, 0, 2, 1, 1, 2, true, false),
    CONV(8, 7, 6, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, true, false),
    CONV(6, 11, 9, 5, 3, 3, 1, 1, 2, 3, 2, 3, 2, 3, 1, 1, true, false),
    SAME3(3, 17, 17, 64, 3, true, true),
    SAME3(17, 15, 16, 40, 17, true, true),
    SAME3(64, 14, 14, 64, 2, true, true),
    SAME3(32, 13, 29, 31, 2, true, true),
    SAME3(1, 2, 3, 1, 1, false, false),
    SAME3(2, 4, 4, 70, 1, true, true),
    CONV(3, 23, 21, 24, 7, 7, 2, 2, 1, 1, 1, 1, 1, 1, 1, 2, true, false),
    CONV(12, 14, 13, 20, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, true, true),
    CONV(30, 12, 12, 32, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 1, 3, true, false),
    CONV(18, 10, 40, 16, 2, 4, 1, 2, 3, 1, 0, 2, 1, 3, 1, 1, false, false),
    CONV(12, 9, 9, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 12, 2, true, false),
    CONV(4, 3, 3, 8, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, 1, 5, false, false),
    CONV(7, 16, 18, 9, 4, 1, 3, 1, 1, 2, 3, 0, 0, 0, 1, 1, true, false),
    SAME3(259, 7, 6, 261, 2, true, false),
};
enum { SHAPE_COUNT = sizeof shapes / sizeof *shapes };

static conv_check check;

/* Checks a shape with a largest allocation of so many bytes; 0: the device's. */
static bool check_shape(const vgg_variant *variant, const conv_shape *s, clvgg_storage storage,
                        int index, uint64_t max_allocation_bytes)
{
    check.max_allocation_bytes = max_allocation_bytes;
    return conv_check_shape(&check, variant, s, storage, index);
}

static bool asked(const char *variable)
{
    return getenv(variable) != NULL;
}

static void check_shapes(const vgg_variant *variant, clvgg_storage storage, int count)
{
    int ran = 0;
    check.worst_error = 0.0;
    for (int i = count; i-- > 0;) /* the plain shapes last: if they are refused, that is told */
        ran += check_shape(variant, &shapes[i], storage, i, 0);
    must_run(&check.device, variant->name, storage, ran);
    if (ran > 0 && variant->error_bound == 0.0)
        print_message("%s, %s: %d shapes exact\n", variant->name, vgg_storage_name(storage), ran);
    else if (ran > 0)
        print_message("%s, %s: %d shapes, relative L2 at most %.2g\n", variant->name,
                      vgg_storage_name(storage), ran, check.worst_error);
    else
        print_message("%s, %s: %s\n", variant->name, vgg_storage_name(storage),
                      clvgg_status_message());
}

static void every_variant_is_right(void **state)
{
    (void)state;
    const int count = asked("CLVGG_TEST_OCLGRIND") ? TINY_COUNT
                      : asked("CLVGG_TEST_SMALL")  ? SMALL_COUNT
                                                   : SHAPE_COUNT;
    for (size_t v = 0; v < vgg_variant_count; v++)
        for (clvgg_storage storage = CLVGG_STORAGE_F32; storage <= CLVGG_STORAGE_BF16; storage++)
            if (serves_conv(vgg_variants[v]))
                check_shapes(vgg_variants[v], storage, count);
}

/* Height and width 1…17 on both sides of every tile width. */
static void every_small_extent_is_right(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    const int64_t last = asked("CLVGG_TEST_SMALL") ? 3 : 17;
    for (size_t v = 0; v < vgg_variant_count; v++) {
        if (!serves_conv(vgg_variants[v]) || vgg_variants[v]->uses_clblast)
            continue;
        const clvgg_storage sure = must_run_storage(vgg_variants[v]->name);
        for (int64_t extent = 1; extent <= last; extent++) {
            const conv_shape s = SAME3(19, 18 - extent, extent, 21, 2, true, false);
            const clvgg_storage storage = (clvgg_storage)(extent / 3 % 3);
            const bool ran = check_shape(vgg_variants[v], &s, storage, (int)extent, 0) ||
                             check_shape(vgg_variants[v], &s, sure, (int)extent, 0);
            must_run(&check.device, vgg_variants[v]->name, sure, ran);
        }
    }
}

/* Variants that are exact on integers and round others stay within what they say of themselves. */
static void rounded_values_stay_close(void **state)
{
    (void)state;
    int ran = 0;
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    check.normal_values = true;
    check.worst_error = 0.0;
    for (int i = 0; i < (asked("CLVGG_TEST_SMALL") ? SMALL_COUNT : SHAPE_COUNT); i++)
        ran += check_shape(&vgg_variant_conv_amx, &shapes[i], CLVGG_STORAGE_BF16, i, 0);
    check.normal_values = false;
    must_run(&check.device, vgg_variant_conv_amx.name, CLVGG_STORAGE_BF16, ran);
    if (ran > 0)
        print_message("conv_amx, bf16: %d shapes, relative L2 at most %.2g\n", ran,
                      check.worst_error);
    else
        print_message("SKIPPED: %s\n", clvgg_status_message());
    assert_true(ran == 0 || check.worst_error > 0.0);
}

/* Weights larger than the largest allocation: split where the kernel can, refused in words else. */
static void weights_are_split(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    const conv_shape s = SAME3(16, 6, 6, 64, 2, true, false);
    assert_true(check_shape(&vgg_variant_conv_direct, &s, CLVGG_STORAGE_F32, 0, 16 * 9 * 4 * 7));
    assert_false(check_shape(&vgg_variant_conv_tiled, &s, CLVGG_STORAGE_F32, 0, 16 * 9 * 4 * 7));
    assert_non_null(strstr(clvgg_status_message(), "largest allocation"));
    /* Half the bytes: fits where float32 doesn't, and rows in other pieces. */
    assert_false(check_shape(&vgg_variant_conv_tiled, &s, CLVGG_STORAGE_F32, 0, 16 * 9 * 64 * 2));
    assert_true(check_shape(&vgg_variant_conv_tiled, &s, CLVGG_STORAGE_F16, 0, 16 * 9 * 64 * 2));
    assert_true(check_shape(&vgg_variant_conv_direct, &s, CLVGG_STORAGE_BF16, 0, 16 * 9 * 2 * 7));
}

/* Rounding what was transformed for F(4x4) to bfloat16 would lose more than a network may. */
static void too_coarse_storage_is_refused(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    const conv_shape few = SAME3(256, 2, 2, 256, 1, true, false);
    const conv_shape many = SAME3(257, 2, 2, 256, 1, true, false);
    static const vgg_variant *const variants[] = {&vgg_variant_winograd_f4_fused,
                                                  &vgg_variant_winograd_f4_staged,
                                                  &vgg_variant_winograd_f4_batched};
    for (int i = 0; i < 3; i++) {
        const bool ran = check_shape(variants[i], &few, CLVGG_STORAGE_F32, 0, 0);
        must_run(&check.device, variants[i]->name, CLVGG_STORAGE_F32, ran);
        if (!ran)
            continue; /* not for this device */
        assert_true(check_shape(variants[i], &few, CLVGG_STORAGE_BF16, 0, 0)); /* stays float32 */
        assert_true(check_shape(variants[i], &many, CLVGG_STORAGE_F16, 0, 0));
        assert_false(check_shape(variants[i], &many, CLVGG_STORAGE_BF16, 0, 0));
        assert_non_null(strstr(clvgg_status_message(), "transformed weights of bf16"));
    }
}

/* Runs a shape with launches of at most so many FLOPs; the kernels that took, or -1 where the
 * variant can't and needn't. */
static int count_kernels(const vgg_variant *variant, const conv_shape *s, uint64_t flops)
{
    const size_t before = cl_faults_calls("clEnqueueNDRangeKernel");
    check.max_launch_flops = flops;
    const bool ran = check_shape(variant, s, CLVGG_STORAGE_F32, 1, 0);
    check.max_launch_flops = 0;
    must_run(&check.device, variant->name, CLVGG_STORAGE_F32, ran);
    return ran ? (int)(cl_faults_calls("clEnqueueNDRangeKernel") - before) : -1;
}

/* Launches that would take too long hold some of the images; of one image that is too much, one. */
static void long_launches_are_parted(void **state)
{
    (void)state;
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    const conv_shape s = SAME3(20, 8, 7, 33, 7, true, false);
    const uint64_t image = 2 * 33 * 8 * 7 * 20 * 9;
    for (size_t v = 0; v < vgg_variant_count; v++) {
        const vgg_variant *variant = vgg_variants[v];
        if (!serves_conv(variant) || variant->uses_clblast ||
            variant == &vgg_variant_winograd_f4_staged || /* these part batches themselves */
            variant == &vgg_variant_winograd_f2_staged ||
            variant == &vgg_variant_winograd_f4_panels)
            continue;
        const int once = count_kernels(variant, &s, 0);
        if (once < 0)
            continue;
        const bool staged = variant == &vgg_variant_winograd_f4_batched ||
                            variant == &vgg_variant_winograd_f4_subgroup;
        const int kernels = staged ? 3 : 1;
        assert_int_equal(count_kernels(variant, &s, 7 * image), once);
        assert_int_equal(count_kernels(variant, &s, 7 * image - 1), once + kernels);
        assert_int_equal(count_kernels(variant, &s, 3 * image), once + 2 * kernels);
        assert_int_equal(count_kernels(variant, &s, image - 1), once + 6 * kernels);
    }
}

static int open_device(void **state)
{
    (void)state;
    test_device_open(&check.device, NULL);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    test_device_close(&check.device);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(must_run_rows_are_met),
        cmocka_unit_test(every_variant_is_right),
        cmocka_unit_test(every_small_extent_is_right),
        cmocka_unit_test(rounded_values_stay_close),
        cmocka_unit_test(weights_are_split),
        cmocka_unit_test(too_coarse_storage_is_refused),
        cmocka_unit_test(long_launches_are_parted),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
