/* unit/test_model_head.c — another dense head for a model: what is inherited bit for bit, what is
 * new, and that such models are saved and loaded like any other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/model.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/runtime.h"
#include "support/small_model.h"
#include "support/tensor_file.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

static const char *const labels[] = {"cat", "dog"};

static clvgg_model *load(const char *path)
{
    clvgg_model *model;
    if (clvgg_model_load(runtime, path, NULL, &model) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return model;
}

/* A base in a file, of all three element types. */
static clvgg_model *mixed_base(void)
{
    static const char *const names[] = {"features.0",  "features.3",  "features.6",  "features.8",
                                        "features.11", "features.13", "features.16", "features.18"};
    static const char *const head[] = {"classifier.0", "classifier.3", "classifier.6"};
    tensor_file file;
    tensor_file_vgg(&file, names, 8, head);
    tensor_file_get(&file, "features.3.weight")->dtype = CLVGG_DTYPE_F16;
    tensor_file_get(&file, "features.6.bias")->dtype = CLVGG_DTYPE_BF16;
    tensor_file_get(&file, "classifier.0.weight")->dtype = CLVGG_DTYPE_F16;
    tensor_file_get(&file, "classifier.3.bias")->dtype = CLVGG_DTYPE_BF16;
    tensor_file_write(&file, temp_path("base.safetensors"));
    return load(temp_path("base.safetensors"));
}

/* The widths of the bases here; fc6 and fc7 are inherited, fc8 is new. */
static vgg_model_head plain_head(void)
{
    return (vgg_model_head){.hidden_count = 2,
                            .widths = {SMALL_FC6, SMALL_FC7},
                            .activations = {VGG_LAYER_RELU, VGG_LAYER_RELU},
                            .dropout = {0.5f, 0.5f},
                            .class_count = 2,
                            .labels = labels,
                            .inherited = {true, true, false},
                            .source = small_model_source,
                            .source_user = (void *)(uintptr_t)77};
}

static clvgg_model *with_head(clvgg_model *base, const vgg_model_head *head)
{
    clvgg_model *model;
    if (vgg_model_with_head(base, head, &model) != CLVGG_STATUS_OK)
        fail_msg("%s", clvgg_status_message());
    return model;
}

static void *read_whole(const clvgg_model *model, const vgg_parameter *parameter, size_t *bytes)
{
    const uint64_t count = vgg_shape_elements(&parameter->shape);
    *bytes = (size_t)count * vgg_dtype_bytes(parameter->dtype);
    void *data = malloc(*bytes);
    assert_int_equal(vgg_model_read_parameter(model, parameter, 0, count, data), CLVGG_STATUS_OK);
    return data;
}

static void assert_same_values(const clvgg_model *a, const vgg_parameter *x, const clvgg_model *b,
                               const vgg_parameter *y)
{
    size_t bytes[2];
    assert_true(vgg_shape_equal(&x->shape, &y->shape));
    assert_int_equal(x->dtype, y->dtype);
    void *values[2] = {read_whole(a, x, &bytes[0]), read_whole(b, y, &bytes[1])};
    assert_int_equal(bytes[0], bytes[1]);
    assert_memory_equal(values[0], values[1], bytes[0]);
    free(values[0]);
    free(values[1]);
}

static const vgg_parameter *by_name(const clvgg_model *model, const char *name)
{
    for (size_t i = 0; i < model->parameter_count; i++)
        if (strcmp(model->parameters[i].name, name) == 0)
            return &model->parameters[i];
    fail_msg("no parameter %s", name);
    return NULL;
}

/* All of a model but its fc8 is the base's, in the base's types. */
static void assert_inherits(const clvgg_model *model, const clvgg_model *base, const char *but)
{
    assert_int_equal(model->parameter_count, base->parameter_count);
    for (size_t i = 0; i < base->parameter_count; i++) {
        const vgg_parameter *parameter = &base->parameters[i];
        if (strncmp(parameter->name, but, strlen(but)) != 0)
            assert_same_values(model, by_name(model, parameter->name), base, parameter);
    }
}

static void assert_same_model(const clvgg_model *a, const clvgg_model *b)
{
    vgg_text graphs[2] = {{0}};
    vgg_graph_write_json(a->graph, &graphs[0]);
    vgg_graph_write_json(b->graph, &graphs[1]);
    assert_string_equal(graphs[0].bytes, graphs[1].bytes);
    vgg_text_free(&graphs[0]);
    vgg_text_free(&graphs[1]);
    assert_memory_equal(&a->preprocess, &b->preprocess, sizeof a->preprocess);
    assert_int_equal(a->class_count, b->class_count);
    for (size_t i = 0; i < a->class_count; i++)
        assert_string_equal(a->labels[i], b->labels[i]);
    assert_int_equal(a->parameter_count, b->parameter_count);
    for (size_t i = 0; i < a->parameter_count; i++)
        assert_same_values(a, &a->parameters[i], b, by_name(b, a->parameters[i].name));
}

static void what_is_kept_keeps_its_bits(void **state)
{
    (void)state;
    clvgg_model *base = mixed_base();
    vgg_model_head head = plain_head();
    head.training = "{\"epochs\": \"3\"}";
    clvgg_model *model = with_head(base, &head);
    assert_inherits(model, base, "fc8.");
    assert_int_equal(by_name(model, "fc6.weight")->dtype, CLVGG_DTYPE_F16);
    const clvgg_shape fc8 = {2, {2, SMALL_FC7}};
    assert_true(vgg_shape_equal(&by_name(model, "fc8.weight")->shape, &fc8));
    float values[2 * SMALL_FC7], expected[2 * SMALL_FC7];
    small_model_source(head.source_user, "fc8.weight", &fc8, 0, 2 * SMALL_FC7, expected);
    assert_int_equal(
        vgg_model_read_parameter(model, by_name(model, "fc8.weight"), 0, 2 * SMALL_FC7, values),
        CLVGG_STATUS_OK);
    assert_memory_equal(values, expected, sizeof values);
    /* Saved, with the new layer in another type than any; the base may go before its heir. */
    const char *path = temp_path("kept.safetensors");
    assert_int_equal(vgg_model_save(model, path, CLVGG_DTYPE_F32), CLVGG_STATUS_OK);
    clvgg_model *loaded = load(path);
    vgg_model_free(base);
    assert_same_model(model, loaded);
    assert_string_equal(loaded->labels[1], "dog");
    vgg_model_free(model);
    vgg_model_free(loaded);
}

static void assert_stated(const clvgg_model *model, const char *key, const char *value)
{
    const char *stated = clvgg_model_metadata(model, key);
    if (value == NULL ? stated != NULL : stated == NULL || strcmp(stated, value) != 0)
        fail_msg("%s is %s, not %s", key, stated != NULL ? stated : "absent",
                 value != NULL ? value : "absent");
}

/* Replaced layers lose their story, inherited ones keep it. */
static void a_story_goes_on_with_what_it_is_about(void **state)
{
    (void)state;
    static const char *const names[] = {"features.0",  "features.3",  "features.6",  "features.8",
                                        "features.11", "features.13", "features.16", "features.18"};
    static const char *const dense[] = {"classifier.0", "classifier.3", "classifier.6"};
    tensor_file file;
    tensor_file_vgg(&file, names, 8, dense);
    tensor_file_state(&file, "clvgg.source", "a base");
    tensor_file_state(&file, "license", "CC BY 4.0");
    tensor_file_state(&file, "accuracy", "98 %");
    tensor_file_state(&file, "clvgg.training", "{\"epochs\": \"9\"}");
    tensor_file_state(&file, "clvgg.head.source", "trained on cats and dogs");
    tensor_file_state(&file, "clvgg.head.license", "MIT");
    tensor_file_write(&file, temp_path("story.safetensors"));
    for (int kept = 0; kept < 2; kept++) {
        clvgg_model *base = load(temp_path("story.safetensors"));
        vgg_model_head head = plain_head();
        head.inherited[0] = head.inherited[1] = kept == 1;
        clvgg_model *model = with_head(base, &head);
        assert_int_equal(model->head_kept, kept);
        if (kept)
            assert_non_null(model->head_source = vgg_strdup("fc8 trained on birds"));
        assert_int_equal(vgg_model_save(model, temp_path("told"), CLVGG_DTYPE_F32),
                         CLVGG_STATUS_OK);
        clvgg_model *told = load(temp_path("told"));
        assert_stated(told, "clvgg.source", "a base");
        assert_stated(told, "license", "CC BY 4.0");
        assert_stated(told, "accuracy", NULL);
        assert_stated(told, "base.accuracy", "98 %");
        assert_stated(told, "clvgg.training", NULL);
        assert_stated(told, "clvgg.head.source", kept ? "fc8 trained on birds" : NULL);
        assert_stated(told, "clvgg.head.license", kept ? "MIT" : NULL);
        /* A copy says all of it again, another head no more than that. */
        assert_int_equal(vgg_model_save(told, temp_path("copied"), CLVGG_DTYPE_F32),
                         CLVGG_STATUS_OK);
        clvgg_model *copied = load(temp_path("copied"));
        assert_stated(copied, "clvgg.head.source", kept ? "fc8 trained on birds" : NULL);
        clvgg_model *again = with_head(copied, &head);
        assert_int_equal(vgg_model_save(again, temp_path("again"), CLVGG_DTYPE_F32),
                         CLVGG_STATUS_OK);
        clvgg_model *last = load(temp_path("again"));
        assert_stated(last, "base.accuracy", "98 %");
        assert_stated(last, "base.base.accuracy", NULL);
        assert_stated(last, "clvgg.head.source", NULL);
        vgg_model_free(last);
        vgg_model_free(again);
        vgg_model_free(copied);
        vgg_model_free(told);
        vgg_model_free(model);
        vgg_model_free(base);
    }
}

static void new_layers_are_saved_in_the_type_asked_for(void **state)
{
    (void)state;
    clvgg_model *base = mixed_base();
    const vgg_model_head head = plain_head();
    clvgg_model *model = with_head(base, &head);
    const char *path = temp_path("half.safetensors");
    assert_int_equal(vgg_model_save(model, path, CLVGG_DTYPE_BF16), CLVGG_STATUS_OK);
    clvgg_model *loaded = load(path);
    assert_inherits(loaded, base, "fc8.");
    assert_int_equal(by_name(loaded, "fc8.weight")->dtype, CLVGG_DTYPE_BF16);
    assert_int_equal(by_name(loaded, "fc6.weight")->dtype, CLVGG_DTYPE_F16);
    assert_int_equal(by_name(loaded, "fc7.weight")->dtype, CLVGG_DTYPE_F32);
    vgg_model_free(base);
    vgg_model_free(model);
    vgg_model_free(loaded);
}

static void a_head_of_one_layer(void **state)
{
    (void)state;
    clvgg_model *base = mixed_base();
    vgg_model_head head = plain_head();
    head.hidden_count = 0;
    head.inherited[0] = true; /* there is nothing that fits: it is new all the same */
    clvgg_model *model = with_head(base, &head);
    int nodes[3], count;
    assert_int_equal(vgg_model_head_nodes(model, nodes, &count), CLVGG_STATUS_OK);
    assert_int_equal(count, 1);
    assert_int_equal(by_name(model, "fc8.weight")->shape.dims[1],
                     by_name(base, "fc6.weight")->shape.dims[1]);
    assert_int_equal(model->parameter_count, base->parameter_count - 4);
    assert_int_equal(vgg_model_save(model, temp_path("one.safetensors"), CLVGG_DTYPE_F32),
                     CLVGG_STATUS_OK);
    clvgg_model *loaded = load(temp_path("one.safetensors"));
    assert_same_model(model, loaded);
    /* The way back: a head of three layers in place of one. */
    head = plain_head();
    head.inherited[0] = head.inherited[1] = false;
    clvgg_model *again = with_head(loaded, &head);
    assert_int_equal(again->parameter_count, base->parameter_count);
    vgg_model_free(again);
    vgg_model_free(loaded);
    vgg_model_free(model);
    vgg_model_free(base);
}

/* Five dense layers, one of them normalised: all give way, and none is taken for a new one. */
static void a_head_in_place_of_five_layers(void **state)
{
    (void)state;
    vgg_graph *graph = NULL;
    clvgg_model *small = small_model_make(runtime, 3), *deep;
    const vgg_graph_copy_options options = {.count = vgg_graph_find(small->graph, "fc6") + 1};
    assert_int_equal(vgg_graph_copy(small->graph, &options, &graph), CLVGG_STATUS_OK);
    const vgg_attributes norm = {.batch_norm = {1e-5f, true}};
    assert_int_equal(
        vgg_graph_add(graph, "bn6", VGG_LAYER_BATCH_NORM, &norm, graph->count - 1, NULL),
        CLVGG_STATUS_OK);
    for (int i = 0; i < 4; i++) {
        const vgg_attributes dense = {.dense = {SMALL_FC7, true}};
        char name[2][8];
        snprintf(name[0], sizeof name[0], "relu%d", i);
        snprintf(name[1], sizeof name[1], "dense%d", i);
        assert_int_equal(
            vgg_graph_add(graph, name[0], VGG_LAYER_RELU, NULL, graph->count - 1, NULL),
            CLVGG_STATUS_OK);
        assert_int_equal(
            vgg_graph_add(graph, name[1], VGG_LAYER_DENSE, &dense, graph->count - 1, NULL),
            CLVGG_STATUS_OK);
    }
    assert_int_equal(
        vgg_model_from_graph(runtime, graph, small_model_source, (void *)(uintptr_t)3, &deep),
        CLVGG_STATUS_OK);
    int nodes[3], count;
    assert_int_equal(vgg_model_head_nodes(deep, nodes, &count), CLVGG_STATUS_OK);
    assert_int_equal(count, 5);
    assert_int_equal(nodes[0], vgg_graph_find(graph, "fc6"));
    assert_int_equal(nodes[2], vgg_graph_find(graph, "dense1"));
    const vgg_model_head head = plain_head();
    clvgg_model *model = with_head(deep, &head);
    assert_int_equal(model->parameter_count, small->parameter_count);
    assert_null(by_name(model, "fc6.weight")->inherited);
    assert_non_null(by_name(model, "conv1_1.weight")->inherited);
    assert_int_equal(vgg_graph_find(model->graph, "bn6"), -1);
    assert_int_equal(model->class_count, 2);
    vgg_model_free(model);
    vgg_model_free(deep);
    vgg_model_free(small);
}

static void other_activations_are_saved_too(void **state)
{
    (void)state;
    clvgg_model *base = small_model_make(runtime, 5); /* built from a source, not from a file */
    vgg_model_head head = plain_head();
    head.widths[0] = 5;
    head.widths[1] = 9;
    head.activations[0] = VGG_LAYER_TANH;
    head.activations[1] = VGG_LAYER_SIGMOID;
    head.dropout[0] = 0;
    head.dropout[1] = 0.25f;
    head.inherited[0] = head.inherited[1] = false;
    clvgg_model *model = with_head(base, &head);
    assert_int_equal(vgg_model_save(model, temp_path("tanh.safetensors"), CLVGG_DTYPE_F32),
                     CLVGG_STATUS_OK);
    clvgg_model *loaded = load(temp_path("tanh.safetensors"));
    assert_same_model(model, loaded);
    assert_inherits(loaded, base, "fc");
    int nodes[3], count;
    assert_int_equal(vgg_model_head_nodes(loaded, nodes, &count), CLVGG_STATUS_OK);
    assert_int_equal(loaded->graph->nodes[nodes[0] + 1].type, VGG_LAYER_TANH);
    assert_int_equal(loaded->graph->nodes[nodes[1] + 1].type, VGG_LAYER_SIGMOID);
    vgg_model_free(loaded);
    vgg_model_free(model);
    vgg_model_free(base);
}

static void what_does_not_fit_is_said(void **state)
{
    (void)state;
    clvgg_model *base = mixed_base(), *model;
    vgg_model_head head = plain_head();
    head.widths[1] = SMALL_FC7 + 1;
    assert_int_equal(vgg_model_with_head(base, &head, &model), CLVGG_STATUS_SHAPE_MISMATCH);
    assert_null(model);
    assert_non_null(strstr(clvgg_status_message(), "fc7.weight has shape"));
    head = plain_head();
    head.inherited[2] = true; /* two classes, the base has three */
    assert_int_equal(vgg_model_with_head(base, &head, &model), CLVGG_STATUS_SHAPE_MISMATCH);
    assert_non_null(strstr(clvgg_status_message(), "fc8.weight has shape"));
    vgg_model_free(base);
}

static clvgg_status make_and_free(void *user)
{
    clvgg_model *model = NULL;
    const vgg_model_head head = plain_head();
    const clvgg_status status = vgg_model_with_head(user, &head, &model);
    assert_true((status == CLVGG_STATUS_OK) == (model != NULL));
    vgg_model_free(model);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    clvgg_model *base = mixed_base();
    assert_true(failing_allocator_sweep(make_and_free, base) > 20);
    vgg_model_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_keeps_its_bits),
        cmocka_unit_test(a_story_goes_on_with_what_it_is_about),
        cmocka_unit_test(new_layers_are_saved_in_the_type_asked_for),
        cmocka_unit_test(a_head_of_one_layer),
        cmocka_unit_test(a_head_in_place_of_five_layers),
        cmocka_unit_test(other_activations_are_saved_too),
        cmocka_unit_test(what_does_not_fit_is_said),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}
