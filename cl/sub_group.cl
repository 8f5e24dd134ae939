/* sub_group.cl — whether work-groups of S items are sub-groups of S lanes on this device, and do
 * what conv_subgroup.cl needs of them: block reads that begin anywhere, of float16 too where there
 * is such a type, broadcasts from each lane.
 *
 *     x  [1 + S]        x[i] = 65537 * i: i in both halves
 *     y  [groups][S]    of each lane: 65536 * size + 256 * (its 16-bit integer of x) + its number
 *                       + the sum over lanes j of (j + 1) * (half of x[1 + j])
 *
 * NDRange {groups * S}, local {S}.
 */
#ifndef S
#define S 16 /* lanes of a sub-group */
#endif

#if !defined(cl_intel_subgroups) && !defined(cl_khr_subgroups)
#error "no sub-groups"
#endif
#if defined(cl_khr_subgroups) && !defined(cl_intel_subgroups)
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#endif
#if defined(cl_intel_subgroups_short) && defined(cl_khr_fp16)
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#endif
#ifdef cl_intel_required_subgroup_size
#define SUB_GROUP_SIZE __attribute__((intel_reqd_sub_group_size(S)))
#else
#define SUB_GROUP_SIZE
#endif

__kernel __attribute__((reqd_work_group_size(S, 1, 1))) SUB_GROUP_SIZE void
sub_group(__global const uint *restrict x, __global uint *restrict y)
{
    const uint lane = get_sub_group_local_id();
    __global const ushort *integers = (__global const ushort *)x;
#ifdef cl_intel_subgroups
    const uint own = intel_sub_group_block_read(x + 1);
#else
    const uint own = x[1 + lane];
#endif
#if defined(cl_intel_subgroups_short) && defined(cl_khr_fp16)
    /* The integer is read as the last digits of a float16 between 1 and 2. */
    const half digits = as_half((ushort)(0x3C00 | intel_sub_group_block_read_us(integers)));
    const uint integer = (uint)(1024.0f * (convert_float(digits) - 1.0f));
#elif defined(cl_intel_subgroups_short)
    const uint integer = intel_sub_group_block_read_us(integers);
#else
    const uint integer = integers[lane];
#endif
    const float half_of_own = (float)(own >> 16);
    float sum = 0.0f;
#pragma unroll
    for (int j = 0; j < S; j++)
        sum += (float)(j + 1) * sub_group_broadcast(half_of_own, j);
    y[get_group_id(0) * S + lane] = 65536 * get_sub_group_size() + 256 * integer + lane + (uint)sum;
}
