/* e2e/test_cli_headless.c — networks without a classifier: what says so, and what works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "support/program.h"
#include "support/scratch.h"
#include "support/small_model.h"
#include "support/text.h"

#define CLVGG(program, ...) test_program_run(program, (const char *[]){PROGRAM, __VA_ARGS__, NULL})

static char net[300], photographs[300], picture[300], out[300];

static int set_up(void **state)
{
    (void)state;
    clvgg_runtime *runtime = NULL;
    clvgg_model *whole, *features = NULL;
    vgg_graph *graph = NULL;
    test_scratch_make();
    test_scratch_picture("picture.png", 5);
    test_scratch_pictures("photographs", "cat", "dog");
    snprintf(picture, sizeof picture, "%s", test_scratch_path("picture.png"));
    snprintf(photographs, sizeof photographs, "%s", test_scratch_path("photographs"));
    snprintf(net, sizeof net, "%s", test_scratch_path("features.safetensors"));
    snprintf(out, sizeof out, "%s", test_scratch_path("out"));
    if (clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK)
        return 1;
    whole = small_model_make(runtime, 3);
    const vgg_graph_copy_options some = {.count = vgg_graph_find(whole->graph, "pool5") + 1};
    assert_int_equal(vgg_graph_copy(whole->graph, &some, &graph), CLVGG_STATUS_OK);
    assert_int_equal(
        vgg_model_from_graph(runtime, graph, small_model_source, (void *)(uintptr_t)3, &features),
        CLVGG_STATUS_OK);
    assert_int_equal(clvgg_model_save(features, net, CLVGG_DTYPE_F32), CLVGG_STATUS_OK);
    clvgg_model_free(features);
    clvgg_model_free(whole);
    clvgg_runtime_free(runtime);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_scratch_remove();
    return 0;
}

static void assert_fails(test_program *ran)
{
    assert_int_equal(ran->exit_code, 1);
    assert_contains(ran->err, "features.safetensors has no classifier: train one for your classes "
                              "with 'clvgg finetune --model ");
    test_program_free(ran);
}

static void assert_works(test_program *ran)
{
    if (ran->exit_code != 0)
        fail_msg("exit code %d: %s", ran->exit_code, ran->err);
    test_program_free(ran);
}

static void what_needs_classes_says_so(void **state)
{
    (void)state;
    test_program ran = {0};
    CLVGG(&ran, "run", "-m", net, picture);
    assert_fails(&ran);
    CLVGG(&ran, "eval", "-m", net, "--data", photographs);
    assert_fails(&ran);
    CLVGG(&ran, "visualize", "occlusion", "-m", net, picture, "--out", out);
    assert_fails(&ran);
    CLVGG(&ran, "info", "-m", net, "--device", "none");
    assert_int_equal(ran.exit_code, 0);
    assert_contains(ran.out, "none: the model has no classifier");
    test_program_free(&ran);
}

static void pictures_are_drawn_without_classes(void **state)
{
    (void)state;
    test_program ran = {0};
    CLVGG(&ran, "visualize", "filters", "-m", net, "--out", out);
    assert_works(&ran);
    CLVGG(&ran, "visualize", "project", "-m", net, "--layer", "conv4_1", picture, "--out", out);
    assert_works(&ran);
    CLVGG(&ran, "visualize", "all", "-m", net, "--images", photographs, "--maps", "0", "--out",
          out);
    assert_contains(ran.err, "no Grad-CAM and no occlusion: the model has no classifier");
    assert_works(&ran);
}

static void finetune_gives_one(void **state)
{
    (void)state;
    static const char *const heads[] = {"", "8,6"};
    for (int i = 0; i < 2; i++) {
        test_program ran = {0};
        char tuned[300];
        snprintf(tuned, sizeof tuned, "%s", test_scratch_path("tuned.safetensors"));
        CLVGG(&ran, "finetune", "-m", net, "--data", photographs, "--epochs", "1", "--output",
              tuned, "--val-split", "0.5", i == 1 ? "--head" : "--quiet",
              i == 1 ? heads[i] : "--no-cache");
        assert_works(&ran);
        CLVGG(&ran, "run", "-m", tuned, "--csv", picture);
        assert_contains(ran.out, "cat");
        assert_contains(ran.out, "dog");
        assert_works(&ran);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_classes_says_so),
        cmocka_unit_test(pictures_are_drawn_without_classes),
        cmocka_unit_test(finetune_gives_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
