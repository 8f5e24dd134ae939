/* conv_subgroup.cl — convolution by sub-groups, without local memory, for Intel's GPUs; and the
 * products of Winograd's positions, which are 1x1 convolutions.
 *
 * A work-group is one sub-group of S lanes. It computes S * NK output channels of TH x TW pixels:
 * a lane holds NK channels of all these pixels in registers. Weights lie so that a sub-group reads
 * those of its channels at once. Input pixels are the same for all channels: lanes read S
 * neighbours of a row, and each multiply-add takes its pixel from another lane's register, which
 * costs an Intel GPU nothing. Moving a window along the row takes other lanes, not other loads:
 *
 *     lanes     0   1   2   3   4   …          S pixels of an input row, at ix = ox * SW - pad
 *               |   |   |
 *     sum[0] += x0*w0 + x1*w1 + x2*w2          a row of a 3 wide window, stride 1
 *     sum[1] +=         x1*w0 + x2*w1 + x3*w2
 *
 * Where the stride of rows equals their dilation, the input row that output row i + 1 reads at ky
 * is the one that output row i reads at ky + 1: it is kept in registers.
 *
 *     x     [n][C][H][W]                          float32
 *     w     [ceil(K/PANEL)][C*KH*KW][PANEL]       zeros past K, in STORAGE's type; PANEL = S * NK
 *     bias  [ceil(K/PANEL) * PANEL]
 *     y     [n][K][OH][OW]                        (pooled, 2x2 stride 2: [OH/2][OW/2])
 *
 * With PRODUCTS 1, n counts Winograd's positions, each with weights of its own and without a bias.
 * An image is one row then, where W = OW is a multiple of TW, TW one of S, and K one of PANEL:
 *     w     [K/PANEL][n][C][PANEL]
 *
 * NDRange {S * tiles, ceil(K/PANEL), n}, local {S, 1, 1}; tiles = ceil(OH/TH) * ceil(OW/TW), row by
 * row. Sums run over (c, ky, kx) in order, one chain: a pixel's bits depend on its window alone.
 * Conditions: groups 1; sub-groups of S were seen to work (ocl/sub_group.c); with pooling TH and TW
 * are even (op_conv_subgroup.c).
 */
#ifndef S
#define S 16 /* lanes of a sub-group */
#endif
#ifndef NK
#define NK 1 /* output channels of a lane */
#endif
#ifndef TH
#define TH 2 /* output rows and columns of a sub-group */
#endif
#ifndef TW
#define TW 14
#endif
#ifndef PRODUCTS
#define PRODUCTS 0
#endif
#ifndef KH /* kernel, stride, dilation: height and width */
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#endif

#if defined(cl_khr_subgroups) && !defined(cl_intel_subgroups)
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#endif
#ifdef cl_intel_required_subgroup_size
#define SUB_GROUP_SIZE __attribute__((intel_reqd_sub_group_size(S)))
#else
#define SUB_GROUP_SIZE
#endif
/* READ(p) gives each lane its own of the S floats at p, LANE_WEIGHTS(p) its own of S weights, as a
 * float. */
#ifdef cl_intel_subgroups
#define READ(p) as_float(intel_sub_group_block_read((__global const uint *)(p)))
#else
#define READ(p) (p)[get_sub_group_local_id()]
#endif
#if STORAGE == 0
#define LANE_WEIGHTS(p) READ(p)
#elif STORAGE == 1
#if defined(cl_intel_subgroups_short) && defined(cl_khr_fp16)
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define LANE_WEIGHTS(p)                                                                            \
    convert_float(as_half(intel_sub_group_block_read_us((__global const ushort *)(p))))
#else
#define LANE_WEIGHTS(p) vload_half(get_sub_group_local_id(), p)
#endif
#else
#ifdef cl_intel_subgroups_short
#define LANE_WEIGHTS(p) as_float((uint)intel_sub_group_block_read_us(p) << 16)
#else
#define LANE_WEIGHTS(p) as_float((uint)(p)[get_sub_group_local_id()] << 16)
#endif
#endif

#define PANEL (S * NK)
#define SEGMENT ((TW - 1) * SW + (KW - 1) * DW + 1) /* input columns under a tile */
#define VECTORS ((SEGMENT + S - 1) / S)
#define KEEPS_ROWS (SH == DH && KH * KW <= 9)
#if KEEPS_ROWS /* else a window's rows aren't unrolled: that would hold too many addresses */
#define UNROLL_ROWS _Pragma("unroll")
#else
#define UNROLL_ROWS _Pragma("unroll 1")
#endif

/* Reads a lane's columns of row iy of a channel's plane, zeros outside the image. There too a
 * pixel of the image is read, and dropped, so that no branch keeps the compiler from reading ahead.
 */
inline void read_row(__global const float *x, uint plane, int H, int W, int iy, int ix,
                     float row[VECTORS])
{
#pragma unroll
    for (int v = 0; v < VECTORS; v++) {
#if PRODUCTS
        row[v] = READ(x + plane + ix + v * S);
#else
        const int column = ix + v * S + (int)get_sub_group_local_id();
        const float read =
            x[plane + (uint)clamp(iy, 0, H - 1) * (uint)W + (uint)clamp(column, 0, W - 1)];
        row[v] = iy >= 0 && iy < H && column >= 0 && column < W ? read : 0.0f;
#endif
    }
}

/* Adds one channel's products to `sum`: `plane` is where its pixels begin in x, `column` where its
 * weights begin in w. */
inline void add_channel(__global const float *x, uint plane, __global const weight_t *w,
                        uint column, int H, int W, int iy, int ix, float sum[NK][TH][TW])
{
    float row[TH][VECTORS];
    UNROLL_ROWS
    for (int ky = 0; ky < KH; ky++) {
#pragma unroll
        for (int i = 0; i < TH; i++) {
            if (KEEPS_ROWS && ky > 0 && i + 1 < TH)
#pragma unroll
                for (int v = 0; v < VECTORS; v++)
                    row[i][v] = row[i + 1][v];
            else
                read_row(x, plane, H, W, iy + i * SH + ky * DH, ix, row[i]);
        }
#pragma unroll
        for (int kx = 0; kx < KW; kx++, column += PANEL) {
            float weight[NK];
#pragma unroll
            for (int v = 0; v < NK; v++)
                weight[v] = LANE_WEIGHTS(w + column + v * S);
#pragma unroll
            for (int i = 0; i < TH; i++)
#pragma unroll
                for (int j = 0; j < TW; j++) {
                    const int at = j * SW + kx * DW;
                    const float pixel = sub_group_broadcast(row[i][at / S], at % S);
#pragma unroll
                    for (int v = 0; v < NK; v++)
                        sum[v][i][j] = fma(weight[v], pixel, sum[v][i][j]);
                }
        }
    }
}

/* The larger of two, or a NaN of either. */
inline float max_or_nan(float a, float b)
{
    return a > b || isnan(a) ? a : b;
}

/* Writes `count` values of one channel from column ox on, as far as the row, of `width`, goes. */
inline void write_row(const float *v, int count, __global float *row, int ox, int width)
{
    if (ox + count <= width) {
#pragma unroll
        for (int i = 0; i + 4 <= count; i += 4)
            vstore4((float4)(v[i], v[i + 1], v[i + 2], v[i + 3]), 0, row + ox + i);
#pragma unroll
        for (int i = count / 4 * 4; i < count; i++)
            row[ox + i] = v[i];
    } else {
#pragma unroll
        for (int i = 0; i < count; i++)
            if (ox + i < width)
                row[ox + i] = v[i];
    }
}

/* Adds bias and ReLU to a lane's sums of one channel, pools them where asked, and writes them at
 * row oy and column ox of the channel's plane. */
inline void write_tile(float sum[TH][TW], float bias, int relu, int pool, __global float *plane,
                       int oy, int ox, int OH, int OW)
{
#pragma unroll
    for (int i = 0; i < TH; i++)
#pragma unroll
        for (int j = 0; j < TW; j++) {
            const float v = sum[i][j] + bias;
            sum[i][j] = relu && v < 0.0f ? 0.0f : v; /* NaN stays */
        }
#if TH % 2 == 0 && TW % 2 == 0
    if (pool) {
#pragma unroll
        for (int i = 0; i < TH; i += 2) {
            float pooled[TW / 2];
#pragma unroll
            for (int j = 0; j < TW; j += 2)
                pooled[j / 2] = max_or_nan(max_or_nan(sum[i][j], sum[i][j + 1]),
                                           max_or_nan(sum[i + 1][j], sum[i + 1][j + 1]));
            if ((oy + i) / 2 < OH / 2)
                write_row(pooled, TW / 2, plane + (oy + i) / 2 * (OW / 2), ox / 2, OW / 2);
        }
        return;
    }
#endif
#pragma unroll
    for (int i = 0; i < TH; i++)
        if (oy + i < OH)
            write_row(sum[i], TW, plane + (oy + i) * OW, ox, OW);
}

__kernel __attribute__((reqd_work_group_size(S, 1, 1))) SUB_GROUP_SIZE void
conv_subgroup(__global const float *restrict x, ulong x_offset, __global const weight_t *restrict w,
              ulong w_offset, __global const float *restrict bias, ulong bias_offset,
              __global float *restrict y, ulong y_offset, int C, int H, int W, int K, int OH,
              int OW, int pad_top, int pad_left, int relu, int pool)
{
    const int tile_columns = (OW + TW - 1) / TW, tile = (int)get_group_id(0);
    const int oy = tile / tile_columns * TH, ox = tile % tile_columns * TW;
    const int iy = oy * SH - pad_top, ix = ox * SW - pad_left;
    const int panel = (int)get_group_id(1);
    const size_t image = get_group_id(2);

    x += x_offset + image * C * H * W;
#if PRODUCTS
    w += w_offset + ((size_t)panel * get_num_groups(2) + image) * C * PANEL;
#else
    w += w_offset + (size_t)panel * C * KH * KW * PANEL;
#endif

    float sum[NK][TH][TW];
#pragma unroll
    for (int v = 0; v < NK; v++)
#pragma unroll
        for (int i = 0; i < TH; i++)
#pragma unroll
            for (int j = 0; j < TW; j++)
                sum[v][i][j] = 0.0f;

    for (int c = 0; c < C; c++)
        add_channel(x, (uint)c * H * W, w, (uint)c * KH * KW * PANEL, H, W, iy, ix, sum);

    const int pixels = pool ? (OH / 2) * (OW / 2) : OH * OW;
#pragma unroll
    for (int v = 0; v < NK; v++) {
        const int k = panel * PANEL + v * S + (int)get_sub_group_local_id();
#if PRODUCTS
        const float b = 0.0f;
#else
        const float b = bias[bias_offset + k]; /* padded to whole panels */
#endif
        if (k < K)
            write_tile(sum[v], b, relu, pool, y + y_offset + (image * K + k) * pixels, oy, ox, OH,
                       OW);
    }
}
