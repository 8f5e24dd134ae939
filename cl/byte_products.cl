/* byte_products.cl — whether kernels on this device can use AVX512-VNNI's sum of four products of
 * bytes, as conv_int8.cl and dense_int8.cl do.
 *
 *     u  [16][4]    unsigned bytes
 *     w  [16][4]    signed bytes
 *     y  [16]       int32: what was there, and the products of each four
 *
 * NDRange {1}, local {1}. It may run only where CPUID and the operating system allow the instruction
 * (ocl/byte_products.c), which ends the process elsewhere.
 */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
byte_products(__global const int *restrict u, __global const int *restrict w, __global int *restrict y)
{
    int16 sum = vload16(0, y);
#ifdef __AVX512F__ /* else the sums stay as they are */
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(vload16(0, u)), "v"(vload16(0, w)));
#endif
    vstore16(sum, 0, y);
}
