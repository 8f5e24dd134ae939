/* update_direct.cl — a dense layer's weight gradient with the optimiser's step at its end, one
 * work-item a weight: correct on every device. A bias is the weight of one input that is always 1.
 *
 *     g[o][i] = sum over n of dy[n][o] * x[n][i]
 *
 *     x      [n][I]                     float32
 *     dy     [n][O]                     from output `first_row` on
 *     w      [ceil(rows/P)][I][P]       panels of P outputs (pack.cl), outputs first_row …
 *     m, v   as w: the optimiser's state (v with RULE 2 and 3)
 *     hyper  [8]                        see RULE
 *
 * NDRange {elements of w rounded up to the local size}, local {64}. Sums run over n in order.
 */
#ifndef RULE
#define RULE 0 /* 0 SGD with momentum, 1 Nesterov's, 2 Adam, 3 AdamW (grad/dense_grad.h) */
#endif

/* hyper: scale of g; lr (Adam: over 1 - beta1^t); momentum (Adam: 1 - beta1); decay (AdamW:
 * 1 - lr decay); Adam: beta2; 1 - beta2; 1 / sqrt(1 - beta2^t); epsilon. */
inline float step(float w, float g, float8 hyper, float *m, float *v)
{
    g *= hyper.s0;
#if RULE == 3
    w *= hyper.s3;
#else
    g = fma(hyper.s3, w, g);
#endif
#if RULE >= 2
    *m = fma(hyper.s2, g - *m, *m);
    *v = fma(hyper.s4, *v, hyper.s5 * g * g);
    return w - hyper.s1 * *m / fma(sqrt(*v), hyper.s6, hyper.s7);
#else
    *m = fma(hyper.s2, *m, g);
    return fma(-hyper.s1, RULE == 1 ? fma(hyper.s2, *m, g) : *m, w);
#endif
}

__kernel void update_direct(__global const float *restrict x, ulong x_offset,
                            __global const float *restrict dy, ulong dy_offset,
                            __global float *restrict w, ulong w_offset, __global float *restrict m,
                            ulong m_offset,
#if RULE >= 2
                            __global float *restrict v, ulong v_offset,
#endif
                            __global const float *restrict hyper, ulong hyper_offset, int n,
                            int rows, int I, int O, int P, int first_row)
{
    const size_t index = get_global_id(0);
    const size_t column = index / P; /* counted over all panels */
    const int row = (int)(column / I * P + index % P);
    if (row >= rows)
        return;
    x += x_offset + column % I;
    dy += dy_offset + first_row + row;
    float g = 0.0f;
    for (int t = 0; t < n; t++)
        g = fma(x[(size_t)t * I], dy[(size_t)t * O], g);
    float moment = m[m_offset + index], square = 0.0f;
#if RULE >= 2
    square = v[v_offset + index];
#endif
    w[w_offset + index] =
        step(w[w_offset + index], g, vload8(0, hyper + hyper_offset), &moment, &square);
    m[m_offset + index] = moment;
#if RULE >= 2
    v[v_offset + index] = square;
#endif
}
