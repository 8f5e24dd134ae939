/* operand_panels.cl — a matrix cut into panels, as CPU kernels of gradients read their operands.
 *
 *     from  element (k, j) at k * k_stride + j * j_stride        float32, K x J
 *     to    [ceil(J/W)][K_out][W]     panel j / W, lane j % W; zeros past K and J
 *
 * Rows [n][C] with strides {C, 1} become panels of W columns, with {1, C} panels of W images.
 *
 * NDRange {K_out, ceil(J/W)}, both rounded up to the local size, local {64, 1}.
 */
__kernel void operand_panels(__global const float *restrict from, ulong from_offset,
                             __global float *restrict to, ulong to_offset, int K, int K_out, int J,
                             int W, int k_stride, int j_stride)
{
    const int k = (int)get_global_id(0), first = (int)get_global_id(1) * W;
    if (k >= K_out)
        return;
    from += from_offset + (size_t)k * k_stride + (size_t)first * j_stride;
    to += to_offset + (get_global_id(1) * K_out + k) * W;
    if (k < K && first + W <= J) {
        for (int lane = 0; lane < W; lane++)
            to[lane] = from[(size_t)lane * j_stride];
        return;
    }
    for (int lane = 0; lane < W; lane++)
        to[lane] = k < K && first + lane < J ? from[(size_t)lane * j_stride] : 0.0f;
}
