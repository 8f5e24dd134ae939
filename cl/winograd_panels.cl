/* winograd_panels.cl — the products of cl/winograd_blocked.cl for F(4x4, 3x3) with weights that
 * aren't transformed in advance, for CPUs: U = G g Gt (Lavin & Gray 2016, arXiv:1509.09308) is
 * computed for a panel of output channels and a group of input channels at a time, in the cache of
 * the core that then multiplies tiles by it. So weights are read as they are, and memory holds none
 * of U, which is four times as many.
 *
 *     v        [runs][ceil(C/VW)][X][TW][VW]           as winograd_input writes it
 *     w        [ceil(K/(KB*VW))][C][9][KB*VW]          weights (pack.cl) in STORAGE's type
 *     p        [ceil(K/(KB*VW))][runs][X][KB][TW][VW]  as winograd_output reads it
 *     scratch  [slots][N][GC*VW][3][KB*VW]             G g of a panel's group; behind each of the N
 *                                                      a line, or all would begin at one place
 *                                                      of the first cache
 *
 * Scratch has G g alone, half of what U would take, without the factors that G's rows have in
 * common: products finish a position's weights with additions as they load them, which multiplying
 * leaves time for, and the last group's sums are multiplied by the factors. Sums run over c in
 * order, one chain that rests in p between groups, so a tile's bits depend on nothing but its
 * pixels.
 */
#ifndef VW
#define VW 16 /* vector width = channels in a block */
#endif
#ifndef TW
#define TW 14 /* tiles in registers */
#endif
#ifndef KB
#define KB 2 /* output channel blocks in registers */
#endif
#ifndef GC
#define GC 4 /* input channel blocks in a group */
#endif
#define N 6 /* pixels a side of a tile of 4 x 4 outputs */
#define X (N * N)

#define LINE (64 / (int)sizeof(float)) /* values in a line of a cache */
#define WEIGHT_LINE (64 / (int)sizeof(weight_t))
#define PANEL (KB * VW)
#define ROW (GC * VW * 3 * PANEL + LINE) /* of scratch */

DECLARE_VEC_ANYWHERE;
/* PoCL's compiler would take a vloadn apart where additions follow. */
#define LOAD_GLOBAL(p) (*(__global const vec_anywhere *)(p))

/* What all products of row or column i have in common. */
inline float factor(int i)
{
    return i == 0 ? 0.25f : i < 3 ? -1.0f / 6.0f : i < 5 ? 1.0f / 24.0f : 1.0f;
}

/* Row i of G, without its factor, times a, b, c. Where products follow, what adds is idle, and what
 * multiplies isn't: hence x + x. */
inline vec weight_value(int i, vec a, vec b, vec c)
{
    const vec twice = c + c, sum = i < 3 ? a + c : a + (twice + twice);
    switch (i) {
    case 0:
        return a;
    case 1:
        return sum + b;
    case 2:
        return sum - b;
    case 3:
        return sum + (b + b);
    case 4:
        return sum - (b + b);
    default:
        return c;
    }
}

/* G g of VW output channels of one input channel: w at them, u at [i = 0]. */
inline void transform_columns(__global const weight_t *w, __global float *u)
{
#pragma unroll
    for (int j = 0; j < 3; j++) {
        const vec a = WEIGHTS(w + j * PANEL), b = WEIGHTS(w + (3 + j) * PANEL);
        const vec c = WEIGHTS(w + (6 + j) * PANEL);
#pragma unroll
        for (int i = 0; i < N; i++)
            STORE_GLOBAL(weight_value(i, a, b, c), u + i * ROW + j * PANEL);
    }
}

/* The same for a group: w at its `channels` channels, zeros for those up to `padded`. */
inline void transform_group(__global const weight_t *w, int channels, int padded, __global float *u)
{
    for (int c = 0; c < channels; c++, w += 9 * PANEL, u += 3 * PANEL)
        for (int b = 0; b < KB; b++)
            transform_columns(w + b * VW, u + b * VW);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < (padded - channels) * 3 * PANEL; k += VW)
            STORE_GLOBAL((vec)(0.0f), u + i * ROW + k);
}

/* p[b][t][VW] = (p, or zero if `first`, + sum over c of v[cb][t][c] * u[c][b][VW]) * scale for TW
 * tiles, at position j of a row: v and p at it, u [c][3][PANEL] at the row. On the way it
 * prefetches `ahead_lines` lines from `ahead` on for each channel block, the tiles of the next
 * channel block and in the last those at `then`. */
__attribute__((always_inline)) inline void multiply(int j, __global const float *v,
                                                    __global const float *u, int blocks, int first,
                                                    float scale, __global float *p,
                                                    __global const weight_t *ahead, int ahead_lines,
                                                    __global const float *then)
{
    vec sum[TW][KB];
#pragma unroll
    for (int b = 0; b < KB; b++)
#pragma unroll
        for (int t = 0; t < TW; t++)
            sum[t][b] = first ? (vec)(0.0f) : LOAD_GLOBAL(p + (b * TW + t) * VW);
    for (int cb = 0; cb < blocks; cb++, v += X * TW * VW) {
#if LOOKS_AHEAD
        for (int i = 0; i < ahead_lines; i++, ahead += WEIGHT_LINE)
            LOOK_AHEAD(ahead, 0, 2);
        __global const float *tiles = cb + 1 < blocks ? v + X * TW * VW : then;
#pragma unroll
        for (int i = 0; i < TW * VW; i += LINE)
            LOOK_AHEAD(tiles + i, 0, 3);
#endif
        for (int c = 0; c < VW; c++, u += 3 * PANEL) {
            vec weight[KB];
#pragma unroll
            for (int b = 0; b < KB; b++)
                weight[b] =
                    weight_value(j, LOAD_GLOBAL(u + b * VW), LOAD_GLOBAL(u + PANEL + b * VW),
                                 LOAD_GLOBAL(u + 2 * PANEL + b * VW));
#pragma unroll
            for (int t = 0; t < TW; t++) {
                const vec value = (vec)(v[t * VW + c]);
                ONE_AT_A_TIME();
#pragma unroll
                for (int b = 0; b < KB; b++)
                    sum[t][b] = fma(value, weight[b], sum[t][b]);
            }
        }
    }
#pragma unroll
    for (int b = 0; b < KB; b++)
#pragma unroll
        for (int t = 0; t < TW; t++)
            STORE_GLOBAL(sum[t][b] * scale, p + (b * TW + t) * VW);
}

/* Adds the products of a panel and a group of `channels` channels, `blocks` blocks: tiles, sums and
 * w at them. */
inline void multiply_group(__global const float *tiles, size_t v_run, __global const weight_t *w,
                           int channels, int blocks, int first, int last, __global float *sums,
                           int runs, __global float *u)
{
    const int ahead_lines = (VW * 9 * PANEL / WEIGHT_LINE + runs * X - 1) / (runs * X);
    __global const weight_t *ahead = w + (size_t)channels * (9 * PANEL);
    transform_group(w, channels, blocks * VW, u);
    for (int run = 0; run < runs; run++, tiles += v_run)
        for (int e = 0; e < X;
             e++, sums += KB * TW * VW, ahead += blocks * ahead_lines * WEIGHT_LINE) {
            const float scale = last ? factor(e / N) * factor(e % N) : 1.0f;
#define MULTIPLY(j)                                                                                \
    case j:                                                                                        \
        multiply(j, tiles + e * (TW * VW), u + e / N * ROW, blocks, first, scale, sums, ahead,     \
                 ahead_lines, tiles + (e + 1) * (TW * VW));                                        \
        break
            switch (e % N) { /* each with additions of its own */
                MULTIPLY(0);
                MULTIPLY(1);
                MULTIPLY(2);
                MULTIPLY(3);
                MULTIPLY(4);
                MULTIPLY(5);
            }
        }
}

/* NDRange {slots}: each work-item takes its share of `panels`. */
__kernel CPU_KERNEL void winograd_panels(__global const float *restrict v, ulong v_offset,
                                         __global const weight_t *restrict w, ulong w_offset,
                                         __global float *restrict p, ulong p_offset,
                                         __global float *restrict scratch, ulong scratch_offset,
                                         int C, int runs, int panels)
{
    const size_t slot = get_global_id(0), slots = get_global_size(0);
    const int blocks = (C + VW - 1) / VW, end = (int)((slot + 1) * panels / slots);
    v += v_offset;
    w += w_offset;
    p += p_offset;
    scratch += scratch_offset + slot * N * ROW;
    for (int panel = (int)(slot * panels / slots); panel < end; panel++)
        for (int cb = 0; cb < blocks; cb += GC)
            multiply_group(v + (size_t)cb * (X * TW * VW), (size_t)blocks * X * TW * VW,
                           w + ((size_t)panel * C + cb * VW) * (9 * PANEL),
                           min(GC * VW, C - cb * VW), min(GC, blocks - cb), cb == 0,
                           cb + GC >= blocks, p + (size_t)panel * runs * (X * KB * TW * VW), runs,
                           scratch);
}
