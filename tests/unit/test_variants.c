/* unit/test_variants.c — the table of variants is whole: what tests, tuning and the program ask of
 * it has one answer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/op.h"

static void each_layer_that_is_computed_has_one_definition(void **state)
{
    (void)state;
    int computed = 0;
    for (int type = 0; type < VGG_LAYER_TYPE_COUNT; type++) {
        int definitions = 0, variants = 0;
        for (size_t v = 0; v < vgg_variant_count; v++)
            if ((vgg_variants[v]->layers & VGG_LAYER_BIT(type)) != 0) {
                variants++;
                definitions += vgg_variants[v]->definition;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layer_that_is_computed_has_one_definition),
        cmocka_unit_test(definitions_compute_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
