/* winograd_blocked.cl — 3x3 stride 1 convolution by Winograd's minimal filtering F(MxM, 3x3) on
 * blocked channels, for CPUs (Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural
 * Networks", arXiv:1509.09308). Bias and ReLU, and optionally 2x2 stride 2 max pooling, are fused.
 *
 * The output is cut into M x M tiles; a tile needs N x N input pixels, N = M + 2. With X = N * N:
 *
 *     V[e][c][t] = (Bt d B)[e]        input transform of tile t, channel c, e < X
 *     P[e][k][t] = sum over c of U[e][k][c] * V[e][c][t]      X matrix products
 *     y tile t   = At P At'           output transform, then bias, ReLU, pooling
 *
 * Two ways through memory: `winograd_fused` keeps a block of tiles in the cache of one core through
 * all three steps (many tiles, few weights); `winograd_input`, `winograd_products` and
 * `winograd_output` are the steps one by one over all tiles, so that each weight is read once (few
 * tiles, many weights).
 *
 *     x     [n][ceil(C/VW)][H][W][VW]                 channels past C are zero
 *     u     [ceil(K/(KB*VW))][X][C rounded up to VW][KB*VW]    transformed weights (pack_winograd.cl)
 *                                                              in STORAGE's type
 *     v     [X][ceil(C/VW)][tiles][VW]                tiles rounded up to TW
 *     p     [X][ceil(K/VW) rounded up to KB][tiles][VW]
 *     y     [n][ceil(K/VW)][OH][OW][VW]   (pooled: [OH/2][OW/2])
 *
 * Tiles are numbered (n, row, column). Local size {1}; sums run over c in order, one chain, so a
 * tile's bits depend on nothing but its pixels.
 */
#ifndef VW
#define VW 16 /* vector width = channels in a block */
#endif
#ifndef M
#define M 4 /* output tile: 2 or 4 */
#endif
#ifndef TW
#define TW 14 /* tiles in registers */
#endif
#ifndef KB
#define KB 2 /* output channel blocks in registers */
#endif
#ifndef STORAGE
#define STORAGE 0 /* of weights: 0 float32, 1 float16, 2 bfloat16 */
#endif
#define N (M + 2)
#define X (N * N)

#define PASTE(a, b) a##b
#define PASTE2(a, b) PASTE(a, b)
#define vec PASTE2(float, VW)
#define VLOAD(p) PASTE2(vload, VW)(0, p)
#define VSTORE(v, p) PASTE2(vstore, VW)(v, 0, p)
#if STORAGE == 0
#define weight_t float
#define WEIGHTS(p) VLOAD(p)
#elif STORAGE == 1
#define weight_t half
#define WEIGHTS(p) PASTE2(vload_half, VW)(0, p)
#else
#define weight_t ushort
#define WEIGHTS(p) PASTE2(as_float, VW)(PASTE2(convert_uint, VW)(PASTE2(vload, VW)(0, p)) << 16)
#endif
/* The hint keeps Intel's compiler from vectorising across work-items what is vectors already, which
 * costs it seconds. */
#define CPU_KERNEL                                                                                 \
    __attribute__((reqd_work_group_size(1, 1, 1))) __attribute__((vec_type_hint(vec)))

/* o = Bt d, one line of N values. */
inline void input_line(const vec *d, vec *o)
{
#if M == 4
    o[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    o[1] = (d[4] - 4.0f * d[2]) + (d[3] - 4.0f * d[1]);
    o[2] = (d[4] - 4.0f * d[2]) - (d[3] - 4.0f * d[1]);
    o[3] = (d[4] - d[2]) + 2.0f * (d[3] - d[1]);
    o[4] = (d[4] - d[2]) - 2.0f * (d[3] - d[1]);
    o[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
#else
    o[0] = d[0] - d[2];
    o[1] = d[1] + d[2];
    o[2] = d[2] - d[1];
    o[3] = d[1] - d[3];
#endif
}

/* o = At m, N values to M. */
inline void output_line(const vec *m, vec *o)
{
#if M == 4
    const vec a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    o[0] = m[0] + a + c;
    o[1] = b + 2.0f * d;
    o[2] = a + 4.0f * c;
    o[3] = b + 8.0f * d + m[5];
#else
    o[0] = m[0] + m[1] + m[2];
    o[1] = m[1] - m[2] - m[3];
#endif
}

/* The larger of two, or a NaN of either. */
inline vec max_or_nan(vec a, vec b)
{
    return select(b, a, isgreater(a, b) | isnan(a));
}

/* Transforms one tile of one channel block: x at the block's plane, v at [e = 0][..][tile]. */
inline void transform_tile(__global const float *x, int H, int W, int y0, int x0,
                           __global float *v, size_t v_stride)
{
    vec r[N][N];
    const int inside = y0 >= 0 && x0 >= 0 && y0 + N <= H && x0 + N <= W;
#pragma unroll
    for (int i = 0; i < N; i++) {
        vec d[N];
#pragma unroll
        for (int j = 0; j < N; j++) {
            const int iy = y0 + i, ix = x0 + j;
            d[j] = (vec)(0.0f);
            if (inside || (iy >= 0 && iy < H && ix >= 0 && ix < W))
                d[j] = VLOAD(x + ((size_t)iy * W + ix) * VW);
        }
        input_line(d, r[i]);
    }
#pragma unroll
    for (int j = 0; j < N; j++) {
        vec d[N], o[N];
#pragma unroll
        for (int i = 0; i < N; i++)
            d[i] = r[i][j];
        input_line(d, o);
#pragma unroll
        for (int i = 0; i < N; i++)
            VSTORE(o[i], v + (i * N + j) * v_stride);
    }
}

/* p[b][TW][VW] = sum over c of v[cb][t][c] * u[c][b][VW] for TW tiles; strides in elements. */
inline void multiply(__global const float *v, size_t v_stride, __global const weight_t *u, int blocks,
                     __global float *p, size_t p_stride)
{
    vec sum[TW][KB];
#pragma unroll
    for (int t = 0; t < TW; t++)
#pragma unroll
        for (int b = 0; b < KB; b++)
            sum[t][b] = (vec)(0.0f);
    for (int cb = 0; cb < blocks; cb++, v += v_stride, u += VW * KB * VW) {
        for (int c = 0; c < VW; c++) {
            vec weight[KB];
#pragma unroll
            for (int b = 0; b < KB; b++)
                weight[b] = WEIGHTS(u + (c * KB + b) * VW);
#pragma unroll
            for (int t = 0; t < TW; t++) {
                const vec value = (vec)(v[t * VW + c]);
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
            VSTORE(sum[t][b], p + b * p_stride + t * VW);
}

/* One tile of one channel block: p at [e = 0][..][tile], y at the block's plane. */
inline void inverse_tile(__global const float *p, size_t p_stride, vec bias, int relu, int pool,
                         __global float *y, int OH, int OW, int oy, int ox)
{
    vec r[N][M], q[M][M];
#pragma unroll
    for (int i = 0; i < N; i++) {
        vec m[N];
#pragma unroll
        for (int j = 0; j < N; j++)
            m[j] = VLOAD(p + (i * N + j) * p_stride);
        output_line(m, r[i]);
    }
#pragma unroll
    for (int j = 0; j < M; j++) {
        vec m[N], o[M];
#pragma unroll
        for (int i = 0; i < N; i++)
            m[i] = r[i][j];
        output_line(m, o);
#pragma unroll
        for (int i = 0; i < M; i++) {
            const vec s = o[i] + bias;
            q[i][j] = relu ? select(s, (vec)(0.0f), isless(s, (vec)(0.0f))) : s; /* NaN stays */
        }
    }
    if (pool) {
        const int ph = OH / 2, pw = OW / 2;
#pragma unroll
        for (int i = 0; i < M / 2; i++)
#pragma unroll
            for (int j = 0; j < M / 2; j++)
                if (oy / 2 + i < ph && ox / 2 + j < pw)
                    VSTORE(max_or_nan(max_or_nan(q[2 * i][2 * j], q[2 * i][2 * j + 1]),
                                      max_or_nan(q[2 * i + 1][2 * j], q[2 * i + 1][2 * j + 1])),
                           y + ((size_t)(oy / 2 + i) * pw + ox / 2 + j) * VW);
    } else {
#pragma unroll
        for (int i = 0; i < M; i++)
#pragma unroll
            for (int j = 0; j < M; j++)
                if (oy + i < OH && ox + j < OW)
                    VSTORE(q[i][j], y + ((size_t)(oy + i) * OW + ox + j) * VW);
    }
}

/* Input transform of tiles [first, first + count), zeros behind the last tile of all. */
inline void transform_tiles(__global const float *x, int blocks, int H, int W, int pad_top,
                            int pad_left, int tile_rows, int tile_columns, int total, int first,
                            int count, int cb, __global float *v, size_t v_stride)
{
    for (int t = 0; t < count; t++) {
        const int tile = first + t;
        if (tile < total) {
            const int tx = tile % tile_columns, ty = tile / tile_columns % tile_rows;
            const size_t n = tile / tile_columns / tile_rows;
            transform_tile(x + (n * blocks + cb) * H * W * VW, H, W, ty * M - pad_top,
                           tx * M - pad_left, v + t * VW, v_stride);
        } else {
            for (int e = 0; e < X; e++)
                VSTORE((vec)(0.0f), v + e * v_stride + t * VW);
        }
    }
}

/* Output transform of tiles [first, first + count) for one channel block. */
inline void inverse_tiles(__global const float *p, size_t p_stride, __global const float *bias,
                          int relu, int pool, __global float *y, int out_blocks, int kb, int OH,
                          int OW, int tile_rows, int tile_columns, int total, int first, int count)
{
    const vec b = VLOAD(bias + kb * VW);
    const size_t plane = pool ? (size_t)(OH / 2) * (OW / 2) : (size_t)OH * OW;
    for (int t = 0; t < count && first + t < total; t++) {
        const int tile = first + t;
        const int tx = tile % tile_columns, ty = tile / tile_columns % tile_rows;
        const size_t n = tile / tile_columns / tile_rows;
        inverse_tile(p + t * VW, p_stride, b, relu, pool, y + (n * out_blocks + kb) * plane * VW, OH,
                     OW, ty * M, tx * M);
    }
}

#define GEOMETRY                                                                                   \
    int C, int H, int W, int K, int OH, int OW, int pad_top, int pad_left, int relu, int pool,     \
        int tile_rows, int tile_columns, int total

/* NDRange {slots}: each work-item takes every slots-th block of `block_tiles` (a multiple of TW)
 * tiles through all steps in its own piece of `scratch`: v for all channels, p for KB blocks. */
__kernel CPU_KERNEL void
winograd_fused(__global const float *restrict x, ulong x_offset, __global const weight_t *restrict u,
               ulong u_offset, __global const float *restrict bias, ulong bias_offset,
               __global float *restrict y, ulong y_offset, GEOMETRY, __global float *restrict scratch,
               ulong scratch_offset, int block_tiles)
{
    const int blocks = (C + VW - 1) / VW, out_blocks = (K + VW - 1) / VW;
    const size_t v_stride = (size_t)blocks * block_tiles * VW, p_stride = (size_t)KB * block_tiles * VW;
    __global float *v = scratch + scratch_offset + get_global_id(0) * X * (v_stride + p_stride);
    __global float *p = v + X * v_stride;
    x += x_offset;
    u += u_offset;
    bias += bias_offset;
    y += y_offset;
    for (int first = (int)get_global_id(0) * block_tiles; first < total;
         first += (int)get_global_size(0) * block_tiles) {
        for (int cb = 0; cb < blocks; cb++)
            transform_tiles(x, blocks, H, W, pad_top, pad_left, tile_rows, tile_columns, total,
                            first, block_tiles, cb, v + (size_t)cb * block_tiles * VW, v_stride);
        for (int kb = 0; kb < out_blocks; kb += KB) {
            __global const weight_t *panel = u + (size_t)(kb / KB) * X * blocks * VW * KB * VW;
            for (int e = 0; e < X; e++, panel += (size_t)blocks * VW * KB * VW)
                for (int t = 0; t < block_tiles; t += TW)
                    multiply(v + e * v_stride + t * VW, (size_t)block_tiles * VW, panel, blocks,
                             p + e * p_stride + t * VW, (size_t)block_tiles * VW);
            for (int b = 0; b < KB && kb + b < out_blocks; b++)
                inverse_tiles(p + (size_t)b * block_tiles * VW, p_stride, bias, relu, pool, y,
                              out_blocks, kb + b, OH, OW, tile_rows, tile_columns, total, first,
                              block_tiles);
        }
    }
}

/* NDRange {ceil(tiles/TW), channel blocks}. */
__kernel CPU_KERNEL void
winograd_input(__global const float *restrict x, ulong x_offset, GEOMETRY,
               __global float *restrict v, ulong v_offset)
{
    const int blocks = (C + VW - 1) / VW, tiles = (total + TW - 1) / TW * TW;
    const int first = (int)get_global_id(0) * TW, cb = (int)get_global_id(1);
    transform_tiles(x + x_offset, blocks, H, W, pad_top, pad_left, tile_rows, tile_columns, total,
                    first, TW, cb, v + v_offset + ((size_t)cb * tiles + first) * VW,
                    (size_t)blocks * tiles * VW);
}

/* NDRange {X, ceil(K/(KB*VW))}. */
__kernel CPU_KERNEL void
winograd_products(__global const float *restrict v, ulong v_offset, __global const weight_t *restrict u,
                  ulong u_offset, __global float *restrict p, ulong p_offset, int C, int tiles)
{
    const int blocks = (C + VW - 1) / VW;
    const size_t e = get_global_id(0), group = get_global_id(1), groups = get_global_size(1);
    v += v_offset + e * blocks * tiles * VW;
    u += u_offset + (group * X + e) * blocks * VW * KB * VW;
    p += p_offset + (e * groups + group) * KB * tiles * VW;
    for (int t = 0; t < tiles; t += TW)
        multiply(v + (size_t)t * VW, (size_t)tiles * VW, u, blocks, p + (size_t)t * VW,
                 (size_t)tiles * VW);
}

/* NDRange {ceil(tiles/TW), output channel blocks}. */
__kernel CPU_KERNEL void
winograd_output(__global const float *restrict p, ulong p_offset,
                __global const float *restrict bias, ulong bias_offset, __global float *restrict y,
                ulong y_offset, GEOMETRY)
{
    const int out_blocks = (K + VW - 1) / VW, padded = (out_blocks + KB - 1) / KB * KB;
    const int tiles = (total + TW - 1) / TW * TW;
    const int first = (int)get_global_id(0) * TW, kb = (int)get_global_id(1);
    inverse_tiles(p + p_offset + ((size_t)kb * tiles + first) * VW, (size_t)padded * tiles * VW,
                  bias + bias_offset, relu, pool, y + y_offset, out_blocks, kb, OH, OW, tile_rows,
                  tile_columns, total, first, TW);
}
