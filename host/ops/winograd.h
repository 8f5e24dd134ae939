/* ops/winograd.h — what Winograd's variants share: which of them computes a convolution. */
#ifndef VGG_OPS_WINOGRAD_H
#define VGG_OPS_WINOGRAD_H

#include "ops/op.h"

/* The rank of a Winograd variant: the best where its form is the one that beats direct convolution,
 * else it has to be asked for. */
vgg_rank vgg_winograd_rank(const vgg_variant *variant, const vgg_problem *problem,
                           const vgg_traits *traits);
/* What all rows of them begin with. */
#define VGG_WINOGRAD_ROW                                                                           \
    .layers = VGG_LAYER_BIT(VGG_LAYER_CONV2D), .fuses_relu = true, .fuses_pool = true,             \
    .rank = vgg_winograd_rank
/* UNSUPPORTED, in words, unless Winograd's F(m, 3x3) can compute the problem. */
clvgg_status vgg_require_winograd(const vgg_op *op);
/* Says whether F(4x4) and F(6x6) store this problem's weights as float32, whatever is asked for. */
bool vgg_winograd_f4_keeps_float32(const vgg_problem *problem);

#endif
