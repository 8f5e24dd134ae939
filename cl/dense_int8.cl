/* dense_int8.cl — dense layer of quantised values by int8 weights, for CPUs: sums of integers, exact
 * in any order, then one scale an output. Bias and ReLU are fused.
 *
 * First quantize_bytes makes bytes of the input, u = clamp(rint(x * inverse), low, high) - low, a
 * piece of PIECE features a work-item. Then a work-item of dense_int8 multiplies them by a panel of
 * KB * 16 outputs, TN images at a time, four features in one instruction where there is one for it
 * (DOT 1: AVX512-VNNI).
 *
 *     x      [n][I]                                float32
 *     w      [ceil(rows/(KB*16))][ceil(I/16)][KB][4][16][4]    rows first_row ... of [O][I] as int8,
 *            four features beside each other (pack_int8.cl); behind them, `scales` bytes on, a
 *            float32 scale for each row, then an int32 sum of its weights
 *     bias   [O]
 *     y      [n][O]
 *     bytes  [n][pitch], pitch = ceil(I/16)*16, then int32 nans [n][pieces]
 *
 *     y = fma(sum of u * w + low * sum of w, scale of x * scale of w, bias)
 *
 * NDRanges {n, ceil(I/PIECE)} and {panels}, local {1}. Conditions: |sums| below 2^31. With a NaN
 * among its inputs an output is NaN.
 */
#ifndef PIECE
#define PIECE 1024
#endif
#ifndef TN
#define TN 1 /* images of a tile */
#endif
#ifndef KB
#define KB 4 /* blocks of 16 outputs of a panel */
#endif
#define VW 16 /* lanes of a register */
#ifndef DOT
#define DOT 0
#endif

#if DOT
#define MULTIPLY(sum, u, w) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"((int16)(u)), "v"(w))
#else
#define MULTIPLY(sum, u, w)                                                                        \
    sum += ((u) & 255) * ((w) << 24 >> 24) + ((u) >> 8 & 255) * ((w) << 16 >> 24) +                \
           ((u) >> 16 & 255) * ((w) << 8 >> 24) + ((u) >> 24 & 255) * ((w) >> 24)
#endif

typedef int16 lanes_anywhere __attribute__((aligned(4)));
typedef uchar16 bytes_anywhere __attribute__((aligned(1)));

/* As conv_int8.cl's. */
#define ROUND 12582912.0f

inline uchar16 quantized(float16 x, float inverse, int low, int high)
{
    float16 v = x * inverse;
    v = select(v, (float16)((float)low), isless(v, (float16)((float)low)));
    v = select(v, (float16)((float)high), isgreater(v, (float16)((float)high)));
    return convert_uchar16(as_int16(v + ROUND) - (low + as_int(ROUND)));
}

__kernel CPU_KERNEL void quantize_bytes(__global const float *restrict x, ulong x_offset,
                                        __global float *restrict scratch, ulong scratch_offset,
                                        int n, int I, float inverse, int low, int high)
{
    const int image = (int)get_global_id(0), first = (int)get_global_id(1) * PIECE;
    const int pitch = (I + 15) / 16 * 16, end = min(first + PIECE, I), whole = end / 16 * 16;
    __global uchar *bytes = (__global uchar *)(scratch + scratch_offset);
    __global int *nans = (__global int *)(bytes + (size_t)n * pitch);
    int16 found = (int16)(0);
    x += x_offset + (size_t)image * I;
    bytes += (size_t)image * pitch;
    for (int i = first; i < whole; i += 16) {
        const float16 v = vload16(0, x + i);
        found |= isnan(v);
        *(__global bytes_anywhere *)(bytes + i) = quantized(v, inverse, low, high);
    }
    if (whole < end) {
        float rest[16];
        for (int i = 0; i < 16; i++)
            rest[i] = whole + i < end ? x[whole + i] : 0.0f;
        found |= isnan(vload16(0, rest));
        vstore16(quantized(vload16(0, rest), inverse, low, high), 0, bytes + whole);
    }
    nans[(size_t)image * get_global_size(1) + get_global_id(1)] = any(found);
}

/* Multiplies TN images by a panel into `out`: [TN][KB][16]. */
inline void multiply(__global const uchar *a, int padded, int images, __global const char *w,
                     int *out)
{
    int16 sum[TN][KB];
#pragma unroll
    for (int t = 0; t < TN; t++)
#pragma unroll
        for (int b = 0; b < KB; b++)
            sum[t][b] = (int16)(0);
    for (int i = 0; i < padded; i += 16, w += KB * 256)
#pragma unroll
        for (int c = 0; c < 4; c++)
#pragma unroll
            for (int t = 0; t < TN; t++) {
                const int u =
                    *(__global const int *)(a + (size_t)min(t, images - 1) * padded + i + c * 4);
#pragma unroll
                for (int b = 0; b < KB; b++)
                    MULTIPLY(sum[t][b], u,
                             *(__global const lanes_anywhere *)(w + b * 256 + c * 64));
            }
#pragma unroll
    for (int t = 0; t < TN; t++)
#pragma unroll
        for (int b = 0; b < KB; b++)
            *(lanes_anywhere *)(out + (t * KB + b) * 16) = sum[t][b];
}

__kernel CPU_KERNEL void
dense_int8(__global const float *restrict scratch, ulong scratch_offset,
           __global const char *restrict w, ulong w_offset, __global const float *restrict bias,
           ulong bias_offset, __global float *restrict y, ulong y_offset, int n, int I, int O,
           int first_row, int relu, int pieces, ulong scales, float scale, int low)
{
    const int pitch = (I + 15) / 16 * 16, row = (int)get_global_id(0) * KB * 16;
    const int outputs = min(KB * 16, O - first_row - row);
    __global const uchar *bytes = (__global const uchar *)(scratch + scratch_offset);
    __global const int *nans = (__global const int *)(bytes + (size_t)n * pitch);
    __global const float *scale_of = (__global const float *)(w + w_offset + scales) + row;
    __global const int *sum_of = (__global const int *)(scale_of + get_global_size(0) * KB * 16);
    w += w_offset + (size_t)row * pitch;
    bias += bias_offset + first_row + row;
    y += y_offset + first_row + row;
    for (int first = 0; first < n; first += TN) {
        int sums[TN * KB * 16];
        multiply(bytes + (size_t)first * pitch, pitch, min(TN, n - first), w, sums);
        for (int t = 0; t < min(TN, n - first); t++) {
            int nan = 0;
            for (int i = 0; i < pieces; i++)
                nan |= nans[(size_t)(first + t) * pieces + i];
            for (int o = 0; o < outputs; o++) {
                const float v = fma((float)(sums[t * KB * 16 + o] + low * sum_of[o]),
                                    scale * scale_of[o], bias[o]);
                y[(size_t)(first + t) * O + o] = nan ? NAN : relu && v < 0.0f ? 0.0f : v;
            }
        }
    }
}
