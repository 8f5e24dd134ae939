/* activation.cl — y = f(x + bias), element by element, any layout; x and y may be the same buffer.
 *
 *     x, y  [n][channels][inner]     float32
 *     bias  [channels], read only with BIAS
 *
 * NDRange {count rounded up to the local size}, local {64}. NaN comes out as NaN.
 */
#ifndef BIAS
#define BIAS 0
#endif
#ifndef FUNCTION
#define FUNCTION 1 /* 0 identity, 1 ReLU, 2 logistic sigmoid, 3 tanh */
#endif

__kernel void activation(__global const float *x, ulong x_offset, __global const float *bias,
                         ulong bias_offset, __global float *y, ulong y_offset, ulong count,
                         int channels, int inner)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    float v = x[x_offset + index];
#if BIAS
    v += bias[bias_offset + index / inner % channels];
#endif
#if FUNCTION == 1
    v = v < 0.0f ? 0.0f : v;
#elif FUNCTION == 2
    v = 1.0f / (1.0f + exp(-v));
#elif FUNCTION == 3
    v = tanh(v);
#endif
    y[y_offset + index] = v;
}
