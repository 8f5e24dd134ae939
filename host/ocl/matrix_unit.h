/* ocl/matrix_unit.h — whether a device's kernels can use the matrix unit of this machine's CPU: AMX
 * with bfloat16, in inline assembly.
 *
 * Three gates, in this order: what the CPU says of itself, whether the operating system lets this
 * process use tiles, and a small program on the very device with a known result. Behind the first
 * two no instruction can end the process, so the third is safe to try with any runtime.
 */
#ifndef VGG_OCL_MATRIX_UNIT_H
#define VGG_OCL_MATRIX_UNIT_H

#include <stdbool.h>

#include "ocl/device.h"

/* Asks Linux to let the process use tiles, for good, where the CPU has them: to be called only
 * where bfloat16 was asked for. The answer is remembered for the device. A runtime that can't
 * compile the program, or gives a wrong result, has no matrix unit; other errors are the caller's
 * to hear. */
clvgg_status vgg_matrix_unit_check(clvgg_device *device, bool *has_amx);
/* The first two gates alone. */
bool vgg_matrix_unit_allowed(void);

#endif
