/* pack_turned.cl — weights that lie with their rows across, as Keras and some of ONNX keep them, to
 * the panels of pack.cl.
 *
 *     source  [columns][pitch]    float32, float16 or bfloat16 (TYPE): columns of whole weights
 *                                 from first_column on, as they lie; source_offset is the first row
 *     packed  as in pack.cl, from its first row on, in STORAGE's type
 *
 * The weights lie as [C * S / inner][inner][pitch], row fastest: of an (H, W, C) order that was
 * flattened, or of a convolution's HWIO, inner is its channels; of other matrices, C * S.
 *
 * Places that no source row or channel falls on must have been filled with zero.
 *
 * NDRange {columns rounded up to the local size, ceil(rows/panel)}, local {64, 1}.
 */
#ifndef TYPE
#define TYPE 0 /* 0 float32, 1 float16, 2 bfloat16 */
#endif
#ifndef PAIRS
#define PAIRS 0
#endif

#define source_t PASTE2(STORED_, TYPE)
#define VALUE(p, i) PASTE2(WEIGHT_, TYPE)(i, p)

PACKS

__kernel void pack_turned(__global const source_t *restrict source, ulong source_offset,
                          __global weight_t *restrict packed, ulong packed_offset, int rows, int C,
                          int S, int block, int panel, int pitch, int first_column, int columns,
                          int inner)
{
    const int first = (int)get_global_id(1) * panel, end = min(panel, rows - first);
    if ((int)get_global_id(0) >= columns)
        return;
    const int lies_at = first_column + (int)get_global_id(0);
    const int column = lies_at % inner * (C * S / inner) + lies_at / inner;
    const int c = column / S, s = column % S, blocks = (C + block - 1) / block;
    source += source_offset + get_global_id(0) * pitch + first;
    packed += packed_offset + ((get_global_id(1) * blocks + c / block) * S + s) * block * panel;
    for (int lane = 0; lane < end; lane++) {
#if PAIRS
        const int at = ((lane / 16 * block + c % block) & ~1) * 16 + lane % 16 * 2 + c % 2;
#else
        const int at = c % block * panel + lane;
#endif
        PACK(VALUE(source, lane), at, packed);
    }
}
