/* activation_grad.cl — dx = dy * f'(x), where y = f(x) is known; element by element, any layout.
 *
 *     dy, y, dx  [elements]   float32
 *
 * NDRange {count rounded up to the local size}, local {64}. ReLU's slope at 0 is 0, as in PyTorch.
 */
#ifndef SLOPE
#define SLOPE 1 /* 1 ReLU, 2 guided: ReLU's where dy > 0 too, 3 logistic sigmoid, 4 tanh */
#endif

__kernel void activation_grad(__global const float *restrict dy, ulong dy_offset,
                              __global const float *restrict y, ulong y_offset,
                              __global float *restrict dx, ulong dx_offset, ulong count)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const float signal = dy[dy_offset + index], value = y[y_offset + index];
#if SLOPE == 1
    const float result = value > 0.0f ? signal : 0.0f;
#elif SLOPE == 2
    const float result = value > 0.0f && !(signal < 0.0f) ? signal : 0.0f;
#elif SLOPE == 3
    const float result = signal * value * (1.0f - value);
#else
    const float result = signal * (1.0f - value * value);
#endif
    dx[dx_offset + index] = isnan(value) ? value : result;
}
