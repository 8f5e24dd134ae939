/* batch_norm.cl — y[c] = x[c] * scale[c] + shift[c]: what batch normalisation is once its
 * statistics are known, and, with a shift of zeros, what it makes of a gradient.
 *
 *     x, y          [n][ceil(channels / VW)][pixels][VW]   float32; x is 0 behind the last channel
 *     scale, shift  [ceil(channels / VW) * VW]             float32; 0 behind the last channel
 *
 * NDRange {elements rounded up to the local size}, local {64}. x and y may be the same buffer. NaN
 * comes out as NaN.
 */
#ifndef VW
#define VW 1 /* channels side by side */
#endif

__kernel void batch_norm(__global const float *x, ulong x_offset, __global const float *scale,
                         ulong scale_offset, __global const float *shift, ulong shift_offset,
                         __global float *y, ulong y_offset, ulong count, int blocks, int pixels)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const ulong channel = index / VW / pixels % blocks * VW + index % VW;
    y[y_offset + index] =
        fma(x[x_offset + index], scale[scale_offset + channel], shift[shift_offset + channel]);
}
