/* vis/transposed_weights.c — a convolution's weight is read once as a whole, some MiB at most in a
 * VGG; a dense layer's, which may be half a gigabyte, lies turned (plan/weight_store.h) and is read
 * as it lies. Whoever wants rows of its transpose gets them from a strip of columns.
 */
#include "vis/transposed_weights.h"

#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

static int origin_of(const vgg_transposed_weights *w, int node)
{
    return w->reverse->origin[node];
}

static const vgg_parameter *parameter_of(const vgg_transposed_weights *w, int node, int position)
{
    const int origin = origin_of(w, node);
    return vgg_model_parameter(w->model, origin >= 0 ? origin : node, position);
}

static clvgg_dtype read_dtype(void *user, int node, int position)
{
    return parameter_of(user, node, position)->dtype;
}

/* Forward nodes are the model's own; a transposed weight is told from what it was made of. */
static int key(void *user, int node)
{
    const vgg_transposed_weights *w = user;
    const int origin = origin_of(w, node);
    return origin >= 0 ? w->model->graph->count + origin : node;
}

/* Reads the strip of W'[i][o] = W[o][i] that begins at row `first`, unless it is there: of each of
 * the weight's rows a run. */
static clvgg_status hold_strip(vgg_transposed_weights *w, int origin,
                               const vgg_parameter *parameter, uint64_t first)
{
    enum { STRIP_ROWS = 64 };
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t bytes = vgg_dtype_bytes(parameter->dtype);
    const uint64_t outputs = (uint64_t)parameter->shape.dims[0];
    const uint64_t inputs = (uint64_t)parameter->shape.dims[1];
    const uint64_t rows = STRIP_ROWS < inputs - first ? STRIP_ROWS : inputs - first;
    char *strip = NULL, *run = NULL;
    if (w->strip != NULL && w->strip_node == origin && first >= w->strip_first &&
        first < w->strip_first + w->strip_rows)
        return CLVGG_STATUS_OK;
    vgg_free(w->strip);
    w->strip = NULL;
    VGG_NEW(strip, (size_t)(rows * outputs) * bytes);
    VGG_NEW(run, (size_t)rows * bytes);
    for (uint64_t o = 0; o < outputs; o++) {
        VGG_TRY(vgg_model_read_parameter(w->model, parameter, o * inputs + first, rows, run));
        for (uint64_t i = 0; i < rows; i++)
            memcpy(strip + (i * outputs + o) * bytes, run + i * bytes, bytes);
    }
    w->strip_node = origin;
    w->strip_first = first;
    w->strip_rows = rows;
    VGG_GIVE(&w->strip, strip);
cleanup:
    vgg_free(run);
    vgg_free(strip);
    return status;
}

static clvgg_status read_dense(vgg_transposed_weights *w, int origin,
                               const vgg_parameter *parameter, uint64_t first, uint64_t count,
                               char *data)
{
    const size_t bytes = vgg_dtype_bytes(parameter->dtype);
    const uint64_t outputs = (uint64_t)parameter->shape.dims[0];
    for (uint64_t done = 0, some; done < count; done += some) {
        const uint64_t row = (first + done) / outputs, at = (first + done) % outputs;
        some = outputs - at < count - done ? outputs - at : count - done;
        VGG_PASS(hold_strip(w, origin, parameter, row));
        memcpy(data + done * bytes, w->strip + ((row - w->strip_first) * outputs + at) * bytes,
               (size_t)some * bytes);
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status hold(vgg_transposed_weights *w, int origin, const vgg_parameter *parameter)
{
    const uint64_t count = vgg_shape_elements(&parameter->shape);
    if (w->held_node == origin)
        return CLVGG_STATUS_OK;
    vgg_free(w->held);
    w->held = NULL;
    w->held_node = -1;
    char *held = NULL;
    VGG_NEW_PASS(held, (size_t)count * vgg_dtype_bytes(parameter->dtype));
    w->held = held;
    VGG_PASS(vgg_model_read_parameter(w->model, parameter, 0, count, held));
    w->held_node = origin;
    return CLVGG_STATUS_OK;
}

/* Reads transposed values of W [K][C/groups][KH][KW]: W'[c][k][kh][kw] = W[k][c][KH−1−kh][KW−1−kw]
 * for a window turned round; W'[(c·KH + kh)·KW + kw][k] = W[k][c][kh][kw] for windows that col2im
 * adds, 0 where k and c are of different groups. */
static clvgg_status read_conv(vgg_transposed_weights *w, int node, const vgg_parameter *parameter,
                              uint64_t first, uint64_t count, char *data)
{
    const vgg_graph *graph = w->reverse->graph;
    const vgg_conv_attributes *conv = &graph->nodes[origin_of(w, node)].attributes.conv;
    const bool windows = graph->nodes[node].attributes.conv.kernel[0] == 1 &&
                         graph->nodes[node].attributes.conv.kernel[1] == 1;
    const int64_t k_count = parameter->shape.dims[0], group_channels = parameter->shape.dims[1];
    const int64_t spatial = conv->kernel[0] * conv->kernel[1];
    const size_t bytes = vgg_dtype_bytes(parameter->dtype);
    VGG_PASS(hold(w, origin_of(w, node), parameter));
    for (uint64_t i = 0; i < count; i++) {
        const int64_t at = (int64_t)(first + i);
        const int64_t k = windows ? at % k_count : at / spatial % k_count;
        const int64_t window = windows ? at / k_count % spatial : spatial - 1 - at % spatial;
        const int64_t c = at / k_count / spatial;
        const int64_t group = k / (k_count / conv->groups);
        const bool same = c / group_channels == group;
        const int64_t from = (k * group_channels + c - group * group_channels) * spatial + window;
        if (same)
            memcpy(data + i * bytes, (const char *)w->held + (size_t)from * bytes, bytes);
        else
            memset(data + i * bytes, 0, bytes);
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status read_values(void *user, int node, int position, uint64_t first, uint64_t count,
                                void *data)
{
    vgg_transposed_weights *w = user;
    const vgg_parameter *parameter = parameter_of(w, node, position);
    const int origin = origin_of(w, node);
    if (origin < 0 || vgg_layer_of(w->reverse->graph->nodes[origin].type)->as_convolution == NULL)
        return vgg_model_read_parameter(w->model, parameter, first, count, data);
    if (vgg_node_is_dense(&w->reverse->graph->nodes[origin]))
        return read_dense(w, origin, parameter, first, count, data);
    return read_conv(w, node, parameter, first, count, data);
}

/* A dense layer's weight is its transpose turned, and the other way round. */
static uint64_t weight_inner(void *user, int node)
{
    const vgg_transposed_weights *w = user;
    const vgg_parameter *parameter = parameter_of(w, node, VGG_WEIGHT);
    const int origin = origin_of(w, node);
    const uint64_t inner = vgg_model_inner(w->model, parameter);
    if (origin < 0)
        return inner;
    return inner == 0 && vgg_node_is_dense(&w->reverse->graph->nodes[origin]) ? 1 : 0;
}

static clvgg_status read_turned(void *user, int node, uint64_t first, uint64_t count, void *data)
{
    const vgg_transposed_weights *w = user;
    const vgg_parameter *parameter = parameter_of(w, node, VGG_WEIGHT);
    return origin_of(w, node) < 0
               ? vgg_model_read_turned(w->model, parameter, first, count, data)
               : vgg_model_read_parameter(w->model, parameter, first, count, data);
}

void vgg_transposed_weights_init(vgg_transposed_weights *weights, const clvgg_model *model,
                                 const vgg_reverse_graph *reverse)
{
    *weights = (vgg_transposed_weights){.model = model, .reverse = reverse, .held_node = -1};
}

vgg_parameter_source vgg_transposed_weights_source(vgg_transposed_weights *weights)
{
    return (vgg_parameter_source){weights, weights->model->id, read_dtype,  read_values,
                                  key,     weight_inner,       read_turned, NULL};
}

void vgg_transposed_weights_free(vgg_transposed_weights *weights)
{
    vgg_free(weights->held);
    vgg_free(weights->strip);
    weights->held = NULL;
    weights->strip = NULL;
    weights->held_node = -1;
}
