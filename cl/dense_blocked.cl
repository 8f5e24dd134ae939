/* dense_blocked.cl — dense layer for CPUs: weights stream through once, in vectors of VW outputs.
 *
 * A work-item computes KB * VW outputs for up to GROUP images. The input is cut into slices of CI
 * features; for each slice, TN images at a time are copied into private lines and multiplied from
 * registers, so a slice of weights is read from memory once whatever the batch.
 *
 *     x     [n][I]                          float32
 *     w     [ceil(O/(KB*VW))][I][KB*VW]     panels, zeros past O; this call may hold some of them;
 *                                           in STORAGE's type
 *     bias  [ceil(O/(KB*VW)) * KB*VW]
 *     y     [n][O]
 *
 * One call takes features [begin, end), so that these of all images stay in the cache while panels
 * go by: sums go on from y unless begin is 0; bias and ReLU come with the last features.
 *
 * NDRange {panels, ceil(n/GROUP)}, local {1, 1}. An output is summed in feature order, one chain,
 * so its bits depend neither on TN nor on the other images nor on how calls cut the features.
 */
#ifndef VW
#define VW 16 /* vector width: 4, 8 or 16 */
#endif
#ifndef KB
#define KB 2 /* vectors of outputs of a work-item */
#endif
#ifndef TN
#define TN 8 /* images in registers */
#endif
#ifndef GROUP
#define GROUP 32 /* images of a work-item; a multiple of TN */
#endif
#define CI 64 /* features of a slice */

DECLARE_VEC_ANYWHERE;

/* sum[TN][KB*VW] += lines [TN][CI] times panel [features][KB*VW]. */
inline void multiply_slice(const float *line, __global const weight_t *panel, int features, float *sums)
{
    vec sum[TN][KB];
#pragma unroll
    for (int t = 0; t < TN; t++)
#pragma unroll
        for (int b = 0; b < KB; b++)
            sum[t][b] = VLOAD(sums + (t * KB + b) * VW);
    for (int c = 0; c < features; c++) {
        vec weight[KB];
#pragma unroll
        for (int b = 0; b < KB; b++) {
            weight[b] = WEIGHTS(panel + (c * KB + b) * VW);
            LOOK_AHEAD(panel + ((CI + c) * KB + b) * VW, 0, 2); /* what the next slice reads */
        }
#pragma unroll
        for (int t = 0; t < TN; t++) {
            const vec value = (vec)(line[t * CI + c]);
#pragma unroll
            for (int b = 0; b < KB; b++)
                sum[t][b] = fma(value, weight[b], sum[t][b]);
        }
    }
#pragma unroll
    for (int t = 0; t < TN; t++)
#pragma unroll
        for (int b = 0; b < KB; b++)
            STORE_PRIVATE(sum[t][b], sums + (t * KB + b) * VW);
}

/* line [TN][CI] = `features` of each of `images` images, zeros past them. */
inline void load_lines(__global const float *x, size_t stride, int images, int features, float *line)
{
    for (int t = 0; t < TN; t++, line += CI)
        if (t < images && features == CI)
            for (int c = 0; c < CI; c += VW)
                STORE_PRIVATE(VLOAD(x + t * stride + c), line + c);
        else
            for (int c = 0; c < features; c++)
                line[c] = t < images ? x[t * stride + c] : 0.0f;
}

__kernel CPU_KERNEL void
dense_blocked(__global const float *restrict x, ulong x_offset, __global const weight_t *restrict w,
              ulong w_offset, __global const float *restrict bias, ulong bias_offset,
              __global float *restrict y, ulong y_offset, int n, int I, int O, int first_panel,
              int relu, int begin, int end)
{
    const int first = (int)get_global_id(1) * GROUP, images = min(GROUP, n - first);
    const int panel = first_panel + (int)get_global_id(0);
    x += x_offset + (size_t)first * I;
    y += y_offset + (size_t)first * O;
    w += w_offset + get_global_id(0) * I * KB * VW;
    bias += bias_offset + panel * KB * VW;

    float sums[GROUP * KB * VW];
    float line[TN * CI];
    const int outputs = min(KB * VW, O - panel * KB * VW);
    y += panel * KB * VW;
    for (int i = 0; i < GROUP * KB; i++)
        STORE_PRIVATE((vec)(0.0f), sums + i * VW);
    for (int t = 0; begin > 0 && t < images; t++)
        for (int o = 0; o < outputs; o++)
            sums[t * KB * VW + o] = y[(size_t)t * O + o];
    for (int c0 = begin; c0 < end; c0 += CI) {
        const int features = min(CI, end - c0);
        for (int t0 = 0; t0 < images; t0 += TN) {
            load_lines(x + (size_t)t0 * I + c0, I, images - t0, features, line);
            multiply_slice(line, w + (size_t)c0 * KB * VW, features, sums + t0 * KB * VW);
        }
    }
    for (int t = 0; t < images; t++)
        for (int o = 0; o < outputs; o++) {
            const float v = sums[t * KB * VW + o] + (end == I ? bias[o] : 0.0f);
            y[(size_t)t * O + o] = relu && end == I && v < 0.0f ? 0.0f : v;
        }
}
