/* pack_winograd.cl — 3x3 weights transformed for Winograd's F(MxM, 3x3): U = G g Gt
 * (Lavin & Gray 2016, arXiv:1509.09308), in the panels that cl/winograd_blocked.cl reads.
 *
 *     source  [rows][C][3][3]     float32, float16 or bfloat16 (TYPE), a run of whole panels
 *     packed  [ceil(rows/panel)][(M+2)*(M+2)][C rounded up to block][panel]     in STORAGE's type
 *
 * Places that no source row or channel falls on must have been filled with zero. The arguments are
 * those of pack.cl; S is 9.
 *
 * A work-item transforms a channel for VW rows at a time, which lie beside each other in the panel:
 * positions lie far apart, and a line of the cache is written whole or fetched VW times.
 *
 * NDRange {C rounded up to the local size, ceil(rows/panel)}, local {64, 1}.
 */
#ifndef TYPE
#define TYPE 0 /* 0 float32, 1 float16, 2 bfloat16 */
#endif
#ifndef M
#define M 4 /* output tile: 2, 4 or 6 */
#endif
#define N (M + 2)
#ifndef VW
#define VW 1 /* rows of a panel at a time: 1, 2, 4, 8 or 16, a divisor of the panel */
#endif

#define source_t PASTE2(STORED_, TYPE)
#define VALUE(p, i) PASTE2(WEIGHT_, TYPE)(i, p)

PACKS
DECLARE_VEC_ANYWHERE;

/* o = G g: 3 values to N. */
inline void weight_line(vec a, vec b, vec c, vec *o)
{
#if M == 4
    o[0] = a * 0.25f;
    o[1] = -(a + b + c) / 6.0f;
    o[2] = -(a - b + c) / 6.0f;
    o[3] = (a + 2.0f * b + 4.0f * c) / 24.0f;
    o[4] = (a - 2.0f * b + 4.0f * c) / 24.0f;
    o[5] = c;
#elif M == 6
    o[0] = a;
    o[1] = -(a + b + c) * (2.0f / 9.0f);
    o[2] = -(a - b + c) * (2.0f / 9.0f);
    o[3] = (a + 2.0f * b + 4.0f * c) / 90.0f;
    o[4] = (a - 2.0f * b + 4.0f * c) / 90.0f;
    o[5] = (4.0f * a + 2.0f * b + c) / 180.0f;
    o[6] = (4.0f * a - 2.0f * b + c) / 180.0f;
    o[7] = c;
#else
    o[0] = a;
    o[1] = (a + b + c) * 0.5f;
    o[2] = (a - b + c) * 0.5f;
    o[3] = c;
#endif
}

/* Packs the values of neighbouring rows, zeros for rows that aren't there. */
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

__kernel void pack_winograd(__global const source_t *restrict source, ulong source_offset,
                            __global weight_t *restrict packed, ulong packed_offset, int rows, int C,
                            int S, int block, int panel)
{
    const int c = (int)get_global_id(0), first = (int)get_global_id(1) * panel;
    if (c >= C)
        return;
    const size_t channels = (size_t)(C + block - 1) / block * block;
    packed += packed_offset + (get_global_id(1) * N * N * channels + c) * panel;
    for (int lane = 0; lane < panel && first + lane < rows; lane += VW) {
        __global const source_t *g = source + source_offset + ((size_t)(first + lane) * C + c) * S;
        float taps[9][VW] = {{0}};
        vec half_done[3][N], line[N];
        for (int i = 0; i < VW && first + lane + i < rows; i++, g += (size_t)C * S)
            for (int tap = 0; tap < 9; tap++)
                taps[tap][i] = VALUE(g, tap);
        for (int j = 0; j < 3; j++)
            weight_line(LOAD_PRIVATE(taps[j]), LOAD_PRIVATE(taps[3 + j]), LOAD_PRIVATE(taps[6 + j]),
                        half_done[j]);
        for (int i = 0; i < N; i++) {
            weight_line(half_done[0][i], half_done[1][i], half_done[2][i], line);
            for (int j = 0; j < N; j++)
                pack_rows(line[j], packed + (i * N + j) * channels * panel + lane);
        }
    }
}
