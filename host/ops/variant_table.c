/* ops/variant_table.c — every variant, one row each; which to prefer where nothing was measured. */
#include <string.h>

#include "ops/op.h"

/* Within a device type and layer, earlier rows are preferred; conv_direct and dense_direct work
 * everywhere and stand last. */
const vgg_variant *const vgg_variants[] = {
    &vgg_variant_conv_amx,
    &vgg_variant_conv_blocked,
    &vgg_variant_conv_subgroup,
    &vgg_variant_conv_tiled,
    &vgg_variant_conv_im2col,
    &vgg_variant_winograd_f6_fused,
    &vgg_variant_winograd_f4_fused,
    &vgg_variant_winograd_f4_staged,
    &vgg_variant_winograd_f2_fused,
    &vgg_variant_winograd_f2_staged,
    &vgg_variant_winograd_f2_tiled,
    &vgg_variant_winograd_f4_batched,
    &vgg_variant_winograd_f4_subgroup,
    &vgg_variant_conv_direct,
    &vgg_variant_dense_blocked,
    &vgg_variant_dense_tiled,
    &vgg_variant_dense_rows,
    &vgg_variant_dense_clblast,
    &vgg_variant_dense_direct,
    &vgg_variant_pool,
    &vgg_variant_activation,
    &vgg_variant_softmax,
    &vgg_variant_lrn,
    &vgg_variant_map_peak_group,
    &vgg_variant_map_peak,
    &vgg_variant_layout,
    &vgg_variant_seed,
    &vgg_variant_unpool,
    &vgg_variant_col2im,
    &vgg_variant_activation_grad,
    &vgg_variant_unflatten,
    &vgg_variant_clblast_xgemm,
};
const size_t vgg_variant_count = sizeof vgg_variants / sizeof *vgg_variants;

const vgg_variant *vgg_variant_find(const char *name)
{
    for (size_t i = 0; i < vgg_variant_count; i++)
        if (strcmp(vgg_variants[i]->name, name) == 0)
            return vgg_variants[i];
    return NULL;
}

const vgg_variant *vgg_variant_definition_of(vgg_layer_type type)
{
    for (size_t i = 0; i < vgg_variant_count; i++)
        if (vgg_variants[i]->definition && (vgg_variants[i]->layers & VGG_LAYER_BIT(type)) != 0)
            return vgg_variants[i];
    return NULL;
}

enum { NEVER_UNASKED = 4 };

/* F(6x6) where it multiplies a tenth less than F(4x4), on maps of some 100 pixels a side or a
 * fitting size: its transforms take as much of the rest. Not with 16 vector registers or narrower
 * ones, where nothing was measured. */
static const vgg_variant *choose_fused(const vgg_problem *problem, const vgg_traits *traits)
{
    const int64_t *out = problem->output.dims;
    const int64_t products4 = 36 * vgg_ceil_div(out[1], 4) * vgg_ceil_div(out[2], 4);
    const int64_t products6 = 64 * vgg_ceil_div(out[1], 6) * vgg_ceil_div(out[2], 6);
    return traits->vector_width >= 16 && vgg_winograd_f4_keeps_float32(problem) &&
                   10 * products6 < 9 * products4
               ? &vgg_variant_winograd_f6_fused
               : &vgg_variant_winograd_f4_fused;
}

/* The Winograd variant that beats direct convolution on a CPU, or NULL. Measured on 2 cores of a
 * Sapphire Rapids and VGG's layers: `fused` wins while weights and a block of tiles fit a core's
 * cache, up to 128 channels (256 on 2 cores of an EPYC, Zen 5), and there are tiles enough to
 * transform the weights for; else `staged` wins as soon as reading four times the weights pays for
 * itself, at some 40 tiles, or 16 where they are halved; with fewer, F(2x2) needs less than twice
 * the weights and has four times the tiles. */
static const vgg_variant *choose_winograd(const vgg_problem *problem, const vgg_traits *traits)
{
    enum {
        FUSED_CHANNELS = 256,
        FUSED_CHANNELS_BF16 = 128,
        FUSED_TILES = 128,
        STAGED_TILES = 40,
        HALVED_TILES = 16,
        LEAST_CHANNELS = 16
    };
    const int64_t *in = problem->input.dims, *out = problem->output.dims;
    const int64_t n = problem->max_batch;
    const int64_t tiles4 = n * vgg_ceil_div(out[1], 4) * vgg_ceil_div(out[2], 4);
    const int64_t tiles2 = n * vgg_ceil_div(out[1], 2) * vgg_ceil_div(out[2], 2);
    if (in[0] < LEAST_CHANNELS)
        return NULL;
    if (problem->storage == CLVGG_STORAGE_BF16 && !vgg_winograd_f4_keeps_float32(problem)) {
        if (tiles2 < STAGED_TILES)
            return NULL;
        return in[0] <= FUSED_CHANNELS_BF16 ? &vgg_variant_winograd_f2_fused
                                            : &vgg_variant_winograd_f2_staged;
    }
    if (in[0] <= FUSED_CHANNELS && tiles4 >= FUSED_TILES)
        return choose_fused(problem, traits);
    const bool halved =
        problem->storage != CLVGG_STORAGE_F32 && !vgg_winograd_f4_keeps_float32(problem);
    if (tiles4 >= (halved ? HALVED_TILES : STAGED_TILES))
        return &vgg_variant_winograd_f4_staged;
    return tiles2 >= STAGED_TILES ? &vgg_variant_winograd_f2_staged : NULL;
}

/* Says whether sub-groups are the default: on Intel's GPUs, where a check found that they work. */
static bool prefers_sub_groups(const vgg_traits *traits)
{
    return traits->sub_groups.preferred && (traits->sub_groups.sizes & VGG_SUB_GROUP_16) != 0;
}

/* The Winograd variant for a GPU, or NULL. Nothing was measured: this counts. F(2x2) multiplies
 * 2.25 times less than direct convolution and moves nothing more through memory; with few channels
 * there is little to save. F(4x4) multiplies 1.78 times less than that, but writes and reads 36
 * values a tile and channel: from 256 channels on, a product does 32 FLOPs a byte of them, about
 * what GPUs have; with fewer tiles than fill two columns of work-groups its larger weights are read
 * for little. */
static const vgg_variant *choose_gpu_winograd(const vgg_problem *problem, const vgg_traits *traits)
{
    enum { LEAST_CHANNELS = 16, WIDE_CHANNELS = 256, MANY_TILES = 128 };
    const int64_t *in = problem->input.dims, *out = problem->output.dims;
    const int64_t tiles4 = problem->max_batch * vgg_ceil_div(out[1], 4) * vgg_ceil_div(out[2], 4);
    const bool coarse = /* for F(4x4) */
        problem->storage == CLVGG_STORAGE_BF16 && !vgg_winograd_f4_keeps_float32(problem);
    const bool sub_groups = prefers_sub_groups(traits);
    if (in[0] >= WIDE_CHANNELS && out[0] >= WIDE_CHANNELS && tiles4 >= MANY_TILES && !coarse)
        return sub_groups ? &vgg_variant_winograd_f4_subgroup : &vgg_variant_winograd_f4_batched;
    if (sub_groups)
        return NULL;
    return in[0] >= LEAST_CHANNELS ? &vgg_variant_winograd_f2_tiled : NULL;
}

/* Lower is better. */
static int rank(const vgg_variant *variant, const vgg_problem *problem, const vgg_traits *traits)
{
    enum { LARGE_BATCH = 64 };
    const bool gpu = traits->type == CLVGG_DEVICE_GPU;
    /* CLBlast's untuned kernels are 10 to 30 times too slow on CPUs; on a GPU its GEMM wins where
     * the batch makes it a large one: it doesn't cut long sums of few rows into slices, as
     * dense_tiled does. im2col costs memory: only when asked for. */
    if (variant == &vgg_variant_dense_clblast)
        return gpu && problem->max_batch >= LARGE_BATCH ? 0 : 3;
    if (variant == &vgg_variant_dense_tiled)
        return gpu ? 1 : NEVER_UNASKED;
    if (variant == &vgg_variant_conv_im2col)
        return 3;
    /* Local memory is for GPUs. Worse than slow on Mesa's llvmpipe: it ends, silently, what a
     * work-item loops beyond 65,535 times in all, which tiles of a deep layer do. */
    if (variant == &vgg_variant_conv_tiled && traits->type == CLVGG_DEVICE_CPU)
        return 3;
    /* AMX, where available, is ten times faster than float32 vectors; a first layer's few channels
     * would be padded to 32. */
    if (variant == &vgg_variant_conv_amx)
        return problem->input.dims[0] > VGG_MAX_PLANAR_CHANNELS ? 0 : 3;
    if (variant->error_bound > 0.0)
        return variant == (gpu ? choose_gpu_winograd(problem, traits)
                               : choose_winograd(problem, traits))
                   ? 0
                   : NEVER_UNASKED;
    if (variant == &vgg_variant_conv_subgroup)
        return prefers_sub_groups(traits) ? 1 : NEVER_UNASKED;
    if (variant == &vgg_variant_map_peak_group)
        return gpu ? 0 : NEVER_UNASKED;
    return variant == &vgg_variant_conv_direct || variant == &vgg_variant_dense_direct ? 2 : 1;
}

size_t vgg_variant_candidates(const vgg_problem *problem, const vgg_traits *traits, bool clblast,
                              const vgg_variant **candidates, size_t capacity)
{
    size_t count = 0;
    for (int wanted = 0; wanted < NEVER_UNASKED; wanted++)
        for (size_t i = 0; i < vgg_variant_count && count < capacity; i++) {
            const vgg_variant *variant = vgg_variants[i];
            if ((variant->layers & VGG_LAYER_BIT(problem->node->type)) != 0 &&
                (clblast || !variant->uses_clblast) && rank(variant, problem, traits) == wanted)
                candidates[count++] = variant;
        }
    return count;
}
