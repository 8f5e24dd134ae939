/* flush.cl — drives what caches hold out of them: adds one to every value of a buffer that is several
 * times as large, with plain loads and stores, so that its lines are there and changed.
 *
 * A work-group's part is `vectors` consecutive vectors, a multiple of WG, through which its work-items
 * go side by side.
 *
 *     x    [groups][vectors][VW]  uint
 *
 * NDRange {groups * WG}, local {WG}.
 */
#ifndef VW
#define VW 16 /* values in a vector: 1, 4, 8 or 16 */
#endif
#ifndef WG
#define WG 1
#endif

#define uvec VECTOR(uint)

__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
flush(__global uint *restrict x, ulong x_offset, int vectors)
{
    x += x_offset + (get_group_id(0) * (size_t)vectors + get_local_id(0)) * VW;
    for (int i = 0; i < vectors; i += WG, x += WG * VW)
        VSTORE(VLOAD(x) + (uvec)(1), x);
}
