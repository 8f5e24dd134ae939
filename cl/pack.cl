/* pack.cl — weights from the file's order and type to the panels a kernel reads, in its type.
 *
 * A weight is a matrix of rows (output channels or features) and columns (c, s): input channel c,
 * kernel position s. The source is a run of whole rows that begins a panel.
 *
 *     source  [rows][C][S]        float32, float16 or bfloat16 (TYPE)
 *     packed  [ceil(rows/panel)][ceil(C/block)][S][block][panel]     lane = row % panel;
 *                                                           in STORAGE's type
 *
 * With PAIRS the last two are [panel/16][block/2][16][2]: pairs of channels beside each other, for
 * 16 rows at a time, as AMX tiles of bfloat16 lie; block and panel are multiples of 16 then.
 *
 * With panel and block 1 the packed order is the source's own. Places that no source row or channel
 * falls on must have been filled with zero.
 *
 * NDRange {C * S rounded up to the local size, ceil(rows/panel)}, local {64, 1}.
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

__kernel void pack(__global const source_t *restrict source, ulong source_offset,
                   __global weight_t *restrict packed, ulong packed_offset, int rows, int C, int S,
                   int block, int panel)
{
    const int column = (int)get_global_id(0), first = (int)get_global_id(1) * panel;
    if (column >= C * S)
        return;
    const int c = column / S, s = column % S, blocks = (C + block - 1) / block;
    source += source_offset + (size_t)first * C * S + column;
    packed += packed_offset +
              ((get_global_id(1) * blocks + c / block) * S + s) * block * panel;
    for (int lane = 0; lane < panel && first + lane < rows; lane++) {
#if PAIRS
        const int at = ((lane / 16 * block + c % block) & ~1) * 16 + lane % 16 * 2 + c % 2;
#else
        const int at = c % block * panel + lane;
#endif
        PACK(VALUE(source, (size_t)lane * C * S), at, packed);
    }
}
