/* dgrad_blocked.cl — a dense layer's data gradient for CPUs: vectors of images, weights broadcast,
 * so that panels stream through once and in order and nothing is added across a vector.
 *
 *     dx[n][i] = sum over o of dy[n][o] * w[o][i]
 *
 * A work-item computes CI inputs for NB * VW images; for each panel of weights, tiles of TI inputs
 * go through registers.
 *
 *     dy  [ceil(n/(NB*VW))][O_out][NB*VW]     float32, operand_panels.cl; zeros past n and O;
 *                                             O_out: O rounded up to whole panels
 *     w   [panels][I][P]                      panels first_panel … (pack.cl)
 *     dx  [n][I]                              `accumulate`: sums go on from what is there
 *
 * NDRange {ceil(I/CI), ceil(n/(NB*VW))}, local {1, 1}. Sums run over o in order, one chain.
 */
#ifndef VW
#define VW 16 /* vector width: 4, 8 or 16 */
#endif
#ifndef NB
#define NB 2 /* vectors of images */
#endif
#ifndef P
#define P 32 /* outputs of a panel of weights */
#endif
#ifndef TI
#define TI 14 /* inputs of a tile: TI * NB sums in registers */
#endif
#ifndef CI
#define CI 56 /* inputs of a work-item: a multiple of TI */
#endif
#define IMAGES (NB * VW)
#define LINE 16 /* floats of a cache line */

DECLARE_VEC_ANYWHERE;

/* sums [TI][IMAGES] += w [TI][P] times dy [P][IMAGES]; `next`: distance from w to
 * the same tile of the next panel. */
inline void multiply_tile(__global const float *w, __global const float *dy, size_t next, float *sums)
{
    vec sum[TI][NB];
#pragma unroll
    for (int t = 0; t < TI; t++)
#pragma unroll
        for (int b = 0; b < NB; b++)
            sum[t][b] = VLOAD(sums + (t * NB + b) * VW);
    for (int lane = 0; lane < P; lane++) {
        vec delta[NB];
#pragma unroll
        for (int b = 0; b < NB; b++)
            delta[b] = VLOAD(dy + (lane * NB + b) * VW);
        if (lane < TI * P / LINE)
            LOOK_AHEAD(w + next + lane * LINE, 0, 2); /* what the next panel reads */
#pragma unroll
        for (int t = 0; t < TI; t++) {
            const vec weight = (vec)(w[t * P + lane]);
#pragma unroll
            for (int b = 0; b < NB; b++)
                sum[t][b] = fma(weight, delta[b], sum[t][b]);
        }
    }
#pragma unroll
    for (int t = 0; t < TI; t++)
#pragma unroll
        for (int b = 0; b < NB; b++)
            STORE_PRIVATE(sum[t][b], sums + (t * NB + b) * VW);
}

/* The same for one input. */
inline void multiply_row(__global const float *w, __global const float *dy, float *sums)
{
    for (int b = 0; b < NB; b++) {
        vec sum = VLOAD(sums + b * VW);
        for (int lane = 0; lane < P; lane++)
            sum = fma((vec)(w[lane]), VLOAD(dy + (lane * NB + b) * VW), sum);
        STORE_PRIVATE(sum, sums + b * VW);
    }
}

__kernel CPU_KERNEL void
dgrad_blocked(__global const float *restrict dy, ulong dy_offset, __global const float *restrict w,
              ulong w_offset, __global float *restrict dx, ulong dx_offset, int n, int panels, int I,
              int O_out, int first_panel, int accumulate)
{
    const int first = (int)get_global_id(0) * CI, inputs = min(CI, I - first);
    const int image = (int)get_global_id(1) * IMAGES, images = min(IMAGES, n - image);
    const size_t panel_elements = (size_t)I * P;
    dy += dy_offset + (get_global_id(1) * O_out + (size_t)first_panel * P) * IMAGES;
    w += w_offset + (size_t)first * P;
    dx += dx_offset + (size_t)image * I + first;

    float sums[CI * IMAGES];
    for (int i = 0; i < CI * NB; i++)
        STORE_PRIVATE((vec)(0.0f), sums + i * VW);
    for (int t = 0; accumulate && t < images; t++)
        for (int i = 0; i < inputs; i++)
            sums[i * IMAGES + t] = dx[(size_t)t * I + i];
    for (int p = 0; p < panels; p++, w += panel_elements, dy += P * IMAGES) {
        int i = 0;
        for (; i + TI <= inputs; i += TI)
            multiply_tile(w + i * P, dy, p + 1 < panels ? panel_elements : 0, sums + i * IMAGES);
        for (; i < inputs; i++)
            multiply_row(w + i * P, dy, sums + i * IMAGES);
    }
    for (int t = 0; t < images; t++)
        for (int i = 0; i < inputs; i++)
            dx[(size_t)t * I + i] = sums[i * IMAGES + t];
}
