/* ref/reference.c — definitions, with no thought of speed. */
#include "ref/reference.h"

#include <math.h>

void ref_conv(const vgg_conv_attributes *conv, const clvgg_shape *in, const clvgg_shape *out,
              int64_t n, const float *x, const float *w, const float *b, double *y)
{
    const int64_t C = in->dims[0], H = in->dims[1], W = in->dims[2];
    const int64_t K = out->dims[0], OH = out->dims[1], OW = out->dims[2];
    const int64_t group_in = C / conv->groups, group_out = K / conv->groups;
    for (int64_t i = 0; i < n * K * OH * OW; i++) {
        const int64_t ox = i % OW, oy = i / OW % OH, k = i / OW / OH % K, image = i / OW / OH / K;
        double sum = b != NULL ? b[k] : 0.0;
        for (int64_t c = 0; c < group_in; c++)
            for (int64_t ky = 0; ky < conv->kernel[0]; ky++)
                for (int64_t kx = 0; kx < conv->kernel[1]; kx++) {
                    const int64_t iy =
                        oy * conv->stride[0] - conv->pad[VGG_TOP] + ky * conv->dilation[0];
                    const int64_t ix =
                        ox * conv->stride[1] - conv->pad[VGG_LEFT] + kx * conv->dilation[1];
                    if (iy < 0 || iy >= H || ix < 0 || ix >= W)
                        continue;
                    const int64_t channel = k / group_out * group_in + c;
                    sum +=
                        (double)x[((image * C + channel) * H + iy) * W + ix] *
                        (double)
                            w[((k * group_in + c) * conv->kernel[0] + ky) * conv->kernel[1] + kx];
                }
        y[i] = sum;
    }
}

void ref_dense(int64_t inputs, int64_t outputs, int64_t n, const float *x, const float *w,
               const float *b, double *y)
{
    for (int64_t i = 0; i < n * outputs; i++) {
        const int64_t o = i % outputs, image = i / outputs;
        double sum = b != NULL ? b[o] : 0.0;
        for (int64_t f = 0; f < inputs; f++)
            sum += (double)x[image * inputs + f] * (double)w[o * inputs + f];
        y[i] = sum;
    }
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Rows (axis 0) or columns (axis 1) [*begin, *end) of window o, not yet clipped to the image. */
static void window(const vgg_pool_attributes *pool, int axis, int64_t in, int64_t out, int64_t o,
                   int64_t *begin, int64_t *end)
{
    if (pool->adaptive[0] != 0) {
        *begin = o * in / out;
        *end = ((o + 1) * in + out - 1) / out;
    } else {
        *begin = o * pool->stride[axis] - pool->pad[axis == 0 ? VGG_TOP : VGG_LEFT];
        *end = at_most(*begin + pool->kernel[axis],
                       in + pool->pad[axis == 0 ? VGG_BOTTOM : VGG_RIGHT]);
    }
}

void ref_pool(const vgg_pool_attributes *pool, bool average, const clvgg_shape *in,
              const clvgg_shape *out, int64_t n, const float *x, double *y, int32_t *switches)
{
    const int64_t H = in->dims[1], W = in->dims[2], OH = out->dims[1], OW = out->dims[2];
    for (int64_t i = 0; i < n * in->dims[0] * OH * OW; i++) {
        const float *plane = x + i / OW / OH * H * W;
        int64_t y0, y1, x0, x1;
        window(pool, 0, H, OH, i / OW % OH, &y0, &y1);
        window(pool, 1, W, OW, i % OW, &x0, &x1);
        const int64_t padded = (y1 - y0) * (x1 - x0);
        y0 = at_least(y0, 0), x0 = at_least(x0, 0), y1 = at_most(y1, H), x1 = at_most(x1, W);
        const int64_t inside = (y1 - y0) * (x1 - x0);
        double sum = 0.0, best = -INFINITY;
        int64_t where = y0 * W + x0;
        for (int64_t iy = y0; iy < y1; iy++)
            for (int64_t ix = x0; ix < x1; ix++) {
                const double v = plane[iy * W + ix];
                sum += v;
                if (v > best || (isnan(v) && !isnan(best))) {
                    best = v;
                    where = iy * W + ix;
                }
            }
        y[i] = average ? sum / (double)(pool->count_include_pad ? padded : inside) : best;
        if (switches != NULL)
            switches[i] = (int32_t)where;
    }
}

void ref_softmax(int64_t features, int64_t n, const float *x, double *y)
{
    for (int64_t image = 0; image < n; image++, x += features, y += features) {
        double peak = -INFINITY, sum = 0.0;
        for (int64_t i = 0; i < features; i++)
            peak = x[i] > peak ? x[i] : peak;
        for (int64_t i = 0; i < features; i++)
            sum += exp(x[i] - peak);
        for (int64_t i = 0; i < features; i++)
            y[i] = exp(x[i] - peak) / sum;
    }
}

void ref_lrn(const vgg_lrn_attributes *lrn, const clvgg_shape *shape, int64_t n, const float *x,
             double *y)
{
    const int64_t channels = shape->dims[0], pixels = shape->dims[1] * shape->dims[2];
    for (int64_t i = 0; i < n * channels * pixels; i++) {
        const int64_t c = i / pixels % channels;
        double sum = 0.0;
        for (int64_t j = c - lrn->size / 2; j <= c + (lrn->size - 1) / 2; j++)
            if (j >= 0 && j < channels)
                sum += (double)x[i + (j - c) * pixels] * (double)x[i + (j - c) * pixels];
        y[i] = x[i] / pow((double)lrn->k + (double)lrn->alpha / (double)lrn->size * sum,
                          (double)lrn->beta);
    }
}

void ref_quantize(const vgg_quantize_attributes *q, int64_t count, const float *x, double *y)
{
    for (int64_t i = 0; i < count; i++) {
        const float steps = x[i] * (1.0f / q->scale);
        const double level = fmin(fmax(nearbyint((double)steps), (double)q->low), (double)q->high);
        y[i] = isnan(x[i]) ? NAN : level * (double)q->scale;
    }
}

void ref_batch_norm(double epsilon, const ref_norm *norm, const clvgg_shape *shape, int64_t n,
                    const float *x, double *y)
{
    const int64_t channels = shape->dims[0];
    const int64_t pixels = shape->rank == 1 ? 1 : shape->dims[1] * shape->dims[2];
    for (int64_t i = 0; i < n * channels * pixels; i++) {
        const int64_t c = i / pixels % channels;
        y[i] = ((double)x[i] - (double)norm->mean[c]) / sqrt((double)norm->variance[c] + epsilon);
        if (norm->weight != NULL)
            y[i] = y[i] * (double)norm->weight[c] + (double)norm->bias[c];
    }
}

void ref_map_peak(const clvgg_shape *in, int64_t n, const float *x, double *y)
{
    const int64_t pixels = in->rank == 1 ? 1 : in->dims[1] * in->dims[2];
    for (int64_t map = 0; map < n * in->dims[0]; map++, x += pixels) {
        int64_t where = 0;
        for (int64_t p = 1; p < pixels; p++)
            if (x[p] > x[where] || (isnan(x[p]) && !isnan(x[where])))
                where = p;
        y[2 * map] = x[where];
        y[2 * map + 1] = (double)where;
    }
}

double ref_activation(vgg_layer_type type, double x)
{
    switch (type) {
    case VGG_LAYER_RELU:
        return x < 0.0 ? 0.0 : x;
    case VGG_LAYER_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    case VGG_LAYER_TANH:
        return tanh(x);
    default:
        return x;
    }
}

void ref_halve(int64_t planes, int64_t h, int64_t w, const double *x, double *y)
{
    for (int64_t i = 0; i < planes * (h / 2) * (w / 2); i++) {
        const int64_t px = i % (w / 2) * 2, py = i / (w / 2) % (h / 2) * 2;
        const double *at = x + (i / (w / 2) / (h / 2) * h + py) * w + px;
        y[i] = fmax(fmax(at[0], at[1]), fmax(at[w], at[w + 1]));
    }
}
