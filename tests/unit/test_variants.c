/* unit/test_variants.c — the table of variants is whole: what tests, tuning and the program ask of
 * it has one answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "grad/dense_grad.h"

static void each_layer_that_is_computed_has_one_definition(void **state)
{
    (void)state;
    int computed = 0;
    for (int type = 0; type < VGG_LAYER_TYPE_COUNT; type++) {
        int definitions = 0, variants = 0;
        for (size_t v = 0; v < vgg_variant_count; v++)
            if ((vgg_variants[v]->layers & VGG_LAYER_BIT(type)) != 0) {
                variants++;
                definitions += vgg_variants[v]->definition && !vgg_variants[v]->quantizes;
            }
        const vgg_variant *definition = vgg_variant_definition_of((vgg_layer_type)type);
        if (definitions != (variants > 0))
            fail_msg("%s: %d of %d variants are its definition",
                     vgg_layer_type_name((vgg_layer_type)type), definitions, variants);
        assert_int_equal(definition != NULL, variants > 0);
        computed += definition != NULL;
    }
    assert_int_equal(computed, VGG_LAYER_TYPE_COUNT - 4); /* input, flatten, dropout, switches */
}

static void definitions_compute_exactly(void **state)
{
    (void)state;
    for (size_t v = 0; v < vgg_variant_count; v++)
        if (vgg_variants[v]->definition && vgg_variants[v]->error_bound != 0.0)
            fail_msg("%s is a definition and has an error bound", vgg_variants[v]->name);
    assert_string_equal(vgg_variant_definition_of(VGG_LAYER_CONV2D)->name, "conv_direct");
    assert_string_equal(vgg_variant_definition_of(VGG_LAYER_DENSE)->name, "dense_direct");
    assert_null(vgg_variant_definition_of(VGG_LAYER_DROPOUT));
}

/* A field of a row is the word of all: what CLVGG_GEMM_CLBLAST asks for is one variant a layer. */
static void clblast_names_the_dense_layer_alone(void **state)
{
    (void)state;
    for (int type = 0; type < VGG_LAYER_TYPE_COUNT; type++) {
        const vgg_variant *variant = vgg_variant_of_clblast((vgg_layer_type)type);
        assert_int_equal(variant != NULL, type == VGG_LAYER_DENSE);
        if (variant != NULL)
            assert_true(variant->uses_clblast && variant->is_clblast_gemm);
    }
}

static void names_are_found_once(void **state)
{
    (void)state;
    for (size_t v = 0; v < vgg_variant_count; v++)
        assert_ptr_equal(vgg_variant_find(vgg_variants[v]->name), vgg_variants[v]);
    assert_null(vgg_variant_find("conv"));
}

static void each_gradient_has_one_definition(void **state)
{
    (void)state;
    int definitions[2] = {0};
    for (size_t v = 0; v < vgg_grad_variant_count; v++)
        definitions[vgg_grad_variants[v]->gradient] += vgg_grad_variants[v]->definition;
    for (vgg_gradient g = VGG_GRADIENT_DATA; g <= VGG_GRADIENT_UPDATE; g++) {
        assert_int_equal(definitions[g], 1);
        assert_int_equal(vgg_grad_definition_of(g)->gradient, g);
    }
}

/* What a row refuses is refused in words, before the variant's own configure() is asked. */
static void rows_refuse_in_words(void **state)
{
    (void)state;
    static const vgg_traits traits = {.type = CLVGG_DEVICE_GPU,
                                      .vector_width = 1,
                                      .max_work_group_size = 256,
                                      .local_memory_bytes = 32 << 10,
                                      .max_allocation_bytes = 1 << 30};
    vgg_traits narrow = traits;
    const vgg_node conv = {.name = "c",
                           .type = VGG_LAYER_CONV2D,
                           .attributes.conv = {16, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, true}};
    const vgg_node halves = {.type = VGG_LAYER_MAX_POOL,
                             .attributes.pool = {.kernel = {2, 2}, .stride = {2, 2}},
                             .output = {3, {16, 4, 4}}};
    vgg_node overlapping = halves;
    overlapping.attributes.pool.kernel[0] = 3;
    vgg_problem problem = {.node = &conv,
                           .input = {3, {16, 8, 8}},
                           .output = {3, {16, 8, 8}},
                           .result = {3, {16, 8, 8}},
                           .input_block = 1,
                           .max_batch = 1};
    vgg_op op;
    const vgg_variant *direct = vgg_variant_find("conv_direct");
    const vgg_variant *tiled = vgg_variant_find("winograd_f2_tiled");
    assert_int_equal(vgg_op_configure(&op, direct, &problem, &traits), CLVGG_STATUS_OK);
    narrow.max_work_group_size = 32;
    assert_int_equal(vgg_op_configure(&op, direct, &problem, &narrow), CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "work-groups of 64, the device allows 32"));
    problem.pool = &halves;
    assert_int_equal(vgg_op_configure(&op, direct, &problem, &traits), CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "conv_direct doesn't fuse pooling"));
    assert_int_equal(vgg_op_configure(&op, tiled, &problem, &traits), CLVGG_STATUS_OK);
    problem.pool = &overlapping;
    assert_int_equal(vgg_op_configure(&op, tiled, &problem, &traits), CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "2x2 stride 2 max pooling only"));
    problem.pool = NULL;
    problem.relu = true;
    vgg_variant without = *direct;
    without.fuses_relu = false;
    assert_int_equal(vgg_op_configure(&op, &without, &problem, &traits), CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "doesn't fuse a ReLU"));
    problem.storage = CLVGG_STORAGE_F16;
    assert_int_equal(vgg_op_configure(&op, vgg_variant_find("conv_amx"), &problem, &traits),
                     CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "takes weights of bf16 alone, not f16"));
}

/* What is preferred for a convolution of 512 channels in and out, on maps of `side`, by a CPU. */
static const char *preferred(int64_t side, int batch, clvgg_storage storage, int width, int cores)
{
    const vgg_traits traits = {.type = CLVGG_DEVICE_CPU,
                               .vector_width = width,
                               .compute_units = cores,
                               .max_work_group_size = 4096,
                               .local_memory_bytes = 1 << 20,
                               .max_allocation_bytes = 1 << 30};
    const vgg_node conv = {
        .name = "c",
        .type = VGG_LAYER_CONV2D,
        .attributes.conv = {512, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, true}};
    const vgg_problem problem = {.node = &conv,
                                 .input = {3, {512, side, side}},
                                 .output = {3, {512, side, side}},
                                 .result = {3, {512, side, side}},
                                 .input_block = width,
                                 .max_batch = batch,
                                 .storage = storage};
    const vgg_variant *candidates[64];
    const size_t count = vgg_variant_candidates(&problem, &traits, false, candidates, 64);
    vgg_op op;
    for (size_t i = 0; i < count; i++)
        if (vgg_op_configure(&op, candidates[i], &problem, &traits) == CLVGG_STATUS_OK)
            return candidates[i]->name;
    return "none";
}

/* Weights for few tiles aren't transformed in advance, unless cores would have nothing to do. */
static void few_tiles_keep_weights_as_they_are(void **state)
{
    (void)state;
    static const struct {
        int64_t side;
        int batch;
        clvgg_storage storage;
        int width, cores;
        const char *variant;
    } cases[] = {
        {28, 1, CLVGG_STORAGE_F32, 16, 2, "winograd_f4_panels"},
        {14, 1, CLVGG_STORAGE_F32, 16, 2, "winograd_f4_panels"},
        {14, 4, CLVGG_STORAGE_F16, 16, 16, "winograd_f4_panels"},
        {14, 5, CLVGG_STORAGE_F32, 16, 2, "winograd_f4_staged"},
        {14, 16, CLVGG_STORAGE_BF16, 16, 2, "winograd_f4_panels"},
        {56, 1, CLVGG_STORAGE_BF16, 16, 2, "winograd_f2_staged"},
        {28, 1, CLVGG_STORAGE_F32, 16, 12, "winograd_f4_staged"},
        {28, 1, CLVGG_STORAGE_F32, 8, 2, "winograd_f4_staged"},
        {12, 1, CLVGG_STORAGE_F32, 16, 2, "conv_blocked"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(preferred(cases[i].side, cases[i].batch, cases[i].storage,
                                      cases[i].width, cases[i].cores),
                            cases[i].variant);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layer_that_is_computed_has_one_definition),
        cmocka_unit_test(definitions_compute_exactly),
        cmocka_unit_test(clblast_names_the_dense_layer_alone),
        cmocka_unit_test(names_are_found_once),
        cmocka_unit_test(each_gradient_has_one_definition),
        cmocka_unit_test(rows_refuse_in_words),
        cmocka_unit_test(few_tiles_keep_weights_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
