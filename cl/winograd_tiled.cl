/* winograd_tiled.cl — 3x3 stride 1 convolution by Winograd's F(2x2, 3x3) in one kernel, for GPUs
 * (Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308). Bias
 * and ReLU, and optionally 2x2 stride 2 max pooling, are fused.
 *
 * The output is cut into 2 x 2 tiles; a tile needs 4 x 4 input pixels. In the transformed state
 * there are 16 independent positions e:
 *
 *     P[e][k][t] = sum over c of U[e][k][c] * V[e][c][t],     V = Bt d B,     y tile = At P A
 *
 * A work-group computes TK channels of TT tiles in steps of TC input channels. Its items are dealt
 * out over positions, so that an item's inner loop is an outer product of MK weights and MT tiles:
 *
 *            TC       TT tiles                         each step: items read 4 x 4 pixels, half of
 *          +---+     +---------+                       a transform each, and store V; they copy U;
 *       TK | U |  x  |    V    | TC     x 16           then multiply, position item / (LK * LT)
 *          +---+     +---------+
 *
 * At the end the sums go through local memory, RK channels of each item at a time, to items that
 * hold all 16 positions of one channel and tile. Strides in local memory are such that neighbours
 * touch different banks.
 *
 *     x     [n][C][H][W]                              float32
 *     w     [ceil(K/TK)][16][C rounded up to TC][TK]  transformed, zeros past K and C, in STORAGE's
 *                                                     type (pack_winograd.cl)
 *     bias  [ceil(K/TK) * TK]
 *     y     [n][K][OH][OW]   (pooled: [OH/2][OW/2])
 *
 * Tiles are numbered (n, row, column), `tiles` in all. Sums run over c in order, one chain, so a
 * tile's bits depend on nothing but its pixels.
 *
 * NDRange {ceil(tiles/TT) * ITEMS, ceil(K/TK)}, local {ITEMS, 1}, ITEMS = 16 * TK/MK * TT/MT.
 * Conditions: groups 1; TK, TT, MK, MT multiples of 4, ITEMS of TT; the local size and local memory
 * fit the device (op_winograd_tiled.c).
 */
#ifndef TK
#define TK 32 /* output channels of a work-group */
#endif
#ifndef TT
#define TT 16 /* tiles of a work-group */
#endif
#ifndef TC
#define TC 4 /* input channels of a step */
#endif
#ifndef MK
#define MK 8 /* output channels of a work-item */
#endif
#ifndef MT
#define MT 4 /* tiles of a work-item */
#endif
#ifndef STAGES
#define STAGES 1 /* 2: the next step's values are read while this one multiplies */
#endif

#define X 16 /* positions */
#define LK (TK / MK)
#define LT (TT / MT)
#define ITEMS (X * LK * LT)
#define RK 2                   /* channels that an item exchanges at a time */
#define SLOTS (LK * RK)        /* channels of the group in exchange */
#define U_STRIDE (TC * TK + 4) /* of a position, in local memory */
#define V_STRIDE (TC * TT + 4)
#define P_ROW (TT + 4)
#define P_STRIDE (SLOTS * P_ROW + 16)
#define PRODUCT_FLOATS (X * (U_STRIDE + V_STRIDE))
#define EXCHANGE_FLOATS (X * P_STRIDE)
#define LOCAL_FLOATS (PRODUCT_FLOATS > EXCHANGE_FLOATS ? PRODUCT_FLOATS : EXCHANGE_FLOATS)
#define HALVES ((2 * TC * TT + ITEMS - 1) / ITEMS)  /* of transforms, of an item in a step */
#define COPIES ((X * TC * TK + ITEMS - 1) / ITEMS) /* weights that an item copies in a step */

/* Loads rows h … h + 2 of a tile's pixels d, which rows 2h and 2h + 1 of Bt d need. */
inline void load_half(__global const float *plane, int inside, int h, int y0, int x0, int H, int W,
                      float *d)
{
#pragma unroll
    for (int i = 0; i < 3; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int iy = y0 + h + i, ix = x0 + j;
            d[i * 4 + j] = inside && iy >= 0 && iy < H && ix >= 0 && ix < W
                               ? plane[(size_t)iy * W + ix]
                               : 0.0f;
        }
}

/* Stores one line of Bt d B, whose positions are in one row. */
inline void store_line(float a, float b, float c, float d, __local float *v)
{
    v[0] = a - c;
    v[V_STRIDE] = b + c;
    v[2 * V_STRIDE] = c - b;
    v[3 * V_STRIDE] = b - d;
}

inline void store_half(const float *d, int h, __local float *v)
{
    float upper[4], lower[4];
#pragma unroll
    for (int j = 0; j < 4; j++) {
        const float outer = d[j] - d[8 + j];
        upper[j] = h ? d[4 + j] - d[j] : outer;
        lower[j] = h ? outer : d[4 + j] + d[8 + j];
    }
    v += 8 * h * V_STRIDE;
    store_line(upper[0], upper[1], upper[2], upper[3], v);
    store_line(lower[0], lower[1], lower[2], lower[3], v + 4 * V_STRIDE);
}

/* The larger of two, or a NaN of either. */
inline float max_or_nan(float a, float b)
{
    return a > b || isnan(a) ? a : b;
}

inline float activate(float v, int relu)
{
    return relu && v < 0.0f ? 0.0f : v; /* NaN stays */
}

/* At P A of one channel and tile, its 16 positions at distance P_STRIDE. */
inline void output_tile(__local const float *p, float bias, int relu, int pool,
                        __global float *plane, int OH, int OW, int oy, int ox)
{
    float r[4][2], q[2][2];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const float a = p[(4 * i) * P_STRIDE], b = p[(4 * i + 1) * P_STRIDE];
        const float c = p[(4 * i + 2) * P_STRIDE], d = p[(4 * i + 3) * P_STRIDE];
        r[i][0] = a + b + c;
        r[i][1] = b - c - d;
    }
#pragma unroll
    for (int j = 0; j < 2; j++) {
        q[0][j] = activate(r[0][j] + r[1][j] + r[2][j] + bias, relu);
        q[1][j] = activate(r[1][j] - r[2][j] - r[3][j] + bias, relu);
    }
    if (pool) {
        if (oy + 1 < OH && ox + 1 < OW)
            plane[(size_t)(oy / 2) * (OW / 2) + ox / 2] =
                max_or_nan(max_or_nan(q[0][0], q[0][1]), max_or_nan(q[1][0], q[1][1]));
    } else {
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int j = 0; j < 2; j++)
                if (oy + i < OH && ox + j < OW)
                    plane[(size_t)(oy + i) * OW + ox + j] = q[i][j];
    }
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
winograd_tiled(__global const float *restrict x, ulong x_offset,
               __global const weight_t *restrict w, ulong w_offset,
               __global const float *restrict bias, ulong bias_offset, __global float *restrict y,
               ulong y_offset, int C, int H, int W, int K, int OH, int OW, int pad_top,
               int pad_left, int relu, int pool, int tile_rows, int tile_columns, int tiles)
{
    __local float memory[LOCAL_FLOATS] __attribute__((aligned(16)));
    __local float *u = memory, *v = memory + X * U_STRIDE;
    const int item = (int)get_local_id(0);
    const int e = item / (LK * LT), lk = item / LT % LK, lt = item % LT;
    const int channels = (C + TC - 1) / TC * TC;

    /* The tile whose pixels this item reads, and whose outputs it writes. */
    const int t = item % TT, tile = (int)get_group_id(0) * TT + t;
    const int tx = tile % tile_columns, ty = tile / tile_columns % tile_rows;
    const size_t image = tile / tile_columns / tile_rows;
    const int y0 = ty * 2 - pad_top, x0 = tx * 2 - pad_left;

    x += x_offset + (tile < tiles ? image * C * H * W : 0);
    w += w_offset + get_group_id(1) * X * channels * TK;

    float4 sum[MK][MT / 4];
#pragma unroll
    for (int i = 0; i < MK; i++)
#pragma unroll
        for (int j = 0; j < MT / 4; j++)
            sum[i][j] = (float4)(0.0f);

    float d[HALVES][12];
    float weights[COPIES];
#define LOAD(c0)                                                                                   \
    _Pragma("unroll") for (int i = 0; i < HALVES; i++)                                             \
    {                                                                                              \
        const int pair = i * (ITEMS / TT) + item / TT, c = (c0) + pair % TC;                       \
        if (pair < 2 * TC)                                                                         \
            load_half(x + (size_t)c * H * W, tile < tiles && c < C, pair / TC, y0, x0, H, W,       \
                      d[i]);                                                                       \
    }                                                                                              \
    _Pragma("unroll") for (int i = 0; i < COPIES; i++)                                            \
    {                                                                                              \
        const int place = i * ITEMS + item;                                                        \
        if (place < X * TC * TK)                                                                   \
            weights[i] = WEIGHT(                                                                   \
                ((size_t)(place / (TC * TK)) * channels + (c0)) * TK + place % (TC * TK), w);      \
    }
#if STAGES == 2
    LOAD(0)
#endif
    for (int c0 = 0; c0 < C; c0 += TC) {
#if STAGES == 1
        LOAD(c0)
#endif
#pragma unroll
        for (int i = 0; i < HALVES; i++) {
            const int pair = i * (ITEMS / TT) + item / TT;
            if (pair < 2 * TC)
                store_half(d[i], pair / TC, v + pair % TC * TT + t);
        }
#pragma unroll
        for (int i = 0; i < COPIES; i++) {
            const int place = i * ITEMS + item;
            if (place < X * TC * TK)
                u[place / (TC * TK) * U_STRIDE + place % (TC * TK)] = weights[i];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
#if STAGES == 2
        if (c0 + TC < C) {
            LOAD(c0 + TC)
        }
#endif
        __local const float4 *a = (__local const float4 *)(u + e * U_STRIDE) + lk;
        __local const float4 *b = (__local const float4 *)(v + e * V_STRIDE) + lt;
#pragma unroll 2
        for (int c = 0; c < TC; c++, a += TK / 4, b += TT / 4) {
            float4 value[MT / 4];
#pragma unroll
            for (int j = 0; j < MT / 4; j++)
                value[j] = b[j * LT];
#pragma unroll
            for (int i = 0; i < MK / 4; i++) {
                const float4 weight = a[i * LK];
#pragma unroll
                for (int j = 0; j < MT / 4; j++) {
                    sum[i * 4][j] = fma((float4)(weight.s0), value[j], sum[i * 4][j]);
                    sum[i * 4 + 1][j] = fma((float4)(weight.s1), value[j], sum[i * 4 + 1][j]);
                    sum[i * 4 + 2][j] = fma((float4)(weight.s2), value[j], sum[i * 4 + 2][j]);
                    sum[i * 4 + 3][j] = fma((float4)(weight.s3), value[j], sum[i * 4 + 3][j]);
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

    y += y_offset + (tile < tiles ? image * K * (pool ? (OH / 2) * (OW / 2) : OH * OW) : 0);
#pragma unroll
    for (int first = 0; first < MK; first += RK) {
#pragma unroll
        for (int i = 0; i < RK; i++)
#pragma unroll
            for (int j = 0; j < MT / 4; j++)
                *(__local float4 *)(memory + e * P_STRIDE + (lk * RK + i) * P_ROW +
                                    (lt + j * LT) * 4) = sum[first + i][j];
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int slot = item / TT; slot < SLOTS; slot += ITEMS / TT) {
            const int own = first + slot % RK; /* among the channels of the item that summed it */
            const int k = (int)get_group_id(1) * TK + (slot / RK + own / 4 * LK) * 4 + own % 4;
            if (tile < tiles && k < K)
                output_tile(memory + slot * P_ROW + t, bias[bias_offset + k], relu, pool,
                            y + (size_t)k * (pool ? (OH / 2) * (OW / 2) : OH * OW), OH, OW, ty * 2,
                            tx * 2);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
