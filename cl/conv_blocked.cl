/* conv_blocked.cl — direct convolution on blocked channels, for CPUs: explicit vectors, no local
 * memory, no barriers. Bias and ReLU, and optionally a 2x2 stride 2 max pooling, are fused.
 *
 * A work-item computes TW neighbouring output pixels of a row (of two rows when pooling) for
 * KB * VW output channels, held in TW * KB vector registers. For each input channel block and
 * kernel row it first copies the input pixels it needs into a private line: the copy puts zeros
 * where the padding is, so that the inner loop has neither branches nor index arithmetic, only
 * loads at constant displacements.
 *
 *     x     [n][ceil(C/VW)][H][W][VW]    channels past C are zero; with PLANAR [n][C][H][W]
 *     w     [ceil(K/(KB*VW))][ceil(C/CI)][KH][KW][CI][KB*VW]     CI = VW, or PLANAR;
 *                                                                in STORAGE's type
 *     bias  [ceil(K/(KB*VW)) * KB*VW]
 *     y     [n][ceil(K/VW)][OH][OW][VW]  (pooled: [OH/2][OW/2]); channels past K come out as zero
 *
 * NDRange {ceil(OW/TW) * rows * n, ceil(K/(KB*VW))}, local {1, 1}; rows is OH, pooled OH/2.
 * Conditions: groups 1; pooling needs an even TW. Both are checked by op_conv_blocked.c.
 * An output is summed in the order channel block, kernel row, kernel column, channel.
 */
#ifndef VW
#define VW 16 /* vector width = channels in a block: 2, 4, 8 or 16 */
#endif
#ifndef TW
#define TW 14 /* output pixels of a work-item */
#endif
#ifndef KB
#define KB 2 /* output channel blocks of a work-item */
#endif
#ifndef KH /* kernel, stride, dilation: height and width */
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#endif
#ifndef PLANAR
#define PLANAR 0 /* > 0: the input is NCHW with that many channels (a first layer) */
#endif

#define LINE ((TW - 1) * SW + (KW - 1) * DW + 1) /* input pixels under TW output pixels */
#if PLANAR
#define CI PLANAR /* channels of a pixel in the private line */
#else
#define CI VW
#endif

DECLARE_VEC_ANYWHERE;

/* The larger of two, or a NaN of either. */
inline vec max_or_nan(vec a, vec b)
{
    return select(b, a, isgreater(a, b) | isnan(a));
}

/* Where channel c of pixel p lies in a line of input pixels. */
#if PLANAR
#define AT(p, c) ((c) * LINE + (p))
#else
#define AT(p, c) ((p) * VW + (c))
#endif

/* Copies LINE input pixels, from column ix on, into `line`: [LINE][CI], or [PLANAR][LINE]. */
inline void load_line(__global const float *row, int plane, int W, int ix, float *line)
{
#if PLANAR
    if (ix >= 0 && ix + LINE <= W) {
        for (int c = 0; c < PLANAR; c++)
            for (int p = 0; p < LINE; p++)
                line[AT(p, c)] = row[(size_t)c * plane + ix + p];
        return;
    }
#endif
    for (int p = 0; p < LINE; p++) {
        const int inside = ix + p >= 0 && ix + p < W;
#if PLANAR
        for (int c = 0; c < PLANAR; c++)
            line[AT(p, c)] = inside ? row[(size_t)c * plane + ix + p] : 0.0f;
#else
        vec v = (vec)(0.0f);
        if (inside)
            v = VLOAD(row + (size_t)(ix + p) * VW);
        STORE_PRIVATE(v, line + p * VW);
#endif
    }
}

/* Computes one row of TW output pixels into `out`: [TW][KB * VW]. */
inline void convolve_row(__global const float *x, __global const weight_t *w,
                         __global const float *bias, int blocks, int H, int W, int iy, int ix,
                         int relu, float *out)
{
    vec sum[TW][KB];
#pragma unroll
    for (int p = 0; p < TW; p++)
#pragma unroll
        for (int b = 0; b < KB; b++)
            sum[p][b] = (vec)(0.0f);
    float line[LINE * CI];
    for (int cb = 0; cb < blocks; cb++, x += (size_t)H * W * VW) {
        for (int ky = 0; ky < KH; ky++, w += KW * CI * KB * VW) {
            const int row = iy + ky * DH;
            if (row < 0 || row >= H)
                continue;
            load_line(x + (size_t)row * W * (PLANAR ? 1 : VW), H * W, W, ix, line);
            for (int kx = 0; kx < KW; kx++) {
                const float *in = line + AT(kx * DW, 0);
                __global const weight_t *panel = w + kx * CI * KB * VW;
                for (int c = 0; c < CI; c++) {
                    vec weight[KB];
#pragma unroll
                    for (int b = 0; b < KB; b++)
                        weight[b] = WEIGHTS(panel + (c * KB + b) * VW);
#pragma unroll
                    for (int p = 0; p < TW; p++) {
                        const vec value = (vec)(in[AT(p * SW, c)]);
                        ONE_AT_A_TIME();
#pragma unroll
                        for (int b = 0; b < KB; b++)
                            sum[p][b] = fma(value, weight[b], sum[p][b]);
                    }
                }
            }
        }
    }
#pragma unroll
    for (int p = 0; p < TW; p++)
#pragma unroll
        for (int b = 0; b < KB; b++) {
            vec v = sum[p][b] + VLOAD(bias + b * VW);
            if (relu)
                v = select(v, (vec)(0.0f), isless(v, (vec)(0.0f))); /* NaN stays */
            STORE_PRIVATE(v, out + (p * KB + b) * VW);
        }
}

__kernel CPU_KERNEL void
conv_blocked(__global const float *restrict x, ulong x_offset, __global const weight_t *restrict w,
             ulong w_offset, __global const float *restrict bias, ulong bias_offset,
             __global float *restrict y, ulong y_offset, int C, int H, int W, int K, int OH, int OW,
             int pad_top, int pad_left, int relu, int pool)
{
    const int tiles = (OW + TW - 1) / TW, rows = pool ? OH / 2 : OH;
    const int tile = (int)(get_global_id(0) % tiles);
    const int oy = (int)(get_global_id(0) / tiles % rows);
    const size_t n = get_global_id(0) / tiles / rows;
    const int group = (int)get_global_id(1);
    const int blocks = PLANAR ? 1 : (C + VW - 1) / VW, out_blocks = (K + VW - 1) / VW;

    x += x_offset + n * (PLANAR ? C : blocks * VW) * H * W;
    w += w_offset + (size_t)group * blocks * KH * KW * CI * KB * VW;
    bias += bias_offset + group * KB * VW;

    const int width = pool ? OW / 2 : OW;             /* of an output row */
    const int first = tile * (pool ? TW / 2 : TW);    /* this tile's place in it */
    const int count = min(pool ? TW / 2 : TW, width - first);
    const size_t plane = (size_t)rows * width * VW;
    y += y_offset + (n * out_blocks + group * KB) * plane + ((size_t)oy * width + first) * VW;

    float out[2][TW * KB * VW];
    for (int r = 0; r <= pool; r++)
        convolve_row(x, w, bias, blocks, H, W, (oy * (1 + pool) + r) * SH - pad_top,
                     tile * TW * SW - pad_left, relu, out[r]);

    for (int b = 0; b < KB && group * KB + b < out_blocks; b++, y += plane) {
        for (int p = 0; p < count; p++) {
            const int at = ((p << pool) * KB + b) * VW;
            vec v = LOAD_PRIVATE(out[0] + at);
            if (pool) {
                v = max_or_nan(v, LOAD_PRIVATE(out[0] + at + KB * VW));
                v = max_or_nan(v, LOAD_PRIVATE(out[1] + at));
                v = max_or_nan(v, LOAD_PRIVATE(out[1] + at + KB * VW));
            }
            STORE_GLOBAL(v, y + p * VW);
        }
    }
}
