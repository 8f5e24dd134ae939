/* peak.cl — the most that a device can do: fused multiply-adds out of registers, and reading a
 * buffer from memory. Layers are measured against these rates; the kernels' sums are dropped.
 *
 * peak_fma   a work-item runs CHAINS independent chains of a = a * x + y in vectors of VW floats:
 *            enough of them to hide an addition's latency, few enough to stay in registers.
 *            NDRange {any}; 2 * VW * CHAINS * UNROLL * rounds FLOPs a work-item.
 * peak_read  a work-group sums `group_vectors` consecutive vectors of x, its work-items side by
 *            side (coalesced on GPUs, sequential with local size 1).
 *            NDRange {groups * local}; group_vectors is a multiple of UNROLL * local size.
 *
 *     x    [groups][group_vectors][VW]   float32
 *     sum  [work-items]                  float32; keeps the work from being optimised away
 */
#ifndef VW
#define VW 16 /* floats in a vector: 4, 8 or 16 */
#endif
#ifndef CHAINS
#define CHAINS 12 /* independent sums in flight */
#endif
#define UNROLL 4

inline float add_lanes(vec v)
{
    float lanes[VW], sum = 0.0f;
    VSTORE(v, lanes);
    for (int i = 0; i < VW; i++)
        sum += lanes[i];
    return sum;
}

__kernel void peak_fma(__global float *restrict sum, ulong sum_offset, float x, float y, int rounds)
{
    vec a[CHAINS];
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        a[c] = (vec)(y * (float)c);
    for (int r = 0; r < rounds; r++)
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
#pragma unroll
            for (int c = 0; c < CHAINS; c++)
                a[c] = fma(a[c], (vec)(x), (vec)(y));
#pragma unroll
    for (int c = 1; c < CHAINS; c++)
        a[0] += a[c];
    sum[sum_offset + get_global_id(0)] = add_lanes(a[0]);
}

__kernel void peak_read(__global const float *restrict x, ulong x_offset,
                        __global float *restrict sum, ulong sum_offset, int group_vectors)
{
    const size_t stride = get_local_size(0) * VW;
    x += x_offset + (get_group_id(0) * group_vectors + get_local_id(0)) * VW;
    vec a[UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; u++)
        a[u] = (vec)(0.0f);
    for (int i = 0; i < group_vectors; i += UNROLL * (int)get_local_size(0))
#pragma unroll
        for (int u = 0; u < UNROLL; u++, x += stride)
            a[u] += VLOAD(x);
#pragma unroll
    for (int u = 1; u < UNROLL; u++)
        a[0] += a[u];
    sum[sum_offset + get_global_id(0)] = add_lanes(a[0]);
}
