/* pack_int8.cl — weights as int8, one scale a row: w = scale * q, q from -127 to 127. The scale is
 * the row's largest |w| / 127 with 16 significant bits, rounded up (host/tensor/int8_row.h computes
 * the same bits).
 *
 *     source  [rows][C][S]        float32, float16 or bfloat16 (TYPE): whole rows from a panel's first
 *     packed  [ceil(rows/panel)][ceil(C/16)][S][panel/16][4][16][4]: four channels beside each other,
 *             for 16 rows at a time; `scales` bytes on, for each of `all` rows of the buffer a
 *             float32 scale, then for each the int32 sum of its q
 *
 * Places that no source row or channel falls on must have been filled with zero. The weights must be
 * finite, and panel a multiple of 16. NDRange {rows rounded up to the local size}, local {64}.
 */
#ifndef TYPE
#define TYPE 0 /* 0 float32, 1 float16, 2 bfloat16 */
#endif

#define source_t PASTE2(STORED_, TYPE)
#define VALUE(i, p) PASTE2(WEIGHT_, TYPE)(i, p)

/* 1 / scale as IEEE 754 rounds it, which a device's division needn't: of so few bits two of Newton's
 * steps find it. */
inline float inverse_of(float scale)
{
    float inverse = 1.0f / scale;
    inverse = fma(inverse, fma(-scale, inverse, 1.0f), inverse);
    return fma(inverse, fma(-scale, inverse, 1.0f), inverse);
}

__kernel void pack_int8(__global const source_t *restrict source, ulong source_offset,
                        __global char *restrict packed, ulong packed_offset, int rows, int C, int S,
                        int panel, int first_row, int all, ulong scales)
{
    const int row = (int)get_global_id(0);
    if (row >= rows)
        return;
    source += source_offset + (size_t)row * C * S;
    float largest = 0.0f;
    for (int i = 0; i < C * S; i++)
        largest = fmax(largest, fabs(VALUE(i, source)));
    /* Four units in the last place above 16 bits still count as them. */
    const uint bits = (as_uint(largest * (1.0f / 127)) + 0xFB) & ~0xFFu;
    const float scale = fmax(as_float(bits), 0x1p-100f), inverse = inverse_of(scale);

    __global float *scale_of = (__global float *)(packed + scales);
    const int blocks = (C + 15) / 16, at_row = first_row + row, lane = at_row % panel;
    __global char *to = packed + packed_offset + (size_t)(at_row / panel) * blocks * S * panel * 16 +
                        lane / 16 * 256 + lane % 16 * 4;
    int sum = 0;
    for (int c = 0; c < C; c++)
        for (int s = 0; s < S; s++) {
            const float v = rint(VALUE(c * S + s, source) * inverse);
            const int q = (int)clamp(v, -127.0f, 127.0f);
            to[((size_t)(c / 16) * S + s) * panel * 16 + c % 16 / 4 * 64 + c % 4] = (char)q;
            sum += q;
        }
    scale_of[at_row] = scale;
    ((__global int *)(scale_of + all))[at_row] = sum;
}
