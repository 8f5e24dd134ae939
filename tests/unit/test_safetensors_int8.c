/* tests/unit/test_safetensors_int8.c — int8 weights with a scale for each row: what is read of them,
 * and what of a damaged file isn't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/failing_allocator.h"
#include "support/files.h"
#include "weights/weights.h"

enum { ROWS = 300, EACH = 3, LEVELS = ROWS * EACH }; /* more rows than are read at once */

static signed char levels[LEVELS];
static float scales[ROWS];

static void set_up_values(void)
{
    for (int i = 0; i < LEVELS; i++)
        levels[i] = (signed char)(i * 37 % 255 - 127);
    for (int r = 0; r < ROWS; r++)
        scales[r] = ldexpf((float)(r + 1), r % 30 - 20);
}

/* A file with those behind a header. */
static const char *build(const char *header)
{
    const char *path = temp_path("int8.safetensors");
    const size_t length = strlen(header), bytes = 8 + length + sizeof levels + sizeof scales;
    char *file = calloc(1, bytes);
    for (int i = 0; i < 8; i++)
        file[i] = (char)((uint64_t)length >> (8 * i) & 0xFF);
    memcpy(file + 8, header, length);
    memcpy(file + 8 + length, levels, sizeof levels);
    memcpy(file + 8 + length + sizeof levels, scales, sizeof scales);
    file_write(path, file, bytes);
    free(file);
    return path;
}

#define WEIGHT "\"w\":{\"dtype\":\"I8\",\"shape\":[300,3],\"data_offsets\":[0,900]}"
#define SCALES(name, type, shape)                                                                  \
    ",\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[900,2100]}"
#define GOOD "{" WEIGHT SCALES("w_scale", "F32", "[300]") "}"

static void assert_says(const char *part)
{
    if (strstr(vgg_message(), part) == NULL)
        fail_msg("\"%s\" isn't in \"%s\"", part, vgg_message());
}

static void values_are_levels_times_scales(void **state)
{
    (void)state;
    vgg_weights *weights;
    float values[LEVELS];
    set_up_values();
    assert_int_equal(vgg_weights_open(build(GOOD), &weights), CLVGG_STATUS_OK);
    assert_int_equal(vgg_weights_count(weights), 1); /* the scales are no tensor */
    assert_null(vgg_weights_find(weights, "w_scale"));
    const vgg_tensor_entry *w = vgg_weights_find(weights, "w");
    assert_int_equal(w->dtype, CLVGG_DTYPE_F32);
    assert_true(w->int8);
    assert_int_equal(w->shape.rank, 2);
    assert_int_equal(w->count, LEVELS);
    static const struct {
        int first, count;
    } parts[] = {{0, LEVELS}, {1, 1}, {2, 2}, {5, 800}, {LEVELS - 1, 1}, {3, 0}};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        assert_int_equal(vgg_weights_read(weights, w, (uint64_t)parts[p].first,
                                          (uint64_t)parts[p].count, values),
                         CLVGG_STATUS_OK);
        for (int i = 0; i < parts[p].count; i++) {
            const int at = parts[p].first + i;
            assert_true(values[i] == (float)levels[at] * scales[at / EACH]);
        }
    }
    vgg_weights_close(weights);
}

static void damaged_values_are_named(void **state)
{
    (void)state;
    static const float bad[] = {0.0f, -1.0f, INFINITY, NAN};
    vgg_weights *weights;
    float values[LEVELS];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set_up_values();
        scales[299] = bad[i];
        const char *path = build(GOOD);
        assert_int_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
        const vgg_tensor_entry *w = vgg_weights_find(weights, "w");
        assert_int_equal(vgg_weights_read(weights, w, 0, 299 * EACH, values), CLVGG_STATUS_OK);
        assert_int_equal(vgg_weights_read(weights, w, 4, LEVELS - 4, values),
                         CLVGG_STATUS_BAD_FILE);
        assert_says("tensor w: ");
        assert_says(path);
        assert_says("scale 299 of its rows is ");
        vgg_weights_close(weights);
    }
    set_up_values();
    levels[7] = -128;
    assert_int_equal(vgg_weights_open(build(GOOD), &weights), CLVGG_STATUS_OK);
    assert_int_equal(
        vgg_weights_read(weights, vgg_weights_find(weights, "w"), 6, 3, values),
        CLVGG_STATUS_BAD_FILE);
    assert_says("element 7 is -128, int8 weights are from -127 to 127");
    vgg_weights_close(weights);
}

static void scales_must_go_with_their_weights(void **state)
{
    (void)state;
    static const struct {
        const char *header, *says;
    } cases[] = {
        {"{" WEIGHT SCALES("w_scale", "F32", "[150,2]") "}",
         "tensor \"w_scale\": has shape [150, 2], must have a scale for each row of the int8 \"w\", "
         "[300, 3]"},
        {"{" WEIGHT SCALES("w_scale", "F16", "[600]") "}",
         "tensor \"w_scale\": isn't F32, as scales of the int8 \"w\" are"},
        {"{" WEIGHT SCALES("w_scale", "F64", "[150]") "}", "\"w_scale\": isn't F32"},
        {"{" WEIGHT SCALES("w_scale", "I32", "[300]") "}", "\"w_scale\": isn't F32"},
        {"{\"w\":{\"dtype\":\"I8\",\"shape\":[900],\"data_offsets\":[0,900]}" SCALES(
             "w_scale", "F32", "[300]") "}",
         "has shape [300], must have a scale for each row of the int8 \"w\", [900]"},
    };
    vgg_weights *weights;
    set_up_values();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = build(cases[i].header);
        assert_int_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_BAD_FILE);
        assert_says(cases[i].says);
        assert_says(path);
    }
}

/* What other programs mean by int8 isn't known. */
static void without_scales_it_is_foreign(void **state)
{
    (void)state;
    vgg_weights *weights;
    set_up_values();
    assert_int_equal(vgg_weights_open(build("{" WEIGHT SCALES("v_scale", "F32", "[300]") "}"),
                                      &weights),
                     CLVGG_STATUS_OK);
    assert_null(vgg_weights_find(weights, "w"));
    assert_string_equal(vgg_weights_foreign_dtype(weights, "w"), "I8");
    assert_non_null(vgg_weights_find(weights, "v_scale"));
    vgg_weights_close(weights);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    size_t whole;
    vgg_weights *weights;
    float values[24];
    char *file = file_read(TEST_DATA "/weights/int8.safetensors", &whole);
    for (size_t bytes = 0; bytes <= whole; bytes++) {
        file_write(temp_path("cut.safetensors"), file, bytes);
        const clvgg_status status = vgg_weights_open(temp_path("cut.safetensors"), &weights);
        assert_int_equal(status, bytes < whole ? CLVGG_STATUS_BAD_FILE : CLVGG_STATUS_OK);
    }
    free(file);
    const vgg_tensor_entry *entry = vgg_weights_find(weights, "conv1_1.weight");
    assert_int_equal(vgg_weights_read(weights, entry, 0, 24, values), CLVGG_STATUS_OK);
    assert_true(values[0] == -63.5f && values[23] == ldexpf(-41, -20));
    vgg_weights_close(weights);
}

static clvgg_status open_and_close(void *path)
{
    vgg_weights *weights;
    VGG_PASS(vgg_weights_open(path, &weights));
    vgg_weights_close(weights);
    return CLVGG_STATUS_OK;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    set_up_values();
    assert_true(failing_allocator_sweep(open_and_close, (void *)build(GOOD)) >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_levels_times_scales),
        cmocka_unit_test(damaged_values_are_named),
        cmocka_unit_test(scales_must_go_with_their_weights),
        cmocka_unit_test(without_scales_it_is_foreign),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
