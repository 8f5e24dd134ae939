/* ref/reference.h — layers as plain loops in double precision, for tests to compare with.
 *
 * Tensors are plain NCHW float32 of n images; results are double.
 */
#ifndef TEST_REF_REFERENCE_H
#define TEST_REF_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "graph/graph.h"

/* w OIHW, b [k] or NULL. */
void ref_conv(const vgg_conv_attributes *conv, const clvgg_shape *in, const clvgg_shape *out,
              int64_t n, const float *x, const float *w, const float *b, double *y);
/* w [outputs][inputs], b [outputs] or NULL. */
void ref_dense(int64_t inputs, int64_t outputs, int64_t n, const float *x, const float *w,
               const float *b, double *y);
/* switches may be NULL: index h·W + w of the maximum, the lowest of several. */
void ref_pool(const vgg_pool_attributes *pool, bool average, const clvgg_shape *in,
              const clvgg_shape *out, int64_t n, const float *x, double *y, int32_t *switches);
void ref_softmax(int64_t features, int64_t n, const float *x, double *y);
/* Batch normalisation: parameters as vgg_model has them, NULL where there is none. */
typedef struct ref_norm {
    const float *weight, *bias, *mean, *variance;
} ref_norm;
void ref_batch_norm(double epsilon, const ref_norm *norm, const clvgg_shape *shape, int64_t n,
                    const float *x, double *y);
void ref_lrn(const vgg_lrn_attributes *lrn, const clvgg_shape *shape, int64_t n, const float *x,
             double *y);
void ref_quantize(const vgg_quantize_attributes *q, int64_t count, const float *x, double *y);
/* y [n][c][2]: of each channel the largest value, or a NaN, and the lowest position of several. */
void ref_map_peak(const clvgg_shape *in, int64_t n, const float *x, double *y);
double ref_activation(vgg_layer_type type, double x);
/* 2×2 stride 2 maximum of values that are already double, [planes][h][w] → [planes][h/2][w/2]. */
void ref_halve(int64_t planes, int64_t h, int64_t w, const double *x, double *y);

#endif
