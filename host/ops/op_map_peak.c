/* ops/op_map_peak.c — cl/map_peak.cl: each map's largest value and where it is, read in whatever
 * layout the layer before gave.
 *
 * `map_peak` cuts maps into slabs and joins what it finds in them; `map_peak_group` gives each map
 * a work-group, for GPUs and maps that fill one. Both give the same bits.
 */
#include "ops/op.h"

enum { SLAB, SLABS };                         /* parameters of map_peak */
enum { GROUP_ITEMS = 128, LEAST_SLAB = 256 }; /* a slab of 16 KB is worth a work-item's start */

static int64_t map_pixels(const vgg_op *op)
{
    const clvgg_shape image = vgg_shape_as_image(&op->problem.input);
    return image.dims[1] * image.dims[2];
}

static int64_t map_count(const vgg_op *op)
{
    return vgg_shape_as_image(&op->problem.input).dims[0];
}

/* Slabs enough that one image keeps every compute unit busy. */
static clvgg_status configure(vgg_op *op, const vgg_traits *traits)
{
    enum { ITEMS_A_UNIT = 4 };
    const int block = op->problem.input_block;
    const int64_t pixels = map_pixels(op), blocks = vgg_ceil_div(map_count(op), block);
    const int64_t units = traits->compute_units > 0 ? traits->compute_units : 1;
    const int64_t wanted = vgg_ceil_div(ITEMS_A_UNIT * units, blocks);
    const int64_t most = vgg_ceil_div(pixels, LEAST_SLAB);
    const int64_t slab = vgg_ceil_div(pixels, wanted < most ? wanted : most);
    const int64_t slabs = vgg_ceil_div(pixels, slab);
    op->input_block = block;
    op->parameters[SLAB] = (int)slab;
    op->parameters[SLABS] = (int)slabs;
    op->workspace_elements = (uint64_t)(op->problem.max_batch * blocks * slabs * 2 * block);
    vgg_op_add_program(op, "map_peak.cl", "map_peak_slabs", "-DVW=%d", block);
    vgg_op_add_program(op, "map_peak.cl", "map_peak_join", "-DVW=%d", block);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io, int count)
{
    const int64_t maps = map_count(op), slabs = op->parameters[SLABS];
    const size_t local = 1, items = (size_t)(count * vgg_ceil_div(maps, op->input_block) * slabs);
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->workspace);
    VGG_ARG_INTS(&args, map_pixels(op), op->parameters[SLAB], slabs);
    VGG_PASS(vgg_launch_kernel(launch, &args, 1, &items, &local));

    args = vgg_args_of(op->programs[1].kernel);
    VGG_ARG_BUFFERS(&args, io->workspace, io->output);
    vgg_arg_ulong(&args, (uint64_t)(count * maps));
    VGG_ARG_INTS(&args, maps, slabs);
    return vgg_launch_linear(launch, &args, (uint64_t)(count * maps));
}

static clvgg_status configure_group(vgg_op *op, const vgg_traits *traits)
{
    VGG_CHECK(traits->max_work_group_size >= GROUP_ITEMS &&
                  traits->local_memory_bytes >= 2 * GROUP_ITEMS * sizeof(float),
              CLVGG_STATUS_UNSUPPORTED, "map_peak_group needs work-groups of %d", GROUP_ITEMS);
    VGG_CHECK(map_pixels(op) >= GROUP_ITEMS / 2, CLVGG_STATUS_UNSUPPORTED,
              "maps of %lld values don't fill a work-group", (long long)map_pixels(op));
    vgg_op_add_program(op, "map_peak.cl", "map_peak_group", "-DWG=%d", GROUP_ITEMS);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue_group(const vgg_op *op, vgg_launch *launch, const vgg_op_io *io,
                                  int count)
{
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->input, io->output);
    vgg_arg_int(&args, map_pixels(op));
    const size_t local = GROUP_ITEMS, global = (size_t)(count * map_count(op)) * GROUP_ITEMS;
    return vgg_launch_kernel(launch, &args, 1, &global, &local);
}

/* Local memory is for GPUs. */
static vgg_rank rank_group(const vgg_variant *variant, const vgg_problem *problem,
                           const vgg_traits *traits)
{
    (void)variant, (void)problem;
    return traits->type == CLVGG_DEVICE_GPU ? VGG_RANK_BEST : VGG_RANK_NEVER;
}

const vgg_variant vgg_variant_map_peak = {
    .name = "map_peak",
    .layers = VGG_LAYER_BIT(VGG_LAYER_MAP_PEAK),
    .definition = true,
    .work_group = VGG_LINEAR_LOCAL,
    .configure = configure,
    .enqueue = enqueue,
};

const vgg_variant vgg_variant_map_peak_group = {
    .name = "map_peak_group",
    .layers = VGG_LAYER_BIT(VGG_LAYER_MAP_PEAK),
    .rank = rank_group,
    .configure = configure_group,
    .enqueue = enqueue_group,
};
