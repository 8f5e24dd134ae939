/* verify/rounded.h — parameters as an op's kernels have them. */
#ifndef VGG_VERIFY_ROUNDED_H
#define VGG_VERIFY_ROUNDED_H

#include "ops/op.h"

/* Replaces what belongs to an output channel of a parameter by what it became when it was packed.
 * Kernels that transform weights first have an error bound for that: theirs stay. */
void vgg_round_as_packed(const vgg_op *op, int parameter, size_t count, float *values);

#endif
