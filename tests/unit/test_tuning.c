/* test_tuning.c — results of tuning as data: what is written is read back, keys tell problems
 * apart, a result ends with the kernels that it was measured with, and a file that may come from
 * anybody is refused in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "support/cache.h"
#include "support/tuning_result.h"
#include "tune/clblast_tuning.h"
#include "tune/tuning.h"

static void what_is_written_is_read(void **state)
{
    (void)state;
    vgg_tuning written[2] = {tuning_make("conv2d 64x224x224 to 64", 1),
                             tuning_make("dense 25088 to 4096", 16)};
    vgg_tuning *read = NULL;
    vgg_text text = {0};
    size_t count = 0, left = 7;
    written[1].variant = &vgg_variant_dense_rows;
    written[1].choice = (vgg_choice){{0}};
    written[1].kernels[1] = vgg_kernel_source_find("dense_rows.cl");
    written[1].device.amx = true;
    vgg_tuning_write_all(written, 2, &text);
    assert_int_equal(vgg_tuning_read_all(text.bytes, text.length, &read, &count, &left), 0);
    assert_int_equal(count, 2);
    assert_int_equal(left, 0);
    for (size_t i = 0; i < 2; i++)
        tuning_assert_same(&read[i], &written[i]);
    vgg_free(read);
    vgg_text_free(&text);
}

/* `text` with one thing in it replaced. */
static vgg_text change(const vgg_text *text, const char *from, const char *to)
{
    vgg_text changed = {0};
    const char *at = strstr(text->bytes, from);
    if (at == NULL)
        fail_msg("'%s' is not in %s", from, text->bytes);
    vgg_text_append(&changed, text->bytes, (size_t)(at - text->bytes));
    vgg_text_puts(&changed, to);
    vgg_text_puts(&changed, at + strlen(from));
    return changed;
}

/* Reads the good file with one thing in it replaced. */
static clvgg_status read_changed(const char *from, const char *to)
{
    const vgg_tuning written = tuning_make("conv2d 64x224x224 to 64", 1);
    vgg_tuning *read = NULL;
    vgg_text text = {0};
    size_t count = 7, left = 7;
    vgg_tuning_write_all(&written, 1, &text);
    vgg_text changed = change(&text, from, to);
    clvgg_status status = vgg_tuning_read_all(changed.bytes, changed.length, &read, &count, &left);
    assert_true((status == CLVGG_STATUS_OK) == (read != NULL));
    assert_int_equal(count, status == CLVGG_STATUS_OK ? 1 : 0);
    assert_int_equal(left, 0);
    vgg_free(read);
    vgg_text_free(&text);
    vgg_text_free(&changed);
    return status;
}

static void hostile_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"\"schema\": 2", "\"schema\": 1", "schema 1 isn't this clvgg's 2"},
        {"\"schema\": 2", "\"schema\": 3, \"more\": 1", "schema 3 isn't this clvgg's 2"},
        {"\"schema\": 2", "\"schema\": 2, \"more\": 1", "the file has an unknown member 'more'"},
        {"\"schema\": 2", "\"schema\": \"2\"", "'schema' isn't an integer"},
        {"\"kernels\": {", "\"kernels\": {}, \"a\": {", "the result has an unknown member 'a'"},
        {"\"kernels\": {", "\"kernels\": 4, \"batch\": {", "the result has a member twice"},
        {"\"kernels\": {", "\"kernels\": [{", "isn't JSON"},
        {"\"conv_blocked.cl\": \"", "\"conv_blocked.cl\": \"0",
         "'conv_blocked.cl' of 'kernels' isn't"},
        {"\"kernels\": {", "\"kernels\": {\"a\": 1, \"b\": 1, \"c\": 1, ",
         "'kernels' names 4 files, not 1 to 3"},
        {"\"conv_blocked.cl\": \"", "\"a\": 4, \"conv_blocked.cl\": \"",
         "'a' of 'kernels' isn't a SHA"},
        {"\"entries\": [", "\"entries\": [3, ", "entry 1: the result isn't an object"},
        {"\"TW\": 14", "\"TW\": 13", "'TW' of conv_blocked is 13, not one of 2 4 6 7 8"},
        {"\"TW\": 14", "\"TW\": 14.5", "'TW' of conv_blocked is 14.5, not one of"},
        {"\"TW\": 14", "\"TW\": -14", "'TW' of conv_blocked is -14, not one of"},
        {"\"TW\": 14", "\"TW\": 0", "'TW' of conv_blocked is 0, not one of"},
        {"\"TW\": 14", "\"TW\": 1e300", "is 1e+300, not one of"},
        {"\"TW\": 14", "\"TW\": \"14 -DX=1\"", "'TW' of conv_blocked is nan, not one of"},
        {"\"TW\": 14", "\"-DTW\": 14", "conv_blocked has no parameter '-DTW'"},
        {"\"TW\": 14", "\"TW\": 14, \"TW\": 12", "'TW' is given twice"},
        {"{\"TW\": 14, \"KB\": 1}", "[14, 1]", "'parameters' isn't an object"},
        {"conv_blocked", "conv_magic", "entry 1: there is no variant 'conv_magic'"},
        {"conv_blocked", "dense_rows", "variant dense_rows doesn't compute conv2d layers"},
        {"conv_blocked", "clblast_xgemm", "variant clblast_xgemm doesn't compute conv2d layers"},
        {"conv2d 64x224x224 to 64", VGG_CLBLAST_PROBLEM, "'kernels' names 1 files, not none"},
        {"conv_blocked", "layout", "variant layout doesn't compute conv2d layers"},
        {"conv2d 64", "teapot 64", "'problem' names no layer: 'teapot 64"},
        {"\"batch\": 1", "\"batch\": 0", "'batch' is 0, not between 1 and 65536"},
        {"\"batch\": 1", "\"batch\": 1.5", "'batch' isn't an integer"},
        {"\"batch\": 1, ", "", "the result has no 'batch'"},
        {"\"batch\": 1", "\"batch\": 1, \"batch\": 2", "the result has a member twice"},
        {"\"batch\": 1", "\"batch\": 1, \"extra\": 2", "the result has an unknown member 'extra'"},
        {"\"type\": \"cpu\"", "\"type\": \"toaster\"", "'type' is 'toaster', not cpu, gpu"},
        {"\"vector_width\": 16", "\"vector_width\": 99", "'vector_width' is 99, not between"},
        {"\"amx\": false", "\"amx\": 0", "'amx' isn't true or false"},
        {"\"vendor\": \"Vendor\"", "\"vendor\": 4", "'vendor' isn't a string"},
        {"\"vendor\": \"Vendor\"", "\"vendor\": \"a\\nb\"", "'vendor' has control characters"},
        {"\"ms\": 1.5", "\"ms\": -1", "'ms' isn't a time in milliseconds"},
        {"\"ms\": 1.5", "\"ms\": NaN", "isn't JSON"},
        {"\n  ]\n}\n", "\n  ]\n} {}", "something follows the JSON value"},
        {"\n  ]\n}\n", "", "isn't JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const clvgg_status status = read_changed(cases[i].from, cases[i].to);
        if (status == CLVGG_STATUS_OK || strstr(clvgg_status_message(), cases[i].message) == NULL)
            fail_msg("'%s' for '%s': '%s' expected, got '%s'", cases[i].to, cases[i].from,
                     cases[i].message, status ? clvgg_status_message() : "no error");
    }
    assert_int_equal(read_changed("Vendor", "Other"), CLVGG_STATUS_OK);
    /* A result without kernels would never end. */
    char file[128], twice[260];
    snprintf(file, sizeof file, "\"conv_blocked.cl\": \"%s\"",
             vgg_kernel_source_find("conv_blocked.cl")->hash);
    snprintf(twice, sizeof twice, "%s, %s", file, file);
    assert_int_equal(read_changed(file, ""), CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(clvgg_status_message(), "'kernels' names 0 files, not 1 to 3"));
    assert_int_equal(read_changed(file, twice), CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(clvgg_status_message(), "'conv_blocked.cl' is given twice"));
}

/* Cut anywhere, a file is refused, and nothing is read past its end. */
static void cut_files_are_refused(void **state)
{
    (void)state;
    const vgg_tuning written = tuning_make("conv2d 64x224x224 to 64", 1);
    vgg_text text = {0};
    vgg_tuning_write_all(&written, 1, &text);
    for (size_t length = 0; length + 1 < text.length; length++) {
        vgg_tuning *read = NULL;
        size_t count = 0, left = 0;
        char *copy = malloc(length > 0 ? length : 1);
        memcpy(copy, text.bytes, length);
        assert_int_not_equal(vgg_tuning_read_all(copy, length, &read, &count, &left), 0);
        free(copy);
    }
    vgg_text_free(&text);
}

/* A kernel file that changes takes its own results along, and no others. */
static void results_end_with_their_kernels(void **state)
{
    (void)state;
    const vgg_kernel_source *rows = vgg_kernel_source_find("dense_rows.cl");
    vgg_tuning written[3] = {tuning_make("conv2d 64x224x224 to 64", 1),
                             tuning_make("dense 25088 to 4096", 1),
                             tuning_make("conv2d 8x224x224 to 64", 1)};
    vgg_tuning *read = NULL, one;
    vgg_text text = {0};
    size_t count = 0, left = 0;
    written[1].variant = &vgg_variant_dense_rows;
    written[1].choice = (vgg_choice){{0}};
    written[1].kernels[1] = rows;
    vgg_tuning_write_all(written, 3, &text);
    const struct {
        const char *from, *to;
    } cases[] = {
        {rows->hash, TUNING_OTHER_HASH},     /* one of two files changed */
        {"dense_rows.cl", "dense_magic.cl"}, /* one isn't there any more */
    };
    for (size_t i = 0; i < 2; i++) {
        vgg_text changed = change(&text, cases[i].from, cases[i].to);
        assert_int_equal(vgg_tuning_read_all(changed.bytes, changed.length, &read, &count, &left),
                         0);
        assert_int_equal(count, 2);
        assert_int_equal(left, 1);
        tuning_assert_same(&read[0], &written[0]);
        tuning_assert_same(&read[1], &written[2]);
        vgg_free(read);
        /* Its variant and values may be ones that only the other kernels have … */
        vgg_text newer = change(&changed, "\"dense_rows\"", "\"dense_magic\"");
        vgg_text chosen = change(&newer, "\"parameters\": {}", "\"parameters\": {\"X\": 5}");
        assert_int_equal(vgg_tuning_read_all(chosen.bytes, chosen.length, &read, &count, &left), 0);
        assert_int_equal(count, 2);
        assert_int_equal(left, 1);
        vgg_free(read);
        /* … but what isn't a result isn't one of other kernels; it is counted from the first. */
        vgg_text wrong = change(&chosen, "to 4096\", \"batch\": 1", "to 4096\", \"batch\": 0");
        assert_int_equal(vgg_tuning_read_all(wrong.bytes, wrong.length, &read, &count, &left),
                         CLVGG_STATUS_BAD_FILE);
        assert_non_null(strstr(clvgg_status_message(), "entry 2: 'batch' is 0"));
        vgg_text later = change(&chosen, "conv2d 8x", "conv9d 8x");
        assert_int_equal(vgg_tuning_read_all(later.bytes, later.length, &read, &count, &left),
                         CLVGG_STATUS_BAD_FILE);
        assert_non_null(strstr(clvgg_status_message(), "entry 3: 'problem' names no layer"));
        assert_int_equal(count + left, 0);
        vgg_text *const texts[] = {&changed, &newer, &chosen, &wrong, &later};
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
            vgg_text_free(texts[t]);
    }
    vgg_text_free(&text);
    vgg_tuning_write(&written[1], &text);
    vgg_text changed = change(&text, rows->hash, TUNING_OTHER_HASH);
    assert_int_equal(vgg_tuning_read(changed.bytes, changed.length, &one),
                     CLVGG_STATUS_UNSUPPORTED);
    vgg_text_free(&changed);
    vgg_text_free(&text);
}

/* A variant of three programs from two files depends on both files. */
static void all_files_of_a_variant_count(void **state)
{
    (void)state;
    const vgg_traits traits = {.type = CLVGG_DEVICE_GPU,
                               .vector_width = 1,
                               .max_work_group_size = 256,
                               .local_memory_bytes = 32 << 10,
                               .max_allocation_bytes = 1 << 30};
    vgg_node node = {.type = VGG_LAYER_CONV2D,
                     .attributes.conv = {.out_channels = 64,
                                         .kernel = {3, 3},
                                         .stride = {1, 1},
                                         .dilation = {1, 1},
                                         .pad = {1, 1, 1, 1},
                                         .groups = 1},
                     .output = {3, {64, 14, 14}}};
    const vgg_problem problem = {.node = &node,
                                 .input = {3, {64, 14, 14}},
                                 .output = node.output,
                                 .input_block = 1,
                                 .result = node.output,
                                 .max_batch = 1};
    vgg_tuning tuning = tuning_make("conv2d 64x14x14 to 64", 1);
    vgg_op op;
    tuning.kernels[2] = tuning.kernels[0]; /* of something noted before */
    assert_int_equal(vgg_op_configure(&op, &vgg_variant_winograd_f4_batched, &problem, &traits), 0);
    assert_int_equal(op.program_count, 3);
    vgg_tuning_note_kernels(&tuning, &op);
    assert_string_equal(tuning.kernels[0]->file, "winograd_batched.cl");
    assert_string_equal(tuning.kernels[1]->file, "gemm_tiled.cl");
    assert_null(tuning.kernels[2]);
}

/* A chain's text changes with all that changes what it computes, and with nothing else. */
static void problems_are_told_apart(void **state)
{
    (void)state;
    char first[VGG_TUNING_PROBLEM], other[VGG_TUNING_PROBLEM];
    vgg_node node = {.name = "a",
                     .type = VGG_LAYER_CONV2D,
                     .attributes.conv = {.out_channels = 64,
                                         .kernel = {3, 3},
                                         .stride = {1, 1},
                                         .dilation = {1, 1},
                                         .pad = {1, 1, 1, 1},
                                         .groups = 1,
                                         .bias = true},
                     .output = {3, {64, 224, 224}}};
    vgg_node pool = {.type = VGG_LAYER_MAX_POOL,
                     .attributes.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    vgg_problem problem = {
        .node = &node, .input = {3, {64, 224, 224}}, .output = node.output, .relu = true};
    vgg_tuning_describe(&problem, NULL, first);
    assert_string_equal(first, "conv2d 64x224x224 to 64 kernel 3x3 stride 1x1 dilation 1x1 "
                               "pad 1,1,1,1 groups 1 bias relu, f32");
    node.name = "b";
    problem.max_batch = 4;
    vgg_tuning_describe(&problem, NULL, other);
    assert_string_equal(first, other);
    int64_t *const numbers[] = {
        &problem.input.dims[1],           &node.attributes.conv.out_channels,
        &node.attributes.conv.pad[3],     &node.attributes.conv.stride[0],
        &node.attributes.conv.groups,     &node.attributes.conv.kernel[1],
        &node.attributes.conv.dilation[0]};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ++*numbers[i];
        vgg_tuning_describe(&problem, NULL, other);
        assert_string_not_equal(first, other);
        --*numbers[i];
    }
    problem.relu = false;
    vgg_tuning_describe(&problem, NULL, other);
    assert_string_not_equal(first, other);
    problem.relu = true;
    problem.storage = CLVGG_STORAGE_BF16;
    vgg_tuning_describe(&problem, NULL, other);
    assert_string_not_equal(first, other);
    problem.storage = CLVGG_STORAGE_F32;
    vgg_tuning_describe(&problem, &pool, other);
    assert_string_not_equal(first, other);
    /* The longest has room. */
    for (int i = 0; i < 3; i++)
        problem.input.dims[i] = 2147483647;
    for (int i = 0; i < 4; i++)
        node.attributes.conv.pad[i] = pool.attributes.pool.pad[i] = 2147483647;
    vgg_tuning_describe(&problem, &pool, other);
    assert_true(strlen(other) < VGG_TUNING_PROBLEM - 1);
}

/* CLBlast's own kernel, on a device with groups of 256 and 32 KiB. */
static void parameters_of_clblast_are_checked(void **state)
{
    (void)state;
    const vgg_traits traits = {
        .type = CLVGG_DEVICE_GPU, .max_work_group_size = 256, .local_memory_bytes = 32 << 10};
    /* KWG KWI MDIMA MDIMC MWG NDIMB NDIMC NWG SA SB STRM STRN VWM VWN */
    static const struct {
        vgg_choice choice;
        const char *message; /* NULL: right */
    } cases[] = {
        {{{32, 2, 16, 16, 64, 8, 8, 64, 1, 1, 0, 0, 2, 2}}, NULL},
        {{{32, 2, 16, 16, 64, 8, 8, 64, 0, 0, 1, 1, 2, 2}}, NULL},
        {{{32, 2, 16, 16, 64, 8, 8, 0, 1, 1, 0, 0, 2, 2}}, "NWG can't be 0"},
        {{{32, 3, 16, 16, 64, 8, 8, 64, 1, 1, 0, 0, 2, 2}}, "KWI can't be 3"},
        {{{32, 2, 16, 16, 64, 8, 8, 64, 2, 1, 0, 0, 2, 2}}, "SA can't be 2"},
        {{{32, 2, 16, 16, 64, 8, 8, 64, 1, 1, 0, 0, 8, 2}}, "don't divide each other"},
        {{{32, 2, 32, 32, 64, 16, 16, 64, 1, 1, 0, 0, 2, 2}}, "work-groups of 512"},
        {{{64, 2, 16, 16, 128, 8, 8, 128, 1, 1, 0, 0, 2, 2}}, "65536 bytes of local memory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const clvgg_status status = vgg_clblast_check(&cases[i].choice, &traits);
        if ((status == CLVGG_STATUS_OK) != (cases[i].message == NULL) ||
            (status != CLVGG_STATUS_OK && strstr(clvgg_status_message(), cases[i].message) == NULL))
            fail_msg("case %zu: '%s' expected, got '%s'", i,
                     cases[i].message ? cases[i].message : "no error",
                     status ? clvgg_status_message() : "no error");
    }
    char words[VGG_CLBLAST_WORDS];
    vgg_clblast_in_force(NULL, words);
    assert_string_equal(words, "");
    vgg_tuning kept = tuning_make(VGG_CLBLAST_PROBLEM, 1), read;
    vgg_text text = {0};
    kept.variant = &vgg_variant_clblast_xgemm;
    kept.choice = cases[0].choice;
    kept.kernels[0] = NULL;
    vgg_tuning_write(&kept, &text);
    assert_int_equal(vgg_tuning_read(text.bytes, text.length, &read), CLVGG_STATUS_OK);
    tuning_assert_same(&read, &kept);
    vgg_text other = change(&text, "clblast_xgemm", "conv_blocked");
    assert_int_equal(vgg_tuning_read(other.bytes, other.length, &read), CLVGG_STATUS_BAD_FILE);
    assert_non_null(strstr(clvgg_status_message(), "variant conv_blocked isn't CLBlast's"));
    vgg_text_free(&other);
    vgg_text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(results_end_with_their_kernels),
        cmocka_unit_test(all_files_of_a_variant_count),
        cmocka_unit_test(problems_are_told_apart),
        cmocka_unit_test(parameters_of_clblast_are_checked),
    };
    return cmocka_run_group_tests(tests, cache_tests_begin, cache_tests_end);
}
