/* update_blocked.cl — a dense layer's weight gradient for CPUs, with the optimiser's step at its
 * end: the gradient of a tile of weights lives in registers and nowhere else; weights and state
 * stream through once.
 *
 *     g[o][i] = sum over n of dy[n][o] * x[n][i]
 *
 * A work-item updates TILES tiles of TI inputs x P outputs, P = KB * VW, one after the other: they
 * lie side by side.
 *
 *     x      [ceil(I/TI)][n][TI]        float32, operand_panels.cl; zeros past I
 *     dy     [ceil(O/P)][n][P]          operand_panels.cl; zeros past O: padding is left at 0
 *     w      [panels][I][P]             panels first_panel … (pack.cl)
 *     m, v   as w: the optimiser's state (v with RULE 2 and 3)
 *     hyper  [8]                        see RULE
 *
 * NDRange {ceil(I/(TI*TILES)), panels}, local {1, 1}. Sums run over n in order, one chain.
 */
#ifndef VW
#define VW 16 /* vector width: 4, 8 or 16 */
#endif
#ifndef KB
#define KB 2 /* vectors of outputs of a panel */
#endif
#ifndef TI
#define TI 14 /* inputs of a tile: TI * KB sums in registers */
#endif
#ifndef TILES
#define TILES 16 /* tiles of a work-item */
#endif
#ifndef RULE
#define RULE 0 /* 0 SGD with momentum, 1 Nesterov's, 2 Adam, 3 AdamW (grad/dense_grad.h) */
#endif
#define P (KB * VW)

DECLARE_VEC_ANYWHERE;

/* hyper: scale of g; lr (Adam: over 1 - beta1^t); momentum (Adam: 1 - beta1); decay (AdamW:
 * 1 - lr decay); Adam: beta2; 1 - beta2; 1 / sqrt(1 - beta2^t); epsilon. */
inline vec step(vec w, vec g, float8 hyper, vec *m, vec *v)
{
    g *= hyper.s0;
#if RULE == 3
    w *= hyper.s3;
#else
    g = fma((vec)(hyper.s3), w, g);
#endif
#if RULE >= 2
    *m = fma((vec)(hyper.s2), g - *m, *m);
    *v = fma((vec)(hyper.s4), *v, hyper.s5 * g * g);
    return w - hyper.s1 * *m / fma(sqrt(*v), (vec)(hyper.s6), (vec)(hyper.s7));
#else
    *m = fma((vec)(hyper.s2), *m, g);
    return fma((vec)(-hyper.s1), RULE == 1 ? fma((vec)(hyper.s2), *m, g) : *m, w);
#endif
}

__kernel CPU_KERNEL void
update_blocked(__global const float *restrict x, ulong x_offset, __global const float *restrict dy,
               ulong dy_offset, __global float *restrict w, ulong w_offset,
               __global float *restrict m, ulong m_offset,
#if RULE >= 2
               __global float *restrict v, ulong v_offset,
#endif
               __global const float *restrict hyper, ulong hyper_offset, int n, int I,
               int first_panel)
{
    const int first = (int)get_global_id(0) * TILES * TI, end = min(first + TILES * TI, I);
    const size_t start = (get_global_id(1) * I + first) * P;
    const float8 rule = vload8(0, hyper + hyper_offset);
    x += x_offset + (size_t)first * n;
    dy += dy_offset + (first_panel + get_global_id(1)) * n * P;
    w += w_offset + start;
    m += m_offset + start;
#if RULE >= 2
    v += v_offset + start;
#endif

    for (int i = first; i < end; i += TI) {
        vec sum[TI][KB];
#pragma unroll
        for (int t = 0; t < TI; t++)
#pragma unroll
            for (int b = 0; b < KB; b++)
                sum[t][b] = (vec)(0.0f);
        for (int k = 0; k < n; k++) {
            vec delta[KB];
#pragma unroll
            for (int b = 0; b < KB; b++)
                delta[b] = VLOAD(dy + (k * KB + b) * VW);
            for (int line = k; line < TI * KB; line += n) { /* each once, over all images */
                const int ahead = (2 * TI * KB + line) * VW;
                /* What the tile after the next updates: without this, three times the time. */
                LOOK_AHEAD(w + ahead, 1, 2);
                LOOK_AHEAD(m + ahead, 1, 2);
#if RULE >= 2
                LOOK_AHEAD(v + ahead, 1, 2);
#endif
            }
#pragma unroll
            for (int t = 0; t < TI; t++) {
                const vec value = (vec)(x[k * TI + t]);
#pragma unroll
                for (int b = 0; b < KB; b++)
                    sum[t][b] = fma(value, delta[b], sum[t][b]);
            }
        }
        x += n * TI;
#pragma unroll
        for (int t = 0; t < TI; t++)
#pragma unroll
            for (int b = 0; b < KB && i + t < end; b++) {
                const int at = (t * KB + b) * VW;
                vec moment = VLOAD(m + at), square = (vec)(0.0f);
#if RULE >= 2
                square = VLOAD(v + at);
#endif
                STORE_GLOBAL(step(VLOAD(w + at), sum[t][b], rule, &moment, &square), w + at);
                STORE_GLOBAL(moment, m + at);
#if RULE >= 2
                STORE_GLOBAL(square, v + at);
#endif
            }
        w += TI * P;
        m += TI * P;
#if RULE >= 2
        v += TI * P;
#endif
    }
}
