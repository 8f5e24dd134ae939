/* ops/int8.c — see int8.h. */
#include "ops/int8.h"

#include "graph/layer.h"

clvgg_status vgg_int8_require_cpu(const vgg_op *op, const vgg_traits *traits)
{
    VGG_CHECK(traits->type == CLVGG_DEVICE_CPU, CLVGG_STATUS_UNSUPPORTED, "%s is for CPUs",
              op->variant->name);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_int8_configure(vgg_op *op, int vectors)
{
    enum { MOST_WEIGHT = 127 };
    op->pack = vgg_problem_pack(&op->problem, VGG_INT8_LANES * vectors);
    op->pack.block = VGG_INT8_LANES;
    VGG_CHECK(op->pack.channels * op->pack.spatial <= INT32_MAX / (VGG_MOST_LEVEL * MOST_WEIGHT),
              CLVGG_STATUS_UNSUPPORTED, "%s: a sum of %lld products may exceed 32 bits",
              op->variant->name, (long long)(op->pack.channels * op->pack.spatial));
    return CLVGG_STATUS_OK;
}

vgg_rank vgg_int8_rank_products(const vgg_variant *variant, const vgg_problem *problem,
                                const vgg_traits *traits)
{
    (void)variant, (void)problem;
    return traits->byte_products ? VGG_RANK_BEST : VGG_RANK_LAST;
}
