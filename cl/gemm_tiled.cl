/* gemm_tiled.cl — matrix products with tiles in local memory and registers, for GPUs: the products
 * of Winograd's positions, or a dense layer, many images at a time.
 *
 *     C[m][n] = sum over k of A[m][k] * B[k][n]
 *
 * A work-group computes TM x TN of C in steps of TR, a work-item MM x MN, taken in runs of 4 at a
 * distance of the group's width: neighbours read neighbouring runs, and a run is one read.
 *
 *            TN                      each step: the group copies A [TR][TM] and B [TR][TN] to local
 *          +-----+                   memory, waits, and every item adds TR outer products.
 *       TR |  B  |
 *          +-----+
 *      TR  |     |
 *     +---+|     |
 *  TM | A ||  C  |
 *     +---+|     |
 *          +-----+
 *
 * DENSE 0, one product for each of `batches` positions:
 *     a     [ceil(M/TM)][batches][depth rounded up to TR][TM]   zeros past M and depth, in
 *                                                   STORAGE's type (pack_winograd.cl)
 *     b     [batches][depth][N]                     float32; N a multiple of TN
 *     c     [batches][ceil(M/TM) * TM][N]
 *     NDRange {N/TN * ITEMS, ceil(M/TM), batches}
 *
 * DENSE 1, C transposed is the layer's output; the sum over inputs is cut into slices of SLICE, so
 * that few rows and images fill a GPU; gemm_sum adds them up in order, with bias and ReLU:
 *     a     [ceil(M/TM)][depth][TM]            M rows of weights that begin a panel (pack.cl)
 *     b     [N][depth]                         N images
 *     c     [slices][N][O]                     at rows first_row …
 *     NDRange {ceil(N/TN) * ITEMS, ceil(M/TM), slices}
 *
 * Local {ITEMS, 1, 1}, ITEMS = TM/MM * TN/MN. Sums run over k in order, one chain in a slice.
 * Conditions: TM, TN, MM, MN multiples of 4, SLICE of TR; the local size and local memory fit the
 * device (op_winograd_batched.c, op_dense_tiled.c).
 */
#ifndef DENSE
#define DENSE 0
#endif
#ifndef TM
#define TM 64 /* rows of a work-group */
#endif
#ifndef TN
#define TN 64 /* columns of a work-group */
#endif
#ifndef TR
#define TR 8 /* depth of a step */
#endif
#ifndef MM
#define MM 8 /* rows of a work-item */
#endif
#ifndef MN
#define MN 4 /* columns of a work-item */
#endif
#ifndef SLICE
#define SLICE 1024 /* depth of a slice */
#endif

#define LM (TM / MM)
#define LN (TN / MN)
#define ITEMS (LM * LN)
#define B_ROW (TN + 4 * DENSE) /* dense layers store by column: 4 more avoid bank conflicts */

/* sum += the outer products of TR rows of A and B in local memory. */
inline void multiply_step(__local const float *a, __local const float *b, int lm, int ln,
                          float4 sum[MM][MN / 4])
{
    __local const float4 *row = (__local const float4 *)a + lm;
    __local const float4 *column = (__local const float4 *)b + ln;
#pragma unroll 4
    for (int r = 0; r < TR; r++, row += TM / 4, column += B_ROW / 4) {
        float4 value[MN / 4];
#pragma unroll
        for (int j = 0; j < MN / 4; j++)
            value[j] = column[j * LN];
#pragma unroll
        for (int i = 0; i < MM / 4; i++) {
            const float4 weight = row[i * LM];
#pragma unroll
            for (int j = 0; j < MN / 4; j++) {
                sum[i * 4][j] = fma((float4)(weight.s0), value[j], sum[i * 4][j]);
                sum[i * 4 + 1][j] = fma((float4)(weight.s1), value[j], sum[i * 4 + 1][j]);
                sum[i * 4 + 2][j] = fma((float4)(weight.s2), value[j], sum[i * 4 + 2][j]);
                sum[i * 4 + 3][j] = fma((float4)(weight.s3), value[j], sum[i * 4 + 3][j]);
            }
        }
    }
}

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
gemm_tiled(__global const weight_t *restrict a, ulong a_offset, __global const float *restrict b,
           ulong b_offset, __global float *restrict c, ulong c_offset, int M, int N, int depth,
           int first_row, int O)
{
    __local float a_tile[TR * TM] __attribute__((aligned(16)));
    __local float b_tile[TR * B_ROW] __attribute__((aligned(16)));
    const int item = (int)get_local_id(0), lm = item / LN, ln = item % LN;
    const int first_n = (int)get_group_id(0) * TN, panel = (int)get_group_id(1);
    const size_t batch = get_group_id(2);
#if DENSE
    const int first = (int)batch * SLICE, end = min(first + SLICE, depth);
    a += a_offset + (size_t)panel * depth * TM;
    b += b_offset;
    c += c_offset + batch * N * O;
#else
    const int first = 0, end = depth;
    a += a_offset + (panel * get_num_groups(2) + batch) * ((depth + TR - 1) / TR * TR) * TM;
    b += b_offset + batch * depth * N;
    c += c_offset + (batch * get_num_groups(1) + panel) * TM * N;
#endif

    float4 sum[MM][MN / 4];
#pragma unroll
    for (int i = 0; i < MM; i++)
#pragma unroll
        for (int j = 0; j < MN / 4; j++)
            sum[i][j] = (float4)(0.0f);

    for (int k = first; k < end; k += TR) {
        for (int i = item; i < TR * TM; i += ITEMS)
#if DENSE
            a_tile[i] = k + i / TM < end ? WEIGHT((size_t)k * TM + i, a) : 0.0f;
#else
            a_tile[i] = WEIGHT((size_t)k * TM + i, a);
#endif
        for (int i = item; i < TR * TN; i += ITEMS) {
#if DENSE
            const int r = i % TR, n = i / TR;
            b_tile[r * B_ROW + n] =
                k + r < end && first_n + n < N ? b[(size_t)(first_n + n) * depth + k + r] : 0.0f;
#else
            b_tile[i] = k + i / TN < end ? b[(size_t)(k + i / TN) * N + first_n + i % TN] : 0.0f;
#endif
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        multiply_step(a_tile, b_tile, lm, ln, sum);
        barrier(CLK_LOCAL_MEM_FENCE);
    }

#pragma unroll
    for (int i = 0; i < MM; i++) {
        const int m = (lm + i / 4 * LM) * 4 + i % 4;
#pragma unroll
        for (int j = 0; j < MN / 4; j++) {
            const int n = first_n + (ln + j * LN) * 4;
#if DENSE
            const int row = panel * TM + m;
            const float4 s = sum[i][j];
            if (row < M && n < N)
                c[(size_t)n * O + first_row + row] = s.s0;
            if (row < M && n + 1 < N)
                c[(size_t)(n + 1) * O + first_row + row] = s.s1;
            if (row < M && n + 2 < N)
                c[(size_t)(n + 2) * O + first_row + row] = s.s2;
            if (row < M && n + 3 < N)
                c[(size_t)(n + 3) * O + first_row + row] = s.s3;
#else
            vstore4(sum[i][j], 0, c + (size_t)m * N + n);
#endif
        }
    }
}

/* y[i] = the sum of `slices` partial results at distance `count`, plus bias[i % O]; ReLU if asked.
 * NDRange: one item an element, rounded up. */
__kernel void gemm_sum(__global const float *restrict partial, ulong partial_offset,
                       __global const float *restrict bias, ulong bias_offset,
                       __global float *restrict y, ulong y_offset, ulong count, int slices, int O,
                       int relu)
{
    const size_t i = get_global_id(0);
    if (i >= count)
        return;
    partial += partial_offset + i;
    float v = 0.0f;
    for (int s = 0; s < slices; s++)
        v += partial[s * count];
    v += bias[bias_offset + i % O];
    y[y_offset + i] = relu && v < 0.0f ? 0.0f : v;
}
