/* lrn.cl — local response normalisation across channels, and what it makes of a gradient.
 *
 *     y[c]  = x[c] * d[c]^-beta,   d[c] = k + scale * (sum of x[j]^2, j = c - below ... c + above)
 *     dx[c] = dy[c] * d[c]^-beta
 *             - 2 * scale * beta * x[c] * (sum of dy[j] * x[j] * d[j]^(-beta - 1), c in j's window)
 *
 *     x, y, dy, dx  [n][ceil(channels / VW)][pixels][VW]   float32; channels behind the last are 0
 *
 * NDRange {elements rounded up to the local size}, local {64}. scale is alpha / size, channels that
 * aren't there count as 0. Source: Krizhevsky et al. (2012), section 3.3, as PyTorch's
 * LocalResponseNorm has it.
 */
#ifndef VW
#define VW 1 /* channels side by side */
#endif
#ifndef GRADIENT
#define GRADIENT 0
#endif

/* Where channel `channel` of the pixel lies whose channel 0 is element `base`. */
inline ulong channel_at(ulong base, int channel, int pixels)
{
    return base + (ulong)(channel / VW) * pixels * VW + channel % VW;
}

inline float divisor(__global const float *x, ulong base, int channel, int channels, int pixels,
                     int below, int above, float k, float scale)
{
    const int first = max(channel - below, 0), last = min(channel + above, channels - 1);
    float sum = 0.0f;
    for (int j = first; j <= last; j++) {
        const float value = x[channel_at(base, j, pixels)];
        sum += value * value;
    }
    return k + scale * sum;
}

__kernel void lrn(__global const float *restrict x, ulong x_offset,
#if GRADIENT
                  __global const float *restrict dy, ulong dy_offset,
#endif
                  __global float *restrict y, ulong y_offset, ulong count, int channels, int pixels,
                  int below, int above, float k, float scale, float beta)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const ulong row = index / VW, image = row / pixels / ((channels + VW - 1) / VW);
    const int lane = index % VW, pixel = row % pixels;
    const int channel = row / pixels % ((channels + VW - 1) / VW) * VW + lane;
    const ulong base = image * ((channels + VW - 1) / VW) * pixels * VW + (ulong)pixel * VW;
    if (channel >= channels) {
        y[y_offset + index] = 0.0f;
        return;
    }
    x += x_offset;
    const float value = x[index];
    const float d = divisor(x, base, channel, channels, pixels, below, above, k, scale);
#if GRADIENT
    dy += dy_offset;
    const int first = max(channel - above, 0), last = min(channel + below, channels - 1);
    float sum = 0.0f;
    for (int j = first; j <= last; j++) {
        const ulong at = channel_at(base, j, pixels);
        const float dj = divisor(x, base, j, channels, pixels, below, above, k, scale);
        sum += dy[at] * x[at] * pow(dj, -beta - 1.0f);
    }
    y[y_offset + index] = dy[index] * pow(d, -beta) - 2.0f * scale * beta * value * sum;
#else
    y[y_offset + index] = value * pow(d, -beta);
#endif
}
