/* col2im.cl — the adjoint of im2col.cl: a pixel is the sum of the values that windows hold
 * for it.
 *
 *     x  [n][ceil(C*KH*KW/VW)][OH*OW][VW]   float32: channel (c*KH + kh)*KW + kw, plain or blocked
 *     y  [n][C][H][W]
 *
 * A window's value (kh, kw) at (oy, ox) falls on row oy*SH - top + kh*DH, column ox*SW - left + kw*DW.
 *
 * NDRange {n * C * H * W rounded up to the local size}, local {64}.
 */
#ifndef VW
#define VW 1 /* channels in a block of x */
#endif
#ifndef KH
#define KH 3
#define KW 3
#define SH 2
#define SW 2
#define DH 1
#define DW 1
#endif

__kernel void col2im(__global const float *restrict x, ulong x_offset, __global float *restrict y,
                     ulong y_offset, ulong count, int C, int H, int W, int OH, int OW, int top,
                     int left)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const int ix = (int)(index % W), iy = (int)(index / W % H), c = (int)(index / W / H % C);
    const size_t n = index / W / H / C, pixels = (size_t)OH * OW;
    x += x_offset + n * ((C * KH * KW + VW - 1) / VW) * pixels * VW;
    float sum = 0.0f;
    for (int kh = 0; kh < KH; kh++) {
        const int down = iy + top - kh * DH, oy = down / SH;
        if (down < 0 || down % SH != 0 || oy >= OH)
            continue;
        for (int kw = 0; kw < KW; kw++) {
            const int across = ix + left - kw * DW, ox = across / SW;
            if (across < 0 || across % SW != 0 || ox >= OW)
                continue;
            const int channel = (c * KH + kh) * KW + kw;
            sum += x[(channel / VW * pixels + (size_t)oy * OW + ox) * VW + channel % VW];
        }
    }
    y[y_offset + index] = sum;
}
