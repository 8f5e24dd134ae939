/* conv_int8.cl — convolution of quantised values by int8 weights, for CPUs: sums of integers, exact in
 * any order, then one scale an output channel. Bias and ReLU, and optionally a 2x2 stride 2 max
 * pooling, are fused.
 *
 * The input comes as float32 and is quantised here: u = clamp(rint(x * inverse), low, high) - low,
 * 0 to 255. A unit is a strip of output rows times a run of weight panels; a work-item takes every
 * slots-th of them. It quantises the input rows under the strip into its own piece of `scratch`,
 * with the level 0 where the padding is, so that TP neighbouring pixels lie at constant distances:
 * nothing is gathered. Then it multiplies TP pixels by KB * 16 output channels at a time, four
 * channels in one instruction where there is one for it (DOT 1: AVX512-VNNI), held in TP * KB
 * registers. Pooled pixels are finished in pairs: two tiles at a time where TP is odd.
 *
 *     x       [n][ceil(C/16)][H][W][16]    float32; channels past C are zero
 *     w       [ceil(K/(KB*16))][ceil(C/16)][KH][KW][KB][4][16][4]    int8: four channels beside each
 *             other (pack_int8.cl); behind them, `scales` bytes on, a float32 scale for each
 *             output channel, then an int32 sum of its weights, ceil(K/(KB*16)) * KB*16 of each
 *     bias    [ceil(K/(KB*16)) * KB*16]
 *     y       [n][ceil(K/16)][OH][OW][16]  (pooled: [OH/2][OW/2]); channels past K come out as zero
 *     scratch [slots][ceil(C/16)][rows][pitch][16]    bytes
 *
 *     y = fma(sum of u * w + low * sum of w, scale of x * scale of w, bias)
 *
 * NDRange {slots}, local {1}. Conditions: groups 1; |sums| below 2^31. With a NaN among the values
 * that it is made of an output is NaN.
 */
#ifndef TP
#define TP 7 /* pixels of a tile */
#endif
#ifndef KB
#define KB 2 /* blocks of 16 output channels of a panel */
#endif
#define VW 16 /* lanes of a register */
#ifndef DOT
#define DOT 0
#endif
#ifndef KH /* kernel, stride, dilation: height and width */
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#endif

/* sum += the products of four unsigned bytes, the same for all lanes, and four signed ones of each
 * lane. */
#if DOT
#define MULTIPLY(sum, u, w) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"((int16)(u)), "v"(w))
#else
#define MULTIPLY(sum, u, w)                                                                        \
    sum += ((u) & 255) * ((w) << 24 >> 24) + ((u) >> 8 & 255) * ((w) << 16 >> 24) +                \
           ((u) >> 16 & 255) * ((w) << 8 >> 24) + ((u) >> 24 & 255) * ((w) >> 24)
#endif

typedef int16 lanes_anywhere __attribute__((aligned(4)));
typedef float16 values_anywhere __attribute__((aligned(4)));
typedef uchar16 bytes_anywhere __attribute__((aligned(1)));

/* How values are quantised. */
typedef struct steps {
    float inverse, low, high;
    int zero; /* the byte of level 0 */
} steps;

/* A float32 between 2^23 and 2^24 has steps of 1: what is added to ROUND is rounded as it should be,
 * to the nearest, ties to even, and stands in the lowest bits. */
#define ROUND 12582912.0f

inline uchar16 quantized(float16 x, steps s)
{
    float16 v = x * s.inverse;
    v = select(v, (float16)(s.low), isless(v, (float16)(s.low)));
    v = select(v, (float16)(s.high), isgreater(v, (float16)(s.high)));
    return convert_uchar16(as_int16(v + ROUND) + (s.zero - as_int(ROUND)));
}

/* Quantises one row of 16 channels: `pitch` pixels from column -left on, level 0 outside the image.
 * Returns -1 in each lane with a NaN. */
inline int16 quantize_row(__global const float *row, int W, int left, int pitch, steps s,
                          __global uchar *to)
{
    const uchar16 zero = (uchar16)((uchar)s.zero);
    const int first = min(max(left, 0), pitch), end = max(min(W + left, pitch), first);
    int16 nans = (int16)(0);
    for (int i = 0; i < first; i++)
        *(__global bytes_anywhere *)(to + i * 16) = zero;
    for (int i = first; i < end; i++) {
        const float16 x = *(__global const values_anywhere *)(row + (size_t)(i - left) * 16);
        nans |= isnan(x);
        *(__global bytes_anywhere *)(to + i * 16) = quantized(x, s);
    }
    for (int i = end; i < pitch; i++)
        *(__global bytes_anywhere *)(to + i * 16) = zero;
    return nans;
}

/* Quantises rows [iy, iy + rows) of an image into `to`: [blocks][rows][pitch][16]. Returns whether
 * there are NaNs among them. */
inline int quantize_rows(__global const float *x, int blocks, int H, int W, int iy, int rows,
                         int left, int pitch, steps s, __global uchar *to)
{
    int16 nans = (int16)(0);
    for (int cb = 0; cb < blocks; cb++)
        for (int r = 0; r < rows; r++, to += pitch * 16) {
            const int inside = iy + r >= 0 && iy + r < H;
            nans |= quantize_row(x + ((size_t)cb * H + (inside ? iy + r : 0)) * W * 16,
                                 inside ? W : -left, left, pitch, s, to);
        }
    return any(nans);
}

/* Multiplies TP pixels by a panel into `out`: [TP][KB][16]. */
inline void multiply(__global const uchar *a, int pitch, size_t plane, int blocks,
                     __global const char *w, int *out)
{
    int16 sum[TP][KB];
#pragma unroll
    for (int p = 0; p < TP; p++)
#pragma unroll
        for (int b = 0; b < KB; b++)
            sum[p][b] = (int16)(0);
    for (int cb = 0; cb < blocks; cb++, a += plane)
        for (int ky = 0; ky < KH; ky++)
            for (int kx = 0; kx < KW; kx++, w += KB * 256) {
                __global const uchar *at = a + (ky * DH * pitch + kx * DW) * 16;
#pragma unroll
                for (int c = 0; c < 4; c++) {
                    int16 weight[KB];
#pragma unroll
                    for (int b = 0; b < KB; b++)
                        weight[b] = *(__global const lanes_anywhere *)(w + b * 256 + c * 64);
#pragma unroll
                    for (int p = 0; p < TP; p++) {
                        const int u = *(__global const int *)(at + p * SW * 16 + c * 4);
#pragma unroll
                        for (int b = 0; b < KB; b++)
                            MULTIPLY(sum[p][b], u, weight[b]);
                    }
                }
            }
#pragma unroll
    for (int p = 0; p < TP; p++)
#pragma unroll
        for (int b = 0; b < KB; b++)
            *(lanes_anywhere *)(out + (p * KB + b) * 16) = sum[p][b];
}

/* What a block of 16 output channels makes of its sums. */
typedef struct finish {
    float16 scale, bias;
    int16 sum; /* of weights, times low */
    int relu;
} finish;

inline float16 finished(int16 sum, finish f)
{
    const float16 v = fma(convert_float16(sum + f.sum), f.scale, f.bias);
    return f.relu ? select(v, (float16)(0.0f), isless(v, (float16)(0.0f))) : v;
}

/* Says whether a NaN is among the values under an output of `rows` x `columns` windows. */
inline int has_nan(__global const float *x, int blocks, int H, int W, int iy, int ix, int rows,
                   int columns)
{
    int16 nans = (int16)(0);
    for (int cb = 0; cb < blocks; cb++)
        for (int i = 0; i < rows * columns * KH * KW; i++) {
            const int row = iy + i / KW / KH / columns * SH + i / KW % KH * DH;
            const int column = ix + i / KW / KH % columns * SW + i % KW * DW;
            if (row >= 0 && row < H && column >= 0 && column < W)
                nans |= isnan(*(__global const values_anywhere *)(x + (((size_t)cb * H + row) * W +
                                                                      column) * 16));
        }
    return any(nans);
}

__kernel CPU_KERNEL void
conv_int8(__global const float *restrict x, ulong x_offset, __global const char *restrict w,
          ulong w_offset, __global const float *restrict bias, ulong bias_offset,
          __global float *restrict y, ulong y_offset, int C, int H, int W, int K, int OH, int OW,
          int pad_top, int pad_left, int relu, int pool, __global float *restrict scratch,
          ulong scratch_offset, int images, int strip_rows, int unit_panels, ulong scales,
          float scale, float inverse, int low, int high)
{
    const int blocks = (C + 15) / 16, out_blocks = (K + 15) / 16, panels = (out_blocks + KB - 1) / KB;
    const int span = TP << (pool & TP); /* pixels that are finished together */
    const int columns = (OW + span - 1) / span * span, strips = (OH + strip_rows - 1) / strip_rows;
    const int pitch = (columns - 1) * SW + (KW - 1) * DW + 1;
    const int rows = (strip_rows - 1) * SH + (KH - 1) * DH + 1;
    const size_t plane = (size_t)rows * pitch * 16;
    const int runs = (panels + unit_panels - 1) / unit_panels, units = images * strips * runs;
    const int height = OH >> pool, width = OW >> pool; /* of y */
    const steps s = {inverse, (float)low, (float)high, -low};
    __global uchar *strip =
        (__global uchar *)(scratch + scratch_offset) + get_global_id(0) * blocks * plane;
    __global const float *scale_of = (__global const float *)(w + w_offset + scales);
    __global const int *sum_of = (__global const int *)(scale_of + panels * KB * 16);

    x += x_offset;
    y += y_offset;
    w += w_offset;
    bias += bias_offset;
    for (int unit = (int)get_global_id(0); unit < units; unit += (int)get_global_size(0)) {
        const int run = unit % runs, first_row = unit / runs % strips * strip_rows;
        const int end_row = min(first_row + strip_rows, pool ? OH / 2 * 2 : OH);
        const int first_block = run * unit_panels * KB;
        const int end_block = min(first_block + unit_panels * KB, out_blocks);
        const size_t n = unit / runs / strips;
        __global const float *image = x + n * blocks * H * W * 16;
        __global float *to = y + n * out_blocks * height * width * 16;
        const int nans = quantize_rows(image, blocks, H, W, first_row * SH - pad_top, rows,
                                       pad_left, pitch, s, strip);
        for (int k = first_block; k < end_block; k += KB) {
            __global const char *panel = w + (size_t)k * blocks * KH * KW * 256;
            for (int oy = first_row; oy < end_row; oy += 1 + pool)
                for (int ox = 0; ox < OW; ox += span) {
                    int out[2][TP * 2 * KB * 16];
                    for (int r = 0; r <= pool; r++)
                        for (int p = 0; p < span; p += TP)
                            multiply(strip + ((oy - first_row + r) * SH * pitch + (ox + p) * SW) * 16,
                                     pitch, plane, blocks, panel, out[r] + p * KB * 16);
                    for (int b = 0; b < min(KB, end_block - k); b++) {
                        const finish f = {vload16(k + b, scale_of) * scale, vload16(k + b, bias),
                                          vload16(k + b, sum_of) * low, relu};
                        __global float *row =
                            to + (((size_t)(k + b) * height + (oy >> pool)) * width + (ox >> pool)) * 16;
                        for (int p = 0; p < min(span, OW - ox) >> pool; p++) {
                            int16 sum = vload16((p << pool) * KB + b, out[0]);
                            if (pool) /* a scale is above 0: the largest sum is the largest value */
                                sum = max(max(sum, vload16((p * 2 + 1) * KB + b, out[0])),
                                          max(vload16(p * 2 * KB + b, out[1]),
                                              vload16((p * 2 + 1) * KB + b, out[1])));
                            *(__global values_anywhere *)(row + p * 16) = finished(sum, f);
                        }
                    }
                }
        }
        for (int i = 0; nans && i < ((end_row - first_row) >> pool) * width; i++) {
            const int oy = (first_row >> pool) + i / width, ox = i % width;
            if (has_nan(image, blocks, H, W, (oy << pool) * SH - pad_top, (ox << pool) * SW - pad_left,
                        1 + pool, 1 + pool))
                for (int b = first_block; b < end_block; b++)
                    for (int k = 0; k < 16 && b * 16 + k < K; k++)
                        to[(((size_t)b * height + oy) * width + ox) * 16 + k] = NAN;
        }
    }
}
