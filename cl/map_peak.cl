/* map_peak.cl — the largest value of each map of an image, and where it is.
 *
 *     x      [n][blocks][pixels][VW]        float32; blocks = ceil(C/VW), plain layout: VW 1
 *     parts  [n][blocks][slabs][2][VW]      of each slab its values, then their positions
 *     y      [n][C][2]                      value, position h * W + w (exact below 2^24)
 *
 * A NaN wins over every number; of equal values the lowest position does. No arithmetic is done on
 * values: they come out bit for bit.
 *
 * For CPUs, two kernels. map_peak_slabs: NDRange {n * blocks * slabs}, local {1}; a work-item reads
 * `slab` neighbouring vectors, four at a time so that comparisons don't wait for each other.
 * map_peak_join: NDRange {n * C rounded up}, local {64}; it goes through slabs in
 * the order of their positions, so that the lowest of equal values stays.
 * For GPUs map_peak_group: NDRange {n * C * WG}, local {WG}, VW 1; a work-group a map.
 */
#ifndef VW
#define VW 1 /* channels in a block */
#endif
#ifndef WG
#define WG 128 /* work-items of a group: a power of two */
#endif

#if VW == 1
#define TO_FLOAT(v) ((float)(v))
#define PICK(no, yes, mask) ((mask) ? (yes) : (no))
#else
#define TO_FLOAT(v) VECTOR(convert_float)(v)
#define PICK(no, yes, mask) select(no, yes, mask)
#endif

/* Whether `a` goes before `b` by its value alone. */
#define BEATS(a, b) (isgreater(a, b) | (isunordered(a, a) & isequal(b, b)))
/* Whether neither goes before the other: they are equal, or both NaN. */
#define TIES(a, b) (isequal(a, b) | (isunordered(a, a) & isunordered(b, b)))

/* Replaces `best` by a value that beats it, whose position is behind all compared before. */
#define TAKE(best, where, value, position)                                                         \
    do {                                                                                           \
        const vec taken = (value);                                                                 \
        const ivec better = BEATS(taken, best);                                                    \
        where = PICK(where, (ivec)(position), better);                                             \
        best = PICK(best, taken, better);                                                          \
    } while (0)

/* Joins two results whose positions interleave. */
#define JOIN(best, where, other, other_where)                                                      \
    do {                                                                                           \
        const ivec better = BEATS(other, best) | (TIES(other, best) & (other_where < where));      \
        where = PICK(where, other_where, better);                                                  \
        best = PICK(best, other, better);                                                          \
    } while (0)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) __attribute__((vec_type_hint(vec))) void
map_peak_slabs(__global const float *restrict x, ulong x_offset, __global float *restrict parts,
               ulong parts_offset, int pixels, int slab, int slabs)
{
    const size_t index = get_global_id(0);
    const int first = (int)(index % slabs) * slab, end = min(first + slab, pixels);
    x += x_offset + index / slabs * pixels * VW;
    parts += parts_offset + index * 2 * VW;

    vec best0 = VLOAD(x + (size_t)first * VW), best1 = best0, best2 = best0, best3 = best0;
    ivec where0 = (ivec)(first), where1 = where0, where2 = where0, where3 = where0;
    int p = first;
    for (; p + 4 <= end; p += 4) {
        TAKE(best0, where0, VLOAD(x + (size_t)p * VW), p);
        TAKE(best1, where1, VLOAD(x + (size_t)(p + 1) * VW), p + 1);
        TAKE(best2, where2, VLOAD(x + (size_t)(p + 2) * VW), p + 2);
        TAKE(best3, where3, VLOAD(x + (size_t)(p + 3) * VW), p + 3);
    }
    for (; p < end; p++)
        TAKE(best0, where0, VLOAD(x + (size_t)p * VW), p);
    JOIN(best0, where0, best1, where1);
    JOIN(best2, where2, best3, where3);
    JOIN(best0, where0, best2, where2);
    VSTORE(best0, parts);
    VSTORE(TO_FLOAT(where0), parts + VW);
}

__kernel void map_peak_join(__global const float *restrict parts, ulong parts_offset,
                            __global float *restrict y, ulong y_offset, ulong count, int C,
                            int slabs)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const int blocks = (C + VW - 1) / VW, c = (int)(index % C);
    parts += parts_offset + (index / C * blocks + c / VW) * slabs * 2 * VW + c % VW;
    float best = parts[0], where = parts[VW];
    for (int s = 1; s < slabs; s++) {
        const float value = parts[(size_t)s * 2 * VW];
        if (value > best || (isnan(value) && !isnan(best))) {
            best = value;
            where = parts[(size_t)s * 2 * VW + VW];
        }
    }
    y[y_offset + index * 2] = best;
    y[y_offset + index * 2 + 1] = where;
}

#if VW == 1
__kernel __attribute__((reqd_work_group_size(WG, 1, 1))) void
map_peak_group(__global const float *restrict x, ulong x_offset, __global float *restrict y,
               ulong y_offset, int pixels)
{
    __local float values[WG];
    __local int positions[WG];
    const int lane = (int)get_local_id(0);
    const size_t map = get_group_id(0);
    x += x_offset + map * pixels;

    float best = x[min(lane, pixels - 1)];
    int where = min(lane, pixels - 1);
    for (int p = lane + WG; p < pixels; p += WG)
        TAKE(best, where, x[p], p);
    values[lane] = best;
    positions[lane] = where;
    for (int half_width = WG / 2; half_width > 0; half_width /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_width) {
            const float other = values[lane + half_width];
            const int other_where = positions[lane + half_width];
            JOIN(best, where, other, other_where);
            values[lane] = best;
            positions[lane] = where;
        }
    }
    if (lane == 0) {
        y[y_offset + map * 2] = best;
        y[y_offset + map * 2 + 1] = (float)where;
    }
}
#endif
