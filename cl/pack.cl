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
 * A work-item takes a square of VW columns and VW rows at a time, for all rows of its panel, and
 * turns it: rows lie far apart in the source, and a line of the cache is used whole.
 *
 * NDRange {ceil(C * S / VW) rounded up to the local size, ceil(rows/panel)}, local {64, 1}.
 */
#ifndef TYPE
#define TYPE 0 /* 0 float32, 1 float16, 2 bfloat16 */
#endif
#ifndef PAIRS
#define PAIRS 0
#endif

#ifndef VW
#define VW 1 /* 1, 2, 4, 8 or 16; with PAIRS 1, else a divisor of the panel */
#endif

#define source_t PASTE2(STORED_, TYPE)
#define VALUE(p, i) PASTE2(WEIGHT_, TYPE)(i, p)
#if VW == 1
#define VALUES(p) VALUE(p, 0)
#else
#define VALUES(p) PASTE2(WEIGHTS_, TYPE)(p)
#endif

PACKS
DECLARE_VEC_ANYWHERE;

/* Values of a row, of as many columns as there are. */
inline vec load_columns(__global const source_t *row, int columns)
{
    float values[VW];
    if (columns >= VW)
        return VALUES(row);
    for (int i = 0; i < VW; i++)
        values[i] = i < columns ? VALUE(row, i) : 0.0f;
    return LOAD_PRIVATE(values);
}

/* Makes columns of rows: that of (row, column) goes to (column, row). Each round takes what lies in
 * the lower and in the upper half of the square by turns, so an index is turned by a bit. */
#if VW > 1
inline void turn(vec square[VW])
{
#pragma unroll
    for (int round = 1; round < VW; round *= 2) {
        vec next[VW];
#pragma unroll
        for (int i = 0; i < VW / 2; i++) {
            const vec lower = square[i], upper = square[i + VW / 2];
            next[2 * i].even = lower.lo;
            next[2 * i].odd = upper.lo;
            next[2 * i + 1].even = lower.hi;
            next[2 * i + 1].odd = upper.hi;
        }
#pragma unroll
        for (int i = 0; i < VW; i++)
            square[i] = next[i];
    }
}
#else
#define turn(square)
#endif

/* Packs the values of neighbouring rows. */
inline void pack_rows(vec v, __global weight_t *packed)
{
#if STORAGE == 0
    STORE_GLOBAL(v, packed);
#elif STORAGE == 1 && defined(__F16C__)
    float values[VW];
    STORE_PRIVATE(v, values);
#pragma unroll
    for (int i = 0; i < VW; i++)
        __builtin_store_halff(values[i], packed + i);
#else
    float values[VW];
    STORE_PRIVATE(v, values);
    for (int i = 0; i < VW; i++)
        PACK(values[i], i, packed);
#endif
}

__kernel void pack(__global const source_t *restrict source, ulong source_offset,
                   __global weight_t *restrict packed, ulong packed_offset, int rows, int C, int S,
                   int block, int panel)
{
    const int column = (int)get_global_id(0) * VW, first = (int)get_global_id(1) * panel;
    const int columns = min(C * S - column, VW), blocks = (C + block - 1) / block;
    if (columns <= 0)
        return;
    source += source_offset + (size_t)first * C * S + column;
    packed += packed_offset + get_global_id(1) * blocks * S * block * panel;
    for (int lane = 0; lane < panel && first + lane < rows; lane += VW) {
        vec square[VW];
        int s = column % S, c = column / S % block; /* of the block that lies at `place` */
        size_t place = ((size_t)(column / S / block) * S + s) * block * panel;
#pragma unroll
        for (int i = 0; i < VW; i++)
            square[i] = load_columns(source + (size_t)(lane + i) * C * S,
                                     first + lane + i < rows ? columns : 0);
        turn(square);
#pragma unroll
        for (int j = 0; j < VW; j++) {
#if PAIRS
            const int at = ((lane / 16 * block + c) & ~1) * 16 + lane % 16 * 2 + c % 2;
#else
            const int at = c * panel + lane;
#endif
            if (j < columns)
                pack_rows(square[j], packed + place + at);
            const bool row_ends = ++s == S, block_ends = row_ends && c + 1 == block;
            place += block * panel;
            place -= row_ends && !block_ends ? (size_t)S * block * panel : 0;
            s = row_ends ? 0 : s;
            c = block_ends ? 0 : c + row_ends;
        }
    }
}
