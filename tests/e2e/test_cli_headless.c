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

static char net[300], scores_net[300], whole_net[300]; /* to pool5, to fc8, to the softmax */
static char pool5[300], photographs[300], picture[300], out[300];

/* Writes the small network up to the layer `last`. */
static void save_some(clvgg_runtime *runtime, const char *last, const char *path)
{
    vgg_graph *graph = NULL;
    clvgg_model *whole = small_model_make(runtime, 3), *some = NULL;
    const vgg_graph_copy_options options = {.count = vgg_graph_find(whole->graph, last) + 1};
    assert_int_equal(vgg_graph_copy(whole->graph, &options, &graph), CLVGG_STATUS_OK);
    assert_int_equal(
        vgg_model_from_graph(runtime, graph, small_model_source, (void *)(uintptr_t)3, &some),
        CLVGG_STATUS_OK);
    assert_int_equal(clvgg_model_save(some, path, CLVGG_DTYPE_F32), CLVGG_STATUS_OK);
    clvgg_model_free(some);
    clvgg_model_free(whole);
}

static int set_up(void **state)
{
    (void)state;
    clvgg_runtime *runtime = NULL;
    test_scratch_make();
    test_scratch_picture("picture.png", 5);
    test_scratch_pictures("photographs", "cat", "dog");
    snprintf(picture, sizeof picture, "%s", test_scratch_path("picture.png"));
    snprintf(photographs, sizeof photographs, "%s", test_scratch_path("photographs"));
    snprintf(net, sizeof net, "%s", test_scratch_path("features.safetensors"));
    snprintf(scores_net, sizeof scores_net, "%s", test_scratch_path("scores.safetensors"));
    snprintf(whole_net, sizeof whole_net, "%s", test_scratch_path("whole.safetensors"));
    snprintf(pool5, sizeof pool5, "%s", test_scratch_path("pool5.npy"));
    snprintf(out, sizeof out, "%s", test_scratch_path("out"));
    if (clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK)
        return 1;
    save_some(runtime, "pool5", net);
    save_some(runtime, "fc8", scores_net);
    save_some(runtime, "prob", whole_net);
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
    CLVGG(&ran, "run", "-m", net, "--layer", "pool5", "--output", out, "--map",
          "imagenet-cat-dog.tsv", picture);
    assert_fails(&ran);
}

/* A layer's values are the base's own, whatever stands behind it; a plan ends with the last. */
static void layers_need_no_classes(void **state)
{
    (void)state;
    static const char *const formats[] = {"--top=1", "--csv", "--json"};
    static const char *const shown[] = {"picture.png\n", "logit,error\n", "\"top\": []"};
    test_program ran = {0};
    clvgg_shape shape;
    CLVGG(&ran, "run", "-m", whole_net, "--layer", "pool5", "--output", pool5, picture);
    assert_works(&ran);
    float *expected = test_scratch_read_npy("pool5.npy", &shape);
    for (int i = 0; i < 6; i++) {
        CLVGG(&ran, "run", "-m", i < 3 ? net : scores_net, "--layer", "pool5", "--output", pool5,
              formats[i % 3], picture);
        assert_contains(ran.out, shown[i % 3]);
        assert_works(&ran);
        float *values = test_scratch_read_npy("pool5.npy", &shape);
        const size_t count = (size_t)(shape.dims[1] * shape.dims[2] * shape.dims[3]);
        assert_int_equal(shape.dims[0], 1);
        assert_memory_equal(values, expected, count * sizeof *values);
        free(values);
    }
    free(expected);
    CLVGG(&ran, "info", "-m", net);
    assert_contains(ran.out, "none: the model has no classifier");
    assert_contains(ran.out, "activations");
    assert_works(&ran);
    CLVGG(&ran, "run", "-m", scores_net, picture);
    assert_int_equal(ran.exit_code, 1);
    assert_contains(ran.err, "the network has no softmax");
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

static void convert_says_what_it_compares(void **state)
{
    (void)state;
    test_program ran = {0};
    char copy[300];
    snprintf(copy, sizeof copy, "%s", test_scratch_path("copy.safetensors"));
    CLVGG(&ran, "convert", net, copy);
    assert_contains(ran.out, "read again, its last layer's values, 'pool5', differ by 0 ");
    assert_works(&ran);
    CLVGG(&ran, "convert", "--json", net, copy);
    assert_contains(ran.out, "\"compared\": \"pool5\"");
    assert_works(&ran);
    CLVGG(&ran, "convert", scores_net, copy);
    assert_contains(ran.out, "read again, its logits differ by 0 ");
    assert_works(&ran);
    CLVGG(&ran, "convert", "--json", scores_net, copy);
    assert_contains(ran.out, "\"compared\": \"logits\"");
    assert_works(&ran);
    test_program_free(&ran);
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
        cmocka_unit_test(layers_need_no_classes),
        cmocka_unit_test(pictures_are_drawn_without_classes),
        cmocka_unit_test(convert_says_what_it_compares),
        cmocka_unit_test(finetune_gives_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
