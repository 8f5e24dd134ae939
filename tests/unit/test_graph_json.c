/* unit/test_graph_json.c — a graph written and read again, hostile imitations, Graphviz. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "graph/graph.h"
#include "support/failing_allocator.h"

static vgg_graph *make_vgg(void)
{
    vgg_graph *graph;
    const int64_t head[3] = {64, 32, 5};
    assert_int_equal(vgg_graph_build_vgg("vgg13", 3, 64, 96, head, &graph), CLVGG_STATUS_OK);
    return graph;
}

/* One node of every type, every attribute off its default somewhere, and a branch. */
static vgg_graph *make_odd(void)
{
    vgg_graph *graph;
    int conv, pool, average, flat, dense;
    const vgg_attributes odd = {.conv = {6, {3, 2}, {2, 1}, {1, 2}, {0, 1, 2, 3}, 3, false}};
    const vgg_attributes max = {
        .pool = {{3, 3}, {2, 2}, {1, 0, 1, 0}, .ceil_mode = true, .switches = true}};
    const vgg_attributes mean = {.pool = {{2, 2}, {1, 1}, {1, 1, 1, 1}, .count_include_pad = true}};
    const vgg_attributes adaptive = {.pool = {.adaptive = {2, 3}}};
    const vgg_attributes wide = {.dense = {7, false}};
    const vgg_attributes norm = {.lrn = {5, 1e-4f, 0.75f, 2}};
    const vgg_attributes batch = {.batch_norm = {1e-3f, true}};
    const vgg_attributes bare = {.batch_norm = {1.0f / 3.0f, false}};
    const vgg_attributes quantize = {.quantize = {1.0f / 3.0f, -127, 0}};
    const vgg_attributes third = {.dropout_rate = 1.0f / 3.0f}, none = {.dropout_rate = 0.0f};
    assert_int_equal(vgg_graph_create(3, 13, 9, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "a \"<&>\" b", VGG_LAYER_CONV2D, &odd, 0, &conv), 0);
    assert_int_equal(vgg_graph_add(graph, "max", VGG_LAYER_MAX_POOL, &max, conv, &pool), 0);
    assert_int_equal(vgg_graph_add(graph, "mean", VGG_LAYER_AVG_POOL, &mean, conv, &average), 0);
    assert_int_equal(vgg_graph_add(graph, "to", VGG_LAYER_AVG_POOL, &adaptive, pool, &pool), 0);
    assert_int_equal(vgg_graph_add(graph, "s", VGG_LAYER_SIGMOID, NULL, average, NULL), 0);
    assert_int_equal(vgg_graph_add(graph, "t", VGG_LAYER_TANH, NULL, pool, NULL), 0);
    assert_int_equal(
        vgg_graph_add(graph, "norm", VGG_LAYER_LOCAL_RESPONSE_NORM, &norm, pool, &pool), 0);
    assert_int_equal(vgg_graph_add(graph, "bn", VGG_LAYER_BATCH_NORM, &batch, pool, &pool), 0);
    assert_int_equal(vgg_graph_add(graph, "bare", VGG_LAYER_BATCH_NORM, &bare, pool, &pool), 0);
    assert_int_equal(vgg_graph_add(graph, "q", VGG_LAYER_QUANTIZE, &quantize, pool, &pool), 0);
    assert_int_equal(vgg_graph_add(graph, "flat", VGG_LAYER_FLATTEN, NULL, pool, &flat), 0);
    assert_int_equal(vgg_graph_add(graph, "fc", VGG_LAYER_DENSE, &wide, flat, &dense), 0);
    assert_int_equal(vgg_graph_add(graph, "drop", VGG_LAYER_DROPOUT, &third, dense, NULL), 0);
    assert_int_equal(vgg_graph_add(graph, "keep", VGG_LAYER_DROPOUT, &none, dense, NULL), 0);
    assert_int_equal(vgg_graph_add(graph, "p", VGG_LAYER_SOFTMAX, NULL, dense, NULL), 0);
    return graph;
}

static void assert_same_graph(const vgg_graph *a, const vgg_graph *b)
{
    assert_int_equal(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        const vgg_node *x = &a->nodes[i], *y = &b->nodes[i];
        char described[2][96];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->type, y->type);
        assert_int_equal(x->inputs[0], y->inputs[0]);
        assert_memory_equal(&x->output, &y->output, sizeof x->output);
        assert_int_equal(vgg_graph_node_parameters(a, i), vgg_graph_node_parameters(b, i));
        vgg_node_describe(x, described[0], sizeof described[0]);
        vgg_node_describe(y, described[1], sizeof described[1]);
        assert_string_equal(described[0], described[1]);
    }
}

static clvgg_status read_text(const char *json, vgg_graph **out)
{
    return vgg_graph_read_json(json, strlen(json), out);
}

static void survives_a_round_trip(void **state)
{
    (void)state;
    vgg_graph *graphs[] = {make_vgg(), make_odd()};
    for (int i = 0; i < 2; i++) {
        vgg_text first = {0}, second = {0};
        vgg_graph *copy;
        vgg_graph_write_json(graphs[i], &first);
        assert_int_equal(read_text(first.bytes, &copy), CLVGG_STATUS_OK);
        assert_same_graph(graphs[i], copy);
        vgg_graph_write_json(copy, &second);
        assert_string_equal(first.bytes, second.bytes);
        int drop = vgg_graph_find(copy, "drop");
        if (drop >= 0)
            assert_true(copy->nodes[drop].attributes.dropout_rate == 1.0f / 3.0f);
        vgg_text_free(&first);
        vgg_text_free(&second);
        vgg_graph_free(copy);
        vgg_graph_free(graphs[i]);
    }
}

static void writes_only_what_is_not_default(void **state)
{
    (void)state;
    vgg_graph *graph;
    vgg_text text = {0};
    const vgg_attributes conv = {.conv = {4, {1, 1}, {1, 1}, {1, 1}, .groups = 1, .bias = true}};
    assert_int_equal(vgg_graph_create(3, 4, 5, &graph), CLVGG_STATUS_OK);
    assert_int_equal(vgg_graph_add(graph, "c", VGG_LAYER_CONV2D, &conv, 0, NULL), 0);
    assert_int_equal(vgg_graph_add(graph, "r", VGG_LAYER_RELU, NULL, 1, NULL), 0);
    vgg_graph_write_json(graph, &text);
    assert_string_equal(text.bytes,
                        "{\"input\": [3, 4, 5], \"layers\": [{\"name\": \"c\", \"type\": "
                        "\"conv2d\", \"input\": \"input\", \"out_channels\": 4, \"kernel\": [1, "
                        "1]}, {\"name\": \"r\", \"type\": \"relu\", \"input\": \"c\"}]}");
    vgg_text_free(&text);
    vgg_graph_free(graph);
}

/* A graph whose only layer is this one. */
static void refuses_layer(const char *layer, clvgg_status expected, const char *message)
{
    char json[1024];
    vgg_graph *graph;
    snprintf(json, sizeof json, "{\"input\": [3, 8, 8], \"layers\": [%s]}", layer);
    assert_int_equal(read_text(json, &graph), expected);
    assert_string_equal(vgg_message(), message);
    assert_null(graph);
}

#define LAYER(type) "{\"name\": \"x\", \"input\": \"input\", \"type\": \"" type "\""
#define CONV LAYER("conv2d") ", \"out_channels\": 4, \"kernel\": [3, 3]"
#define QUANTIZE LAYER("quantize") ", \"scale\": "
#define NORM LAYER("local_response_norm") ", \"size\": 5, \"alpha\": 1, \"beta\": "

static void refuses_bad_layers(void **state)
{
    (void)state;
    const clvgg_status bad = CLVGG_STATUS_BAD_FILE;
    refuses_layer("7", bad, "layer 1 is not an object");
    refuses_layer("{}", bad, "layer 1: 'name' is missing");
    refuses_layer("{\"name\": 5}", bad, "layer 1: 'name' must be one string");
    refuses_layer("{\"name\": \"a\", \"name\": \"b\"}", bad, "layer 1: 'name' must be one string");
    refuses_layer(LAYER("lstm") "}", bad, "layer 'x': unknown type 'lstm'");
    refuses_layer(LAYER("input") "}", bad, "layer 'x': unknown type 'input'");
    refuses_layer(LAYER("unflatten") "}", bad, "layer 'x': unknown type 'unflatten'");
    refuses_layer(LAYER("map_peak") "}", bad, "layer 'x': unknown type 'map_peak'");
    refuses_layer("{\"name\": \"x\", \"input\": \"x\", \"type\": \"relu\"}", bad,
                  "layer 'x': its input 'x' is no layer before it");
    refuses_layer(LAYER("relu") ", \"slope\": 1}", bad, "relu 'x': unknown attribute 'slope'");
    refuses_layer(LAYER("dense") "}", bad, "dense 'x': attribute 'out_features' is missing");
    refuses_layer(LAYER("dense") ", \"out_features\": 1.5}", bad,
                  "dense 'x': attribute 'out_features' must be an integer");
    refuses_layer(LAYER("dense") ", \"out_features\": 1e300}", bad,
                  "dense 'x': attribute 'out_features' must be an integer");
    refuses_layer(CONV ", \"pad\": [1, 1]}", bad,
                  "conv2d 'x': attribute 'pad' must be four integers");
    refuses_layer(CONV ", \"stride\": 2}", bad,
                  "conv2d 'x': attribute 'stride' must be two integers");
    refuses_layer(CONV ", \"bias\": 1}", bad, "conv2d 'x': attribute 'bias' must be true or false");
    refuses_layer(CONV ", \"groups\": 1, \"groups\": 3}", bad,
                  "conv2d 'x': attribute 'groups' is given twice");
    refuses_layer(LAYER("dropout") ", \"rate\": \"1\"}", bad,
                  "dropout 'x': attribute 'rate' must be a number");
    refuses_layer(NORM "1}", bad, "local_response_norm 'x': attribute 'k' is missing");
    refuses_layer(NORM "1, \"k\": 0}", bad,
                  "local_response_norm 'x': alpha is 1, beta 1, k 0: alpha and beta must be 0 or "
                  "more, k above 0");
    refuses_layer(NORM "-1, \"k\": 1}", bad,
                  "local_response_norm 'x': alpha is 1, beta -1, k 1: alpha and beta must be 0 or "
                  "more, k above 0");
    refuses_layer(QUANTIZE "1, \"low\": 0}", bad, "quantize 'x': attribute 'high' is missing");
    refuses_layer(QUANTIZE "0, \"low\": 0, \"high\": 9}", bad,
                  "quantize 'x': scale is 0, must be a normal number above 0");
    refuses_layer(QUANTIZE "1e-40, \"low\": 0, \"high\": 9}", bad,
                  "quantize 'x': scale is 9.99995e-41, must be a normal number above 0");
    refuses_layer(QUANTIZE "1, \"low\": -1, \"high\": 255}", bad,
                  "quantize 'x': levels go from -1 to 255, need 2 to 256 of them, 0 among them");
    refuses_layer(QUANTIZE "1, \"low\": 1, \"high\": 9}", bad,
                  "quantize 'x': levels go from 1 to 9, need 2 to 256 of them, 0 among them");
    refuses_layer(LAYER("lrn_grad") "}", CLVGG_STATUS_BAD_FILE,
                  "layer 'x': unknown type 'lrn_grad'");
    refuses_layer(CONV ", \"groups\": 2}", CLVGG_STATUS_SHAPE_MISMATCH,
                  "conv2d 'x': groups 2 don't divide 3 input channels");
    refuses_layer(LAYER("relu") "}, " LAYER("tanh") "}", bad, "two layers have the name 'x'");
}

static void refuses_bad_documents(void **state)
{
    (void)state;
    static const char *const documents[][2] = {
        {"", "the graph is not a JSON object"},
        {"[]", "the graph is not a JSON object"},
        {"{\"input\": [3, 8, 8]", "the graph is not a JSON object"},
        {"{\"layers\": []}", "the graph's 'input' must be three integers"},
        {"{\"input\": [3, 8], \"layers\": []}", "the graph's 'input' must be three integers"},
        {"{\"input\": [3, 8, 8]}", "the graph's 'layers' must be an array"},
        {"{\"input\": [3, 8, 8], \"layers\": {}}", "the graph's 'layers' must be an array"},
        {"{\"nodes\": 1}", "the graph has an unknown member 'nodes'"},
        {"{\"input\": 1, \"input\": 2}", "the graph has two members 'input'"},
    };
    vgg_graph *graph;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        assert_int_equal(read_text(documents[i][0], &graph), CLVGG_STATUS_BAD_FILE);
        assert_string_equal(vgg_message(), documents[i][1]);
        assert_null(graph);
    }
}

/* Nested a million deep, five megabytes long, more layers than allowed. */
static void refuses_bombs(void **state)
{
    (void)state;
    vgg_graph *graph;
    size_t deep = 1000000, size = 5 << 20;
    char *json = malloc(size);
    assert_non_null(json);
    memset(json, '[', deep);
    assert_int_equal(vgg_graph_read_json(json, deep, &graph), CLVGG_STATUS_BAD_FILE);
    memset(json, ' ', size);
    assert_int_equal(vgg_graph_read_json(json, size, &graph), CLVGG_STATUS_BAD_FILE);
    assert_string_equal(vgg_message(),
                        "a graph of 5242880 bytes of JSON, at most 4194304 are read");
    free(json);
    vgg_text text = {0};
    vgg_text_puts(&text, "{\"input\": [3, 8, 8], \"layers\": [");
    for (int i = 1; i <= 10000; i++)
        vgg_text_printf(&text, "%s{\"name\": \"r%d\", \"type\": \"relu\", \"input\": \"input\"}",
                        i > 1 ? "," : "", i);
    vgg_text_puts(&text, "]}");
    assert_int_equal(vgg_graph_read_json(text.bytes, text.length, &graph), CLVGG_STATUS_BAD_FILE);
    assert_string_equal(vgg_message(), "layer 'r10000': a network has at most 10000 layers");
    vgg_text_free(&text);
}

/* Every prefix of a good document is refused, and so is every document with one byte changed, or it
 * is a valid graph. */
static void survives_damage(void **state)
{
    (void)state;
    vgg_graph *graph = make_odd(), *read;
    vgg_text text = {0};
    vgg_graph_write_json(graph, &text);
    for (size_t length = 0; length < text.length; length++)
        assert_int_equal(vgg_graph_read_json(text.bytes, length, &read), CLVGG_STATUS_BAD_FILE);
    for (size_t i = 0; i < text.length; i++) {
        char original = text.bytes[i];
        for (const char *c = "\"{}[],:09-e\\x\n\xFF"; *c != '\0'; c++) {
            text.bytes[i] = *c;
            if (vgg_graph_read_json(text.bytes, text.length, &read) == CLVGG_STATUS_OK)
                vgg_graph_free(read);
            else
                assert_null(read);
        }
        text.bytes[i] = original;
    }
    vgg_text_free(&text);
    vgg_graph_free(graph);
}

static clvgg_status build_write_read(void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *graph = NULL, *resized = NULL, *read = NULL;
    vgg_text json = {0}, dot = {0};
    const int64_t head[3] = {4, 4, 2};
    (void)user;
    VGG_TRY(vgg_graph_build_vgg("vgg11", 3, 32, 32, head, &graph));
    const vgg_graph_copy_options larger = {.extent = {64, 64}};
    VGG_TRY(vgg_graph_copy(graph, &larger, &resized));
    vgg_graph_write_json(graph, &json);
    vgg_graph_write_dot(graph, &dot);
    VGG_REQUIRE(!json.failed && !dot.failed, CLVGG_STATUS_OUT_OF_MEMORY, "text");
    VGG_TRY(vgg_graph_read_json(json.bytes, json.length, &read));
cleanup:
    vgg_text_free(&json);
    vgg_text_free(&dot);
    vgg_graph_free(graph);
    vgg_graph_free(resized);
    vgg_graph_free(read);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    assert_true(failing_allocator_sweep(build_write_read, NULL) > 50);
}

static void draws_every_layer(void **state)
{
    (void)state;
    vgg_graph *graph = make_odd();
    vgg_text dot = {0};
    vgg_graph_write_dot(graph, &dot);
    assert_non_null(strstr(dot.bytes, "digraph network {"));
    assert_non_null(strstr(dot.bytes, "<b>a &quot;&lt;&amp;&gt;&quot; b</b>"));
    assert_non_null(
        strstr(dot.bytes, "<b>input</b></td><td align=\"right\" width=\"110\">3 × 13 × 9</td>"));
    assert_non_null(strstr(dot.bytes, "36 parameters"));
    assert_null(strstr(dot.bytes, ">0 parameters"));
    assert_non_null(strstr(dot.bytes, "avg_pool to 2x3"));
    assert_null(strstr(dot.bytes, "\"></font>")); /* Graphviz refuses it */
    int edges = 0;
    for (const char *c = dot.bytes; (c = strstr(c, " -> ")) != NULL; c++)
        edges++;
    assert_int_equal(edges, graph->count - 1);
    vgg_text_free(&dot);
    vgg_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_a_round_trip),
        cmocka_unit_test(writes_only_what_is_not_default),
        cmocka_unit_test(refuses_bad_layers),
        cmocka_unit_test(refuses_bad_documents),
        cmocka_unit_test(refuses_bombs),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(draws_every_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
