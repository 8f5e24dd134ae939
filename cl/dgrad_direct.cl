/* dgrad_direct.cl — a dense layer's data gradient, one work-item an input: correct on every device.
 *
 *     dx[n][i] = sum over o of dy[n][o] * w[o][i]
 *
 *     dy  [n][O]                    float32, from output `first_row` on
 *     w   [ceil(rows/P)][I][P]      panels of P outputs (pack.cl), outputs first_row …
 *     dx  [n][I]                    `accumulate`: the sum goes on from what is there
 *
 * NDRange {n * I rounded up to the local size}, local {64}. Sums run over o in order, one chain.
 */
__kernel void dgrad_direct(__global const float *restrict dy, ulong dy_offset,
                           __global const float *restrict w, ulong w_offset,
                           __global float *restrict dx, ulong dx_offset, ulong count, int rows,
                           int I, int O, int P, int first_row, int accumulate)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    dy += dy_offset + index / I * O + first_row;
    w += w_offset + index % I * P;
    dx += dx_offset + index;
    float sum = accumulate ? *dx : 0.0f;
    for (int first = 0; first < rows; first += P, w += (size_t)I * P)
        for (int lane = 0; lane < P && first + lane < rows; lane++)
            sum = fma(dy[first + lane], w[lane], sum);
    *dx = sum;
}
