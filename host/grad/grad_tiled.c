/* grad/grad_tiled.c — cl/dgrad_tiled.cl and cl/update_tiled.cl: a dense layer's gradients for GPUs,
 * on weights in rows (dense_rows, dense_clblast) or in panels (dense_tiled).
 */
#include "grad/dense_grad.h"

/* ---- data ---- */

enum { IMAGES, INPUTS, ITEM_IMAGES, DEPTH }; /* op->parameters of a data gradient */
enum { GROUPS_A_UNIT = 8, LEAST_SLICE = 256 };

/* Slices of the sum: as many as leave several work-groups for each compute unit. */
static int choose_slices(const vgg_grad_op *op, const vgg_traits *traits)
{
    const vgg_pack *pack = &op->problem.pack;
    const int64_t groups = vgg_ceil_div(pack->channels, op->parameters[INPUTS]) *
                           vgg_ceil_div(op->problem.max_batch, op->parameters[IMAGES]);
    const int64_t wanted = vgg_ceil_div((int64_t)traits->compute_units * GROUPS_A_UNIT, groups);
    const int64_t most = vgg_ceil_div(pack->rows, LEAST_SLICE);
    return (int)(wanted < most ? wanted : most);
}

static int data_items(const vgg_grad_op *op)
{
    const int *p = op->parameters;
    return p[INPUTS] / 4 * (p[IMAGES] / p[ITEM_IMAGES]);
}

static clvgg_status configure_data(vgg_grad_op *op, const vgg_traits *traits)
{
    const int panel = op->problem.pack.panel, batch = op->problem.max_batch;
    int *p = op->parameters;
    p[IMAGES] = batch <= 16 ? 16 : 32;
    p[INPUTS] = 64;
    p[ITEM_IMAGES] = p[IMAGES] / 8;
    p[DEPTH] = 16;
    VGG_CHECK(panel == 1 || panel % p[DEPTH] == 0, CLVGG_STATUS_UNSUPPORTED,
              "%s: panels of %d outputs aren't whole steps of %d", op->variant->name, panel,
              p[DEPTH]);
    VGG_PASS(vgg_require_group(traits, op->variant->name, data_items(op),
                               sizeof(float) * (uint64_t)(p[DEPTH] * (p[INPUTS] + 4 + p[IMAGES]))));
    op->slices = choose_slices(op, traits);
    vgg_grad_add_program(op, "dgrad_tiled.cl", "dgrad_tiled",
                         "-DP=%d -DTN=%d -DTI=%d -DMN=%d -DTR=%d", panel, p[IMAGES], p[INPUTS],
                         p[ITEM_IMAGES], p[DEPTH]);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue_data(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                                 const vgg_grad_part *part, int count)
{
    const vgg_pack *pack = &op->problem.pack;
    const int *p = op->parameters;
    const int64_t depth = vgg_ceil_div(vgg_ceil_div(part->rows, op->slices), p[DEPTH]) * p[DEPTH];
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, io->dy,
                    (vgg_buffer){io->weights->pieces[part->piece].memory, part->offset}, io->dx);
    vgg_arg_ulong(&args, (uint64_t)op->problem.max_batch * (uint64_t)pack->channels);
    VGG_ARG_INTS(&args, count, part->rows, pack->channels, pack->rows, part->first_row, depth,
                 part->first_row > 0);
    const size_t local[3] = {(size_t)data_items(op), 1, 1};
    const size_t global[3] = {(size_t)vgg_ceil_div(pack->channels, p[INPUTS]) * local[0],
                              (size_t)vgg_ceil_div(count, p[IMAGES]), (size_t)op->slices};
    return vgg_launch_kernel(launch, &args, 3, global, local);
}

/* ---- update ---- */

enum { SIDE, OTHER, ITEM_OTHER, STEP }; /* op->parameters of an update: TF, TS, MS, TR */

static int update_items(const vgg_grad_op *op)
{
    const int *p = op->parameters;
    return p[SIDE] / 4 * (p[OTHER] / p[ITEM_OTHER]);
}

static clvgg_status configure_update(vgg_grad_op *op, const vgg_traits *traits)
{
    const int panel = op->problem.pack.panel;
    int *p = op->parameters;
    p[SIDE] = panel > 1 ? panel : 64;
    p[OTHER] = 64;
    p[ITEM_OTHER] = 8;
    p[STEP] = 8;
    VGG_CHECK(p[SIDE] % 4 == 0, CLVGG_STATUS_UNSUPPORTED,
              "%s: panels of %d outputs aren't runs of 4", op->variant->name, panel);
    VGG_PASS(vgg_require_group(traits, op->variant->name, update_items(op),
                               sizeof(float) * (uint64_t)(p[STEP] * (p[SIDE] + p[OTHER]))));
    vgg_grad_add_program(op, "update_tiled.cl", "update_tiled",
                         "-DTF=%d -DTS=%d -DMS=%d -DTR=%d -DPADDED=%d -DRULE=%d", p[SIDE], p[OTHER],
                         p[ITEM_OTHER], p[STEP], panel > 1, (int)op->problem.rule);
    return CLVGG_STATUS_OK;
}

static clvgg_status enqueue_update(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                                   const vgg_grad_part *part, int count)
{
    const vgg_pack *pack = &op->problem.pack;
    const bool panels = pack->panel > 1; /* outputs lie side by side; else inputs do */
    const int64_t side = panels ? part->rows : pack->channels;
    const int64_t other = panels ? pack->channels : part->rows;
    const vgg_buffer dy = {io->dy.memory, io->dy.offset + (uint64_t)part->first_row};
    vgg_args args = vgg_args_of(op->programs[0].kernel);
    VGG_ARG_BUFFERS(&args, panels ? dy : io->x, panels ? io->x : dy);
    vgg_grad_arg_state(&args, op, io, part);
    vgg_arg_buffer(&args, io->hyper);
    VGG_ARG_INTS(&args, count, side, other, panels ? pack->rows : pack->channels,
                 panels ? pack->channels : pack->rows);
    vgg_arg_ulong(&args,
                  panels ? vgg_pack_elements(pack, pack->panel) : (uint64_t)op->parameters[SIDE]);
    vgg_arg_int(&args, panels ? pack->panel : pack->channels);
    const size_t local[2] = {(size_t)update_items(op), 1};
    const size_t global[2] = {(size_t)vgg_ceil_div(side, op->parameters[SIDE]) * local[0],
                              (size_t)vgg_ceil_div(other, op->parameters[OTHER])};
    return vgg_launch_kernel(launch, &args, 2, global, local);
}

/* Local memory is for GPUs: see rank() in op_conv_tiled.c. */
static bool is_for(const vgg_traits *traits)
{
    return traits->type != CLVGG_DEVICE_CPU;
}

const vgg_grad_variant vgg_grad_data_tiled = {
    .name = "dgrad_tiled",
    .gradient = VGG_GRADIENT_DATA,
    .is_for = is_for,
    .configure = configure_data,
    .enqueue = enqueue_data,
};

const vgg_grad_variant vgg_grad_update_tiled = {
    .name = "update_tiled",
    .gradient = VGG_GRADIENT_UPDATE,
    .is_for = is_for,
    .configure = configure_update,
    .enqueue = enqueue_update,
};
