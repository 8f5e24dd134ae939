/* roof_compute.cl — the most that a device can compute: fused multiply-adds, and dot products of
 * bytes, out of registers. What a work-item leaves tells how much it has done.
 *
 * A work-item runs CHAINS independent chains in vectors of VW: enough of them to hide an
 * operation's latency, few enough to stay in registers.
 *
 * roof_fma  chains of a = a * x + y, in float32 or (HALF 1) float16. With x = 1 and y = 1 they
 *           count, BLOCK up and BLOCK down in turn: exactly, and no compiler can know.
 *           2 * VW * CHAINS * BLOCK * blocks FLOPs a work-item.
 * roof_dot  (DOT is the built-in) chains of a = dot(a, b) + a, where a's bytes are one operand and
 *           b's the other. 8 * CHAINS * UNROLL * rounds operations a work-item.
 *
 *     sum  [work-items]  uint; sums of all chains, modulo 2^32
 *
 * NDRange {any}, local {WG}.
 */
#ifndef VW
#define VW 16 /* values in a vector: 1, 4, 8, 16; of float16 16 at most too */
#endif
#ifndef CHAINS
#define CHAINS 12 /* independent sums in flight */
#endif
#ifndef WG
#define WG 1
#endif
#define UNROLL 4
#define BLOCK 1024 /* steps; a float16 counts to 2048 */

#define uvec VECTOR(uint)
#define ROOF_KERNEL                                                                                \
    __kernel __attribute__((reqd_work_group_size(WG, 1, 1))) __attribute__((vec_type_hint(vec)))

inline uint add_lanes(uvec v)
{
    uint lanes[VW], sum = 0;
    VSTORE(v, lanes);
    for (int i = 0; i < VW; i++)
        sum += lanes[i];
    return sum;
}

#if HALF
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
typedef half one_real;
#define real VECTOR(half)
#else
typedef float one_real;
#define real vec
#endif

ROOF_KERNEL void roof_fma(__global uint *restrict sum, ulong sum_offset, float x, float y,
                          int blocks)
{
    const real factor = (real)((one_real)x);
    real step = (real)((one_real)y), a[CHAINS];
    uvec total = (uvec)(0);
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        a[c] = (real)((one_real)c);
    for (int b = 0; b < blocks; b++, step = -step) {
        for (int i = 0; i < BLOCK / UNROLL; i++)
#pragma unroll
            for (int u = 0; u < UNROLL; u++)
#pragma unroll
                for (int c = 0; c < CHAINS; c++)
                    a[c] = fma(a[c], factor, step);
#pragma unroll
        for (int c = 0; c < CHAINS; c++)
            total += VECTOR(convert_uint)(a[c]);
    }
    sum[sum_offset + get_global_id(0)] = add_lanes(total);
}

#ifdef DOT
/* The built-in takes no vectors, so compilers for CPUs make them of work-items. It is OpenCL C
 * 3.0's. */
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
roof_dot(__global uint *restrict sum, ulong sum_offset, uint b, int rounds)
{
    uint a[CHAINS], total = 0;
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        a[c] = (uint)c;
    for (int r = 0; r < rounds; r++)
#pragma unroll
        for (int u = 0; u < UNROLL; u++)
#pragma unroll
            for (int c = 0; c < CHAINS; c++)
                a[c] += (uint)DOT(a[c], b);
#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        total += a[c];
    sum[sum_offset + get_global_id(0)] = total;
}
#endif
