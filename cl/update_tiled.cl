/* update_tiled.cl — a dense layer's weight gradient with the optimiser's step at its end, for GPUs:
 * operands in local memory, the gradient of a tile in registers and nowhere else.
 *
 *     g[o][i] = sum over k of dy[k][o] * x[k][i]       over the images k
 *
 * One of o and i is the index along which weights lie side by side, f; the other is s. A work-group
 * updates TF x TS weights, a work-item 4 x MS: its 4 are one read, its neighbours' next to them.
 *
 *          f: panels of P outputs, [ceil(rows/P)][I][P]     or inputs, [rows][I]
 *     a    dy                                               x      [n][a_row]   operand of f
 *     b    x                                                dy     [n][b_row]   operand of s
 *     s    inputs, P apart                                  rows, I apart
 *
 *     w      weight (f, s) at (f / TF) * w_tile + s * w_stride + f % TF
 *     m, v   as w: the optimiser's state (v with RULE 2 and 3)
 *     hyper  [8]      see RULE
 *
 * NDRange {ceil(f_count/TF) * ITEMS, ceil(s_count/TS)}, local {ITEMS, 1}, ITEMS = TF/4 * TS/MS.
 * With PADDED a tile's weights all exist, zeros past f_count, and stay zero. Sums run over k in
 * order, one chain. Conditions: TF, TS multiples of 4, TS of MS.
 */
#ifndef TF
#define TF 64 /* weights of a work-group along f; with panels P */
#endif
#ifndef TS
#define TS 64 /* weights of a work-group along s */
#endif
#ifndef MS
#define MS 8 /* weights of a work-item along s */
#endif
#ifndef TR
#define TR 8 /* images of a step */
#endif
#ifndef PADDED
#define PADDED 0
#endif
#ifndef RULE
#define RULE 0 /* 0 SGD with momentum, 1 Nesterov's, 2 Adam, 3 AdamW (grad/dense_grad.h) */
#endif
#define LF (TF / 4)
#define LS (TS / MS)
#define ITEMS (LF * LS)

/* hyper: scale of g; lr (Adam: over 1 - beta1^t); momentum (Adam: 1 - beta1); decay (AdamW:
 * 1 - lr decay); Adam: beta2; 1 - beta2; 1 / sqrt(1 - beta2^t); epsilon. */
inline float4 step(float4 w, float4 g, float8 hyper, float4 *m, float4 *v)
{
    g *= hyper.s0;
#if RULE == 3
    w *= hyper.s3;
#else
    g = fma((float4)(hyper.s3), w, g);
#endif
#if RULE >= 2
    *m = fma((float4)(hyper.s2), g - *m, *m);
    *v = fma((float4)(hyper.s4), *v, hyper.s5 * g * g);
    return w - hyper.s1 * *m / fma(sqrt(*v), (float4)(hyper.s6), (float4)(hyper.s7));
#else
    *m = fma((float4)(hyper.s2), *m, g);
    return fma((float4)(-hyper.s1), RULE == 1 ? fma((float4)(hyper.s2), *m, g) : *m, w);
#endif
}

/* Four weights, or the `left` that there are. */
inline float4 load(__global const float *p, int left)
{
    if (left >= 4)
        return vload4(0, p);
    return (float4)(p[0], left > 1 ? p[1] : 0.0f, left > 2 ? p[2] : 0.0f, 0.0f);
}

inline void store(float4 v, __global float *p, int left)
{
    if (left >= 4) {
        vstore4(v, 0, p);
        return;
    }
    p[0] = v.s0;
    if (left > 1)
        p[1] = v.s1;
    if (left > 2)
        p[2] = v.s2;
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
update_tiled(__global const float *restrict a, ulong a_offset, __global const float *restrict b,
             ulong b_offset, __global float *restrict w, ulong w_offset, __global float *restrict m,
             ulong m_offset,
#if RULE >= 2
             __global float *restrict v, ulong v_offset,
#endif
             __global const float *restrict hyper, ulong hyper_offset, int n, int f_count,
             int s_count, int a_row, int b_row, ulong w_tile, int w_stride)
{
    __local float a_tile[TR * TF] __attribute__((aligned(16)));
    __local float b_tile[TR * TS];
    const int item = (int)get_local_id(0), lf = item % LF, ls = item / LF;
    const int f0 = (int)get_group_id(0) * TF, s0 = (int)get_group_id(1) * TS;
    a += a_offset + f0;
    b += b_offset + s0;

    float4 sum[MS];
#pragma unroll
    for (int j = 0; j < MS; j++)
        sum[j] = (float4)(0.0f);
    for (int k = 0; k < n; k += TR) {
        for (int i = item; i < TR * TF; i += ITEMS)
            a_tile[i] = k + i / TF < n && f0 + i % TF < f_count
                            ? a[(size_t)(k + i / TF) * a_row + i % TF]
                            : 0.0f;
        for (int i = item; i < TR * TS; i += ITEMS)
            b_tile[i] = k + i / TS < n && s0 + i % TS < s_count
                            ? b[(size_t)(k + i / TS) * b_row + i % TS]
                            : 0.0f;
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll 4
        for (int r = 0; r < TR; r++) {
            const float4 value = ((__local const float4 *)a_tile)[r * LF + lf];
#pragma unroll
            for (int j = 0; j < MS; j++)
                sum[j] = fma((float4)(b_tile[r * TS + ls * MS + j]), value, sum[j]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    const int left = PADDED ? 4 : f_count - f0 - lf * 4;
    if (left <= 0)
        return;
    const float8 rule = vload8(0, hyper + hyper_offset);
    const size_t start = get_group_id(0) * w_tile + lf * 4;
#pragma unroll
    for (int j = 0; j < MS; j++) {
        const int s = s0 + ls * MS + j;
        if (s >= s_count)
            break;
        const size_t at = start + (size_t)s * w_stride;
        float4 moment = load(m + m_offset + at, left), square = (float4)(0.0f);
#if RULE >= 2
        square = load(v + v_offset + at, left);
#endif
        store(step(load(w + w_offset + at, left), sum[j], rule, &moment, &square),
              w + w_offset + at, left);
        store(moment, m + m_offset + at, left);
#if RULE >= 2
        store(square, v + v_offset + at, left);
#endif
    }
}
