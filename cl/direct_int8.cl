/* direct_int8.cl — the definition of convolution of quantised values by int8 weights, one work-item an
 * output: correct on every device, for any kernel, stride, padding, dilation and groups. Dense layers
 * run on it too, as 1x1 convolutions of 1x1 images.
 *
 *     x     [n][C][H][W]            float32, quantised here: q = clamp(rint(x * inverse), low, high)
 *     w     [ceil(K/16)][ceil(C/groups/16)][KH][KW][4][16][4]    int8, scales behind: pack_int8.cl
 *     bias  [K]
 *     y     [n][K][OH][OW]
 *
 *     y = fma(sum of q * w, scale of x * scale of w, bias)
 *
 * NDRange {n * K * OH * OW rounded up to the local size}, local {64}. Conditions: |sums| below 2^31.
 * With a NaN among the values that it is made of an output is NaN.
 */

__kernel void direct_int8(__global const float *restrict x, ulong x_offset,
                          __global const char *restrict w, ulong w_offset,
                          __global const float *restrict bias, ulong bias_offset,
                          __global float *restrict y, ulong y_offset, ulong y_stride, ulong count,
                          int C, int H, int W, int K, int OH, int OW, int KH, int KW, int SH,
                          int SW, int DH, int DW, int pad_top, int pad_left, int groups, int relu,
                          ulong scales, float scale, float inverse, int low, int high)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const int ox = (int)(index % OW), oy = (int)(index / OW % OH);
    const int k = (int)(index / OW / OH % K);
    const size_t n = index / OW / OH / K;
    const int group_channels = C / groups, blocks = (group_channels + 15) / 16;
    const int first = k / (K / groups) * group_channels;

    x += x_offset + (n * C + first) * H * W;
    w += w_offset;
    const float scale_of = *(__global const float *)(w + scales + (size_t)k * 4);
    w += (size_t)(k / 16) * blocks * KH * KW * 256 + k % 16 * 4;
    int sum = 0, nan = 0;
    for (int c = 0; c < group_channels; c++)
        for (int ky = 0; ky < KH; ky++) {
            const int iy = oy * SH - pad_top + ky * DH;
            for (int kx = 0; kx < KW; kx++) {
                const int ix = ox * SW - pad_left + kx * DW;
                if (iy < 0 || iy >= H || ix < 0 || ix >= W)
                    continue;
                const float v = x[((size_t)c * H + iy) * W + ix], level = rint(v * inverse);
                const int q = (int)(level < low ? low : level > high ? high : level);
                nan |= isnan(v);
                sum += (isnan(v) ? 0 : q) *
                       w[(size_t)(c / 16 * KH * KW + ky * KW + kx) * 256 + c % 16 / 4 * 64 + c % 4];
            }
        }
    const float v = nan ? NAN : fma((float)sum, scale * scale_of, bias[bias_offset + k]);
    /* y_stride: elements between two images; above K * OH * OW when y is a slice of channels. */
    y[y_offset + n * y_stride + index % ((size_t)K * OH * OW)] = relu && v < 0.0f ? 0.0f : v;
}
