/* winograd_batched.cl — 3x3 stride 1 convolution by Winograd's F(4x4, 3x3), for GPUs: the
 * transforms around the 36 matrix products of cl/gemm_tiled.cl (Lavin & Gray 2016,
 * arXiv:1509.09308). Bias and ReLU, and optionally 2x2 stride 2 max pooling, are fused into the
 * last.
 *
 * The output is cut into 4 x 4 tiles, numbered (n, row, column); a tile needs 6 x 6 input pixels.
 *
 *     V[e][c][t] = (Bt d B)[e]             winograd_input, positions e < 36
 *     P[e][k][t] = sum over c of U[e][k][c] * V[e][c][t]
 *     y tile t   = At P A, bias, ReLU      winograd_output
 *
 *     x     [n][C][H][W]        float32
 *     v     [36][C][padded]     tiles rounded up to what products take; zeros past `tiles`
 *     p     [36][rows][padded]  rows >= K
 *     bias  [K]
 *     y     [n][K][OH][OW]      (pooled: [OH/2][OW/2])
 *
 * A work-item transforms one tile of one channel; its neighbours take neighbouring tiles, and so
 * touch neighbouring words of v and p. NDRange {padded rounded up to the local size, C or K}, local
 * {64, 1}.
 */
#define X 36

/* o = Bt d: 6 values to 6. */
inline void input_line(const float *d, float *o)
{
    o[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    o[1] = (d[4] - 4.0f * d[2]) + (d[3] - 4.0f * d[1]);
    o[2] = (d[4] - 4.0f * d[2]) - (d[3] - 4.0f * d[1]);
    o[3] = (d[4] - d[2]) + 2.0f * (d[3] - d[1]);
    o[4] = (d[4] - d[2]) - 2.0f * (d[3] - d[1]);
    o[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

/* o = At m: 6 values to 4. */
inline void output_line(const float *m, float *o)
{
    const float a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    o[0] = m[0] + a + c;
    o[1] = b + 2.0f * d;
    o[2] = a + 4.0f * c;
    o[3] = b + 8.0f * d + m[5];
}

/* The larger of two, or a NaN of either. */
inline float max_or_nan(float a, float b)
{
    return a > b || isnan(a) ? a : b;
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
winograd_input(__global const float *restrict x, ulong x_offset, __global float *restrict v,
               ulong v_offset, int C, int H, int W, int pad_top, int pad_left, int tile_rows,
               int tile_columns, int tiles, int padded)
{
    const int tile = (int)get_global_id(0), channel = (int)get_global_id(1);
    if (tile >= padded)
        return;
    const int tx = tile % tile_columns, ty = tile / tile_columns % tile_rows;
    const size_t image = tile / tile_columns / tile_rows;
    const int y0 = ty * 4 - pad_top, x0 = tx * 4 - pad_left;
    x += x_offset + (tile < tiles ? (image * C + channel) * H * W : 0);
    v += v_offset + (size_t)channel * padded + tile;

    float r[6][6];
#pragma unroll
    for (int i = 0; i < 6; i++) {
        float d[6];
#pragma unroll
        for (int j = 0; j < 6; j++) {
            const int iy = y0 + i, ix = x0 + j;
            const int inside = tile < tiles && iy >= 0 && iy < H && ix >= 0 && ix < W;
            d[j] = inside ? x[(size_t)iy * W + ix] : 0.0f;
        }
        input_line(d, r[i]);
    }
#pragma unroll
    for (int j = 0; j < 6; j++) {
        float d[6], o[6];
#pragma unroll
        for (int i = 0; i < 6; i++)
            d[i] = r[i][j];
        input_line(d, o);
#pragma unroll
        for (int i = 0; i < 6; i++)
            v[(size_t)(i * 6 + j) * C * padded] = o[i];
    }
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
winograd_output(__global const float *restrict p, ulong p_offset,
                __global const float *restrict bias, ulong bias_offset, __global float *restrict y,
                ulong y_offset, int rows, int K, int OH, int OW, int relu, int pool, int tile_rows,
                int tile_columns, int tiles, int padded)
{
    const int tile = (int)get_global_id(0), k = (int)get_global_id(1);
    if (tile >= tiles)
        return;
    const int tx = tile % tile_columns, ty = tile / tile_columns % tile_rows;
    const size_t image = tile / tile_columns / tile_rows;
    const int oy = ty * 4, ox = tx * 4, ph = OH / 2, pw = OW / 2;
    const float b = bias[bias_offset + k];
    p += p_offset + (size_t)k * padded + tile;
    y += y_offset + (image * K + k) * (pool ? ph * pw : OH * OW);

    float r[6][4], q[4][4];
#pragma unroll
    for (int i = 0; i < 6; i++) {
        float m[6];
#pragma unroll
        for (int j = 0; j < 6; j++)
            m[j] = p[(size_t)(i * 6 + j) * rows * padded];
        output_line(m, r[i]);
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
        float m[6], o[4];
#pragma unroll
        for (int i = 0; i < 6; i++)
            m[i] = r[i][j];
        output_line(m, o);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float s = o[i] + b;
            q[i][j] = relu && s < 0.0f ? 0.0f : s; /* NaN stays */
        }
    }
    if (pool) {
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int j = 0; j < 2; j++)
                if (oy / 2 + i < ph && ox / 2 + j < pw)
                    y[(size_t)(oy / 2 + i) * pw + ox / 2 + j] =
                        max_or_nan(max_or_nan(q[2 * i][2 * j], q[2 * i][2 * j + 1]),
                                   max_or_nan(q[2 * i + 1][2 * j], q[2 * i + 1][2 * j + 1]));
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++)
                if (oy + i < OH && ox + j < OW)
                    y[(size_t)(oy + i) * OW + ox + j] = q[i][j];
    }
}
