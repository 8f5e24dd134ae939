/* layout.cl — from one channel layout to another: plain is a block of 1 channel.
 *
 *     x  [n][ceil(C/FROM)][pixels][FROM]    float32
 *     y  [n][ceil(C/TO)][pixels][TO]        channels past C come out as zero
 *
 * A work-item moves RUN pixels of BLOCK channels, the larger of the two blocks, of which the other
 * is a part. NDRange {ceil(pixels/RUN), ceil(C/BLOCK), n}.
 */
#ifndef FROM
#define FROM 1
#endif
#ifndef TO
#define TO 16
#endif
#ifndef RUN
#define RUN 64
#endif
#define BLOCK (FROM > TO ? FROM : TO)

__kernel void layout(__global const float *restrict x, ulong x_offset, __global float *restrict y,
                     ulong y_offset, int C, int pixels)
{
    const int first = (int)get_global_id(0) * RUN, count = min(RUN, pixels - first);
    const int channel = (int)get_global_id(1) * BLOCK;
    const int from_blocks = (C + FROM - 1) / FROM, to_blocks = (C + TO - 1) / TO;
    x += x_offset + ((get_global_id(2) * from_blocks + channel / FROM) * pixels + first) * FROM;
    y += y_offset + ((get_global_id(2) * to_blocks + channel / TO) * pixels + first) * TO;
    for (int lane = 0; lane < BLOCK && channel + lane < to_blocks * TO; lane++) {
        const size_t from = (size_t)(lane / FROM) * pixels * FROM + lane % FROM;
        const size_t to = (size_t)(lane / TO) * pixels * TO + lane % TO;
        for (int p = 0; p < count; p++)
            y[to + p * TO] = channel + lane < C ? x[from + p * FROM] : 0.0f;
    }
}
