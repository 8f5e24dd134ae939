/* ops/winograd.c — which Winograd variant beats direct convolution, where nothing was measured. */
#include "ops/winograd.h"

static const vgg_winograd_form none = {0};

/* Up to 256 x 256 channels the weights of F(4x4) and F(6x6) are few: halving them would save little
 * memory and less time, and cost a network half the accuracy that it may lose. */
bool vgg_winograd_f4_keeps_float32(const vgg_problem *problem)
{
    enum { FEW = 256 * 256 };
    return problem->input.dims[0] * problem->output.dims[0] <= FEW;
}

clvgg_status vgg_require_winograd(const vgg_op *op)
{
    const vgg_conv_attributes *conv = &op->problem.node->attributes.conv;
    const char *name = op->variant->name;
    VGG_CHECK(conv->kernel[0] == 3 && conv->kernel[1] == 3 && conv->stride[0] == 1 &&
                  conv->stride[1] == 1 && conv->dilation[0] == 1 && conv->dilation[1] == 1,
              CLVGG_STATUS_UNSUPPORTED, "%s is for 3x3 windows, stride 1, dilation 1", name);
    VGG_CHECK(conv->groups == 1, CLVGG_STATUS_UNSUPPORTED, "%s needs groups 1, not %lld", name,
              (long long)conv->groups);
    return CLVGG_STATUS_OK;
}

/* F(6x6) where it multiplies a tenth less than F(4x4), on maps of some 100 pixels a side or a
 * fitting size: its transforms take as much of the rest. Not with 16 vector registers or narrower
 * ones, where nothing was measured. */
static vgg_winograd_form choose_fused(const vgg_problem *problem, const vgg_traits *traits)
{
    const int64_t *out = problem->output.dims;
    const int64_t products4 = 36 * vgg_ceil_div(out[1], 4) * vgg_ceil_div(out[2], 4);
    const int64_t products6 = 64 * vgg_ceil_div(out[1], 6) * vgg_ceil_div(out[2], 6);
    const bool large = traits->vector_width >= 16 && vgg_winograd_f4_keeps_float32(problem) &&
                       10 * products6 < 9 * products4;
    return (vgg_winograd_form){large ? 6 : 4, VGG_WINOGRAD_FUSED};
}

/* Says whether the `panels` way is for a layer of many weights. For few tiles it is: transformed in
 * advance, weights would be most of what a network for one image takes, and reading them takes the
 * time that transforming them costs. In bfloat16 it is for any number of small images: F(4x4) can't
 * have its weights rounded to that after the transform. Cores share out whole panels, and a fifth
 * of them at most may be left without. Not with narrower registers, where nothing was measured. */
static bool suits_panels(const vgg_problem *problem, const vgg_traits *traits)
{
    enum { LEAST_TILES = 16, MOST_TILES = 64, WIDTH = 16, PANEL = 2 * WIDTH };
    const int64_t *out = problem->output.dims;
    const int64_t image = vgg_ceil_div(out[1], 4) * vgg_ceil_div(out[2], 4);
    const int64_t all = problem->max_batch * image;
    const int64_t panels = vgg_ceil_div(out[0], PANEL), cores = traits->compute_units;
    return traits->vector_width >= WIDTH && !vgg_winograd_f4_keeps_float32(problem) &&
           all >= LEAST_TILES &&
           (problem->storage == CLVGG_STORAGE_BF16 ? image : all) <= MOST_TILES &&
           5 * panels >= 4 * cores * vgg_ceil_div(panels, cores);
}

/* The form that beats direct convolution on a CPU, or none. Measured on 2 cores of a Sapphire
 * Rapids and VGG's layers: `fused` wins while weights and a block of tiles fit a core's cache, up
 * to 128 channels (256 on 2 cores of an EPYC, Zen 5), and there are tiles enough to transform the
 * weights for; else `staged` wins as soon as reading four times the weights pays for itself, at
 * some 40 tiles, or 16 where they are halved; with fewer, F(2x2) needs less than twice the weights
 * and has four times the tiles. */
static vgg_winograd_form choose(const vgg_problem *problem, const vgg_traits *traits)
{
    enum {
        FUSED_CHANNELS = 256,
        FUSED_CHANNELS_BF16 = 128,
        FUSED_TILES = 128,
        STAGED_TILES = 40,
        HALVED_TILES = 16,
        LEAST_CHANNELS = 16
    };
    static const vgg_winograd_form f2_fused = {2, VGG_WINOGRAD_FUSED},
                                   f2_staged = {2, VGG_WINOGRAD_STAGED},
                                   f4_staged = {4, VGG_WINOGRAD_STAGED},
                                   f4_panels = {4, VGG_WINOGRAD_PANELS};
    const int64_t *in = problem->input.dims, *out = problem->output.dims;
    const int64_t n = problem->max_batch;
    const int64_t tiles4 = n * vgg_ceil_div(out[1], 4) * vgg_ceil_div(out[2], 4);
    const int64_t tiles2 = n * vgg_ceil_div(out[1], 2) * vgg_ceil_div(out[2], 2);
    const bool keeps_float32 = vgg_winograd_f4_keeps_float32(problem);
    if (in[0] < LEAST_CHANNELS)
        return none;
    if (suits_panels(problem, traits))
        return f4_panels;
    if (problem->storage == CLVGG_STORAGE_BF16 && !keeps_float32) {
        if (tiles2 < STAGED_TILES)
            return none;
        return in[0] <= FUSED_CHANNELS_BF16 ? f2_fused : f2_staged;
    }
    if (in[0] <= FUSED_CHANNELS && tiles4 >= FUSED_TILES)
        return choose_fused(problem, traits);
    const bool halved = problem->storage != CLVGG_STORAGE_F32 && !keeps_float32;
    if (tiles4 >= (halved ? HALVED_TILES : STAGED_TILES))
        return f4_staged;
    return tiles2 >= STAGED_TILES ? f2_staged : none;
}

/* The form for a GPU, or none. Nothing was measured: this counts. F(2x2) multiplies 2.25 times less
 * than direct convolution and moves nothing more through memory; with few channels there is little
 * to save. F(4x4) multiplies 1.78 times less than that, but writes and reads 36 values a tile and
 * channel: from 256 channels on, a product does 32 FLOPs a byte of them, about what GPUs have; with
 * fewer tiles than fill two columns of work-groups its larger weights are read for little. */
static vgg_winograd_form choose_gpu(const vgg_problem *problem, const vgg_traits *traits)
{
    enum { LEAST_CHANNELS = 16, WIDE_CHANNELS = 256, MANY_TILES = 128 };
    const int64_t *in = problem->input.dims, *out = problem->output.dims;
    const int64_t tiles4 = problem->max_batch * vgg_ceil_div(out[1], 4) * vgg_ceil_div(out[2], 4);
    const bool coarse = /* for F(4x4) */
        problem->storage == CLVGG_STORAGE_BF16 && !vgg_winograd_f4_keeps_float32(problem);
    const bool sub_groups = vgg_prefers_sub_groups(traits);
    if (in[0] >= WIDE_CHANNELS && out[0] >= WIDE_CHANNELS && tiles4 >= MANY_TILES && !coarse)
        return (vgg_winograd_form){4, sub_groups ? VGG_WINOGRAD_SUB_GROUP : VGG_WINOGRAD_BATCHED};
    if (sub_groups || in[0] < LEAST_CHANNELS)
        return none;
    return (vgg_winograd_form){2, VGG_WINOGRAD_TILED};
}

vgg_rank vgg_winograd_rank(const vgg_variant *variant, const vgg_problem *problem,
                           const vgg_traits *traits)
{
    const vgg_winograd_form form =
        traits->type == CLVGG_DEVICE_GPU ? choose_gpu(problem, traits) : choose(problem, traits);
    return form.tile == variant->winograd.tile && form.way == variant->winograd.way
               ? VGG_RANK_BEST
               : VGG_RANK_NEVER;
}
