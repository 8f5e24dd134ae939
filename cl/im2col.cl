/* im2col.cl — receptive fields of a run of output pixels as columns of a matrix, for a GEMM.
 *
 *     x        [C][H][W]                      float32, one image
 *     columns  [C*KH*KW][pixels]              pixels first_pixel … of [OH][OW]; zeros in padding
 *
 * NDRange {C*KH*KW * pixels rounded up to the local size}, local {64}.
 */
__kernel void im2col(__global const float *restrict x, ulong x_offset,
                     __global float *restrict columns, ulong columns_offset, ulong count,
                     int pixels, int first_pixel, int H, int W, int OW, int KH, int KW, int SH,
                     int SW, int DH, int DW, int pad_top, int pad_left)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const int p = first_pixel + (int)(index % pixels), r = (int)(index / pixels);
    const int c = r / (KH * KW), ky = r / KW % KH, kx = r % KW;
    const int iy = p / OW * SH - pad_top + ky * DH, ix = p % OW * SW - pad_left + kx * DW;
    const int inside = iy >= 0 && iy < H && ix >= 0 && ix < W;
    columns[columns_offset + index] =
        inside ? x[x_offset + ((size_t)c * H + iy) * W + ix] : 0.0f;
}
