/* conv_tiled.cl — convolution as implicit GEMM with tiles in local memory, for GPUs.
 *
 * For one image, C[k][p] = sum over r of A[k][r] * B[r][p], where p = (oy, ox) is an output pixel
 * and r = (c, ky, kx) a place in the receptive field; B is never stored, its tiles are gathered
 * from the image. A work-group computes TK x TP outputs in steps of TR, a work-item MK x MP of
 * them in registers:
 *
 *            TP pixels
 *          +-----------+          each step: the group loads A [TR][TK] and B [TR][TP] into local
 *       TR |     B     |          memory, waits, and every item adds TR outer products of
 *          +-----------+          MK weights and MP pixels, taken at a distance of the group's
 *      TR  |           |          width so that neighbours read neighbouring words.
 *     +---+|           |
 *  TK | A ||     C     |
 *     +---+|           |
 *          +-----------+
 *
 *     x     [n][C][H][W]                 float32
 *     w     [ceil(K/TK)][C*KH*KW][TK]    zeros past K, in STORAGE's type
 *     bias  [ceil(K/TK) * TK]
 *     y     [n][K][OH][OW]
 *
 * NDRange {ceil(OH*OW/TP) * TP/MP, ceil(K/TK) * TK/MK, n}, local {TP/MP, TK/MK, 1}.
 * Conditions: groups 1, the local size and local memory fit the device (op_conv_tiled.c).
 */
#ifndef TK
#define TK 64 /* output channels of a work-group */
#endif
#ifndef TP
#define TP 64 /* output pixels of a work-group */
#endif
#ifndef TR
#define TR 16 /* depth of a step */
#endif
#ifndef MK
#define MK 4 /* output channels of a work-item */
#endif
#ifndef MP
#define MP 8 /* output pixels of a work-item */
#endif
#ifndef KH /* kernel, stride, dilation: height and width */
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#endif

#define LP (TP / MP) /* local size */
#define LK (TK / MK)
#define ITEMS (LP * LK)

__kernel __attribute__((reqd_work_group_size(LP, LK, 1))) void
conv_tiled(__global const float *restrict x, ulong x_offset, __global const weight_t *restrict w,
           ulong w_offset, __global const float *restrict bias, ulong bias_offset,
           __global float *restrict y, ulong y_offset, int C, int H, int W, int K, int OH, int OW,
           int pad_top, int pad_left, int relu)
{
    __local float a[TR][TK];
    __local float b[TR][TP];
    const int lp = (int)get_local_id(0), lk = (int)get_local_id(1), item = lk * LP + lp;
    const int first_p = (int)get_group_id(0) * TP, first_k = (int)get_group_id(1) * TK;
    const int pixels = OH * OW, depth = C * KH * KW;

    x += x_offset + get_global_id(2) * C * H * W;
    y += y_offset + get_global_id(2) * K * pixels;
    w += w_offset + (size_t)get_group_id(1) * depth * TK;

    float sum[MK][MP];
#pragma unroll
    for (int i = 0; i < MK; i++)
#pragma unroll
        for (int j = 0; j < MP; j++)
            sum[i][j] = 0.0f;

    for (int r0 = 0; r0 < depth; r0 += TR) {
        for (int i = item; i < TR * TK; i += ITEMS)
            a[i / TK][i % TK] = r0 + i / TK < depth ? WEIGHT((size_t)r0 * TK + i, w) : 0.0f;
        for (int i = item; i < TR * TP; i += ITEMS) {
            const int r = r0 + i / TP, p = first_p + i % TP;
            const int c = r / (KH * KW), ky = r / KW % KH, kx = r % KW;
            const int iy = p / OW * SH - pad_top + ky * DH, ix = p % OW * SW - pad_left + kx * DW;
            const int inside = r < depth && p < pixels && iy >= 0 && iy < H && ix >= 0 && ix < W;
            b[i / TP][i % TP] = inside ? x[((size_t)c * H + iy) * W + ix] : 0.0f;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll 4
        for (int r = 0; r < TR; r++) {
            float pixel[MP];
#pragma unroll
            for (int j = 0; j < MP; j++)
                pixel[j] = b[r][j * LP + lp];
#pragma unroll
            for (int i = 0; i < MK; i++) {
                const float weight = a[r][i * LK + lk];
#pragma unroll
                for (int j = 0; j < MP; j++)
                    sum[i][j] = fma(weight, pixel[j], sum[i][j]);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
#pragma unroll
    for (int i = 0; i < MK; i++) {
        const int k = first_k + i * LK + lk;
#pragma unroll
        for (int j = 0; j < MP; j++) {
            const int p = first_p + j * LP + lp;
            if (k < K && p < pixels) {
                const float v = sum[i][j] + bias[bias_offset + k];
                y[(size_t)k * pixels + p] = relu && v < 0.0f ? 0.0f : v;
            }
        }
    }
}
