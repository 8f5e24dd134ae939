/* ops/int8.h — what the variants for int8 weights share. */
#ifndef VGG_OPS_INT8_H
#define VGG_OPS_INT8_H

#include "ops/op.h"

enum { VGG_INT8_LANES = 16 }; /* rows, and channels, that lie together */

/* Sets the pack for panels of `vectors` times 16 rows. UNSUPPORTED, in words, where a sum may exceed
 * 32 bits. */
clvgg_status vgg_int8_configure(vgg_op *op, int vectors);
/* UNSUPPORTED, in words, on other devices than CPUs. */
clvgg_status vgg_int8_require_cpu(const vgg_op *op, const vgg_traits *traits);
/* Best where the CPU multiplies bytes, else after all others: float32 products are faster than
 * integers one by one. */
vgg_rank vgg_int8_rank_products(const vgg_variant *variant, const vgg_problem *problem,
                                const vgg_traits *traits);

#endif
