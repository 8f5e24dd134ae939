/* roof_memory.cl — the most that a device's memories give: global memory read, written and copied,
 * caches and local memory read. What is left behind tells how much was done.
 *
 * A work-group's part of a buffer is `vectors` consecutive vectors, a multiple of UNROLL * WG,
 * through which its work-items go side by side (coalesced on GPUs, sequential with WG 1). Sums are
 * of integers, whose additions are the fastest there are: reading is never late for them.
 *
 * roof_read   sums its part `passes` times; with `shared` 1 every group has the first part.
 * roof_write  writes `value` everywhere.
 * roof_copy   copies x to y.
 * roof_local  writes value + i into vector i of LOCAL_VECTORS in local memory, sums them `passes`
 *             times.
 * roof_touch  adds one to each of sum.
 *
 *     x, y  [groups][vectors][VW]  uint
 *     sum   [work-items]           uint, modulo 2^32
 *
 * NDRange {groups * WG}, local {WG}.
 */
#ifndef VW
#define VW 16 /* values in a vector: 1, 4, 8 or 16 */
#endif
#ifndef WG
#define WG 1
#endif
#define UNROLL 8
#define LOCAL_VECTORS (8192 / 4 / VW) /* a multiple of UNROLL * WG */

#define uvec VECTOR(uint)
#define ROOF_KERNEL                                                                                \
    __kernel __attribute__((reqd_work_group_size(WG, 1, 1))) __attribute__((vec_type_hint(vec)))

/* On CPUs, stores that pass caches by: others read a line before they write it. */
#if LOOKS_AHEAD && VW > 1 && defined(__has_builtin)
#if __has_builtin(__builtin_nontemporal_store)
#define PUT(v, p) __builtin_nontemporal_store(v, (__global uvec *)(p))
#endif
#endif
#ifndef PUT
#define PUT(v, p) VSTORE(v, p)
#endif

inline uint add_lanes(uvec v)
{
    uint lanes[VW], sum = 0;
    VSTORE(v, lanes);
    for (int i = 0; i < VW; i++)
        sum += lanes[i];
    return sum;
}

inline size_t my_first(int vectors)
{
    return (get_group_id(0) * (size_t)vectors + get_local_id(0)) * VW;
}

ROOF_KERNEL void roof_read(__global const uint *restrict x, ulong x_offset,
                           __global uint *restrict sum, ulong sum_offset, int vectors, int passes,
                           int shared)
{
    x += x_offset + (shared ? get_local_id(0) * VW : my_first(vectors));
    uvec a[UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; u++)
        a[u] = (uvec)(0);
    for (int pass = 0; pass < passes; pass++) {
        __global const uint *at = x;
        for (int i = 0; i < vectors; i += UNROLL * WG, at += UNROLL * WG * VW)
#pragma unroll
            for (int u = 0; u < UNROLL; u++)
                a[u] += VLOAD(at + u * WG * VW);
    }
#pragma unroll
    for (int u = 1; u < UNROLL; u++)
        a[0] += a[u];
    sum[sum_offset + get_global_id(0)] = add_lanes(a[0]);
}

ROOF_KERNEL void roof_write(__global uint *restrict y, ulong y_offset, int vectors, uint value)
{
    const uvec v = (uvec)(value);
    y += y_offset + my_first(vectors);
    for (int i = 0; i < vectors; i += UNROLL * WG, y += UNROLL * WG * VW)
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
            PUT(v, y + u * WG * VW);
}

ROOF_KERNEL void roof_copy(__global const uint *restrict x, ulong x_offset,
                           __global uint *restrict y, ulong y_offset, int vectors)
{
    x += x_offset + my_first(vectors);
    y += y_offset + my_first(vectors);
    for (int i = 0; i < vectors; i += UNROLL * WG, x += UNROLL * WG * VW, y += UNROLL * WG * VW)
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
            PUT(VLOAD(x + u * WG * VW), y + u * WG * VW);
}

ROOF_KERNEL void roof_local(__global uint *restrict sum, ulong sum_offset, int passes, uint value)
{
    __local uvec data[LOCAL_VECTORS];
    const int me = (int)get_local_id(0);
    uvec a[UNROLL];
    for (int i = me; i < LOCAL_VECTORS; i += WG)
        data[i] = (uvec)(value + (uint)i);
    barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
    for (int u = 0; u < UNROLL; u++)
        a[u] = (uvec)(0);
    for (int pass = 0; pass < passes; pass++)
        for (int i = me; i < LOCAL_VECTORS; i += UNROLL * WG)
#pragma unroll
            for (int u = 0; u < UNROLL; u++)
                a[u] += data[i + u * WG];
#pragma unroll
    for (int u = 1; u < UNROLL; u++)
        a[0] += a[u];
    sum[sum_offset + get_global_id(0)] = add_lanes(a[0]);
}

ROOF_KERNEL void roof_touch(__global uint *restrict sum, ulong sum_offset)
{
    sum[sum_offset + get_global_id(0)] += 1;
}
