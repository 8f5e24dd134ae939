/* matrix_unit.cl — whether kernels on this device can use AMX tiles: one product of bfloat16 tiles,
 * with all that conv_amx.cl needs (conversion, configuration, loads, the product, a store).
 *
 *     x  [16][32]       float32, exact in bfloat16
 *     w  [16][16][2]    bfloat16: pairs of rows, columns
 *     y  [16][16]       float32, x w
 *
 * NDRange {1}, local {1}. It may run only where CPUID and the operating system allow AMX's
 * instructions (ocl/matrix_unit.c), which end the process elsewhere. They are written as bytes,
 * because assemblers inside OpenCL runtimes may not know them.
 */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
matrix_unit(__global const float *restrict x, __global const ushort *restrict w,
            __global float *restrict y)
{
    ushort converted[16 * 32] __attribute__((aligned(64)));
    float sums[16 * 16] __attribute__((aligned(64)));
    uint config[16];
    for (int i = 0; i < 16; i++)
        config[i] = i == 0              ? 1             /* palette */
                    : i >= 4 && i < 8   ? 64 | 64 << 16 /* bytes of a row, two tiles each */
                    : i == 12 || i == 13 ? 0x10101010u   /* rows, four tiles each */
                                        : 0;
    for (int i = 0; i < 16; i++)
        __asm__ volatile("vmovups 64(%%rax), %%zmm1\n"
                         ".byte 0x62,0xf2,0x77,0x48,0x72,0x00\n" /* zmm0 = bf16 of zmm1, [rax] */
                         "vmovups %%zmm0, (%%rdi)" ::"a"(x + i * 32),
                         "D"(converted + i * 32)
                         : "xmm0", "xmm1", "memory");
    __asm__ volatile(".byte 0xc4,0xe2,0x78,0x49,0x00\n"      /* ldtilecfg [rax] */
                     ".byte 0xc4,0xe2,0x7b,0x49,0xc0\n"      /* tile 0 = 0 */
                     ".byte 0xc4,0xe2,0x7b,0x4b,0x24,0x0a\n" /* tile 4 = [rdx], stride rcx */
                     ".byte 0xc4,0xe2,0x7b,0x4b,0x34,0x0e\n" /* tile 6 = [rsi] */
                     ".byte 0xc4,0xe2,0x4a,0x5c,0xc4\n"      /* tile 0 += 4 * 6 */
                     ".byte 0xc4,0xe2,0x7a,0x4b,0x04,0x0f\n" /* [rdi] = tile 0 */
                     ".byte 0xc4,0xe2,0x78,0x49,0xc0"        /* tilerelease */
                     ::"a"(config),
                     "d"(converted), "S"(w), "D"(sums), "c"(64L)
                     : "memory");
    for (int i = 0; i < 256; i++)
        y[i] = sums[i];
}
