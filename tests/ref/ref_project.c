/* ref/ref_project.c — one case a layer type, as in ref_graph.c. */
#include "ref/ref_project.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph/layer.h"
#include "ref/reference.h"
#include "tensor/shape.h"

static float *read_parameter(const vgg_graph *graph, int node, int position,
                             clvgg_tensor_source source, void *user)
{
    if (!vgg_node_has_parameter(&graph->nodes[node], position))
        return NULL;
    const clvgg_shape shape = vgg_graph_parameter_shape(graph, node, position);
    const uint64_t count = vgg_shape_elements(&shape);
    float *values = malloc(count * sizeof *values);
    char name[300];
    snprintf(name, sizeof name, "%s.%s", graph->nodes[node].name,
             vgg_layer_of(graph->nodes[node].type)->parameters[position].name);
    if (source(user, name, &shape, 0, count, values) != CLVGG_STATUS_OK)
        abort();
    return values;
}

static void conv_back(const vgg_conv_attributes *conv, const clvgg_shape *in,
                      const clvgg_shape *out, int64_t n, const float *w, const double *dy,
                      double *dx)
{
    const int64_t C = in->dims[0], H = in->dims[1], W = in->dims[2];
    const int64_t K = out->dims[0], OH = out->dims[1], OW = out->dims[2];
    const int64_t KH = conv->kernel[0], KW = conv->kernel[1];
    const int64_t group = C / conv->groups;
    for (int64_t i = 0; i < n * K * OH * OW * group * KH * KW; i++) {
        const int64_t kw = i % KW, kh = i / KW % KH, c = i / KW / KH % group;
        const int64_t at = i / KW / KH / group, ox = at % OW, oy = at / OW % OH;
        const int64_t k = at / OW / OH % K, image = at / OW / OH / K;
        const int64_t iy = oy * conv->stride[0] - conv->pad[VGG_TOP] + kh * conv->dilation[0];
        const int64_t ix = ox * conv->stride[1] - conv->pad[VGG_LEFT] + kw * conv->dilation[1];
        const int64_t channel = k / (K / conv->groups) * group + c;
        if (iy >= 0 && iy < H && ix >= 0 && ix < W)
            dx[((image * C + channel) * H + iy) * W + ix] +=
                dy[at] * (double)w[((k * group + c) * KH + kh) * KW + kw];
    }
}

/* Each value back to its window's maximum, or to all of the window in equal parts: the average of
 * an image that is one at a single pixel is that part. */
static void pool_back(const vgg_pool_attributes *pool, bool average, const clvgg_shape *in,
                      const clvgg_shape *out, int64_t n, const float *x, const double *dy,
                      double *dx)
{
    const int64_t planes = n * in->dims[0], pixels = in->dims[1] * in->dims[2];
    const int64_t windows = out->dims[1] * out->dims[2];
    double *values = malloc((size_t)(planes * windows) * sizeof *values);
    int32_t *switches = malloc((size_t)(planes * windows) * sizeof *switches);
    const clvgg_shape one_in = {3, {1, in->dims[1], in->dims[2]}};
    const clvgg_shape one_out = {3, {1, out->dims[1], out->dims[2]}};
    float *spot = calloc((size_t)pixels, sizeof *spot);
    if (!average)
        ref_pool(pool, false, in, out, n, x, values, switches);
    for (int64_t i = 0; !average && i < planes * windows; i++)
        dx[i / windows * pixels + switches[i]] += dy[i];
    for (int64_t p = 0; average && p < pixels; p++) {
        spot[p] = 1.0f;
        ref_pool(pool, true, &one_in, &one_out, 1, spot, values, NULL);
        spot[p] = 0.0f;
        for (int64_t i = 0; i < planes * windows; i++)
            dx[i / windows * pixels + p] += dy[i] * values[i % windows];
    }
    free(spot);
    free(switches);
    free(values);
}

/* Every value's part in every other's: the Jacobian row by row, d y[j] / d x[c] = [j = c] D^-beta −
 * 2 alpha / size · beta · x[j] x[c] D^(−beta − 1), D of channel j, where c is in j's window. */
static void norm_back(const vgg_lrn_attributes *lrn, const clvgg_shape *shape, int64_t n,
                      const float *x, const double *dy, double *dx)
{
    const int64_t channels = shape->dims[0], pixels = shape->dims[1] * shape->dims[2];
    const double scale = (double)lrn->alpha / (double)lrn->size, beta = (double)lrn->beta;
    for (int64_t i = 0; i < n * channels * pixels; i++) {
        const int64_t j = i / pixels % channels;
        const int64_t first = j - lrn->size / 2, last = j + (lrn->size - 1) / 2;
        double d = (double)lrn->k;
        for (int64_t c = first; c <= last; c++)
            if (c >= 0 && c < channels)
                d += scale * (double)x[i + (c - j) * pixels] * (double)x[i + (c - j) * pixels];
        dx[i] += dy[i] * pow(d, -beta);
        for (int64_t c = first; c <= last; c++)
            if (c >= 0 && c < channels)
                dx[i + (c - j) * pixels] -= dy[i] * 2.0 * scale * beta * (double)x[i] *
                                            (double)x[i + (c - j) * pixels] * pow(d, -beta - 1.0);
    }
}

/* The normalisation of a value is its scale times the value, plus something. */
static void batch_norm_back(double epsilon, const float *weight, const float *variance,
                            const clvgg_shape *shape, int64_t n, const double *dy, double *dx)
{
    const int64_t channels = shape->dims[0];
    const int64_t pixels = shape->rank == 1 ? 1 : shape->dims[1] * shape->dims[2];
    for (int64_t i = 0; i < n * channels * pixels; i++) {
        const int64_t c = i / pixels % channels;
        dx[i] = dy[i] * (weight != NULL ? (double)weight[c] : 1.0) /
                sqrt((double)variance[c] + epsilon);
    }
}

static double slope(vgg_layer_type type, clvgg_projection mode, double y, double signal)
{
    if (type == VGG_LAYER_SIGMOID)
        return signal * y * (1.0 - y);
    if (type == VGG_LAYER_TANH)
        return signal * (1.0 - y * y);
    const bool forward = mode == CLVGG_PROJECTION_DECONV || y > 0.0;
    const bool back = mode == CLVGG_PROJECTION_GRADIENT || signal > 0.0;
    return forward && back ? signal : 0.0;
}

double *ref_project(const vgg_graph *graph, clvgg_tensor_source source, void *user, int64_t n,
                    float *const *values, int layer, int end, clvgg_projection mode,
                    const double *signal)
{
    size_t count = (size_t)n * vgg_shape_elements(&graph->nodes[layer].output);
    double *dy = malloc(count * sizeof *dy);
    for (size_t i = 0; i < count; i++)
        dy[i] = signal[i];
    for (int at = layer; at != end; at = graph->nodes[at].inputs[0]) {
        const vgg_node *node = &graph->nodes[at];
        const clvgg_shape *in = &graph->nodes[node->inputs[0]].output, *out = &node->output;
        const int64_t inputs = (int64_t)vgg_shape_elements(in);
        const int64_t outputs = (int64_t)vgg_shape_elements(out);
        double *dx = calloc((size_t)(n * inputs), sizeof *dx);
        float *w = read_parameter(graph, at, VGG_WEIGHT, source, user);
        float *variance = read_parameter(graph, at, VGG_VARIANCE, source, user);
        if (node->type == VGG_LAYER_CONV2D) {
            conv_back(&node->attributes.conv, in, out, n, w, dy, dx);
        } else if (node->type == VGG_LAYER_DENSE) {
            for (int64_t i = 0; i < n * inputs * outputs; i++) {
                const int64_t image = i / inputs / outputs, o = i / inputs % outputs;
                dx[image * inputs + i % inputs] +=
                    dy[image * outputs + o] * (double)w[o * inputs + i % inputs];
            }
        } else if (node->type == VGG_LAYER_MAX_POOL || node->type == VGG_LAYER_AVG_POOL) {
            pool_back(&node->attributes.pool, node->type == VGG_LAYER_AVG_POOL, in, out, n,
                      values[node->inputs[0]], dy, dx);
        } else if (node->type == VGG_LAYER_LOCAL_RESPONSE_NORM && mode != CLVGG_PROJECTION_DECONV) {
            norm_back(&node->attributes.lrn, in, n, values[node->inputs[0]], dy, dx);
        } else if (node->type == VGG_LAYER_BATCH_NORM) {
            batch_norm_back((double)node->attributes.batch_norm.epsilon, w, variance, in, n, dy,
                            dx);
        } else {
            const bool curved = node->type == VGG_LAYER_RELU || node->type == VGG_LAYER_SIGMOID ||
                                node->type == VGG_LAYER_TANH;
            for (int64_t i = 0; i < n * inputs; i++)
                dx[i] = curved ? slope(node->type, mode, values[at][i], dy[i]) : dy[i];
        }
        free(w);
        free(variance);
        free(dy);
        dy = dx;
    }
    return dy;
}
