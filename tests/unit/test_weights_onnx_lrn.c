/* tests/unit/test_weights_onnx_lrn.c — local response normalisation that exporters of ONNX have
 * taken apart: which chains of operators are read as one layer, and which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "graph/graph.h"
#include "support/files.h"
#include "support/onnx_model.h"
#include "weights/weights.h"

#ifdef CLVGG_HAVE_PROTOBUF_C

static void put_ints(onnx_model *m, const char *name, int count, const int64_t *values)
{
    pb t = onnx_tensor(name, ONNX_INT64, ONNX_DIMS(count));
    pb_bytes(&t, 9, values, (size_t)count * sizeof *values);
    onnx_put_tensor(m, t);
}

static void put_float(onnx_model *m, const char *name, float value)
{
    pb t = onnx_tensor(name, ONNX_FLOAT, 0, NULL);
    pb_bytes(&t, 9, &value, sizeof value);
    onnx_put_tensor(m, t);
}

/* An If whose branch squeezes "d" by the axes of "inner", or is another operator of one input. */
static pb if_node(const char *text, const char *inner_operator)
{
    pb n = onnx_node(text), attribute = pb_new(), branch = pb_new(), inner = pb_new();
    pb t = onnx_tensor("inner", ONNX_INT64, ONNX_DIMS(1));
    pb_bytes(&t, 9, (int64_t[]){1}, 8);
    pb_text(&inner, 1, "d");
    pb_text(&inner, 1, "inner");
    pb_text(&inner, 2, "squeezed");
    pb_text(&inner, 4, inner_operator);
    pb_put(&branch, 1, inner);
    pb_put(&branch, 5, t);
    pb_text(&attribute, 1, "then_branch");
    pb_put(&attribute, 6, branch);
    pb_put(&n, 5, attribute);
    return n;
}

/* Nodes apart by semicolons; a pooling is over three channels, of [3, 1, 1]. */
static const char *write_chain(const char *nodes)
{
    onnx_model m = onnx_begin();
    char text[512];
    strcpy(text, nodes);
    for (char *save = NULL, *one = strtok_r(text, ";", &save); one != NULL;
         one = strtok_r(NULL, ";", &save)) {
        pb n = strncmp(one, "If", 2) == 0        ? if_node(one, "Squeeze")
               : strncmp(one, "OtherIf", 7) == 0 ? if_node(one + 5, "Identity")
                                                 : onnx_node(one);
        if (strncmp(one, "Average", 7) == 0)
            n = onnx_with_ints(n, "kernel_shape", ONNX_DIMS(3, 1, 1));
        if (strncmp(one, "AveragePool b", 13) == 0)
            n = onnx_with_int(onnx_with_ints(n, "pads", ONNX_DIMS(1, 0, 0, 1, 0, 0)),
                              "count_include_pad", 1);
        onnx_put_node(&m, n);
    }
    put_ints(&m, "five", 5, (int64_t[]){-1, 1, 1, 4, 4});
    put_ints(&m, "four", 4, (int64_t[]){0, 1, 4, -1});
    put_ints(&m, "turned", 5, (int64_t[]){-1, 1, 4, 4, 1});
    put_ints(&m, "pads", 10, (int64_t[]){0, 0, 1, 0, 0, 0, 0, 1, 0, 0});
    put_ints(&m, "lopsided", 10, (int64_t[]){0, 0, 2, 0, 0, 0, 0, 0, 0, 0});
    put_ints(&m, "rows", 10, (int64_t[]){0, 0, 1, 1, 0, 0, 0, 1, 1, 0});
    put_ints(&m, "one", 1, (int64_t[]){1});
    put_ints(&m, "two", 1, (int64_t[]){2});
    put_float(&m, "square", 2.0f);
    put_float(&m, "cube", 3.0f);
    put_float(&m, "alpha", 0.5f);
    put_float(&m, "k", 1.5f);
    put_float(&m, "beta", 0.75f);
    onnx_put_tensor(&m, onnx_counting("many", ONNX_DIMS(4)));
    return onnx_write(m);
}

#define MEAN "Mul x,x a;Reshape a,five b;Pad b,pads c;AveragePool c d;Squeeze d,one e;"

static void chains_are_one_layer(void **state)
{
    (void)state;
    static const struct {
        const char *nodes;
        float alpha, beta, k;
    } cases[] = {
        {MEAN "Reshape e,four f;Mul f,alpha g;Add g,k h;Pow h,beta i;Div x,i y", 0.5f, 0.75f, 1.5f},
        {MEAN "Mul alpha,e g;Cast g c1;Add k,c1 h;Pow h,beta i;Div x,i y", 0.5f, 0.75f, 1.5f},
        {MEAN "Add e,k h;Pow h,beta i;Div x,i y", 1.0f, 0.75f, 1.5f},
        {MEAN "Mul e,alpha g;Add g,k h;Div x,h y", 0.5f, 1.0f, 1.5f},
        {"Pow x,square a;Unsqueeze a,one b;AveragePool b d;Squeeze d,one e;Mul e,alpha g;Add g,k h;"
         "Pow h,beta i;Div x,i y",
         0.5f, 0.75f, 1.5f},
        {"Mul x,x a;Reshape a,five b;AveragePool b d;Reshape d,four e;Mul e,alpha g;Add g,k h;"
         "Pow h,beta i;Div x,i y",
         0.5f, 0.75f, 1.5f},
        {"Mul x,x a;Reshape a,five b;AveragePool b d;Shape d s;Gather s,one t;Equal t,one u;If u e;"
         "Mul e,alpha g;Add g,k h;Pow h,beta i;Div x,i y",
         0.5f, 0.75f, 1.5f},
        {"Relu x r;Mul r,r a;Reshape a,five b;AveragePool b d;Reshape d,four e;Mul e,alpha g;"
         "Add g,k h;Pow h,beta i;Div r,i y",
         0.5f, 0.75f, 1.5f},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vgg_weights *weights;
        if (vgg_weights_open(write_chain(cases[i].nodes), &weights) != CLVGG_STATUS_OK)
            fail_msg("%s: %s", cases[i].nodes, vgg_message());
        const vgg_graph *graph = vgg_weights_graph(weights);
        const vgg_node *norm = &graph->nodes[graph->count - 1];
        assert_int_equal(graph->count, strncmp(cases[i].nodes, "Relu", 4) == 0 ? 3 : 2);
        assert_string_equal(norm->name, "norm1");
        assert_int_equal(norm->attributes.lrn.size, 3);
        assert_true(norm->attributes.lrn.alpha == cases[i].alpha);
        assert_true(norm->attributes.lrn.beta == cases[i].beta);
        assert_true(norm->attributes.lrn.k == cases[i].k);
        vgg_weights_close(weights);
    }
}

static void what_differs_is_refused(void **state)
{
    (void)state;
#define TAIL "Mul e,alpha g;Add g,k h;Pow h,beta i;Div x,i y"
#define OTHER "isn't as local response normalisation over channels has it"
    static const struct {
        const char *nodes, *says;
    } cases[] = {
        {"Pow x,cube a;Reshape a,five b;AveragePool b d;Squeeze d,one e;" TAIL,
         "node 'a' (Pow): " OTHER},
        {"Mul x,x a;Reshape a,turned b;AveragePool b d;Squeeze d,one e;" TAIL,
         "node 'b' (Reshape): " OTHER},
        {"Mul x,x a;Reshape a,five b;Pad b,lopsided c;AveragePool c d;Squeeze d,one e;" TAIL,
         "node 'd' (AveragePool): " OTHER},
        {"Mul x,x a;Reshape a,five b;Pad b,rows c;AveragePool c d;Squeeze d,one e;" TAIL,
         "node 'c' (Pad): " OTHER},
        {"Mul x,x a;Reshape a,five b;AveragePool b d;Squeeze d,two e;" TAIL,
         "node 'e' (Squeeze): " OTHER},
        {"Mul x,x a;Reshape a,five b;MaxPool b d;Squeeze d,one e;" TAIL,
         "node 'd' (MaxPool): " OTHER},
        {"Mul x,x a;Reshape a,five b;AveragePool b d;Shape d s;Gather s,two t;Equal t,two u;If u "
         "e;" TAIL,
         "node 'e' (If): " OTHER},
        {"Mul x,x a;Reshape a,five b;AveragePool b d;Shape d s;Gather s,one t;Equal t,one u;"
         "OtherIf u e;" TAIL,
         "node 'e' (If): " OTHER},
        {MEAN "Pow e,beta g;Add g,k h;Div x,h y", "node 'h' (Add): " OTHER},
        {MEAN "Mul e,alpha g;Add g,k h;Sqrt h i;Div x,i y", "node 'i' (Sqrt): " OTHER},
        {MEAN "Mul e,many g;Add g,k h;Div x,h y", "node 'g' (Mul): tensor 'many' isn't one number"},
        {MEAN "Mul e,alpha g;Pow g,beta i;Div x,i y", "node 'y' (Div): divides by local response"},
        {MEAN "Add e,k h;Relu h z;Div x,h y", "the network branches here: 'h'"},
        {"Mul x,x a;Add a,k h;Div x,h y", "node 'h' (Add): " OTHER},
        {MEAN "Add e,k h;Pow h,beta i;Div i,x y", "the network branches here: 'x'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vgg_weights *weights;
        assert_int_not_equal(vgg_weights_open(write_chain(cases[i].nodes), &weights),
                             CLVGG_STATUS_OK);
        if (strstr(vgg_message(), cases[i].says) == NULL)
            fail_msg("\"%s\" isn't in \"%s\"", cases[i].says, vgg_message());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_are_one_layer),
        cmocka_unit_test(what_differs_is_refused),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}

#else

int main(void)
{
    return 0;
}

#endif
