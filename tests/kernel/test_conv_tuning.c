/* kernel/test_conv_tuning.c — every convolution variant with every value of its tunables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/conv_check.h"
#include "support/must_run.h"
#include "support/skip.h"

static conv_check check;

static bool asked(const char *variable)
{
    return getenv(variable) != NULL;
}

/* Every value of every tunable, on shapes off the tiles' sizes, with and without pooling. */
static void every_tuning_value_is_right(void **state)
{
    (void)state;
    static const conv_shape tuned[] = {SAME3(17, 15, 16, 40, 3, true, true),
                                       SAME3(33, 13, 11, 67, 2, true, false)};
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__);
    for (size_t v = 0; v < vgg_variant_count; v++) {
        const vgg_variant *variant = vgg_variants[v];
        int ran = 0, refused = 0;
        if (!serves_conv(variant) || variant->tunables == NULL)
            continue;
        const clvgg_storage storage = must_run_storage(variant->name);
        check.worst_error = 0.0;
        for (int step = 0; tuning_step(variant, step, &check.choice); step++)
            for (int i = 0; i < 2; i++) {
                const bool right = conv_check_shape(&check, variant, &tuned[i], storage, i);
                *(right ? &ran : &refused) += 1;
                if (right && asked("CLVGG_TEST_SMALL"))
                    break;
            }
        print_message("%s: %d tuned cases right, %d refused, relative L2 at most %.2g\n",
                      variant->name, ran, refused, check.worst_error);
        must_run(&check.device, variant->name, storage, ran);
        check.choice = (vgg_choice){{0}};
    }
}

/* Values that aren't in the space or don't fit the device are refused in words. */
static void wrong_tuning_values_are_refused(void **state)
{
    (void)state;
    const conv_shape s = SAME3(16, 6, 6, 64, 1, true, false);
    check.choice.values[2] = 5; /* of conv_tiled: TR */
    assert_false(conv_check_shape(&check, &vgg_variant_conv_tiled, &s, CLVGG_STORAGE_F32, 0));
    assert_non_null(strstr(clvgg_status_message(), "conv_tiled: TR can't be 5"));
    check.choice = (vgg_choice){{28, 4}};
    assert_false(conv_check_shape(&check, &vgg_variant_conv_blocked, &s, CLVGG_STORAGE_F32, 0));
    if (test_traits(&check.device).vector_width >= 4)
        assert_non_null(strstr(clvgg_status_message(), "don't fit the registers"));
    check.choice = (vgg_choice){{128, 128, 32, 1, 1}};
    assert_false(conv_check_shape(&check, &vgg_variant_conv_tiled, &s, CLVGG_STORAGE_F32, 0));
    assert_non_null(strstr(clvgg_status_message(), "conv_tiled needs"));
    check.choice = (vgg_choice){{0}};
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
        cmocka_unit_test(every_tuning_value_is_right),
        cmocka_unit_test(wrong_tuning_values_are_refused),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
