/* unit/test_reference_logits.c — the stored standard networks, and which models are these. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/reference.h"

static clvgg_runtime *runtime;

static clvgg_model *build(const char *architecture, int classes, int side, int width,
                          uint64_t *seed)
{
    clvgg_model *model = NULL;
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    description.architecture = architecture;
    description.class_count = classes;
    description.input_height = description.input_width = side;
    description.head[1] = width;
    description.source = clvgg_model_random_weights;
    description.source_user = seed;
    assert_int_equal(clvgg_model_build(runtime, &description, &model), CLVGG_STATUS_OK);
    return model;
}

/* One of them: each takes seconds. The script that made them checks all (--check). */
static void weights_have_the_stored_hash(void **state)
{
    (void)state;
    uint64_t seed = VGG_REFERENCE_SEED;
    clvgg_model *model = build("vgg16", 1000, 224, 4096, &seed);
    const vgg_reference_logits *stored = vgg_reference_find(model);
    assert_non_null(stored);
    assert_string_equal(stored->architecture, "vgg16");
    char hex[VGG_SHA256_HEX];
    assert_int_equal(vgg_weights_hash(model, hex), CLVGG_STATUS_OK);
    assert_string_equal(hex, stored->sha256);
    clvgg_model_free(model);
}

static void each_network_has_its_own(void **state)
{
    (void)state;
    uint64_t seed = VGG_REFERENCE_SEED;
    for (int i = 0; i < VGG_REFERENCE_NETWORKS; i++) {
        const vgg_reference_logits *stored = &vgg_reference_networks[i];
        clvgg_model *model = build(stored->architecture, 1000, 224, 4096, &seed);
        assert_ptr_equal(vgg_reference_find(model), stored);
        clvgg_model_free(model);
        double size = 0;
        for (int c = 0; c < VGG_REFERENCE_CLASSES; c++)
            size += stored->logits[c] * stored->logits[c];
        assert_true(sqrt(size / VGG_REFERENCE_CLASSES) > 0.5); /* random ones keep their size */
        assert_int_equal(strspn(stored->sha256, "0123456789abcdef"), 64);
    }
}

static void others_have_none(void **state)
{
    (void)state;
    uint64_t seeds[] = {VGG_REFERENCE_SEED, VGG_REFERENCE_SEED, VGG_REFERENCE_SEED, 2};
    clvgg_model *models[] = {
        build("vgg11", 999, 224, 4096, &seeds[0]), build("vgg11", 1000, 223, 4096, &seeds[1]),
        build("vgg11", 1000, 224, 4095, &seeds[2]), build("vgg11", 1000, 224, 4096, &seeds[3])};
    for (int i = 0; i < 4; i++) {
        uint64_t seed = 0;
        assert_true(vgg_reference_seed(models[i], &seed) && seed == seeds[i]);
        assert_null(vgg_reference_find(models[i]));
        clvgg_model_free(models[i]);
    }
}

static int setup(void **state)
{
    (void)state;
    return clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK;
}

static int teardown(void **state)
{
    (void)state;
    clvgg_runtime_free(runtime);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_have_the_stored_hash),
        cmocka_unit_test(each_network_has_its_own),
        cmocka_unit_test(others_have_none),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
