/* dense_rows.cl — dense layer for GPUs: a work-group reads one row of weights, coalesced, and
 * multiplies it with TN images at once; the group's partial sums are added in a fixed tree.
 *
 *     x     [n][I]     float32
 *     w     [rows][I]  rows first_row … of [O][I], in STORAGE's type
 *     bias  [O]
 *     y     [n][O]
 *
 * NDRange {rows * WG, ceil(n/TN)}, local {WG, 1}.
 */
#ifndef WG
#define WG 64 /* work-items of a group: a power of two */
#endif
#ifndef TN
#define TN 4 /* images of a work-group */
#endif

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
dense_rows(__global const float *restrict x, ulong x_offset, __global const weight_t *restrict w,
           ulong w_offset, __global const float *restrict bias, ulong bias_offset,
           __global float *restrict y, ulong y_offset, int n, int I, int O, int first_row, int relu)
{
    __local float partial[TN][WG];
    const int lane = (int)get_local_id(0), first = (int)get_global_id(1) * TN;
    x += x_offset;
    w += w_offset + get_group_id(0) * I;

    float sum[TN];
#pragma unroll
    for (int t = 0; t < TN; t++)
        sum[t] = 0.0f;
    for (int i = lane; i < I; i += WG) {
        const float weight = WEIGHT(i, w);
#pragma unroll
        for (int t = 0; t < TN; t++) /* images past the last: the last again, dropped below */
            sum[t] = fma(x[(size_t)min(first + t, n - 1) * I + i], weight, sum[t]);
    }
#pragma unroll
    for (int t = 0; t < TN; t++)
        partial[t][lane] = sum[t];
    for (int half_width = WG / 2; half_width > 0; half_width /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_width)
            for (int t = 0; t < TN; t++)
                partial[t][lane] += partial[t][lane + half_width];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const int row = first_row + (int)get_group_id(0);
    for (int t = lane; t < TN; t += WG)
        if (first + t < n) {
            const float v = partial[t][0] + bias[bias_offset + row];
            y[y_offset + (size_t)(first + t) * O + row] = relu && v < 0.0f ? 0.0f : v;
        }
}
