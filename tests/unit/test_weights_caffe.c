/* tests/unit/test_weights_caffe.c — Caffe's models: blobs of both generations, networks that are
 * and aren't read, files cut at every byte and changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "support/failing_allocator.h"
#include "support/files.h"
#include "support/protobuf.h"
#include "weights/weights.h"

#define FORMATS TEST_DATA "/formats/"

static vgg_weights *must_open(const char *path)
{
    vgg_weights *weights;
    const clvgg_status status = vgg_weights_open(path, &weights);
    if (status == CLVGG_STATUS_UNSUPPORTED && strstr(vgg_message(), "built without") != NULL)
        skip();
    if (status != CLVGG_STATUS_OK)
        fail_msg("%s", vgg_message());
    return weights;
}

static float *read_all(const vgg_weights *weights, const char *name, size_t *count)
{
    const vgg_tensor_entry *entry = vgg_weights_find(weights, name);
    if (entry == NULL)
        fail_msg("there is no %s", name);
    float *values = malloc((size_t)entry->count * sizeof *values);
    assert_int_equal(vgg_weights_read(weights, entry, 0, entry->count, values), CLVGG_STATUS_OK);
    *count = (size_t)entry->count;
    return values;
}

/* Within a rounding or two: statistics were multiplied by a factor, and are divided by it. */
static void assert_same_tensors(const char *folder, const char *name, float tolerance)
{
    char path[512];
    snprintf(path, sizeof path, FORMATS "%s/network.safetensors", folder);
    vgg_weights *expected = must_open(path);
    snprintf(path, sizeof path, FORMATS "%s/%s", folder, name);
    vgg_weights *got = must_open(path);
    assert_int_equal(vgg_weights_count(got), vgg_weights_count(expected));
    for (size_t i = 0; i < vgg_weights_count(expected); i++) {
        const char *tensor = vgg_weights_entry(expected, i)->name;
        size_t count, right_count;
        float *values = read_all(got, tensor, &count);
        float *right = read_all(expected, tensor, &right_count);
        assert_int_equal(count, right_count);
        for (size_t k = 0; k < count; k++) {
            const float off = values[k] - right[k], size = right[k] < 0 ? -right[k] : right[k];
            if (!(off <= tolerance * size && -off <= tolerance * size))
                fail_msg("%s: %s[%zu] is %g, not %g", path, tensor, k, (double)values[k],
                         (double)right[k]);
        }
        free(values);
        free(right);
    }
    vgg_weights_close(got);
    vgg_weights_close(expected);
}

static void both_generations_are_read(void **state)
{
    (void)state;
    assert_same_tensors("vgg16", "v1.caffemodel", 0);
    assert_same_tensors("vgg16", "v2.caffemodel", 0);
    assert_same_tensors("vgg16", "double.caffemodel", 0);
    assert_same_tensors("vgg16", "names.caffemodel", 0);
    assert_same_tensors("vgg11_bn", "v2.caffemodel", 3e-7f);
}

/* ---- files made here ---- */

enum { LAYER = 100, NAME = 1, TYPE = 2, BOTTOM = 3, TOP = 4, BLOBS = 7, CONV = 106, DENSE = 117 };

static pb layer(const char *name, const char *type, const char *bottom, const char *top)
{
    pb made = pb_new();
    pb_text(&made, NAME, name);
    pb_text(&made, TYPE, type);
    if (bottom != NULL)
        pb_text(&made, BOTTOM, bottom);
    if (top != NULL)
        pb_text(&made, TOP, top);
    return made;
}

/* A blob with a shape of one dimension more than 0, and values 0, 1, 2 …, a key each. */
static pb blob(const int64_t *dims, size_t rank, size_t count)
{
    pb made = pb_new(), shape = pb_new();
    for (size_t i = 0; i < rank; i++)
        pb_int(&shape, 1, dims[i]);
    pb_put(&made, 7, shape);
    for (size_t i = 0; i < count; i++)
        pb_float(&made, 5, (float)i);
    return made;
}

static void put_conv(pb *net, int64_t channels, size_t values)
{
    pb conv = layer("c", "Convolution", "data", "c"), parameters = pb_new();
    pb_int(&parameters, 1, 2);
    pb_int(&parameters, 4, 3);
    pb_put(&conv, CONV, parameters);
    pb_put(&conv, BLOBS, blob((const int64_t[]){2, channels, 3, 3}, 4, values));
    pb_put(&conv, BLOBS, blob((const int64_t[]){2}, 1, 2));
    pb_put(net, LAYER, conv);
}

static pb net_new(void)
{
    pb net = pb_new();
    pb_text(&net, 1, "net");
    return net;
}

static const char *save(pb net)
{
    const char *path = temp_path("net.caffemodel");
    file_write(path, net.bytes, net.length);
    pb_free(&net);
    return path;
}

static void networks_are_built(void **state)
{
    (void)state;
    pb net = net_new();
    put_conv(&net, 3, 54);
    pb_put(&net, LAYER, layer("r", "ReLU", "c", "c"));
    pb_put(&net, LAYER, layer("c_split", "Split", "c", "c_r_0_split_0"));
    pb_put(&net, LAYER, layer("n", "LRN", "c_r_0_split_0", "n"));
    vgg_weights *weights = must_open(save(net));
    const vgg_graph *graph = vgg_weights_graph(weights);
    assert_int_equal(graph->count, 4);
    assert_int_equal(graph->nodes[0].output.dims[1], 224);
    assert_string_equal(graph->nodes[3].name, "n");
    assert_non_null(strstr(vgg_weights_metadata(weights, "clvgg.preprocess"), "BGR"));
    float value;
    assert_int_equal(
        vgg_weights_read(weights, vgg_weights_find(weights, "c.weight"), 53, 1, &value),
        CLVGG_STATUS_OK);
    assert_true(value == 53);
    vgg_weights_close(weights);
}

static void assert_refused(pb net, const char *says)
{
    vgg_weights *weights;
    const char *path = save(net);
    assert_int_not_equal(vgg_weights_open(path, &weights), CLVGG_STATUS_OK);
    if (strstr(vgg_message(), "built without") != NULL)
        skip();
    if (strstr(vgg_message(), says) == NULL || strstr(vgg_message(), path) == NULL)
        fail_msg("\"%s\" and \"%s\" were expected: %s", path, says, vgg_message());
}

static void refuse_layer(const char *type, const char *bottom, const char *says)
{
    pb net = net_new();
    put_conv(&net, 3, 54);
    pb_put(&net, LAYER, layer("x", type, bottom, "x"));
    assert_refused(net, says);
}

static void others_are_refused(void **state)
{
    (void)state;
    refuse_layer("Deconvolution", "c", "layer 'x' (Deconvolution): layers of this type aren't");
    refuse_layer("Pooling", "c", "the file doesn't hold its parameters");
    refuse_layer("ReLU", "data", "layer 'x' reads 'data', not what");
    refuse_layer("ReLU", NULL, "has 0 inputs and 1 outputs");
    refuse_layer("Softmax", "c", "it reads an image");
    pb net = net_new();
    put_conv(&net, 3, 53);
    assert_refused(net, "shape [2, 3, 3, 3] doesn't go with 212 bytes of float32");
    net = net_new();
    put_conv(&net, INT64_C(1) << 62, 54);
    assert_refused(net, "doesn't go with 216 bytes");
    net = net_new();
    put_conv(&net, -3, 54);
    assert_refused(net, "net.caffemodel");
    net = net_new();
    pb_put(&net, LAYER, layer("c", "ReLU", "data", "c"));
    assert_refused(net, "without weights");
    net = net_new();
    pb old = pb_new();
    pb_text(&old, 2, "data");
    pb_put(&net, 2, old);
    assert_refused(net, "upgrade_net_proto_binary");
}

/* ---- damage ---- */

static void read_what_opens(const char *path)
{
    vgg_weights *weights;
    if (vgg_weights_open(path, &weights) != CLVGG_STATUS_OK)
        return;
    for (size_t i = 0; i < vgg_weights_count(weights); i++) {
        const vgg_tensor_entry *entry = vgg_weights_entry(weights, i);
        float *values = malloc((size_t)entry->count * sizeof *values + 1);
        assert_int_equal(vgg_weights_read(weights, entry, 0, entry->count, values),
                         CLVGG_STATUS_OK);
        free(values);
    }
    vgg_weights_close(weights);
}

static void damage_does_no_harm(void **state)
{
    (void)state;
    pb net = net_new();
    put_conv(&net, 3, 54);
    pb_put(&net, LAYER, layer("r", "ReLU", "c", "c"));
    const size_t whole = net.length;
    char *file = malloc(whole);
    memcpy(file, net.bytes, whole);
    pb_free(&net);
    const char *path = temp_path("damaged.caffemodel");
    for (size_t at = 0; at < whole; at++) {
        static const char changes[] = {0, 1, 0x7F, (char)0xFF};
        const char kept = file[at];
        file_write(path, file, at);
        read_what_opens(path);
        for (size_t i = 0; i < sizeof changes; i++) {
            file[at] = changes[i];
            file_write(path, file, whole);
            read_what_opens(path);
        }
        file[at] = kept;
    }
    free(file);
}

static clvgg_status open_and_close(void *path)
{
    vgg_weights *weights = NULL;
    const clvgg_status status = vgg_weights_open(path, &weights);
    vgg_weights_close(weights);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    vgg_weights_close(must_open(FORMATS "vgg11_bn/v2.caffemodel"));
    assert_true(failing_allocator_sweep(open_and_close, FORMATS "vgg11_bn/v2.caffemodel") >= 8);
    assert_true(failing_allocator_sweep(open_and_close, FORMATS "vgg16/names.caffemodel") >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_generations_are_read),    cmocka_unit_test(networks_are_built),
        cmocka_unit_test(others_are_refused),           cmocka_unit_test(damage_does_no_harm),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, temp_folder_setup, temp_folder_teardown);
}
