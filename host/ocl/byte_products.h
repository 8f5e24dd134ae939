/* ocl/byte_products.h — whether a device's kernels can use the CPU's instruction for sums of four
 * products of bytes: AVX512-VNNI, in inline assembly.
 *
 * Two gates, in this order: what the CPU and the operating system say, and a small program on the
 * very device with a known result. Behind the first no instruction can end the process.
 */
#ifndef VGG_OCL_BYTE_PRODUCTS_H
#define VGG_OCL_BYTE_PRODUCTS_H

#include <stdbool.h>

#include "ocl/device.h"

/* The answer is remembered for the device. A runtime that can't compile the program, or gives a
 * wrong result, has none; other errors are the caller's to hear. */
clvgg_status vgg_byte_products_check(clvgg_device *device, bool *has_them);

#endif
