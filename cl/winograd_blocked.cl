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
 *     v     [runs][ceil(C/VW)][X][TW][VW]             runs = ceil(tiles/TW)
 *     p     [ceil(K/(KB*VW))][runs][X][KB][TW][VW]
 *     y     [n][ceil(K/VW)][OH][OW][VW]   (pooled: [OH/2][OW/2])
 *
 * The X transformed values of a tile lie within a few pages: with [X] outermost, each of the X
 * stores would miss the TLB of stores (16 entries on current cores). Tiles are numbered (n, row,
 * column). Local size {1}; sums run over c in order, one chain, so a tile's bits depend on nothing
 * but its pixels.
 */
#ifndef VW
#define VW 16 /* vector width = channels in a block */
#endif
#ifndef M
#define M 4 /* output tile: 2, 4 or 6 */
#endif
#ifndef TW
#define TW 14 /* tiles in registers */
#endif
#ifndef KB
#define KB 2 /* output channel blocks in registers */
#endif
#define N (M + 2)
#define X (N * N)

#define LINE (64 / (int)sizeof(weight_t)) /* weights in a line of a cache */
#define LINE_VALUES (64 / (int)sizeof(float))

DECLARE_VEC_ANYWHERE;

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
#elif M == 6
    vec even = (d[2] + d[6]) - 4.25f * d[4], odd = (d[1] + d[5]) - 4.25f * d[3];
    o[0] = (d[0] - d[6]) + 5.25f * (d[4] - d[2]);
    o[1] = even + odd;
    o[2] = even - odd;
    even = (d[6] + 0.25f * d[2]) - 1.25f * d[4];
    odd = (0.5f * d[1] - 2.5f * d[3]) + 2.0f * d[5];
    o[3] = even + odd;
    o[4] = even - odd;
    even = (d[6] + 4.0f * d[2]) - 5.0f * d[4];
    odd = (2.0f * d[1] - 2.5f * d[3]) + 0.5f * d[5];
    o[5] = even + odd;
    o[6] = even - odd;
    o[7] = (d[7] - d[1]) + 5.25f * (d[3] - d[5]);
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
#elif M == 6
    const vec a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    const vec e = m[5] + m[6], f = m[5] - m[6];
    o[0] = m[0] + a + c + 32.0f * e;
    o[1] = b + 2.0f * d + 16.0f * f;
    o[2] = a + 4.0f * c + 8.0f * e;
    o[3] = b + 8.0f * d + 4.0f * f;
    o[4] = a + 16.0f * c + 2.0f * e;
    o[5] = b + 32.0f * d + f + m[7];
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

/* Prefetches the columns that the tile to the right of the one at (y0, x0) doesn't share with it.
 * Here and below the target is the first level of the cache, because what a core waits for mostly
 * lies in the second. */
inline void look_right(__global const float *x, int W, int y0, int x0)
{
#if LOOKS_AHEAD
    x += ((long)y0 * W + x0 + N) * VW;
    for (int i = 0; i < N; i++, x += (size_t)W * VW)
#pragma unroll
        for (int j = 0; j < M * VW; j += LINE_VALUES)
            LOOK_AHEAD(x + j, 0, 3);
#endif
}

/* Transforms one tile of one channel block: x at the block's plane, v at [e = 0][tile]. */
inline void transform_tile(__global const float *x, int H, int W, int y0, int x0,
                           __global float *v)
{
    vec r[N][N];
    if (y0 >= 0 && x0 >= 0 && y0 + N <= H && x0 + N <= W) {
        __global const float *row = x + ((size_t)y0 * W + x0) * VW;
#pragma unroll
        for (int i = 0; i < N; i++, row += (size_t)W * VW) {
            vec d[N];
#pragma unroll
            for (int j = 0; j < N; j++)
                d[j] = VLOAD(row + j * VW);
            input_line(d, r[i]);
        }
    } else { /* pixels outside are read from the nearest inside, then masked: no branches */
        int inside[N], column[N];
#pragma unroll
        for (int j = 0; j < N; j++) {
            inside[j] = -(x0 + j >= 0 && x0 + j < W);
            column[j] = clamp(x0 + j, 0, W - 1);
        }
#pragma unroll
        for (int i = 0; i < N; i++) {
            const int row_inside = -(y0 + i >= 0 && y0 + i < H);
            __global const float *row = x + (size_t)clamp(y0 + i, 0, H - 1) * W * VW;
            vec d[N];
#pragma unroll
            for (int j = 0; j < N; j++)
                d[j] = VECTOR(as_float)(VECTOR(as_int)(VLOAD(row + column[j] * VW)) &
                                        (ivec)(row_inside & inside[j]));
            input_line(d, r[i]);
        }
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
            STORE_GLOBAL(o[i], v + (i * N + j) * (TW * VW));
    }
}

/* p[b][t][VW] = sum over c of v[cb][e][t][c] * u[c][b][VW] for TW tiles: v and p at their e. On
 * the way it prefetches `ahead_lines` lines from `ahead` on for each channel block, and the tiles
 * of the next channel block, whose stride no hardware prefetcher follows; in the last block the
 * tiles at `then`. */
inline void multiply(__global const float *v, __global const weight_t *u, int blocks,
                     __global float *p, __global const weight_t *ahead, int ahead_lines,
                     __global const float *then)
{
    vec sum[TW][KB];
#pragma unroll
    for (int t = 0; t < TW; t++)
#pragma unroll
        for (int b = 0; b < KB; b++)
            sum[t][b] = (vec)(0.0f);
    for (int cb = 0; cb < blocks; cb++, v += X * TW * VW, u += VW * KB * VW) {
#if LOOKS_AHEAD
        for (int i = 0; i < ahead_lines; i++, ahead += LINE)
            LOOK_AHEAD(ahead, 0, 3);
        __global const float *tiles = cb + 1 < blocks ? v + X * TW * VW : then;
#pragma unroll
        for (int i = 0; i < TW * VW; i += LINE_VALUES)
            LOOK_AHEAD(tiles + i, 0, 3);
#endif
        for (int c = 0; c < VW; c++) {
            vec weight[KB];
#pragma unroll
            for (int b = 0; b < KB; b++)
                weight[b] = WEIGHTS(u + (c * KB + b) * VW);
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
            STORE_GLOBAL(sum[t][b], p + (b * TW + t) * VW);
}

/* Multiplies one position of `runs` runs of tiles by a panel of weights; `next` is the panel after
 * it. */
inline void multiply_runs(__global const float *v, __global const weight_t *u, int blocks, int runs,
                          __global float *p, __global const weight_t *next)
{
    const int ahead_lines = (VW * KB * VW / LINE + runs - 1) / runs;
    const size_t v_run = (size_t)blocks * X * TW * VW;
    for (int run = 0; run < runs; run++)
        multiply(v + run * v_run, u, blocks, p + (size_t)run * X * KB * TW * VW,
                 next + (size_t)run * blocks * ahead_lines * LINE, ahead_lines,
                 run + 1 < runs ? v + (run + 1) * v_run : v + TW * VW);
}

/* Transforms one tile of one channel block back: p at [e = 0][its block][its tile], y at the
 * block's plane. */
inline void inverse_tile(__global const float *p, vec bias, int relu, int pool,
                         __global float *y, int OH, int OW, int oy, int ox)
{
    vec r[N][M], q[M][M];
#pragma unroll
    for (int i = 0; i < N; i++) {
        vec m[N];
#pragma unroll
        for (int j = 0; j < N; j++)
            m[j] = VLOAD(p + (i * N + j) * (KB * TW * VW));
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
                    STORE_GLOBAL(max_or_nan(max_or_nan(q[2 * i][2 * j], q[2 * i][2 * j + 1]),
                                      max_or_nan(q[2 * i + 1][2 * j], q[2 * i + 1][2 * j + 1])),
                           y + ((size_t)(oy / 2 + i) * pw + ox / 2 + j) * VW);
    } else if (oy + M <= OH && ox + M <= OW) {
        y += ((size_t)oy * OW + ox) * VW;
#pragma unroll
        for (int i = 0; i < M; i++, y += (size_t)OW * VW)
#pragma unroll
            for (int j = 0; j < M; j++)
                STORE_GLOBAL(q[i][j], y + j * VW);
    } else {
#pragma unroll
        for (int i = 0; i < M; i++)
#pragma unroll
            for (int j = 0; j < M; j++)
                if (oy + i < OH && ox + j < OW)
                    STORE_GLOBAL(q[i][j], y + ((size_t)(oy + i) * OW + ox + j) * VW);
    }
}

/* Where a tile lies; `next_tile` steps on without dividing. */
typedef struct {
    int column, row;
    size_t image;
} tile_place;

inline tile_place place_tile(int tile, int rows, int columns)
{
    tile_place place;
    place.column = tile % columns;
    place.row = tile / columns % rows;
    place.image = tile / columns / rows;
    return place;
}

inline void next_tile(tile_place *place, int rows, int columns)
{
    if (++place->column == columns) {
        place->column = 0;
        if (++place->row == rows) {
            place->row = 0;
            place->image++;
        }
    }
}

/* Input transform of the TW tiles from `first` in channel block cb, to v [X][TW][VW]; zeros behind
 * the last tile of all. */
inline void transform_run(__global const float *x, int blocks, int H, int W, int pad_top,
                          int pad_left, int tile_rows, int tile_columns, int total, int first,
                          int cb, __global float *v)
{
    tile_place at = place_tile(first, tile_rows, tile_columns);
    for (int t = 0; t < TW; t++, v += VW, next_tile(&at, tile_rows, tile_columns)) {
        if (first + t < total) {
            __global const float *plane = x + (at.image * blocks + cb) * H * W * VW;
            const int y0 = at.row * M - pad_top, x0 = at.column * M - pad_left;
            look_right(plane, W, y0, x0);
            transform_tile(plane, H, W, y0, x0, v);
        } else {
            for (int e = 0; e < X; e++)
                STORE_GLOBAL((vec)(0.0f), v + e * (TW * VW));
        }
    }
}

/* Output transform of the TW tiles from `first` in channel block kb, from p [X][KB][TW][VW] at its
 * block. */
inline void inverse_run(__global const float *p, __global const float *bias, int relu, int pool,
                        __global float *y, int out_blocks, int kb, int OH, int OW, int tile_rows,
                        int tile_columns, int total, int first)
{
    const vec b = VLOAD(bias + kb * VW);
    const size_t plane = pool ? (size_t)(OH / 2) * (OW / 2) : (size_t)OH * OW;
    tile_place at = place_tile(first, tile_rows, tile_columns);
    for (int t = 0; t < TW && first + t < total; t++, next_tile(&at, tile_rows, tile_columns))
        inverse_tile(p + t * VW, b, relu, pool, y + (at.image * out_blocks + kb) * plane * VW, OH,
                     OW, at.row * M, at.column * M);
}

#define GEOMETRY                                                                                   \
    int C, int H, int W, int K, int OH, int OW, int pad_top, int pad_left, int relu, int pool,     \
        int tile_rows, int tile_columns, int total

/* NDRange {slots}: each work-item takes its share of the runs of TW tiles, `block_runs` at a time,
 * through all steps in its own piece of `scratch`: v for all channels, p for KB blocks. */
__kernel CPU_KERNEL void
winograd_fused(__global const float *restrict x, ulong x_offset, __global const weight_t *restrict u,
               ulong u_offset, __global const float *restrict bias, ulong bias_offset,
               __global float *restrict y, ulong y_offset, GEOMETRY, __global float *restrict scratch,
               ulong scratch_offset, int block_runs)
{
    const int blocks = (C + VW - 1) / VW, out_blocks = (K + VW - 1) / VW;
    const size_t v_run = (size_t)blocks * X * TW * VW, p_run = X * KB * TW * VW;
    __global float *v = scratch + scratch_offset + get_global_id(0) * block_runs * (v_run + p_run);
    __global float *p = v + block_runs * v_run;
    x += x_offset;
    u += u_offset;
    bias += bias_offset;
    y += y_offset;
    const size_t all_runs = (size_t)(total + TW - 1) / TW;
    const int end = (int)((get_global_id(0) + 1) * all_runs / get_global_size(0));
    for (int begin = (int)(get_global_id(0) * all_runs / get_global_size(0)); begin < end;
         begin += block_runs) {
        const int runs = min(block_runs, end - begin), first = begin * TW;
        for (int run = 0; run < runs; run++)
            for (int cb = 0; cb < blocks; cb++)
                transform_run(x, blocks, H, W, pad_top, pad_left, tile_rows, tile_columns, total,
                              first + run * TW, cb, v + run * v_run + cb * (X * TW * VW));
        __global const weight_t *panel = u;
        for (int kb = 0; kb < out_blocks; kb += KB) {
            for (int e = 0; e < X; e++, panel += (size_t)blocks * VW * KB * VW)
                multiply_runs(v + e * (TW * VW), panel, blocks, runs, p + e * (KB * TW * VW),
                              panel + (size_t)blocks * VW * KB * VW);
            for (int b = 0; b < KB && kb + b < out_blocks; b++)
                for (int run = 0; run < runs; run++)
                    inverse_run(p + run * p_run + b * (TW * VW), bias, relu, pool, y, out_blocks,
                                kb + b, OH, OW, tile_rows, tile_columns, total, first + run * TW);
        }
    }
}

/* NDRange {runs, channel blocks}. */
__kernel CPU_KERNEL void
winograd_input(__global const float *restrict x, ulong x_offset, GEOMETRY,
               __global float *restrict v, ulong v_offset)
{
    const int blocks = (C + VW - 1) / VW, run = (int)get_global_id(0), cb = (int)get_global_id(1);
    transform_run(x + x_offset, blocks, H, W, pad_top, pad_left, tile_rows, tile_columns, total,
                  run * TW, cb, v + v_offset + ((size_t)run * blocks + cb) * (X * TW * VW));
}

/* NDRange {ceil(K/(KB*VW)), X}: a position's tiles stay in the cache while the panels go by. */
__kernel CPU_KERNEL void
winograd_products(__global const float *restrict v, ulong v_offset, __global const weight_t *restrict u,
                  ulong u_offset, __global float *restrict p, ulong p_offset, int C, int runs)
{
    const int blocks = (C + VW - 1) / VW;
    const size_t group = get_global_id(0), groups = get_global_size(0), e = get_global_id(1);
    const size_t next = group + 1 < groups ? (group + 1) * X + e : e + 1;
    u += u_offset;
    multiply_runs(v + v_offset + e * (TW * VW), u + (group * X + e) * blocks * VW * KB * VW, blocks,
                  runs, p + p_offset + (group * runs * X + e) * (KB * TW * VW),
                  u + next * blocks * VW * KB * VW);
}

/* NDRange {runs, output channel blocks}. */
__kernel CPU_KERNEL void
winograd_output(__global const float *restrict p, ulong p_offset,
                __global const float *restrict bias, ulong bias_offset, __global float *restrict y,
                ulong y_offset, GEOMETRY)
{
    const size_t run = get_global_id(0), runs = get_global_size(0);
    const int kb = (int)get_global_id(1), out_blocks = (K + VW - 1) / VW;
    p += p_offset + ((size_t)(kb / KB) * runs + run) * (X * KB * TW * VW) + (kb % KB) * (TW * VW);
    inverse_run(p, bias + bias_offset, relu, pool, y + y_offset, out_blocks, kb, OH, OW, tile_rows,
                tile_columns, total, (int)run * TW);
}
