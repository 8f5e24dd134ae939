/* dropout.cl — dropout behind an activation, forward and backward, by a generator that has no
 * state: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). Its key
 * is the seed, its counter {element / 4, step, step's upper half, layer}; word element % 4 of the
 * four decides: below `threshold`, the value is dropped. The generator computes with integers
 * alone, so that its bits are the same on every device.
 *
 *     x, y  [count]                      y = x / (1 - rate) where it is kept, 0 elsewhere
 *     dy    [slices] at distance stride  partial sums of the gradient, added in order
 *     a     [count]                      the activation's output
 *     dx    [count]                      f'(a) times the kept part of dy
 *
 * NDRange {ceil(count/4) rounded up to the local size}, local {64}. NaN comes out as NaN.
 */
#ifndef FUNCTION
#define FUNCTION 1 /* 1 ReLU, 2 logistic sigmoid, 3 tanh */
#endif
#ifndef DROPOUT
#define DROPOUT 1 /* 0: nothing is dropped */
#endif

inline uint4 philox(uint4 counter, uint2 key)
{
    for (int round = 0; round < 10; round++) {
        const uint high0 = mul_hi(0xD2511F53u, counter.s0), low0 = 0xD2511F53u * counter.s0;
        const uint high1 = mul_hi(0xCD9E8D57u, counter.s2), low1 = 0xCD9E8D57u * counter.s2;
        counter = (uint4)(high1 ^ counter.s1 ^ key.s0, low1, high0 ^ counter.s3 ^ key.s1, low0);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}

/* The factors of four neighbouring elements: `scale`, or 0 where one is dropped. */
inline float4 masks(size_t four, ulong seed, ulong step, uint layer, uint threshold, float scale)
{
    const uint4 random =
        philox((uint4)((uint)four, (uint)step, (uint)(step >> 32), layer),
               (uint2)((uint)seed, (uint)(seed >> 32)));
    return (float4)(random.s0 < threshold ? 0.0f : scale, random.s1 < threshold ? 0.0f : scale,
                    random.s2 < threshold ? 0.0f : scale, random.s3 < threshold ? 0.0f : scale);
}

__kernel void dropout(__global const float *restrict x, ulong x_offset, __global float *restrict y,
                      ulong y_offset, ulong count, ulong seed, ulong step, uint layer,
                      uint threshold, float scale)
{
    const size_t four = get_global_id(0), left = 4 * four < count ? count - 4 * four : 0;
    const float4 mask = masks(four, seed, step, layer, threshold, scale);
    const float factor[4] = {mask.s0, mask.s1, mask.s2, mask.s3};
    x += x_offset + 4 * four;
    y += y_offset + 4 * four;
    for (size_t i = 0; i < 4 && i < left; i++)
        y[i] = x[i] * factor[i];
}

__kernel void activation_grad(__global const float *restrict dy, ulong dy_offset,
                              __global const float *restrict a, ulong a_offset,
                              __global float *restrict dx, ulong dx_offset, ulong count,
                              int slices, ulong stride, ulong seed, ulong step, uint layer,
                              uint threshold, float scale)
{
    const size_t four = get_global_id(0), left = 4 * four < count ? count - 4 * four : 0;
#if DROPOUT
    const float4 mask = masks(four, seed, step, layer, threshold, scale);
    const float factor[4] = {mask.s0, mask.s1, mask.s2, mask.s3};
#endif
    dy += dy_offset + 4 * four;
    a += a_offset + 4 * four;
    dx += dx_offset + 4 * four;
    for (size_t i = 0; i < 4 && i < left; i++) {
        float d = 0.0f;
        for (int s = 0; s < slices; s++)
            d += dy[s * stride + i];
#if DROPOUT
        d *= factor[i];
#endif
#if FUNCTION == 1
        d = a[i] <= 0.0f ? 0.0f : d;
#elif FUNCTION == 2
        d *= a[i] * (1.0f - a[i]);
#elif FUNCTION == 3
        d *= 1.0f - a[i] * a[i];
#endif
        dx[i] = d;
    }
}
