#include "support/tuning_result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

vgg_tuning tuning_make(const char *problem, int batch)
{
    vgg_tuning tuning = {.device = {.words = "A \"device\" (driver 1)",
                                    .type = CLVGG_DEVICE_CPU,
                                    .vendor = "Vendor",
                                    .vector_width = 16,
                                    .compute_units = 2},
                         .batch = batch,
                         .variant = &vgg_variant_conv_blocked,
                         .choice = {{14, 1}},
                         .ms = 1.5,
                         .default_ms = 2.25};
    snprintf(tuning.problem, sizeof tuning.problem, "%s", problem);
    tuning.kernels[0] = vgg_kernel_source_find("conv_blocked.cl");
    assert_non_null(tuning.kernels[0]);
    return tuning;
}

void tuning_assert_same(const vgg_tuning *a, const vgg_tuning *b)
{
    assert_string_equal(a->device.words, b->device.words);
    assert_string_equal(a->device.vendor, b->device.vendor);
    assert_int_equal(a->device.type, b->device.type);
    assert_int_equal(a->device.vector_width, b->device.vector_width);
    assert_int_equal(a->device.compute_units, b->device.compute_units);
    assert_int_equal(a->device.amx, b->device.amx);
    assert_string_equal(a->problem, b->problem);
    assert_int_equal(a->batch, b->batch);
    assert_ptr_equal(a->variant, b->variant);
    assert_memory_equal(&a->choice, &b->choice, sizeof a->choice);
    assert_memory_equal(a->kernels, b->kernels, sizeof a->kernels);
    assert_true(a->ms == b->ms && a->default_ms == b->default_ms);
}
