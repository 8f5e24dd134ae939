/* softmax.cl — softmax of each row: exp(x - max) / sum, a work-group a row, sums in a fixed tree.
 *
 *     x, y  [n][features]     float32
 *
 * NDRange {n * WG}, local {WG}. A NaN or +infinity anywhere in a row makes the whole row NaN.
 */
#ifndef WG
#define WG 64 /* work-items of a group: a power of two */
#endif

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
softmax(__global const float *restrict x, ulong x_offset, __global float *restrict y,
        ulong y_offset, int features)
{
    __local float scratch[WG];
    const int lane = (int)get_local_id(0);
    x += x_offset + get_group_id(0) * features;
    y += y_offset + get_group_id(0) * features;

    float peak = -INFINITY;
    for (int i = lane; i < features; i += WG)
        peak = fmax(peak, x[i]); /* skips NaN, which exp() below brings back */
    scratch[lane] = peak;
    for (int half_width = WG / 2; half_width > 0; half_width /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_width)
            scratch[lane] = fmax(scratch[lane], scratch[lane + half_width]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    peak = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);

    float sum = 0.0f;
    for (int i = lane; i < features; i += WG)
        sum += exp(x[i] - peak);
    scratch[lane] = sum;
    for (int half_width = WG / 2; half_width > 0; half_width /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_width)
            scratch[lane] += scratch[lane + half_width];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    sum = scratch[0];
    for (int i = lane; i < features; i += WG)
        y[i] = exp(x[i] - peak) / sum;
}
