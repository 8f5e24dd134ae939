/* unpool.cl — adjoints of pool.cl: what each pixel passed on comes back to it. Plain (VW 1) or
 * blocked layout.
 *
 *     x         [n][blocks][OH][OW][VW]   float32: the signal behind the pooling; blocks = ceil(C/VW)
 *     switches  as x, int32: h * W + w of each window's maximum (not with AVERAGE)
 *     y         [n][blocks][H][W][VW]
 *
 * Maximum: a pixel gets the sum over the windows whose switch it is; zero where there is none, as in
 * Zeiler & Fergus (2013), section 2.1. Average: over the windows that hold it, divided by their size.
 *
 * NDRange {n * blocks * H * W rounded up to the local size}, local {64}.
 */
#ifndef VW
#define VW 1 /* channels in a block */
#endif
#ifndef AVERAGE
#define AVERAGE 0
#endif

#if VW == 1
#define PICK(there, v) ((there) ? (v) : 0.0f)
#else
#define PICK(there, v) select((vec)(0.0f), v, there)
#endif

/* Along one axis, the first window that may hold pixel `at`, and the one behind the last. */
int first_window(int at, int extent, int windows, int kernel_size, int stride, int pad, int adaptive)
{
    const int before = at + pad - kernel_size + 1;
    return adaptive     ? (int)((long)at * windows / extent)
           : before > 0 ? (before + stride - 1) / stride
                        : 0;
}

int end_window(int at, int extent, int windows, int stride, int pad, int adaptive)
{
    return adaptive ? (int)(((long)(at + 1) * windows + extent - 1) / extent)
                    : min((at + pad) / stride + 1, windows);
}

#if AVERAGE
/* Along one axis, the size by which pool.cl's average divides pixel `at` in a window; 0: the window
 * doesn't hold it. */
int window_size(int at, int window, int extent, int windows, int kernel_size, int stride, int pad,
                int pad_after, int adaptive, int include_pad)
{
    int begin = window * stride - pad, end = min(begin + kernel_size, extent + pad_after);
    if (adaptive) {
        begin = (int)((long)window * extent / windows);
        end = (int)(((long)(window + 1) * extent + windows - 1) / windows);
    }
    if (at < begin || at >= end)
        return 0;
    return include_pad ? end - begin : min(end, extent) - max(begin, 0);
}
#endif

__kernel void unpool(__global const float *restrict x, ulong x_offset,
                     __global const int *restrict switches, ulong switches_offset,
                     __global float *restrict y, ulong y_offset, ulong count, int H, int W, int OH,
                     int OW, int KH, int KW, int SH, int SW, int pad_top, int pad_left,
                     int pad_bottom, int pad_right, int adaptive, int include_pad)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const int ix = (int)(index % W), iy = (int)(index / W % H);
    const size_t plane = index / W / H * OH * OW * VW;
    x += x_offset + plane;
#if !AVERAGE
    switches += switches_offset + plane;
#endif
    const int oy_end = end_window(iy, H, OH, SH, pad_top, adaptive);
    const int ox_begin = first_window(ix, W, OW, KW, SW, pad_left, adaptive);
    const int ox_end = end_window(ix, W, OW, SW, pad_left, adaptive);
    vec sum = (vec)(0.0f);
    for (int oy = first_window(iy, H, OH, KH, SH, pad_top, adaptive); oy < oy_end; oy++) {
#if AVERAGE
        const int rows =
            window_size(iy, oy, H, OH, KH, SH, pad_top, pad_bottom, adaptive, include_pad);
#endif
        for (int ox = ox_begin; ox < ox_end; ox++) {
            const size_t at = ((size_t)oy * OW + ox) * VW;
#if AVERAGE
            const int columns =
                window_size(ix, ox, W, OW, KW, SW, pad_left, pad_right, adaptive, include_pad);
            if (rows * columns > 0)
                sum += VLOAD(x + at) / (float)(rows * columns);
#else
            sum += PICK(VLOAD(switches + at) == iy * W + ix, VLOAD(x + at));
#endif
        }
    }
    VSTORE(sum, y + y_offset + index * VW);
}
