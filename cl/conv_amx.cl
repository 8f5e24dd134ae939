/* conv_amx.cl — convolution as an implicit product of bfloat16 matrices on the AMX tiles of x86 CPUs,
 * sums in float32 (Intel SDM vol. 1, chapter 18). Bias and ReLU, and optionally a 2x2 stride 2 max
 * pooling, are fused. The runtime must pass inline assembly through, as PoCL does, and the check of
 * ocl/matrix_unit.c must have passed. AMX's instructions are written as bytes, because PoCL's
 * assembler doesn't know them.
 *
 * A unit is a strip of output rows times a run of weight panels; a work-item takes every slots-th
 * of them. It converts the input rows under the strip to bfloat16 in its own piece of `scratch`,
 * with zeros where the padding is, so that a tile of TP neighbouring pixels x 32 channels lies at
 * an address and a stride whatever the kernel position: nothing is gathered. Then it multiplies 2 x
 * TP pixels (of two rows) by 32 output channels at a time, in four tiles of sums:
 *
 *            32 outputs                        w: 16 pairs of channels x 16 outputs x 2
 *           +----+----+
 *     row 0 | c0 | c1 |  TP pixels             A = a0, a1: TP pixels x 32 channels
 *     row 1 | c2 | c3 |  TP pixels
 *           +----+----+
 *
 *     x       [n][ceil(C/16)][H][W][16]       float32; channels past C are zero
 *     w       [ceil(K/32)][ceil(C/32)][KH][KW][2][16][16][2]    bfloat16 (pack.cl, PAIRS)
 *     bias    [ceil(K/32) * 32]
 *     y       [n][ceil(K/16)][OH][OW][16]     (pooled: [OH/2][OW/2]); channels past K come out as zero
 *     scratch [slots][ceil(C/32)][rows][pitch][32]    bfloat16
 *
 * NDRange {slots}, local {1}. Conditions: groups 1; x86 with AMX-BF16 and AVX512-BF16, the process
 * allowed to use tiles. An output is summed in the order channel block, kernel row, kernel column,
 * channel. Denormals count as zero.
 */
#ifndef TP
#define TP 14 /* pixels of a tile: 1 to 16 */
#endif
#ifndef KH /* kernel, stride, dilation: height and width */
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#endif

#define VW 16 /* floats of a register */

/* Tiles 0 to 3 hold sums, 4 and 5 pixels, 6 and 7 weights. Register rcx has the stride of sums and
 * weights, 64 bytes, rdi that of pixels. Each statement clobbers "memory", because the compiler
 * doesn't know what tiles read and write. */
#define TILE_CONFIG(p) __asm__ volatile(".byte 0xc4,0xe2,0x78,0x49,0x00" ::"a"(p) : "memory")
#define TILE_RELEASE() __asm__ volatile(".byte 0xc4,0xe2,0x78,0x49,0xc0" ::: "memory")
#define TILE_ZERO()                                                                                \
    __asm__ volatile(".byte 0xc4,0xe2,0x7b,0x49,0xc0\n"                                            \
                     ".byte 0xc4,0xe2,0x7b,0x49,0xc8\n"                                            \
                     ".byte 0xc4,0xe2,0x7b,0x49,0xd0\n"                                            \
                     ".byte 0xc4,0xe2,0x7b,0x49,0xd8" ::                                           \
                         : "memory")
#define TILE_MULTIPLY(a0, a1, a_stride, w)                                                         \
    __asm__ volatile(".byte 0xc4,0xe2,0x7b,0x4b,0x34,0x0e\n" /* 6 = [w] */                         \
                     ".byte 0xc4,0xe2,0x7b,0x4b,0x24,0x38\n" /* 4 = [a0] */                        \
                     ".byte 0xc4,0xe2,0x4a,0x5c,0xc4\n"      /* 0 += 4 * 6 */                      \
                     ".byte 0xc4,0xe2,0x7b,0x4b,0x2c,0x3a\n" /* 5 = [a1] */                        \
                     ".byte 0xc4,0xe2,0x4a,0x5c,0xd5\n"      /* 2 += 5 * 6 */                      \
                     ".byte 0xc4,0xe2,0x7b,0x4b,0xbc,0x0e,0x00,0x04,0x00,0x00\n" /* 7 = [w + 1024] */ \
                     ".byte 0xc4,0xe2,0x42,0x5c,0xcc\n" /* 1 += 4 * 7 */                           \
                     ".byte 0xc4,0xe2,0x42,0x5c,0xdd"   /* 3 += 5 * 7 */                           \
                     ::"a"(a0),                                                                    \
                     "d"(a1), "D"(a_stride), "S"(w), "c"(64L)                                      \
                     : "memory")
#define TILE_STORE(p)                                                                              \
    __asm__ volatile(".byte 0xc4,0xe2,0x7a,0x4b,0x04,0x08\n"                                       \
                     ".byte 0xc4,0xe2,0x7a,0x4b,0x8c,0x08,0x00,0x04,0x00,0x00\n"                   \
                     ".byte 0xc4,0xe2,0x7a,0x4b,0x94,0x08,0x00,0x08,0x00,0x00\n"                   \
                     ".byte 0xc4,0xe2,0x7a,0x4b,0x9c,0x08,0x00,0x0c,0x00,0x00" ::"a"(p),           \
                     "c"(64L)                                                                      \
                     : "memory")
/* Rounds 16 floats at `low` and 16 at `high` to 32 bfloat16 at `to`, to the nearest, ties to even
 * (vcvtne2ps2bf16). */
#define CONVERT(low, high, to)                                                                     \
    __asm__ volatile("vmovups (%%rdx), %%zmm1\n"                                                   \
                     ".byte 0x62,0xf2,0x77,0x48,0x72,0x00\n"                                       \
                     "vmovups %%zmm0, (%%rdi)" ::"a"(low),                                         \
                     "d"(high), "D"(to)                                                            \
                     : "xmm0", "xmm1", "memory")

/* The larger of two, or a NaN of either. */
inline float16 max_or_nan(float16 a, float16 b)
{
    return select(b, a, isgreater(a, b) | isnan(a));
}

inline void configure_tiles(void)
{
    uint config[16];
    for (int i = 0; i < 16; i++)
        config[i] = 0;
    config[0] = 1; /* palette */
    for (int i = 4; i < 8; i++)
        config[i] = 64 | 64 << 16; /* bytes of a row, two tiles each */
    config[12] = TP * 0x01010101u; /* rows of tiles 0 to 3 */
    config[13] = TP * 0x0101u | 16 << 16 | 16 << 24;
    TILE_CONFIG(config);
}

inline void clear_pixels(__global ushort *to, int count)
{
    for (int i = 0; i < count; i++)
        vstore16((uint16)(0), i, (__global uint *)to);
}

/* Converts one row of 32 channels: `pitch` pixels from column -left on, zeros outside the image.
 * `high_plane` is the distance from the first 16 channels to the second; 0: there are none. */
inline void convert_row(__global const float *row, size_t high_plane, int W, int left, int pitch,
                        __global ushort *to)
{
    const float none[16] __attribute__((aligned(64))) = {0.0f};
    const int first = min(max(left, 0), pitch), end = max(min(W + left, pitch), first);
    clear_pixels(to, first);
    for (int i = first; i < end; i++) {
        __global const float *low = row + (size_t)(i - left) * 16;
        if (high_plane != 0)
            CONVERT(low, low + high_plane, to + i * 32);
        else
            CONVERT(low, none, to + i * 32);
    }
    clear_pixels(to + end * 32, pitch - end);
}

/* Converts rows [iy, iy + rows) of an image into `to`: [ceil(C/32)][rows][pitch][32]. */
inline void convert_rows(__global const float *x, int blocks, int H, int W, int iy, int rows,
                         int left, int pitch, __global ushort *to)
{
    for (int cb = 0; cb < blocks; cb += 2)
        for (int r = 0; r < rows; r++, to += pitch * 32) {
            if (iy + r < 0 || iy + r >= H) {
                clear_pixels(to, pitch);
                continue;
            }
            convert_row(x + ((size_t)cb * H + iy + r) * W * 16,
                        cb + 1 < blocks ? (size_t)H * W * 16 : 0, W, left, pitch, to);
        }
}

/* Multiplies TP pixels of each of two rows by a panel. `sums` receives tiles 0 to 3, one behind the
 * other: [row][half of the outputs][16 pixels][16]. */
inline void multiply_block(__global const ushort *a, int pitch, size_t plane, int blocks,
                           __global const ushort *w, float *sums)
{
    TILE_ZERO();
    for (int cb = 0; cb < blocks; cb++, a += plane)
        for (int ky = 0; ky < KH; ky++)
#pragma unroll
            for (int kx = 0; kx < KW; kx++, w += 1024) {
                __global const ushort *at = a + (ky * DH * pitch + kx * DW) * 32;
                TILE_MULTIPLY(at, at + SH * pitch * 32, SW * 64L, w);
            }
    TILE_STORE(sums);
}

inline float16 finish(const float *sums, float16 bias, int relu)
{
    const float16 v = vload16(0, sums) + bias;
    return relu ? select(v, (float16)(0.0f), isless(v, (float16)(0.0f))) : v; /* NaN stays */
}

/* Writes half a block, 16 outputs: `rows` (1 or 2) x `pixels`, or pooled. */
inline void write_block(const float *sums, float16 bias, int relu, int pool, int rows, int pixels,
                        __global float *y, int OW)
{
    if (pool) {
        for (int p = 0; p < pixels / 2; p++) {
            const float16 top = max_or_nan(finish(sums + p * 32, bias, relu),
                                           finish(sums + p * 32 + 16, bias, relu));
            const float16 low = max_or_nan(finish(sums + 512 + p * 32, bias, relu),
                                           finish(sums + 512 + p * 32 + 16, bias, relu));
            vstore16(max_or_nan(top, low), p, y);
        }
        return;
    }
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < pixels; p++)
            vstore16(finish(sums + r * 512 + p * 16, bias, relu), (size_t)r * OW + p, y);
}

/* Multiplies a strip by one panel: output rows [first_row, end_row), `out_blocks` (1 or 2) blocks
 * of y. */
inline void multiply_strip(__global const ushort *strip, int pitch, size_t plane, int pairs,
                           __global const ushort *panel, __global const float *bias, int relu,
                           int pool, int first_row, int end_row, int OH, int OW, int out_blocks,
                           __global float *y)
{
    const int height = OH >> pool, width = OW >> pool; /* of y */
    float sums[1024] __attribute__((aligned(64)));
    for (int oy = first_row; oy < end_row; oy += 2)
        for (int ox = 0; ox < OW; ox += TP) {
            multiply_block(strip + ((oy - first_row) * SH * pitch + ox * SW) * 32, pitch, plane,
                           pairs, panel, sums);
            for (int b = 0; b < out_blocks; b++)
                write_block(sums + b * 256, vload16(b, bias), relu, pool, min(2, end_row - oy),
                            min(TP, OW - ox),
                            y + (((size_t)b * height + (oy >> pool)) * width + (ox >> pool)) * 16,
                            OW);
        }
}

__kernel CPU_KERNEL void
conv_amx(__global const float *restrict x, ulong x_offset, __global const ushort *restrict w,
         ulong w_offset, __global const float *restrict bias, ulong bias_offset,
         __global float *restrict y, ulong y_offset, int C, int H, int W, int K, int OH, int OW,
         int pad_top, int pad_left, int relu, int pool, __global float *restrict scratch,
         ulong scratch_offset, int images, int strip_rows, int unit_panels)
{
    const int blocks = (C + 15) / 16, out_blocks = (K + 15) / 16;
    const int pairs = (C + 31) / 32, panels = (K + 31) / 32;
    const int tiles = (OW + TP - 1) / TP, strips = (OH + strip_rows - 1) / strip_rows;
    const int pitch = (tiles * TP - 1) * SW + (KW - 1) * DW + 1;
    const int rows = (strip_rows - 1) * SH + (KH - 1) * DH + 1;
    const size_t plane = (size_t)rows * pitch * 32;
    const int runs = (panels + unit_panels - 1) / unit_panels, units = images * strips * runs;
    __global ushort *strip = (__global ushort *)(scratch + scratch_offset) +
                             get_global_id(0) * pairs * plane;

    x += x_offset;
    y += y_offset;
    w += w_offset;
    bias += bias_offset;
    configure_tiles();
    for (int unit = (int)get_global_id(0); unit < units; unit += (int)get_global_size(0)) {
        const int run = unit % runs, first_row = unit / runs % strips * strip_rows;
        const int end_row = min(first_row + strip_rows, pool ? OH / 2 * 2 : OH);
        const int end_panel = min((run + 1) * unit_panels, panels);
        const size_t n = unit / runs / strips;
        convert_rows(x + n * blocks * H * W * 16, blocks, H, W, first_row * SH - pad_top, rows,
                     pad_left, pitch, strip);
        for (int k = run * unit_panels; k < end_panel; k++)
            multiply_strip(strip, pitch, plane, pairs, w + (size_t)k * pairs * KH * KW * 1024,
                           bias + k * 32, relu, pool, first_row, end_row, OH, OW,
                           min(2, out_blocks - k * 2),
                           y + (n * out_blocks + k * 2) * (OH >> pool) * (OW >> pool) * 16);
    }
    TILE_RELEASE();
}
