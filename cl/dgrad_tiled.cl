/* dgrad_tiled.cl — a dense layer's data gradient for GPUs: tiles in local memory and registers, the
 * sum cut into slices so that few images fill a GPU. The kernel that reads dx adds the slices up,
 * in order.
 *
 *     dx[slice][n][i] = sum over o in the slice of dy[n][o] * w[o][i]
 *
 *     dy  [n][O]                        float32, from output `first_row` on
 *     w   [ceil(rows/P)][I][P]          panels of P outputs (pack.cl), outputs first_row …
 *     dx  [slices][dx_stride]           [n][I] each; `accumulate`: sums go on from what is there
 *
 * A work-group computes TN images x TI inputs in steps of TR outputs, a work-item MN x 4.
 *
 * NDRange {ceil(I/TI) * ITEMS, ceil(n/TN), slices}, local {ITEMS, 1, 1}, ITEMS = TI/4 * TN/MN.
 * Sums run over o in order, one chain in a slice of `depth` outputs. Conditions: TI multiple of 4,
 * TN of MN, depth of TR; P 1 or a multiple of TR.
 */
#ifndef P
#define P 1 /* outputs of a panel of weights */
#endif
#ifndef TN
#define TN 32 /* images of a work-group */
#endif
#ifndef TI
#define TI 64 /* inputs of a work-group */
#endif
#ifndef MN
#define MN 4 /* images of a work-item */
#endif
#ifndef TR
#define TR 16 /* outputs of a step */
#endif
#define LI (TI / 4)
#define LN (TN / MN)
#define ITEMS (LI * LN)
#define W_ROW (TI + 4) /* rows begin in different banks */

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
dgrad_tiled(__global const float *restrict dy, ulong dy_offset, __global const float *restrict w,
            ulong w_offset, __global float *restrict dx, ulong dx_offset, ulong dx_stride, int n,
            int rows, int I, int O, int first_row, int depth, int accumulate)
{
    __local float w_tile[TR * W_ROW] __attribute__((aligned(16)));
    __local float dy_tile[TN * TR];
    const int item = (int)get_local_id(0), li = item % LI, ln = item / LI;
    const int i0 = (int)get_group_id(0) * TI, n0 = (int)get_group_id(1) * TN;
    const int first = (int)get_group_id(2) * depth, end = min(first + depth, rows);
    dy += dy_offset + first_row;
    w += w_offset;
    dx += dx_offset + get_group_id(2) * dx_stride;

    float4 sum[MN];
#pragma unroll
    for (int j = 0; j < MN; j++) {
        const int image = n0 + ln * MN + j, i = i0 + li * 4;
        __global const float *at = dx + (size_t)image * I + i;
        sum[j] = (float4)(0.0f);
        if (accumulate && image < n)
            sum[j] = (float4)(i < I ? at[0] : 0.0f, i + 1 < I ? at[1] : 0.0f,
                              i + 2 < I ? at[2] : 0.0f, i + 3 < I ? at[3] : 0.0f);
    }
    for (int o = first; o < end; o += TR) {
        for (int j = item; j < TR * TI; j += ITEMS) {
#if P == 1
            const int r = j / TI, i = j % TI;
            const size_t at = (size_t)(o + r) * I + i0 + i;
#else
            const int r = j % TR, i = j / TR;
            const size_t at = ((size_t)(o / P) * I + i0 + i) * P + o % P + r;
#endif
            w_tile[r * W_ROW + i] = o + r < end && i0 + i < I ? w[at] : 0.0f;
        }
        for (int j = item; j < TN * TR; j += ITEMS)
            dy_tile[j] = n0 + j / TR < n && o + j % TR < end
                             ? dy[(size_t)(n0 + j / TR) * O + o + j % TR]
                             : 0.0f;
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll 4
        for (int r = 0; r < TR; r++) {
            const float4 weight = ((__local const float4 *)w_tile)[r * (W_ROW / 4) + li];
#pragma unroll
            for (int j = 0; j < MN; j++)
                sum[j] = fma((float4)(dy_tile[(ln * MN + j) * TR + r]), weight, sum[j]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

#pragma unroll
    for (int j = 0; j < MN; j++) {
        const int image = n0 + ln * MN + j, i = i0 + li * 4;
        __global float *at = dx + (size_t)image * I + i;
        if (image >= n || i >= I)
            break;
        at[0] = sum[j].s0;
        if (i + 1 < I)
            at[1] = sum[j].s1;
        if (i + 2 < I)
            at[2] = sum[j].s2;
        if (i + 3 < I)
            at[3] = sum[j].s3;
    }
}
