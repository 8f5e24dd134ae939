/* kernel/test_pack.c — weights on the device in half the bytes: rounded as the host rounds, and
 * refused where they would become infinite; weights that are transformed.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/status.h"
#include "ops/upload.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "tensor/dtype.h"
#include "tensor/storage.h"

typedef struct source {
    const float *values;
    clvgg_dtype dtype;
} source;

static clvgg_status read_values(void *user, uint64_t first, uint64_t count, void *data)
{
    const source *from = user;
    vgg_from_f32(from->dtype, from->values + first, (size_t)count, data);
    return CLVGG_STATUS_OK;
}

static clvgg_status pack(const vgg_pack *how, const float *values, clvgg_dtype dtype,
                         vgg_packed_weights *out)
{
    source from = {values, dtype};
    const vgg_tensor_input input = {&from, dtype, read_values};
    return vgg_packed_weights_create(device.device, device.queue, how, &input, 0, out);
}

/* Values where rounding has something to decide in `storage`: each of its numbers, the middle to
 * the next, and the float32 next to the middle on both sides; both signs. */
static size_t list_hard_values(clvgg_storage storage, float *values)
{
    const unsigned last = storage == CLVGG_STORAGE_F16 ? 0x7BFF : 0x7F7F;
    const unsigned stride = getenv("CLVGG_TEST_SMALL") != NULL ? 61 : 1;
    size_t count = 0;
    for (unsigned bits = 0; bits < last; bits += stride) {
        const uint16_t pair[2] = {(uint16_t)bits, (uint16_t)(bits + 1)};
        float around[2];
        vgg_to_f32(vgg_storage_element(storage), pair, 2, around);
        const float middle = around[0] + (around[1] - around[0]) / 2;
        const float list[4] = {around[0], middle, nextafterf(middle, 0),
                               nextafterf(middle, FLT_MAX)};
        for (int i = 0; i < 4; i++)
            values[count++] = bits & 1 ? list[i] : -list[i];
    }
    vgg_to_f32(vgg_storage_element(storage), &(uint16_t){(uint16_t)last}, 1, &values[count++]);
    return count;
}

static void values_are_rounded_to_the_nearest(void **state)
{
    (void)state;
    float *values = malloc(4 * 32768 * sizeof *values);
    uint16_t *expected = malloc(4 * 32768 * sizeof *expected);
    uint16_t *stored = malloc(4 * 32768 * sizeof *stored);
    for (clvgg_storage storage = CLVGG_STORAGE_F16; storage <= CLVGG_STORAGE_BF16; storage++) {
        const size_t count = list_hard_values(storage, values);
        const vgg_pack how = {.rows = (int64_t)count,
                              .channels = 1,
                              .spatial = 1,
                              .block = 1,
                              .panel = 1,
                              .storage = storage};
        vgg_packed_weights weights;
        must(pack(&how, values, CLVGG_DTYPE_F32, &weights));
        assert_int_equal(weights.bytes, 2 * count);
        assert_int_equal(clEnqueueReadBuffer(device.queue, weights.pieces[0].memory, CL_TRUE, 0,
                                             2 * count, stored, 0, NULL, NULL),
                         CL_SUCCESS);
        vgg_from_f32(vgg_storage_element(storage), values, count, expected);
        for (size_t i = 0; i < count; i++)
            if (stored[i] != expected[i])
                fail_msg("%a as %s: 0x%04x expected, got 0x%04x", (double)values[i],
                         vgg_storage_name(storage), expected[i], stored[i]);
        vgg_packed_weights_free(&weights);
    }
    free(values);
    free(expected);
    free(stored);
}

static void expect_refused(const vgg_pack *how, const float *values, clvgg_dtype dtype,
                           bool refused)
{
    vgg_packed_weights weights;
    const clvgg_status status = pack(how, values, dtype, &weights);
    assert_int_equal(status, refused ? CLVGG_STATUS_UNSUPPORTED : CLVGG_STATUS_OK);
    if (refused)
        assert_non_null(strstr(clvgg_status_message(), "is beyond what can be stored as"));
    vgg_packed_weights_free(&weights);
}

/* The largest number there is, and what is beyond it; transformed weights can be larger than their
 * weights. */
static void values_that_would_become_infinite_are_refused(void **state)
{
    (void)state;
    vgg_pack how = {.rows = 2, .channels = 1, .spatial = 9, .block = 1, .panel = 1};
    float values[18] = {0};
    static const struct {
        clvgg_storage storage;
        clvgg_dtype dtype;
        int winograd;
        float value;
        bool refused;
    } cases[] = {
        {CLVGG_STORAGE_F16, CLVGG_DTYPE_F32, 0, -65504.0f, false},
        {CLVGG_STORAGE_F16, CLVGG_DTYPE_F32, 0, 65505.0f, true},
        {CLVGG_STORAGE_F16, CLVGG_DTYPE_F32, 0, -1e30f, true},
        {CLVGG_STORAGE_F16, CLVGG_DTYPE_BF16, 0, 65280.0f, false},
        {CLVGG_STORAGE_F16, CLVGG_DTYPE_BF16, 0, -65536.0f, true},
        {CLVGG_STORAGE_F16, CLVGG_DTYPE_F16, 0, 65504.0f, false},
        {CLVGG_STORAGE_F16, CLVGG_DTYPE_F16, 2, 30000.0f, true},
        {CLVGG_STORAGE_F16, CLVGG_DTYPE_F32, 4, 65504.0f, false},
        {CLVGG_STORAGE_F16, CLVGG_DTYPE_F32, 2, 29000.0f, false},
        {CLVGG_STORAGE_BF16, CLVGG_DTYPE_F32, 0, 1e38f, false},
        {CLVGG_STORAGE_BF16, CLVGG_DTYPE_F32, 0, FLT_MAX, true},
        {CLVGG_STORAGE_F32, CLVGG_DTYPE_F32, 0, FLT_MAX, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        how.storage = cases[i].storage;
        how.winograd = cases[i].winograd;
        values[17] = cases[i].value;
        expect_refused(&how, values, cases[i].dtype, cases[i].refused);
    }
}

/* Value (i, j) of G g Gt for F(2x2), F(4x4) and F(6x6), and the sum of its terms' sizes. */
static double transformed(int tile, const float *g, int i, int j, double *size)
{
    static const double two[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};
    static const double four[6][3] = {{.25, 0, 0},
                                      {-1 / 6., -1 / 6., -1 / 6.},
                                      {-1 / 6., 1 / 6., -1 / 6.},
                                      {1 / 24., 1 / 12., 1 / 6.},
                                      {1 / 24., -1 / 12., 1 / 6.},
                                      {0, 0, 1}};
    static const double six[8][3] = {{1, 0, 0},
                                     {-2 / 9., -2 / 9., -2 / 9.},
                                     {-2 / 9., 2 / 9., -2 / 9.},
                                     {1 / 90., 1 / 45., 2 / 45.},
                                     {1 / 90., -1 / 45., 2 / 45.},
                                     {1 / 45., 1 / 90., 1 / 180.},
                                     {1 / 45., -1 / 90., 1 / 180.},
                                     {0, 0, 1}};
    const double(*rows)[3] = tile == 2 ? two : tile == 4 ? four : six;
    double sum = *size = 0;
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++) {
            const double term = rows[i][y] * (double)g[3 * y + x] * rows[j][x];
            sum += term;
            *size += fabs(term);
        }
    return sum;
}

/* Holds every value of a packed weight against its definition; places that no weight falls on are
 * zero. */
static void check_transformed(const vgg_pack *how, const float *values, const float *packed)
{
    const int side = how->winograd + 2, panel = how->panel;
    const int64_t channels = (how->channels + how->block - 1) / how->block * how->block;
    const int64_t rows = (how->rows + panel - 1) / panel * panel;
    for (int64_t row = 0; row < rows; row++)
        for (int position = 0; position < side * side; position++)
            for (int64_t c = 0; c < channels; c++) {
                double size = 0, expected = 0;
                if (row < how->rows && c < how->channels)
                    expected = transformed(how->winograd, values + (row * how->channels + c) * 9,
                                           position / side, position % side, &size);
                const double got =
                    (double)packed[((row / panel * side * side + position) * channels + c) * panel +
                                   row % panel];
                if (!(fabs(got - expected) <= 1e-6 * size))
                    fail_msg("F(%d), panel %d: row %lld, channel %lld, position %d: %g expected, "
                             "got %g",
                             how->winograd, panel, (long long)row, (long long)c, position, expected,
                             got);
            }
}

/* Panels of any number of vectors, and of none; rows and channels that don't fill them. */
static void transformed_weights_are_their_definition(void **state)
{
    (void)state;
    static const int panels[] = {1, 3, 4, 8, 16, 24, 32};
    enum { ROWS = 37, CHANNELS = 70 };
    float *values = malloc(ROWS * CHANNELS * 9 * sizeof *values);
    for (unsigned i = 0; i < ROWS * CHANNELS * 9; i++)
        values[i] = (float)(int)(i * 2654435761u >> 8 & 0xFFFF) / 32768.0f - 1.0f;
    for (size_t i = 0; i < sizeof panels / sizeof *panels; i++)
        for (int tile = 2; tile <= 6; tile += 2) {
            const vgg_pack how = {.rows = ROWS,
                                  .channels = CHANNELS,
                                  .spatial = 9,
                                  .block = 16,
                                  .panel = panels[i],
                                  .winograd = tile};
            vgg_packed_weights weights;
            must(pack(&how, values, CLVGG_DTYPE_F32, &weights));
            float *packed = malloc((size_t)weights.bytes);
            assert_int_equal(clEnqueueReadBuffer(device.queue, weights.pieces[0].memory, CL_TRUE, 0,
                                                 (size_t)weights.bytes, packed, 0, NULL, NULL),
                             CL_SUCCESS);
            check_transformed(&how, values, packed);
            free(packed);
            vgg_packed_weights_free(&weights);
        }
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_rounded_to_the_nearest),
        cmocka_unit_test(values_that_would_become_infinite_are_refused),
        cmocka_unit_test(transformed_weights_are_their_definition),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
