/* support/networks.c — networks as tables; each layer reads the one before unless it says other. */
#include "support/networks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/op_run.h"
#include "support/small_model.h"
#include "tensor/shape.h"

typedef struct network_layer {
    const char *name;
    vgg_layer_type type;
    vgg_attributes attributes;
    const char *input; /* NULL: the layer before */
} network_layer;

typedef struct network {
    int64_t input[3];
    network_layer layers[24]; /* ends with a NULL name */
} network;

/* out channels, kernel, stride, pad; dilation 1, groups 1, bias */
#define CONV(k, kernel, stride, pad)                                                               \
    VGG_LAYER_CONV2D,                                                                              \
    {                                                                                              \
        .conv = { k, {kernel, kernel}, {stride, stride}, {1, 1}, {pad, pad, pad, pad}, 1, true }   \
    }
#define POOL(kernel, stride, ...)                                                                  \
    {                                                                                              \
        .pool = { {kernel, kernel}, {stride, stride}, __VA_ARGS__ }                                \
    }
#define DENSE(outputs)                                                                             \
    VGG_LAYER_DENSE,                                                                               \
    {                                                                                              \
        .dense = { outputs, true }                                                                 \
    }
#define NORM(size, alpha, beta, k)                                                                 \
    VGG_LAYER_LOCAL_RESPONSE_NORM,                                                                 \
    {                                                                                              \
        .lrn = { size, alpha, beta, k }                                                            \
    }
#define BATCH_NORM(epsilon, affine)                                                                \
    VGG_LAYER_BATCH_NORM,                                                                          \
    {                                                                                              \
        .batch_norm = { epsilon, affine }                                                          \
    }
#define QUANTIZE(scale, low, high)                                                                 \
    VGG_LAYER_QUANTIZE,                                                                            \
    {                                                                                              \
        .quantize = { scale, low, high }                                                           \
    }
#define NONE                                                                                       \
    {                                                                                              \
        .dropout_rate = 0.0f                                                                       \
    }
#define PADS(p)                                                                                    \
    {                                                                                              \
        p, p, p, p                                                                                 \
    }

const char *const network_names[NETWORK_COUNT] = {"vgg", "odd",   "branches",
                                                  "zf",  "norms", "integers", "quantized"};

static const network networks[NETWORK_COUNT] = {
    [NETWORK_VGG] = {{3, 32, 32},
                     {{"conv1", CONV(8, 3, 1, 1), NULL},
                      {"relu1", VGG_LAYER_RELU, NONE, NULL},
                      {"conv2", CONV(20, 3, 1, 1), NULL},
                      {"relu2", VGG_LAYER_RELU, NONE, NULL},
                      {"pool2", VGG_LAYER_MAX_POOL, POOL(2, 2, {0}), NULL},
                      {"conv3", CONV(35, 3, 1, 1), NULL},
                      {"relu3", VGG_LAYER_RELU, NONE, NULL},
                      {"pool3", VGG_LAYER_MAX_POOL, POOL(2, 2, {0}), NULL},
                      {"flatten", VGG_LAYER_FLATTEN, NONE, NULL},
                      {"fc4", DENSE(70), NULL},
                      {"relu4", VGG_LAYER_RELU, NONE, NULL},
                      {"drop4", VGG_LAYER_DROPOUT, {.dropout_rate = 0.5f}, NULL},
                      {"fc5", DENSE(5), NULL},
                      {"softmax", VGG_LAYER_SOFTMAX, NONE, NULL}}},
    [NETWORK_ODD] = {{5, 17, 23},
                     {{"conv1", CONV(7, 3, 2, 2), NULL},
                      {"tanh1", VGG_LAYER_TANH, NONE, NULL},
                      {"conv2",
                       VGG_LAYER_CONV2D,
                       {.conv = {14, {3, 2}, {1, 1}, {2, 3}, {2, 1, 2, 2}, 7, false}},
                       NULL},
                      {"sigmoid2", VGG_LAYER_SIGMOID, NONE, NULL},
                      {"average", VGG_LAYER_AVG_POOL,
                       POOL(3, 2, PADS(1), .count_include_pad = true), NULL},
                      {"conv3", CONV(33, 3, 1, 1), NULL},
                      {"relu3", VGG_LAYER_RELU, NONE, NULL},
                      {"overlap", VGG_LAYER_MAX_POOL, POOL(3, 2, PADS(0), .ceil_mode = true), NULL},
                      {"conv4", CONV(18, 1, 1, 0), NULL},
                      {"pool4", VGG_LAYER_MAX_POOL, POOL(2, 1, PADS(1), .switches = true), NULL},
                      {"adaptive", VGG_LAYER_AVG_POOL, {.pool = {.adaptive = {3, 2}}}, NULL},
                      {"flatten", VGG_LAYER_FLATTEN, NONE, NULL},
                      {"fc5", VGG_LAYER_DENSE, {.dense = {11, false}}, NULL},
                      {"sigmoid5", VGG_LAYER_SIGMOID, NONE, NULL},
                      {"softmax", VGG_LAYER_SOFTMAX, NONE, NULL}}},
    [NETWORK_BRANCHES] = {{6, 9, 8},
                          {{"drop0", VGG_LAYER_DROPOUT, {.dropout_rate = 0.1f}, NULL},
                           {"conv1", CONV(19, 3, 1, 1), NULL},
                           {"relu1", VGG_LAYER_RELU, NONE, NULL},
                           {"pool1", VGG_LAYER_MAX_POOL, POOL(2, 2, {0}), NULL},
                           {"tanh1", VGG_LAYER_TANH, NONE, "conv1"},
                           {"adaptive", VGG_LAYER_MAX_POOL, {.pool = {.adaptive = {4, 3}}}, NULL},
                           {"drop1", VGG_LAYER_DROPOUT, {.dropout_rate = 0.5f}, "pool1"},
                           {"conv2", CONV(9, 3, 1, 1), NULL},
                           {"flatten", VGG_LAYER_FLATTEN, NONE, NULL},
                           {"relu2", VGG_LAYER_RELU, NONE, NULL},
                           {"fc3", DENSE(6), NULL},
                           {"pool2", VGG_LAYER_MAX_POOL, POOL(2, 2, {0}), "conv2"},
                           {"flatten0", VGG_LAYER_FLATTEN, NONE, "drop0"},
                           {"tanh0", VGG_LAYER_TANH, NONE, NULL}}},
    [NETWORK_INTEGERS] = {{3, 10, 12},
                          {{"conv1", CONV(9, 3, 1, 1), NULL},
                           {"relu1", VGG_LAYER_RELU, NONE, NULL},
                           {"conv2", CONV(10, 3, 1, 1), NULL},
                           {"relu2", VGG_LAYER_RELU, NONE, NULL},
                           {"pool2", VGG_LAYER_MAX_POOL, POOL(2, 2, {0}), NULL},
                           {"pool3", VGG_LAYER_MAX_POOL, POOL(3, 2, {0}), NULL},
                           {"flatten", VGG_LAYER_FLATTEN, NONE, NULL},
                           {"fc4", DENSE(37), NULL},
                           {"relu4", VGG_LAYER_RELU, NONE, NULL},
                           {"fc5", DENSE(3), NULL}}},
    [NETWORK_QUANTIZED] = {{3, 10, 12},
                           {{"conv1", CONV(9, 3, 1, 1), NULL},
                            {"quantize2", QUANTIZE(2.0f, -127, 127), NULL},
                            {"conv2", CONV(10, 3, 1, 1), NULL},
                            {"relu2", VGG_LAYER_RELU, NONE, NULL},
                            {"pool2", VGG_LAYER_MAX_POOL, POOL(2, 2, {0}), NULL},
                            {"quantize3", QUANTIZE(4.0f, 0, 254), NULL},
                            {"conv3", CONV(17, 3, 1, 1), NULL},
                            {"relu3", VGG_LAYER_RELU, NONE, NULL},
                            {"side", CONV(4, 1, 1, 0), "quantize3"},
                            {"quantize4", QUANTIZE(16.0f, -3, 9), "relu3"},
                            {"flatten", VGG_LAYER_FLATTEN, NONE, NULL},
                            {"fc4", DENSE(37), NULL},
                            {"relu4", VGG_LAYER_RELU, NONE, NULL},
                            {"quantize5", QUANTIZE(8.0f, 0, 255), NULL},
                            {"fc5", DENSE(3), NULL}}},
    [NETWORK_ZF] = {{3, 63, 61},
                    {{"conv1", CONV(18, 7, 2, 1), NULL},
                     {"relu1", VGG_LAYER_RELU, NONE, NULL},
                     {"pool1", VGG_LAYER_MAX_POOL, POOL(3, 2, PADS(0), .ceil_mode = true), NULL},
                     {"norm1", NORM(5, 0.5f, 0.75f, 2.0f), NULL},
                     {"conv2", CONV(21, 5, 2, 0), NULL},
                     {"relu2", VGG_LAYER_RELU, NONE, NULL},
                     {"norm2", NORM(4, 2.0f, 0.6f, 1.0f), NULL},
                     {"pool2", VGG_LAYER_MAX_POOL, POOL(3, 2, PADS(0), .ceil_mode = true), NULL},
                     {"conv3", CONV(24, 3, 1, 1), NULL},
                     {"relu3", VGG_LAYER_RELU, NONE, NULL},
                     {"conv4", CONV(19, 3, 1, 1), NULL},
                     {"relu4", VGG_LAYER_RELU, NONE, NULL},
                     {"pool5", VGG_LAYER_MAX_POOL, POOL(3, 2, PADS(0), .ceil_mode = true), NULL},
                     {"flatten", VGG_LAYER_FLATTEN, NONE, NULL},
                     {"fc6", DENSE(33), NULL},
                     {"relu6", VGG_LAYER_RELU, NONE, NULL},
                     {"drop6", VGG_LAYER_DROPOUT, {.dropout_rate = 0.5f}, NULL},
                     {"fc8", DENSE(5), NULL},
                     {"softmax", VGG_LAYER_SOFTMAX, NONE, NULL}}},
    [NETWORK_NORMS] = {{3, 19, 18},
                       {{"norm0", BATCH_NORM(1e-5f, true), NULL},
                        {"conv1", CONV(18, 3, 1, 1), NULL},
                        {"norm1", BATCH_NORM(1e-3f, true), NULL},
                        {"relu1", VGG_LAYER_RELU, NONE, NULL},
                        {"pool1", VGG_LAYER_MAX_POOL, POOL(2, 2, {0}), NULL},
                        {"bare1", BATCH_NORM(1e-5f, false), NULL},
                        {"conv2",
                         VGG_LAYER_CONV2D,
                         {.conv = {21, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
                         NULL},
                        {"relu2", VGG_LAYER_RELU, NONE, NULL},
                        {"norm2", BATCH_NORM(0.5f, true), NULL},
                        {"pool2", VGG_LAYER_MAX_POOL, POOL(2, 2, {0}), NULL},
                        {"flatten", VGG_LAYER_FLATTEN, NONE, NULL},
                        {"fc3", DENSE(33), NULL},
                        {"norm3", BATCH_NORM(1e-5f, true), NULL},
                        {"relu3", VGG_LAYER_RELU, NONE, NULL},
                        {"fc4", DENSE(5), NULL},
                        {"softmax", VGG_LAYER_SOFTMAX, NONE, NULL}}},
};

void must(clvgg_status status)
{
    if (status != CLVGG_STATUS_OK)
        fail_msg("%s: %s", clvgg_status_name(status), clvgg_status_message());
}

/* −1, 0 or 1: with inputs of 0…2, fc5's sums stay below 2²⁴. */
static clvgg_status integer_source(void *user, const char *tensor, const clvgg_shape *shape,
                                   uint64_t first, uint64_t count, float *values)
{
    const clvgg_status status = small_model_source(user, tensor, shape, first, count, values);
    for (uint64_t i = 0; i < count; i++) {
        const float hashed = values[i] * 4096.0f;
        values[i] = (float)((int)floorf(hashed) % 2);
    }
    return status;
}

bool network_is_integers(network_kind kind)
{
    return kind == NETWORK_INTEGERS || kind == NETWORK_QUANTIZED;
}

/* −127, 0 or 127 steps of 2⁻⁷: as int8 they are the same. */
static clvgg_status quantized_source(void *user, const char *tensor, const clvgg_shape *shape,
                                     uint64_t first, uint64_t count, float *values)
{
    const clvgg_status status = integer_source(user, tensor, shape, first, count, values);
    for (uint64_t i = 0; i < count; i++)
        values[i] *= 127.0f / 128.0f;
    return status;
}

clvgg_tensor_source network_source(network_kind kind)
{
    return kind == NETWORK_QUANTIZED  ? quantized_source
           : network_is_integers(kind) ? integer_source
                                       : small_model_source;
}

clvgg_model *network_make(clvgg_runtime *runtime, network_kind kind)
{
    const network *n = &networks[kind];
    vgg_graph *graph = NULL;
    clvgg_model *model = NULL;
    int index = 0;
    must(vgg_graph_create(n->input[0], n->input[1], n->input[2], &graph));
    for (const network_layer *layer = n->layers; layer->name != NULL; layer++)
        must(vgg_graph_add(graph, layer->name, layer->type, &layer->attributes,
                           layer->input != NULL ? vgg_graph_find(graph, layer->input) : index,
                           &index));
    must(vgg_model_from_graph(runtime, graph, network_source(kind), NULL, &model));
    return model;
}

float *network_input(const clvgg_model *model, network_kind kind, int count)
{
    const size_t values = (size_t)count * vgg_shape_elements(&model->graph->nodes[0].output);
    float *input = malloc(values * sizeof *input);
    if (network_is_integers(kind))
        fill_integers(input, values, 2, 5);
    else
        fill_normal(input, values, 1.0, 5);
    return input;
}

clvgg_status session_try(clvgg_device *device, clvgg_model *model, const session_request *request,
                         clvgg_session **out)
{
    clvgg_session_options options;
    clvgg_session_options_defaults(&options);
    if (request->outputs != NULL) {
        options.outputs = request->outputs;
        for (options.output_count = 0; options.outputs[options.output_count] != NULL;)
            options.output_count++;
    }
    options.execution = (clvgg_execution){.gemm = request->gemm,
                                          .variants = &request->variant,
                                          .variant_count = request->variant != NULL,
                                          .storage = request->storage,
                                          .memory_limit_bytes = request->memory_limit_bytes};
    if (request->max_batch > 0)
        options.max_batch = request->max_batch;
    options.shrink_to_fit = request->shrink_to_fit;
    options.profile = request->profile;
    options.plan_only = request->plan_only;
    return clvgg_session_create(device, model, &options, out);
}

clvgg_session *session_make(clvgg_device *device, clvgg_model *model,
                            const session_request *request)
{
    clvgg_session *session = NULL;
    must(session_try(device, model, request, &session));
    return session;
}

size_t session_output_elements(const clvgg_session *session, size_t i)
{
    clvgg_shape shape;
    must(clvgg_session_output_shape(session, i, &shape));
    return (size_t)vgg_shape_elements(&shape);
}

size_t session_input_elements(const clvgg_session *session)
{
    clvgg_shape shape;
    clvgg_session_input_shape(session, &shape);
    return (size_t)vgg_shape_elements(&shape);
}

float *session_run_one(clvgg_session *session, int count, const float *input)
{
    float *output = malloc((size_t)count * session_output_elements(session, 0) * sizeof *output);
    float *outputs[64] = {output};
    must(clvgg_session_run(session, count, input, outputs));
    return output;
}

double relative_l2(const float *a, const float *b, size_t count)
{
    double difference = 0.0, norm = 0.0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += (double)b[i] * b[i];
    }
    return norm > 0.0 ? sqrt(difference / norm) : sqrt(difference);
}
