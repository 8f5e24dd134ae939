/* tests/unit/test_default_model.c — the shipped model and label files say what they must. */
#define _GNU_SOURCE /* strcasestr */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "graph/graph.h"
#include "support/files.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/weights.h"

#define MODEL PROJECT_ROOT "/models/vgg16-catdog.safetensors"

static int open_model(void **state)
{
    vgg_weights *weights;
    clvgg_status status = vgg_weights_open(MODEL, &weights);
    *state = weights;
    if (status != CLVGG_STATUS_OK)
        fprintf(stderr, "%s\n", vgg_message());
    return status == CLVGG_STATUS_OK ? 0 : -1;
}

static int close_model(void **state)
{
    vgg_weights_close(*state);
    return 0;
}

static void metadata_is_complete(void **state)
{
    static const char *const keys[] = {"clvgg.format",  "clvgg.graph",      "clvgg.arch",
                                       "clvgg.classes", "clvgg.preprocess", "clvgg.source",
                                       "clvgg.license", "clvgg.head.source"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_non_null(vgg_weights_metadata(*state, keys[i]));
    assert_string_equal(vgg_weights_metadata(*state, "clvgg.format"), "1");
    assert_non_null(strstr(vgg_weights_metadata(*state, "clvgg.license"), "CC BY 4.0"));
    /* Sentences about the base go on to models with another head, so they say nothing of this one.
     */
    assert_null(strcasestr(vgg_weights_metadata(*state, "clvgg.source"), "head"));
    assert_null(strcasestr(vgg_weights_metadata(*state, "clvgg.license"), "head"));
}

/* The stored graph is what today's code writes, and every parameter it asks for is there. */
static void graph_and_tensors_agree(void **state)
{
    const char *stored = vgg_weights_metadata(*state, "clvgg.graph");
    const int64_t head[3] = {128, 128, 2};
    vgg_graph *graph, *parsed;
    vgg_text text = {0};
    size_t tensors = 0;
    assert_int_equal(vgg_graph_build_vgg("vgg16", 3, 224, 224, head, &graph), CLVGG_STATUS_OK);
    vgg_graph_write_json(graph, &text);
    assert_string_equal(stored, text.bytes);
    assert_int_equal(vgg_graph_read_json(stored, strlen(stored), &parsed), CLVGG_STATUS_OK);
    for (int i = 0; i < parsed->count; i++) {
        for (int bias = 0; bias < 2; bias++) {
            const vgg_node *node = &parsed->nodes[i];
            char name[64];
            if (!vgg_node_has_parameter(node, bias))
                continue;
            snprintf(name, sizeof name, "%s.%s", node->name, bias ? "bias" : "weight");
            const vgg_tensor_entry *entry = vgg_weights_find(*state, name);
            clvgg_shape shape = vgg_graph_parameter_shape(parsed, i, bias);
            assert_non_null(entry);
            assert_true(vgg_shape_equal(&entry->shape, &shape));
            tensors++;
        }
    }
    assert_int_equal(tensors, vgg_weights_count(*state));
    vgg_text_free(&text);
    vgg_graph_free(parsed);
    vgg_graph_free(graph);
}

/* FNV-1a over all values in file order: the weights are those the accuracy was measured with. */
static void weights_are_finite_and_unchanged(void **state)
{
    uint64_t hash = VGG_HASH_START;
    for (size_t i = 0; i < vgg_weights_count(*state); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(*state, i);
        size_t bytes = (size_t)entry->count * vgg_dtype_bytes(entry->dtype);
        unsigned char *values = malloc(bytes);
        assert_int_equal(vgg_weights_read(*state, entry, 0, entry->count, values), CLVGG_STATUS_OK);
        assert_int_equal(vgg_find_non_finite(entry->dtype, values, (size_t)entry->count),
                         entry->count);
        for (size_t b = 0; b < bytes; b++)
            hash = vgg_hash_number(hash, values[b]);
        free(values);
    }
    assert_int_equal(hash, 0xD2927009723A5CB2u);
}

static void imagenet_has_1000_sorted_classes(void **state)
{
    (void)state;
    size_t bytes, lines = 0;
    char *text = file_read(PROJECT_ROOT "/models/imagenet-1k.txt", &bytes), *rest = text;
    char previous[10] = "";
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL; lines++) {
        assert_true(strlen(line) > 10 && line[0] == 'n' && strspn(line + 1, "0123456789") == 8);
        assert_true(line[9] == ' ' && line[10] != ' ');
        line[9] = '\0';
        assert_true(strcmp(previous, line) < 0);
        strcpy(previous, line);
        if (lines == 151 || lines == 281) /* the first dog, the first cat */
            assert_string_equal(line + 10, lines == 151 ? "Chihuahua" : "tabby");
    }
    assert_int_equal(lines, 1000);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_is_complete),
        cmocka_unit_test(graph_and_tensors_agree),
        cmocka_unit_test(weights_are_finite_and_unchanged),
        cmocka_unit_test(imagenet_has_1000_sorted_classes),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
