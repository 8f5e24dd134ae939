/* seed.cl — y = x at the units of a seed, 0 elsewhere; plain (VW 1) or blocked layout.
 *
 *     x, y   [n][blocks][pixels][VW]   float32; blocks = ceil(C/VW)
 *     units  [n][2]                    int32: channel and pixel of the seed; -1: all
 *
 * With ONES y is 1 at the seed's units, as a gradient begins. Channels past C stay 0.
 *
 * NDRange {n * blocks * pixels * VW rounded up to the local size}, local {64}.
 */
#ifndef VW
#define VW 1 /* channels in a block */
#endif
#ifndef ONES
#define ONES 0
#endif

__kernel void seed(__global const float *restrict x, ulong x_offset,
                   __global const int *restrict units, ulong units_offset,
                   __global float *restrict y, ulong y_offset, ulong count, int C, int pixels)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const int blocks = (C + VW - 1) / VW;
    const int pixel = (int)(index / VW % pixels);
    const int c = (int)(index / VW / pixels % blocks) * VW + (int)(index % VW);
    const size_t n = index / VW / pixels / blocks;
    const int channel = units[units_offset + 2 * n];
    const int position = units[units_offset + 2 * n + 1];
    const int kept =
        c < C && (channel < 0 || channel == c) && (position < 0 || position == pixel);
#if ONES
    y[y_offset + index] = kept ? 1.0f : 0.0f;
#else
    y[y_offset + index] = kept ? x[x_offset + index] : 0.0f;
#endif
}
