/* ops/variant_table.c — every variant, one row each; which to prefer where nothing was measured. */
#include <string.h>

#include "ops/op.h"

/* Within a device type and layer, earlier rows are preferred; conv_direct and dense_direct work
 * everywhere and stand last. */
const vgg_variant *const vgg_variants[] = {
    &vgg_variant_conv_blocked,
    &vgg_variant_conv_tiled,
    &vgg_variant_conv_im2col,
    &vgg_variant_winograd_f4_fused,
    &vgg_variant_winograd_f4_staged,
    &vgg_variant_winograd_f2_fused,
    &vgg_variant_winograd_f2_staged,
    &vgg_variant_conv_direct,
    &vgg_variant_dense_blocked,
    &vgg_variant_dense_rows,
    &vgg_variant_dense_clblast,
    &vgg_variant_dense_direct,
    &vgg_variant_pool,
    &vgg_variant_activation,
    &vgg_variant_softmax,
    &vgg_variant_layout,
};
const size_t vgg_variant_count = sizeof vgg_variants / sizeof *vgg_variants;

const vgg_variant *vgg_variant_find(const char *name)
{
    for (size_t i = 0; i < vgg_variant_count; i++)
        if (strcmp(vgg_variants[i]->name, name) == 0)
            return vgg_variants[i];
    return NULL;
}

/* Lower is better. */
static int rank(const vgg_variant *variant, const vgg_traits *traits, int max_batch)
{
    /* CLBlast's untuned kernels are 10 to 30 times too slow on CPUs; on a GPU its GEMM wins as
     * soon as a batch amortises reading the weights. im2col costs memory: only when asked for. */
    if (variant == &vgg_variant_dense_clblast)
        return traits->type == CLVGG_DEVICE_GPU && max_batch >= 16 ? 0 : 3;
    if (variant == &vgg_variant_conv_im2col)
        return 3;
    return variant == &vgg_variant_conv_direct || variant == &vgg_variant_dense_direct ? 2 : 1;
}

size_t vgg_variant_candidates(vgg_layer_type layer, const vgg_traits *traits, bool clblast,
                              int max_batch, const vgg_variant **candidates, size_t capacity)
{
    size_t count = 0;
    for (int wanted = 0; wanted <= 3; wanted++)
        for (size_t i = 0; i < vgg_variant_count && count < capacity; i++) {
            const vgg_variant *variant = vgg_variants[i];
            if ((variant->layers & VGG_LAYER_BIT(layer)) != 0 &&
                (clblast || !variant->uses_clblast) && rank(variant, traits, max_batch) == wanted)
                candidates[count++] = variant;
        }
    return count;
}
