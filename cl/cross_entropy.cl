/* cross_entropy.cl — softmax, cross-entropy and their gradient in one: a work-group an image, sums
 * in a fixed tree.
 *
 *     target[c] = (1 - smoothing) * (c == label) + smoothing / C
 *     loss      = sum over c of target[c] * (log sum exp(x) - x[c])
 *     dx[c]     = scale * (softmax(x)[c] - target[c])
 *
 *     x, dx   [n][C]     float32
 *     labels  [n]        0 … C-1
 *     losses  [n]
 *     hits    [n]        1 where the largest x, the first of equal ones, is the label's
 *
 * NDRange {n * WG}, local {WG}. A NaN or +infinity anywhere in a row makes its loss and gradient
 * NaN.
 */
#ifndef WG
#define WG 64 /* work-items of a group: a power of two */
#endif

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
cross_entropy(__global const float *restrict x, ulong x_offset, __global const int *restrict labels,
              ulong labels_offset, __global float *restrict dx, ulong dx_offset,
              __global float *restrict losses, ulong losses_offset, __global int *restrict hits,
              ulong hits_offset, int C, float smoothing, float scale)
{
    __local float scratch[WG], other[WG];
    __local int where[WG];
    const int lane = (int)get_local_id(0), label = labels[labels_offset + get_group_id(0)];
    x += x_offset + get_group_id(0) * C;
    dx += dx_offset + get_group_id(0) * C;

    float peak = -INFINITY;
    int at = C;
    for (int c = lane; c < C; c += WG)
        if (x[c] > peak) { /* skips NaN, which exp() below brings back */
            peak = x[c];
            at = c;
        }
    scratch[lane] = peak;
    where[lane] = at;
    for (int half_width = WG / 2; half_width > 0; half_width /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_width) {
            const float value = scratch[lane + half_width];
            const int c = where[lane + half_width];
            if (value > scratch[lane] || (value == scratch[lane] && c < where[lane])) {
                scratch[lane] = value;
                where[lane] = c;
            }
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    peak = scratch[0];
    at = where[0];
    barrier(CLK_LOCAL_MEM_FENCE);

    float sum = 0.0f, below = 0.0f; /* of exp(x - peak), of peak - x */
    for (int c = lane; c < C; c += WG) {
        sum += exp(x[c] - peak);
        below += peak - x[c];
    }
    scratch[lane] = sum;
    other[lane] = below;
    for (int half_width = WG / 2; half_width > 0; half_width /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_width) {
            scratch[lane] += scratch[lane + half_width];
            other[lane] += other[lane + half_width];
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    sum = scratch[0];
    below = other[0];

    for (int c = lane; c < C; c += WG)
        dx[c] = scale * (exp(x[c] - peak) / sum - smoothing / C -
                         (c == label ? 1.0f - smoothing : 0.0f));
    if (lane == 0) {
        float loss = (1.0f - smoothing) * (log(sum) + (peak - x[label]));
        if (smoothing > 0.0f)
            loss += smoothing * (log(sum) + below / C);
        losses[losses_offset + get_group_id(0)] = loss;
        hits[hits_offset + get_group_id(0)] = at == label;
    }
}
