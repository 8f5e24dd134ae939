/* roof_tiles.cl — the most that AMX multiplies: bfloat16 matrices that lie in tiles, out of tiles
 * into tiles (Intel SDM vol. 1, chapter 18; conv_amx.cl has the same instructions and says why they
 * are bytes). What a work-item leaves tells how much it has done.
 *
 * Tiles 0 to 3 are the sums of products of 4 or 5, 16 x 32, with 6 or 7, 32 x 16, all of them
 * ones: `rounds` products make each sum 32 * rounds, exactly up to 2^24.
 * 4 * 2 * 16 * 32 * 16 * rounds FLOPs a work-item.
 *
 *     sum  [work-items]  uint; all 1024 sums together, modulo 2^32
 *
 * NDRange {any}, local {1}. It may run only where ocl/matrix_unit.c has found the unit.
 */
#define PRODUCTS                                                                                   \
    ".byte 0xc4,0xe2,0x4a,0x5c,0xc4\n" /* 0 += 4 * 6 */                                            \
    ".byte 0xc4,0xe2,0x42,0x5c,0xcc\n" /* 1 += 4 * 7 */                                            \
    ".byte 0xc4,0xe2,0x4a,0x5c,0xd5\n" /* 2 += 5 * 6 */                                            \
    ".byte 0xc4,0xe2,0x42,0x5c,0xdd\n" /* 3 += 5 * 7 */

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
roof_tiles(__global uint *restrict sum, ulong sum_offset, int rounds)
{
    uint ones[16 * 16] __attribute__((aligned(64)));
    float sums[4 * 256] __attribute__((aligned(64)));
    uint config[16], total = 0;
    for (int i = 0; i < 256; i++)
        ones[i] = 0x3F803F80; /* two bfloat16 */
    for (int i = 0; i < 16; i++)
        config[i] = i == 0             ? 1             /* palette */
                    : i >= 4 && i < 8  ? 64 | 64 << 16 /* bytes of a row, two tiles each */
                    : i == 12 || i == 13 ? 0x10101010u   /* rows, four tiles each */
                                       : 0;
    __asm__ volatile(".byte 0xc4,0xe2,0x78,0x49,0x00\n"      /* ldtilecfg [rax] */
                     ".byte 0xc4,0xe2,0x7b,0x49,0xc0\n"      /* tiles 0 to 3 = 0 */
                     ".byte 0xc4,0xe2,0x7b,0x49,0xc8\n"
                     ".byte 0xc4,0xe2,0x7b,0x49,0xd0\n"
                     ".byte 0xc4,0xe2,0x7b,0x49,0xd8\n"
                     ".byte 0xc4,0xe2,0x7b,0x4b,0x24,0x0e\n" /* tile 4 = [rsi], stride rcx */
                     ".byte 0xc4,0xe2,0x7b,0x4b,0x2c,0x0e\n" /* tile 5 = [rsi] */
                     ".byte 0xc4,0xe2,0x7b,0x4b,0x34,0x0e\n" /* tile 6 = [rsi] */
                     ".byte 0xc4,0xe2,0x7b,0x4b,0x3c,0x0e"   /* tile 7 = [rsi] */
                     ::"a"(config),
                     "S"(ones), "c"(64L)
                     : "memory");
    for (int r = 0; r < rounds; r++)
        __asm__ volatile(PRODUCTS ::: "memory");
    __asm__ volatile(".byte 0xc4,0xe2,0x7a,0x4b,0x04,0x08\n" /* [rax] = tile 0 … 3 */
                     ".byte 0xc4,0xe2,0x7a,0x4b,0x8c,0x08,0x00,0x04,0x00,0x00\n"
                     ".byte 0xc4,0xe2,0x7a,0x4b,0x94,0x08,0x00,0x08,0x00,0x00\n"
                     ".byte 0xc4,0xe2,0x7a,0x4b,0x9c,0x08,0x00,0x0c,0x00,0x00\n"
                     ".byte 0xc4,0xe2,0x78,0x49,0xc0" /* tilerelease */
                     ::"a"(sums),
                     "c"(64L)
                     : "memory");
    for (int i = 0; i < 1024; i++)
        total += (uint)sums[i];
    sum[sum_offset + get_global_id(0)] = total;
}
