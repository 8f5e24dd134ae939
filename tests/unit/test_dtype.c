/* tests/unit/test_dtype.c — float16 and bfloat16 against independent arithmetic; NaN and infinity
 * found wherever they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/dtype.h"

/* The value of a float16 by its definition, in double. */
static double half_value(unsigned bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double mantissa = bits & 1023, sign = bits & 0x8000 ? -1.0 : 1.0;
    if (exponent == 31)
        return mantissa == 0 ? sign * (double)INFINITY : (double)NAN;
    return sign * (exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25));
}

static void every_f16_converts_exactly_and_back(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 65536; bits++) {
        double expected = half_value(bits);
        float value = vgg_f32_from_f16((uint16_t)bits);
        if (isnan(expected)) {
            assert_true(isnan(value));
            assert_true(isnan(half_value(vgg_f16_from_f32(value))));
            continue;
        }
        assert_true((double)value == expected);
        assert_int_equal(signbit(value) != 0, bits >> 15);
        assert_int_equal(vgg_f16_from_f32(value), bits);
    }
}

/* Between two neighbours the nearer one wins, in the middle the even one. */
static void f16_rounds_to_nearest_even(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 0x7BFF; bits++) {
        float low = vgg_f32_from_f16((uint16_t)bits);
        float high = vgg_f32_from_f16((uint16_t)(bits + 1));
        float middle = (low + high) / 2; /* exact */
        unsigned even = bits + (bits & 1);
        assert_int_equal(vgg_f16_from_f32(middle), even);
        assert_int_equal(vgg_f16_from_f32(-middle), even | 0x8000);
        assert_int_equal(vgg_f16_from_f32(nextafterf(middle, low)), bits);
        assert_int_equal(vgg_f16_from_f32(nextafterf(middle, high)), bits + 1);
    }
    assert_int_equal(vgg_f16_from_f32(65519.0f), 0x7BFF);
    assert_int_equal(vgg_f16_from_f32(65520.0f), 0x7C00);
    assert_int_equal(vgg_f16_from_f32(1e30f), 0x7C00);
    assert_int_equal(vgg_f16_from_f32(-INFINITY), 0xFC00);
    assert_int_equal(vgg_f16_from_f32(1e-45f), 0);
    assert_int_equal(vgg_f16_from_f32(-0.0f), 0x8000);
}

static void bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 0x7F80; bits++) {
        float low = vgg_f32_from_bf16((uint16_t)bits);
        uint32_t middle_bits = bits << 16 | 0x8000;
        float middle, above, below;
        memcpy(&middle, &middle_bits, sizeof middle);
        middle_bits++;
        memcpy(&above, &middle_bits, sizeof above);
        middle_bits -= 2;
        memcpy(&below, &middle_bits, sizeof below);
        assert_int_equal(vgg_bf16_from_f32(low), bits);
        assert_int_equal(vgg_bf16_from_f32(middle), bits + (bits & 1));
        assert_int_equal(vgg_bf16_from_f32(-above), (bits + 1) | 0x8000);
        assert_int_equal(vgg_bf16_from_f32(below), bits);
    }
    assert_int_equal(vgg_bf16_from_f32(INFINITY), 0x7F80);
    uint32_t nan_bits = 0x7F800001; /* its payload would be rounded away */
    float quiet;
    memcpy(&quiet, &nan_bits, sizeof quiet);
    assert_true(isnan(vgg_f32_from_bf16(vgg_bf16_from_f32(quiet))));
    nan_bits = 0xFFFFFFFF; /* rounding up would overflow into zero */
    memcpy(&quiet, &nan_bits, sizeof quiet);
    assert_true(isnan(vgg_f32_from_bf16(vgg_bf16_from_f32(quiet))));
}

static void arrays_convert_like_single_values(void **state)
{
    (void)state;
    enum { COUNT = 1003 };
    float values[COUNT], back[COUNT];
    uint16_t bits[COUNT];
    for (int i = 0; i < COUNT; i++)
        values[i] = ldexpf((float)(i * 37 % 2001 - 1000), i % 40 - 30);
    for (int t = 0; t < 3; t++) {
        clvgg_dtype dtype = (clvgg_dtype)t;
        void *storage = dtype == CLVGG_DTYPE_F32 ? (void *)malloc(sizeof values) : (void *)bits;
        vgg_from_f32(dtype, values, COUNT, storage);
        vgg_to_f32(dtype, storage, COUNT, back);
        for (int i = 0; i < COUNT; i++) {
            float expected = dtype == CLVGG_DTYPE_F32 ? values[i]
                             : dtype == CLVGG_DTYPE_F16
                                 ? vgg_f32_from_f16(vgg_f16_from_f32(values[i]))
                                 : vgg_f32_from_bf16(vgg_bf16_from_f32(values[i]));
            assert_memory_equal(&back[i], &expected, sizeof expected);
        }
        if (dtype == CLVGG_DTYPE_F32)
            free(storage);
    }
}

static void finds_the_first_non_finite_value(void **state)
{
    (void)state;
    enum { COUNT = 9001 };
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    static const size_t places[] = {0, 1, 17, 4095, 4096, 8191, 9000};
    float *values = calloc(COUNT, sizeof *values);
    void *stored = calloc(COUNT, sizeof(float));
    for (size_t i = 0; i < COUNT; i++)
        values[i] = i % 2 ? 65504.0f : -6e-8f;
    for (int t = 0; t < 3; t++) {
        clvgg_dtype dtype = (clvgg_dtype)t;
        vgg_from_f32(dtype, values, COUNT, stored);
        assert_int_equal(vgg_find_non_finite(dtype, stored, COUNT), COUNT);
        assert_int_equal(vgg_find_non_finite(dtype, stored, 0), 0);
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            char *at = (char *)stored + places[p] * vgg_dtype_bytes(dtype);
            vgg_from_f32(dtype, &bad[p % 3], 1, at);
            if (places[p] < COUNT - 1) /* a later one doesn't hide it */
                vgg_from_f32(dtype, &bad[1], 1,
                             (char *)stored + (COUNT - 1) * vgg_dtype_bytes(dtype));
            assert_int_equal(vgg_find_non_finite(dtype, stored, COUNT), places[p]);
            assert_int_equal(vgg_find_non_finite(dtype, stored, places[p]), places[p]);
            vgg_from_f32(dtype, values, COUNT, stored);
        }
    }
    free(stored);
    free(values);
}

/* The first value beyond a type's range is found in every type and for both signs. */
static void finds_the_first_value_beyond(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    float *values = malloc(COUNT * sizeof *values);
    void *raw = malloc(COUNT * sizeof *values);
    for (clvgg_dtype dtype = CLVGG_DTYPE_F32; dtype <= CLVGG_DTYPE_BF16; dtype++) {
        for (int i = 0; i < COUNT; i++)
            values[i] = i % 2 ? 96.0f : -96.0f;
        vgg_from_f32(dtype, values, COUNT, raw);
        assert_int_equal(vgg_find_beyond(dtype, raw, COUNT, 96.0f), COUNT);
        assert_int_equal(vgg_find_beyond(dtype, raw, COUNT, 95.99f), 0);
        values[4444] = -97.0f;
        values[4700] = 100.0f;
        vgg_from_f32(dtype, values, COUNT, raw);
        assert_int_equal(vgg_find_beyond(dtype, raw, COUNT, 96.01f), 4444);
        assert_int_equal(vgg_find_beyond(dtype, raw, COUNT, 99.9f), 4700);
        assert_int_equal(vgg_find_beyond(dtype, raw, COUNT, 1e5f), COUNT); /* beyond float16 */
        values[0] = NAN;
        vgg_from_f32(dtype, values, COUNT, raw);
        assert_int_equal(vgg_find_beyond(dtype, raw, COUNT, 1e5f), 0);
    }
    free(values);
    free(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_f16_converts_exactly_and_back),
        cmocka_unit_test(f16_rounds_to_nearest_even),
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(arrays_convert_like_single_values),
        cmocka_unit_test(finds_the_first_non_finite_value),
        cmocka_unit_test(finds_the_first_value_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
