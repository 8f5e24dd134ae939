/* layout.cl — from one channel layout to another: plain is a block of 1 channel.
 *
 *     x  [n][ceil(C/FROM)][pixels][FROM]    float32
 *     y  [n][ceil(C/TO)][pixels][TO]        channels past C come out as zero
 *
 * NDRange {n * ceil(C/TO)*TO * pixels rounded up to the local size}, local {64}.
 */
#ifndef FROM
#define FROM 1
#endif
#ifndef TO
#define TO 16
#endif

__kernel void layout(__global const float *restrict x, ulong x_offset, __global float *restrict y,
                     ulong y_offset, ulong count, int C, int pixels)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const int from_blocks = (C + FROM - 1) / FROM, to_blocks = (C + TO - 1) / TO;
    const int lane = (int)(index % TO), p = (int)(index / TO % pixels);
    const int c = (int)(index / TO / pixels % to_blocks) * TO + lane;
    const size_t n = index / TO / pixels / to_blocks;
    const size_t at = ((n * from_blocks + c / FROM) * pixels + p) * FROM + c % FROM;
    y[y_offset + index] = c < C ? x[x_offset + at] : 0.0f;
}
