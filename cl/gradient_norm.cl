/* gradient_norm.cl — the norm of a dense layer's weight and bias gradient, without computing
 * the gradient:
 *
 *     |dW|^2 + |db|^2 = sum over images n, m of (x_n . x_m + 1) * (dy_n . dy_m)
 *
 * (Goodfellow 2015, "Efficient per-example gradient computations"). Terms may cancel, so sums are
 * kept as pairs of floats, value and rest (Ogita, Rump and Oishi 2005, "Accurate sum and dot
 * product").
 *
 *     x      [n][I]               float32
 *     dy     [n][O]
 *     sums   [max_batch][SPLIT]   float2, of a layer: the terms of image n and every SPLIT-th m ≤ n
 *     hyper  [8]                  element 0 becomes min(1, most / (norm + 1e-6))
 *
 * gradient_norm: NDRange {WG, n, SPLIT}, local {WG, 1, 1}.
 * clip_scale: NDRange {WG}, local {WG}; `layers` layers' sums at distance layer_stride.
 */
#ifndef VW
#define VW 1 /* vector width: 1, 4, 8 or 16 */
#endif
#ifndef WG
#define WG 64 /* work-items of a group: a power of two */
#endif
#ifndef SPLIT
#define SPLIT 8 /* work-groups of an image */
#endif
#pragma OPENCL FP_CONTRACT OFF

/* Adds p to the pair (sum, rest): the addition to `rest` alone rounds. */
inline void add(vec p, vec *sum, vec *rest)
{
    const vec s = *sum + p, back = s - *sum;
    *rest += (*sum - (s - back)) + (p - back);
    *sum = s;
}

inline void add_product(vec a, vec b, vec *sum, vec *rest)
{
    const vec p = a * b;
    *rest += fma(a, b, -p);
    add(p, sum, rest);
}

/* The pair of value sum + rest: their rounded sum, and what rounding took from it. */
inline float2 pair(float sum, float rest)
{
    const float s = sum + rest;
    return (float2)(s, rest - (s - sum));
}

inline float2 add_pairs(float2 a, float2 b)
{
    const float s = a.s0 + b.s0, back = s - a.s0;
    return pair(s, ((a.s0 - (s - back)) + (b.s0 - back)) + (a.s1 + b.s1));
}

inline float2 multiply_pairs(float2 a, float2 b)
{
    const float p = a.s0 * b.s0;
    return pair(p, fma(a.s0, b.s0, -p) + (a.s0 * b.s1 + a.s1 * b.s0));
}

/* VW values, or the `left` that there are and zeros. */
inline vec load(__global const float *p, int left)
{
#if VW > 1
    if (left < VW) {
        float values[VW];
        for (int i = 0; i < VW; i++)
            values[i] = i < left ? p[i] : 0.0f;
        return VLOAD(values);
    }
#endif
    return VLOAD(p);
}

/* This work-item's part of a . b. */
inline float2 partial_product(__global const float *a, __global const float *b, int count, int lane)
{
    vec sum = (vec)(0.0f), rest = (vec)(0.0f);
    for (int i = lane * VW; i < count; i += WG * VW)
        add_product(load(a + i, count - i), load(b + i, count - i), &sum, &rest);
#if VW == 1
    return pair(sum, rest);
#else
    float2 total = (float2)(0.0f);
    const float *sums = (const float *)&sum, *rests = (const float *)&rest;
    for (int i = 0; i < VW; i++)
        total = add_pairs(total, pair(sums[i], rests[i]));
    return total;
#endif
}

/* The sum of all work-items' pairs, in a fixed tree; for work-item 0. */
inline float2 reduce(float2 value, __local float2 *scratch, int lane)
{
    scratch[lane] = value;
    for (int half_width = WG / 2; half_width > 0; half_width /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_width)
            scratch[lane] = add_pairs(scratch[lane], scratch[lane + half_width]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const float2 total = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return total;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
gradient_norm(__global const float *restrict x, ulong x_offset, __global const float *restrict dy,
              ulong dy_offset, __global float2 *restrict sums, ulong sums_offset, int I, int O)
{
    __local float2 scratch[WG];
    const int lane = (int)get_local_id(0), n = (int)get_group_id(1);
    x += x_offset;
    dy += dy_offset;
    float2 total = (float2)(0.0f);
    for (int m = (int)get_group_id(2); m <= n; m += SPLIT) {
        const float2 inputs = reduce(
            partial_product(x + (size_t)n * I, x + (size_t)m * I, I, lane), scratch, lane);
        const float2 deltas = reduce(
            partial_product(dy + (size_t)n * O, dy + (size_t)m * O, O, lane), scratch, lane);
        const float2 term = multiply_pairs(add_pairs(inputs, (float2)(1.0f, 0.0f)), deltas);
        total = add_pairs(total, m < n ? 2.0f * term : term); /* term (m, n) equals (n, m) */
    }
    if (lane == 0)
        sums[sums_offset + (size_t)n * SPLIT + get_group_id(2)] = total;
}

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
clip_scale(__global const float2 *restrict sums, ulong sums_offset, __global float *restrict hyper,
           ulong hyper_offset, int n, int layers, int layer_stride, float most)
{
    __local float2 scratch[WG];
    const int lane = (int)get_local_id(0);
    float2 total = (float2)(0.0f);
    for (int layer = 0; layer < layers; layer++)
        for (int i = lane; i < n * SPLIT; i += WG)
            total = add_pairs(total, sums[sums_offset + (size_t)layer * layer_stride + i]);
    total = reduce(total, scratch, lane);
    if (lane == 0) {
        const float norm = sqrt(total.s0 < 0.0f ? 0.0f : total.s0), scale = most / (norm + 1e-6f);
        hyper[hyper_offset] = scale > 1.0f ? 1.0f : scale;
    }
}
