/* pool.cl — max and average pooling, as PyTorch defines them, plain (VW 1) or blocked layout.
 *
 *     x         [n][blocks][H][W][VW]      float32; blocks = ceil(C/VW)
 *     y         [n][blocks][OH][OW][VW]
 *     switches  as y, int32: h * W + w of the maximum, the lowest where several tie (SWITCHES);
 *               NULL where no layer reads them
 *
 * A window covers rows oy*SH - pad_top … + KH clipped to the image; an adaptive one
 * floor(oy*H/OH) … ceil((oy+1)*H/OH). Maximum: a NaN in the window wins. Average: divided by the
 * window's size inside the image, or with include_pad inside the padded image.
 *
 * NDRange {n * blocks * OH * OW rounded up to the local size}, local {64}.
 */
#ifndef VW
#define VW 1 /* channels in a block */
#endif
#ifndef AVERAGE
#define AVERAGE 0
#endif
#ifndef SWITCHES
#define SWITCHES 0
#endif

#if AVERAGE
/* Large windows are summed in pieces, and rows of a piece, whose sums are added: a long row of
 * additions would round each value to what the sum has grown to. */
#define PIECE 16

static inline vec sum_row(__global const float *restrict x, int count)
{
    vec sum = (vec)(0.0f);
    for (int from = 0; from < count; from += PIECE) {
        vec piece = (vec)(0.0f);
        for (int i = from; i < min(from + PIECE, count); i++)
            piece += VLOAD(x + (size_t)i * VW);
        sum += piece;
    }
    return sum;
}
#endif

__kernel void pool(__global const float *restrict x, ulong x_offset, __global float *restrict y,
                   ulong y_offset, __global int *restrict switches, ulong switches_offset,
                   ulong count, int H, int W, int OH, int OW, int KH, int KW, int SH, int SW,
                   int pad_top, int pad_left, int pad_bottom, int pad_right, int adaptive,
                   int include_pad)
{
    const size_t index = get_global_id(0);
    if (index >= count)
        return;
    const int ox = (int)(index % OW), oy = (int)(index / OW % OH);
    x += x_offset + index / OW / OH * H * W * VW;

    int y0 = oy * SH - pad_top, x0 = ox * SW - pad_left;
    int y1 = min(y0 + KH, H + pad_bottom), x1 = min(x0 + KW, W + pad_right);
    if (adaptive) {
        y0 = (int)((long)oy * H / OH);
        x0 = (int)((long)ox * W / OW);
        y1 = (int)(((long)(oy + 1) * H + OH - 1) / OH);
        x1 = (int)(((long)(ox + 1) * W + OW - 1) / OW);
    }
#if AVERAGE
    const int padded_size = (y1 - y0) * (x1 - x0);
#endif
    y0 = max(y0, 0);
    x0 = max(x0, 0);
    y1 = min(y1, H);
    x1 = min(x1, W);

#if AVERAGE
    const int size = include_pad ? padded_size : (y1 - y0) * (x1 - x0);
    vec sum = (vec)(0.0f);
    for (int top = y0; top < y1; top += PIECE) {
        vec rows = (vec)(0.0f);
        for (int iy = top; iy < min(top + PIECE, y1); iy++)
            rows += sum_row(x + ((size_t)iy * W + x0) * VW, x1 - x0);
        sum += rows;
    }
    VSTORE(sum / (float)size, y + y_offset + index * VW);
#else
    vec best = (vec)(-INFINITY);
    ivec where = (ivec)(y0 * W + x0);
    for (int iy = y0; iy < y1; iy++)
        for (int ix = x0; ix < x1; ix++) {
            const vec v = VLOAD(x + ((size_t)iy * W + ix) * VW);
#if VW == 1
            const int better = v > best || (isnan(v) && !isnan(best));
            where = better ? iy * W + ix : where;
            best = better ? v : best;
#else
            const ivec better = isgreater(v, best) | (isnan(v) & ~isnan(best));
            where = select(where, (ivec)(iy * W + ix), better);
            best = select(best, v, better);
#endif
        }
    VSTORE(best, y + y_offset + index * VW);
#if SWITCHES
    if (switches != 0)
        VSTORE(where, switches + switches_offset + index * VW);
#endif
#endif
}
