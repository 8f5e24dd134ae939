/* conv_direct.cl — the definition of convolution, one work-item an output: correct on every device,
 * for any kernel, stride, padding, dilation and groups. Dense layers run on it too, as 1x1
 * convolutions of 1x1 images.
 *
 *     x     [n][C][H][W]            float32
 *     w     [K][C/groups][KH][KW]     in STORAGE's type
 *     bias  [K]
 *     y     [n][K][OH][OW]
 *
 * NDRange {n * K * OH * OW rounded up to the local size}, local {64}.
 * An output is summed in the order channel, kernel row, kernel column.
 */

__kernel void conv_direct(__global const float *restrict x, ulong x_offset,
                          __global const weight_t *restrict w, ulong w_offset,
                          __global const float *restrict bias, ulong bias_offset,
                          __global float *restrict y, ulong y_offset, ulong y_stride, ulong count,
                          int C, int H, int W, int K, int OH, int OW, int KH, int KW, int SH,
                          int SW, int DH, int DW, int pad_top, int pad_left, int groups, int relu)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const int ox = (int)(index % OW), oy = (int)(index / OW % OH);
    const int k = (int)(index / OW / OH % K);
    const size_t n = index / OW / OH / K;
    const int group_channels = C / groups;
    const int first = k / (K / groups) * group_channels;

    x += x_offset + (n * C + first) * H * W;
    w += w_offset + (size_t)k * group_channels * KH * KW;
    float sum = 0.0f;
    for (int c = 0; c < group_channels; c++)
        for (int ky = 0; ky < KH; ky++) {
            const int iy = oy * SH - pad_top + ky * DH;
            for (int kx = 0; kx < KW; kx++, w++) {
                const int ix = ox * SW - pad_left + kx * DW;
                if (iy >= 0 && iy < H && ix >= 0 && ix < W)
                    sum = fma(x[((size_t)c * H + iy) * W + ix], WEIGHT(0, w), sum);
            }
        }
    sum += bias[bias_offset + k];
    /* y_stride: elements between two images; above K * OH * OW when y is a slice of channels. */
    y[y_offset + n * y_stride + index % ((size_t)K * OH * OW)] = relu && sum < 0.0f ? 0.0f : sum;
}
