/* quantize.cl — values held to the steps of a scale, element by element, any layout:
 * y = scale · q, q = x · inverse rounded to the nearest integer, ties to even, within [low, high].
 *
 *     x, y  [count]     float32; x and y may be the same buffer
 *
 * NDRange {count rounded up to the local size}, local {64}. NaN comes out as NaN, and 0 as 0.
 */
__kernel void quantize(__global const float *x, ulong x_offset, __global float *y, ulong y_offset,
                       ulong count, float scale, float inverse, float low, float high)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const float q = rint(x[x_offset + index] * inverse);
    y[y_offset + index] = scale * (q < low ? low : q > high ? high : q);
}
