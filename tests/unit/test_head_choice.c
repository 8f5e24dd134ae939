/* unit/test_head_choice.c — kept, replaced, frozen: every combination of options and bases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "model/labels.h"
#include "support/small_model.h"
#include "train/head_choice.h"
#include "train/schedule.h"

static clvgg_runtime *runtime;
static clvgg_model *base; /* 8 to 12 to 10 to 3 */
static const char *const same[] = {"a", "b", "c"}, *const others[] = {"x", "y"},
                         *const turned[] = {"a", "c", "b"};

static int setup(void **state)
{
    (void)state;
    if (clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK)
        return 1;
    base = small_model_make(runtime, 1);
    return vgg_labels_copy(same, 3, &base->labels) != CLVGG_STATUS_OK;
}

static int teardown(void **state)
{
    (void)state;
    vgg_model_free(base);
    clvgg_runtime_free(runtime);
    return 0;
}

static clvgg_finetune_options defaults(void)
{
    clvgg_finetune_options options;
    clvgg_finetune_options_defaults(&options);
    return options;
}

/* "k" kept, "r" random; capital letters: frozen. */
static const char *letters(const vgg_head_choice *choice)
{
    static char text[4];
    for (int i = 0; i < choice->layer_count; i++) {
        const vgg_chosen_layer *layer = &choice->layers[i];
        text[i] = layer->kept ? (layer->frozen ? 'K' : 'k') : (layer->frozen ? 'R' : 'r');
        assert_int_equal(layer->why[0] == '\0', layer->kept);
    }
    text[choice->layer_count] = '\0';
    return text;
}

static vgg_head_choice choose(const char *const *classes, size_t count,
                              const clvgg_finetune_options *options)
{
    vgg_head_choice choice;
    if (vgg_head_choose(base, classes, count, options, &choice) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return choice;
}

static void assert_choice(const char *const *classes, size_t count, clvgg_train_from train,
                          clvgg_head_init init, const char *expected)
{
    clvgg_finetune_options options = defaults();
    options.train = train;
    options.head_init = init;
    const vgg_head_choice choice = choose(classes, count, &options);
    assert_string_equal(letters(&choice), expected);
}

static void weights_are_kept_where_they_fit(void **state)
{
    (void)state;
    assert_choice(same, 3, CLVGG_TRAIN_AUTO, CLVGG_HEAD_AUTO, "kkk");
    assert_choice(same, 3, CLVGG_TRAIN_FC7, CLVGG_HEAD_AUTO, "Kkk");
    assert_choice(same, 3, CLVGG_TRAIN_FC8, CLVGG_HEAD_KEEP, "KKk");
    assert_choice(same, 3, CLVGG_TRAIN_FC8, CLVGG_HEAD_FRESH, "KKr");
    assert_choice(same, 3, CLVGG_TRAIN_FC6, CLVGG_HEAD_FRESH, "rrr");
    /* Other classes, or another order of the same. */
    assert_choice(others, 2, CLVGG_TRAIN_AUTO, CLVGG_HEAD_AUTO, "rrr");
    assert_choice(others, 2, CLVGG_TRAIN_AUTO, CLVGG_HEAD_KEEP, "kkr");
    assert_choice(others, 2, CLVGG_TRAIN_FC8, CLVGG_HEAD_AUTO, "KKr");
    assert_choice(turned, 3, CLVGG_TRAIN_FC7, CLVGG_HEAD_AUTO, "Kkr");
    assert_choice(turned, 3, CLVGG_TRAIN_AUTO, CLVGG_HEAD_AUTO, "rrr");
}

static void another_head_keeps_what_comes_before(void **state)
{
    (void)state;
    clvgg_finetune_options options = defaults();
    options.head_given = 1;
    options.head_layers = 2;
    options.head[0] = 12;
    options.head[1] = 7;
    options.head_init = CLVGG_HEAD_KEEP;
    vgg_head_choice choice = choose(same, 3, &options);
    assert_string_equal(letters(&choice), "krr");
    assert_int_equal(choice.layers[1].inputs, 12);
    assert_int_equal(choice.layers[1].outputs, 7);
    assert_non_null(strstr(choice.layers[1].why, "the base's is 12 to 10"));
    assert_non_null(strstr(choice.layers[2].why, "fc7 before it isn't kept"));
    options.head_layers = 0; /* the last layer alone */
    choice = choose(same, 3, &options);
    assert_string_equal(letters(&choice), "r");
    assert_string_equal(choice.layers[0].name, "fc8");
    assert_int_equal(choice.layers[0].inputs, 8);
    assert_int_equal(choice.layers[0].outputs, 3);
}

static void activations_belong_to_layers(void **state)
{
    (void)state;
    clvgg_finetune_options options = defaults();
    options.train = CLVGG_TRAIN_FC7;
    options.activation_given = 1;
    options.activation = CLVGG_ACTIVATION_TANH;
    const vgg_head_choice choice = choose(same, 3, &options);
    assert_string_equal(letters(&choice), "Krr");
    assert_int_equal(choice.layers[0].activation, CLVGG_ACTIVATION_RELU); /* frozen as it is */
    assert_int_equal(choice.layers[1].activation, CLVGG_ACTIVATION_TANH);
}

static void assert_refused(const clvgg_finetune_options *options, const char *words)
{
    vgg_head_choice choice;
    assert_int_equal(vgg_head_choose(base, same, 3, options, &choice),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    if (strstr(clvgg_status_message(), words) == NULL)
        fail_msg("no '%s' in: %s", words, clvgg_status_message());
}

static void what_cannot_work_is_refused(void **state)
{
    (void)state;
    clvgg_finetune_options options = defaults();
    options.head_given = 1; /* fc8 alone */
    options.train = CLVGG_TRAIN_FC7;
    assert_refused(&options, "fc7 can't train");
    options.head_layers = 2;
    options.head[0] = 99;
    options.head[1] = 10;
    assert_refused(&options, "fc6 can't be kept (the base's is 8 to 12)");
    options.head_init = CLVGG_HEAD_FRESH; /* random features, on demand */
    const vgg_head_choice choice = choose(same, 3, &options);
    assert_string_equal(letters(&choice), "Rrr");
}

/* ---- the learning rate ---- */

/* The new head has an activation between two dense layers: what had none would mean something else.
 */
static void a_base_without_an_activation_is_not_kept(void **state)
{
    (void)state;
    clvgg_finetune_options options = defaults();
    options.train = CLVGG_TRAIN_FC8;
    int nodes[3], count;
    assert_int_equal(vgg_model_head_nodes(base, nodes, &count), CLVGG_STATUS_OK);
    vgg_node *behind = &base->graph->nodes[nodes[0] + 1];
    assert_int_equal(behind->type, VGG_LAYER_RELU);
    behind->type = VGG_LAYER_DROPOUT;
    assert_refused(&options, "fc6 can't be kept (the base has 0 activations behind it)");
    behind->type = VGG_LAYER_RELU;
    assert_choice(same, 3, CLVGG_TRAIN_FC8, CLVGG_HEAD_KEEP, "KKk");
}

/* A head of four dense layers is replaced by three, as wide as its first two. */
static void a_deeper_head_is_replaced(void **state)
{
    (void)state;
    vgg_graph *graph = NULL;
    clvgg_model *three = base, *four;
    const vgg_attributes dense = {.dense = {7, true}};
    const vgg_graph_copy_options before = {.count = vgg_graph_find(base->graph, "fc8") + 1};
    assert_int_equal(vgg_graph_copy(base->graph, &before, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "relu8", VGG_LAYER_RELU, NULL, graph->count - 1, NULL),
                     CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "fc9", VGG_LAYER_DENSE, &dense, graph->count - 1, NULL),
                     CLVGG_STATUS_OK);
    assert_int_equal(
        vgg_model_from_graph(runtime, graph, small_model_source, (void *)(uintptr_t)1, &four),
        CLVGG_STATUS_OK);
    base = four;
    assert_choice(same, 3, CLVGG_TRAIN_AUTO, CLVGG_HEAD_AUTO, "rrr");
    assert_choice(same, 3, CLVGG_TRAIN_FC6, CLVGG_HEAD_KEEP, "rrr");
    clvgg_finetune_options options = defaults();
    const vgg_head_choice choice = choose(same, 3, &options);
    assert_int_equal(choice.layers[0].outputs, 12);
    assert_int_equal(choice.layers[1].outputs, 10);
    options.train = CLVGG_TRAIN_FC8;
    assert_refused(&options, "fc6 can't be kept (the base has 4 dense layers), so it has to train");
    base = three;
    vgg_model_free(four);
}

static void learning_rates_follow_their_schedule(void **state)
{
    (void)state;
    vgg_schedule schedule = {CLVGG_LR_CONSTANT, 0.5, 4, 24};
    assert_true(vgg_schedule_lr(&schedule, 1) == 0.125);
    assert_true(vgg_schedule_lr(&schedule, 4) == 0.5);
    assert_true(vgg_schedule_lr(&schedule, 24) == 0.5);
    schedule.kind = CLVGG_LR_COSINE;
    assert_true(vgg_schedule_lr(&schedule, 2) == 0.25);
    assert_true(vgg_schedule_lr(&schedule, 5) == 0.5);
    assert_true(fabs(vgg_schedule_lr(&schedule, 15) - 0.25) < 1e-12);
    assert_true(vgg_schedule_lr(&schedule, 24) > 0 && vgg_schedule_lr(&schedule, 24) < 0.01);
    schedule = (vgg_schedule){CLVGG_LR_STEP, 1.0, 0, 9};
    assert_true(vgg_schedule_lr(&schedule, 3) == 1.0);
    assert_true(fabs(vgg_schedule_lr(&schedule, 4) - 0.1) < 1e-12);
    assert_true(fabs(vgg_schedule_lr(&schedule, 9) - 0.01) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_kept_where_they_fit),
        cmocka_unit_test(another_head_keeps_what_comes_before),
        cmocka_unit_test(activations_belong_to_layers),
        cmocka_unit_test(what_cannot_work_is_refused),
        cmocka_unit_test(a_base_without_an_activation_is_not_kept),
        cmocka_unit_test(a_deeper_head_is_replaced),
        cmocka_unit_test(learning_rates_follow_their_schedule),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
