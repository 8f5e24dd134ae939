/* tests/unit/test_weights_ncnn.c — ncnn's pairs of files: what pnnx wrote, descriptions of other
 * networks and hostile ones, and both files cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "graph/graph.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/weights.h"

#define SMALL TEST_DATA "/weights/"
#define ODD TEST_DATA "/formats/odd/"

static vgg_weights *must_open(const char *path)
{
    vgg_weights *weights;
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return weights;
}

static float half(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float value = exponent == 0 ? ldexpf((float)fraction, -24)
                                      : ldexpf((float)(fraction + 1024), exponent - 25);
    return bits >> 15 ? -value : value;
}

/* pnnx rounds weights to float16 and leaves biases as they are. */
static void float16_weights_are_read(void **state)
{
    (void)state;
    vgg_weights *exact = must_open(TEST_DATA "/formats/vgg16/network.safetensors");
    vgg_weights *weights = must_open(SMALL "half.ncnn.bin");
    assert_int_equal(vgg_weights_count(weights), vgg_weights_count(exact));
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
        const vgg_tensor_entry *wanted = vgg_weights_find(exact, entry->name);
        assert_non_null(wanted);
        assert_true(vgg_shape_equal(&entry->shape, &wanted->shape));
        const bool is_half = entry->dtype == CLVGG_DTYPE_F16;
        assert_int_equal(is_half, strstr(entry->name, ".weight") != NULL);
        float *right = malloc((size_t)entry->count * sizeof *right);
        void *values = malloc((size_t)entry->count * sizeof *right);
        assert_int_equal(vgg_weights_read(exact, wanted, 0, entry->count, right), CLVGG_STATUS_OK);
        assert_int_equal(vgg_weights_read(weights, entry, 0, entry->count, values),
                         CLVGG_STATUS_OK);
        for (size_t k = 0; k < entry->count; k++) {
            const float got = is_half ? half(((uint16_t *)values)[k]) : ((float *)values)[k];
            assert_true(fabsf(got - right[k]) <= (is_half ? 6e-4f * fabsf(right[k]) + 1e-7f : 0));
        }
        free(right);
        free(values);
    }
    vgg_weights_close(weights);
    vgg_weights_close(exact);
}

/* ---- descriptions ---- */

/* A pair of files, of which the description's path is returned. */
static const char *pair(const char *param, const void *bin, size_t bytes)
{
    file_write(temp_path("net.bin"), bin, bytes);
    const char *path = temp_path("net.param");
    file_write(path, param, strlen(param));
    return path;
}

static void assert_network(const char *param, size_t bytes, const char *expected)
{
    static const char zeros[65536];
    char names[2048];
    vgg_weights *weights = must_open(pair(param, zeros, bytes));
    const vgg_graph *graph = vgg_weights_graph(weights);
    size_t used = (size_t)snprintf(
        names, sizeof names, "%lldx%lldx%lld", (long long)graph->nodes[0].output.dims[0],
        (long long)graph->nodes[0].output.dims[1], (long long)graph->nodes[0].output.dims[2]);
    for (int i = 1; i < graph->count; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, " %s", graph->nodes[i].name);
    assert_string_equal(names, expected);
    vgg_weights_close(weights);
}

#define HEAD(layers) "7767517\n" layers " 9\n"
#define INPUT "Input in 0 1 in\n"
#define CONV "Convolution c 1 1 in c 0=2 1=3 4=1 5=1 6=54\n"
#define CONV_BYTES (4 + 216 + 8)

static void networks_are_built(void **state)
{
    (void)state;
    assert_network(HEAD("2") INPUT CONV, CONV_BYTES, "3x224x224 conv1_1");
    assert_network(HEAD("2") "Input in 0 1 in 0=20 1=10 2=3\n" CONV, CONV_BYTES, "3x10x20 conv1_1");
    assert_network(HEAD("4") INPUT CONV "ReLU r 1 1 c r\nReLU s 1 1 r s\n", CONV_BYTES,
                   "3x224x224 conv1_1 relu1_1 relu1_1.3");
    /* the first dense layer tells the input: 2 channels of 7 x 7 behind a pooling of 32 */
    assert_network(HEAD("5") INPUT CONV "Pooling p 1 1 c p 1=32 2=32 5=1\n"
                                        "InnerProduct f 1 1 p f 0=3 2=294 9=1\n"
                                        "InnerProduct g 1 1 f g 0=2 1=1 2=6\n",
                   CONV_BYTES + 4 + 1176 + 4 + 24 + 8,
                   "3x224x224 conv1_1 pool1 flatten fc6 relu6 fc7 prob");
    assert_network(HEAD("5") INPUT CONV "Pooling p 1 1 c p 1=2 2=2\nReshape t 1 1 p t 0=-1\n"
                                        "InnerProduct f 1 1 t f 0=1 2=512\n",
                   CONV_BYTES + 4 + 2048, "3x32x32 conv1_1 pool1 flatten fc6 prob");
    assert_network(HEAD("3") INPUT "Convolution c 1 1 in c 0=2 1=3 3=2 4=-233 6=18\n"
                                   "Pooling p 1 1 c p 0=1 4=1\n",
                   76, "1x224x224 conv1_1 pool1 flatten");
}

static void other_networks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *param, *says;
    } cases[] = {
        {HEAD("1") INPUT "ReLU r 1 1 in r\n", "has more layers than the 1"},
        {HEAD("3") INPUT CONV, "claims 3 layers and has 2"},
        {HEAD("0"), "second line"},
        {HEAD("99999"), "second line"},
        {HEAD("1.5"), "second line"},
        {"7767517\n", "second line"},
        {HEAD("2") INPUT "ReLU r 1 1 other r\n", "reads 'other'"},
        {HEAD("2") CONV INPUT, "the first layer"},
        {HEAD("2") INPUT "Concat r 2 1 in in r\n", "has 2 inputs and 1 outputs"},
        {HEAD("2") INPUT "Split r 1 2 in a b\n", "has 1 inputs and 2 outputs"},
        {HEAD("2") INPUT "ReLU\n", "needs a name"},
        {HEAD("2") INPUT "ReLU r x 1\n", "needs a name and numbers"},
        {HEAD("2") INPUT "ReLU r 1 1 in\n", "inputs are missing"},
        {HEAD("2") INPUT "ReLU r 1 1 in r 0\n", "isn't key=value"},
        {HEAD("2") INPUT "ReLU r 1 1 in r x=1\n", "isn't a parameter's number"},
        {HEAD("2") INPUT "ReLU r 1 1 in r 32=1\n", "isn't one of 0 to 31"},
        {HEAD("2") INPUT "ReLU r 1 1 in r 0=1e9999\n", "isn't a number"},
        {HEAD("2") INPUT "ReLU r 1 1 in r 0=1 0=1\n", "doubled"},
        {HEAD("2") INPUT "ReLU r 1 1 in r 0=0.1\n", "leaky"},
        {HEAD("2") INPUT "Swish r 1 1 in r\n", "layer 'r' (Swish): layers of this type aren't"},
        {HEAD("2") INPUT "Convolution c 1 1 in c 0=2 1=3 6=54 9=3\n", "activation"},
        {HEAD("2") INPUT "Convolution c 1 1 in c 0=2 1=3 6=54 8=2\n", "quantised to int8"},
        {HEAD("2") INPUT "Convolution c 1 1 in c 0=2 1=-3 6=54\n", "no positive number"},
        {HEAD("2") INPUT "Convolution c 1 1 in c 0=2 1=1e15 6=54\n", "no positive number"},
        {HEAD("2") INPUT "Convolution c 1 1 in c 0=2 1=3 6=55\n", "states 55 weights"},
        {HEAD("2") INPUT "Convolution c 1 1 in c 0=-2 1=3 6=54\n", "out_channels is -2"},
        {HEAD("2") INPUT "Pooling c 1 1 in c 0=2 1=3\n", "neither a max nor an average"},
        {HEAD("2") INPUT "InnerProduct f 1 1 in f 0=3 2=10\n", "states 10 weights"},
        {HEAD("3") INPUT CONV "InnerProduct f 1 1 c f 0=3 2=33\n", "no square input gives the 11"},
        {HEAD("2") INPUT "Reshape t 1 1 in t 0=3 1=5\n", "one row of features"},
        {HEAD("2") "Input in 0 1 in 0=-1 1=3 2=3\nReLU r 1 1 in r\n", "must be at least 1"},
    };
    static const char zeros[4096];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vgg_weights *weights;
        const char *path = pair(cases[i].param, zeros, sizeof zeros);
        assert_int_not_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
        if (strstr(vgg_message(), cases[i].says) == NULL || strstr(vgg_message(), path) == NULL)
            fail_msg("%s%s and the path were expected: %s", cases[i].param, cases[i].says,
                     vgg_message());
    }
}

/* ---- weights ---- */

static void assert_refused(const char *path, clvgg_status expected, const char *says)
{
    vgg_weights *weights;
    assert_int_equal(vgg_weights_open(path, &weights), expected);
    assert_null(weights);
    if (strstr(vgg_message(), says) == NULL)
        fail_msg("\"%s\" was expected: %s", says, vgg_message());
}

static void weights_are_checked(void **state)
{
    (void)state;
    static const char param[] = HEAD("2") INPUT CONV;
    char bin[CONV_BYTES + 4] = {0};
    for (size_t bytes = 0; bytes < CONV_BYTES; bytes++)
        assert_refused(pair(param, bin, bytes), CLVGG_STATUS_BAD_FILE, "net.bin: ");
    assert_refused(pair(param, bin, CONV_BYTES + 4), CLVGG_STATUS_BAD_FILE,
                   "end at byte 228, the file has 232: it belongs to another description");
    memcpy(bin, "\x38\x4B\x0D", 4);
    assert_refused(pair(param, bin, CONV_BYTES), CLVGG_STATUS_UNSUPPORTED, "quantised to int8");
    memcpy(bin, "\1\0\0", 4);
    assert_refused(pair(param, bin, CONV_BYTES), CLVGG_STATUS_BAD_FILE, "the mark 0x00000001");
    remove_tree(temp_path("net.bin"));
    assert_refused(temp_path("net.param"), CLVGG_STATUS_NOT_FOUND, "net.bin");
    file_write(temp_path("net.txt"), param, sizeof param - 1);
    assert_refused(temp_path("net.txt"), CLVGG_STATUS_BAD_FILE, "must end with .param");
}

static void damaged_descriptions_do_no_harm(void **state)
{
    (void)state;
    static const char changes[] = {'\0', '\n', '9', '-'};
    size_t whole, bytes;
    char *text = file_read(ODD "network.ncnn.param", &whole);
    char *bin = file_read(ODD "network.ncnn.bin", &bytes);
    const char *path = temp_path("changed.param");
    file_write(temp_path("changed.bin"), bin, bytes);
    for (size_t at = 0; at < whole; at++) {
        vgg_weights *weights;
        const char kept = text[at];
        file_write(path, text, at);
        (void)vgg_weights_open(path, &weights);
        vgg_weights_close(weights);
        for (size_t i = 0; i < sizeof changes; i++) {
            text[at] = changes[i];
            file_write(path, text, whole);
            (void)vgg_weights_open(path, &weights);
            vgg_weights_close(weights);
        }
        text[at] = kept;
    }
    free(text);
    free(bin);
}

static clvgg_status open_and_close(void *path)
{
    vgg_weights *weights = NULL;
    const clvgg_status status = vgg_weights_open(path, &weights);
    vgg_weights_close(weights);
    return status;
}

/* The longest of all, whose layers have one name: read in no time. */
static void long_networks_are_read(void **state)
{
    (void)state;
    vgg_text text = {0};
    vgg_text_puts(&text, "7767517\n1000 1000\nInput in 0 1 0\n");
    for (int i = 1; i < 1000; i++)
        vgg_text_printf(&text, "ReLU r%d 1 1 %d %d\n", i, i - 1, i);
    vgg_weights *weights = must_open(pair(text.bytes, "", 0));
    assert_int_equal(vgg_weights_graph(weights)->count, 1000);
    vgg_weights_close(weights);
    vgg_text_free(&text);
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    assert_true(failing_allocator_sweep(open_and_close, ODD "network.ncnn.param") >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float16_weights_are_read),        cmocka_unit_test(networks_are_built),
        cmocka_unit_test(other_networks_are_refused),      cmocka_unit_test(weights_are_checked),
        cmocka_unit_test(damaged_descriptions_do_no_harm), cmocka_unit_test(long_networks_are_read),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
