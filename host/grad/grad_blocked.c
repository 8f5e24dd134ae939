/* grad/grad_blocked.c — cl/dgrad_blocked.cl and cl/update_blocked.cl: a dense layer's gradients for
 * CPUs, on the panels of dense_blocked; cl/operand_panels.cl cuts their operands up.
 */
#include "grad/dense_grad.h"

enum { IMAGES, TILE_INPUTS, ITEM_INPUTS }; /* op->parameters */
enum { MAIN, DY_PANELS, X_PANELS };        /* op->programs */
enum { MOST_TILE_INPUTS = 14, MOST_SUMS = 4096, TILES = 16 };

/* Whole vectors of outputs in a panel. */
static clvgg_status require_panels(const vgg_grad_op *op, const vgg_traits *traits, int *vectors)
{
    const int width = traits->vector_width, panel = op->problem.pack.panel;
    VGG_CHECK(width >= 4, CLVGG_STATUS_UNSUPPORTED, "%s is for CPUs with vector registers",
              op->variant->name);
    VGG_CHECK(panel % width == 0 && panel > 0, CLVGG_STATUS_UNSUPPORTED,
              "%s: panels of %d outputs aren't whole vectors of %d", op->variant->name, panel,
              width);
    VGG_CHECK(traits->max_work_group_size >= VGG_LINEAR_LOCAL, CLVGG_STATUS_UNSUPPORTED,
              "%s needs work-groups of %d", op->variant->name, VGG_LINEAR_LOCAL);
    *vectors = panel / width;
    return CLVGG_STATUS_OK;
}

static int tile_inputs(const vgg_traits *traits, int vectors)
{
    const int rows = vgg_register_rows(traits, vectors);
    return rows < MOST_TILE_INPUTS ? rows : MOST_TILE_INPUTS;
}

static int64_t padded_rows(const vgg_pack *pack)
{
    return vgg_ceil_div(pack->rows, pack->panel) * pack->panel;
}

static void add_panels(vgg_grad_op *op)
{
    vgg_grad_add_program(op, "operand_panels.cl", "operand_panels", "%s", "");
}

/* How a matrix becomes panels: the letters of operand_panels.cl. */
typedef struct panels {
    int64_t k, k_out, j;
    int width;
    int64_t k_stride, j_stride;
} panels;

static clvgg_status enqueue_panels(vgg_kernel *kernel, vgg_launch *launch, vgg_buffer from,
                                   vgg_buffer to, const panels *p)
{
    vgg_args args = vgg_args_of(kernel);
    VGG_ARG_BUFFERS(&args, from, to);
    VGG_ARG_INTS(&args, p->k, p->k_out, p->j, p->width, p->k_stride, p->j_stride);
    const size_t local[2] = {VGG_LINEAR_LOCAL, 1};
    const size_t global[2] = {(size_t)vgg_ceil_div(p->k_out, VGG_LINEAR_LOCAL) * local[0],
                              (size_t)vgg_ceil_div(p->j, p->width)};
    return vgg_launch_kernel(launch, &args, 2, global, local);
}

/* ---- data ---- */

static clvgg_status configure_data(vgg_grad_op *op, const vgg_traits *traits)
{
    int panel_vectors = 0;
    VGG_PASS(require_panels(op, traits, &panel_vectors));
    const int width = traits->vector_width, batch = op->problem.max_batch;
    const int vectors = batch > width ? 2 : 1, images = vectors * width;
    const int tile = tile_inputs(traits, vectors), most = MOST_SUMS / images / tile;
    const int inputs = tile * (most < 4 ? most : 4);
    op->parameters[IMAGES] = images;
    op->parameters[ITEM_INPUTS] = inputs;
    op->workspace_elements =
        (uint64_t)(vgg_ceil_div(batch, images) * images) * (uint64_t)padded_rows(&op->problem.pack);
    vgg_grad_add_program(op, "dgrad_blocked.cl", "dgrad_blocked",
                         "-DVW=%d -DNB=%d -DP=%d -DTI=%d -DCI=%d", width, vectors,
                         op->problem.pack.panel, tile, inputs);
    add_panels(op);
    return CLVGG_STATUS_OK;
}

static clvgg_status prepare_data(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                                 int count)
{
    const vgg_pack *pack = &op->problem.pack;
    const panels by_images = {.k = pack->rows,
                              .k_out = padded_rows(pack),
                              .j = count,
                              .width = op->parameters[IMAGES],
                              .k_stride = 1,
                              .j_stride = pack->rows};
    return enqueue_panels(op->programs[DY_PANELS].kernel, launch, io->dy, io->workspace,
                          &by_images);
}

static clvgg_status enqueue_data(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                                 const vgg_grad_part *part, int count)
{
    const vgg_pack *pack = &op->problem.pack;
    vgg_args args = vgg_args_of(op->programs[MAIN].kernel);
    VGG_ARG_BUFFERS(&args, io->workspace,
                    (vgg_buffer){io->weights->pieces[part->piece].memory, part->offset}, io->dx);
    VGG_ARG_INTS(&args, count, vgg_ceil_div(part->rows, pack->panel), pack->channels,
                 padded_rows(pack), part->first_row / pack->panel, part->first_row > 0);
    const size_t local[2] = {1, 1};
    const size_t global[2] = {(size_t)vgg_ceil_div(pack->channels, op->parameters[ITEM_INPUTS]),
                              (size_t)vgg_ceil_div(count, op->parameters[IMAGES])};
    return vgg_launch_kernel(launch, &args, 2, global, local);
}

/* ---- update ---- */

/* Elements of the inputs' panels, which the outputs' lie behind. */
static uint64_t x_elements(const vgg_grad_op *op)
{
    const int tile = op->parameters[TILE_INPUTS];
    return (uint64_t)(vgg_ceil_div(op->problem.pack.channels, tile) * tile) *
           (uint64_t)op->problem.max_batch;
}

static clvgg_status configure_update(vgg_grad_op *op, const vgg_traits *traits)
{
    const vgg_pack *pack = &op->problem.pack;
    int vectors = 0;
    VGG_PASS(require_panels(op, traits, &vectors));
    const int tile = tile_inputs(traits, vectors);
    op->parameters[TILE_INPUTS] = tile;
    op->parameters[ITEM_INPUTS] = tile * TILES;
    op->workspace_elements =
        x_elements(op) + (uint64_t)padded_rows(pack) * (uint64_t)op->problem.max_batch;
    vgg_grad_add_program(op, "update_blocked.cl", "update_blocked",
                         "-DVW=%d -DKB=%d -DTI=%d -DTILES=%d -DRULE=%d", traits->vector_width,
                         vectors, tile, TILES, (int)op->problem.rule);
    add_panels(op);
    add_panels(op);
    return CLVGG_STATUS_OK;
}

/* The piece of the workspace that holds the panels of dy. */
static vgg_buffer dy_panels(const vgg_grad_op *op, const vgg_grad_io *io)
{
    return (vgg_buffer){io->workspace.memory, io->workspace.offset + x_elements(op)};
}

static clvgg_status prepare_update(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                                   int count)
{
    const vgg_pack *pack = &op->problem.pack;
    panels columns = {.k = count,
                      .k_out = count,
                      .j = pack->channels,
                      .width = op->parameters[TILE_INPUTS],
                      .k_stride = pack->channels,
                      .j_stride = 1};
    VGG_PASS(enqueue_panels(op->programs[X_PANELS].kernel, launch, io->x, io->workspace, &columns));
    columns.j = columns.k_stride = pack->rows;
    columns.width = pack->panel;
    return enqueue_panels(op->programs[DY_PANELS].kernel, launch, io->dy, dy_panels(op, io),
                          &columns);
}

static clvgg_status enqueue_update(const vgg_grad_op *op, vgg_launch *launch, const vgg_grad_io *io,
                                   const vgg_grad_part *part, int count)
{
    const vgg_pack *pack = &op->problem.pack;
    vgg_args args = vgg_args_of(op->programs[MAIN].kernel);
    VGG_ARG_BUFFERS(&args, io->workspace, dy_panels(op, io));
    vgg_grad_arg_state(&args, op, io, part);
    vgg_arg_buffer(&args, io->hyper);
    VGG_ARG_INTS(&args, count, pack->channels, part->first_row / pack->panel);
    const size_t local[2] = {1, 1};
    const size_t global[2] = {(size_t)vgg_ceil_div(pack->channels, op->parameters[ITEM_INPUTS]),
                              (size_t)vgg_ceil_div(part->rows, pack->panel)};
    return vgg_launch_kernel(launch, &args, 2, global, local);
}

const vgg_grad_variant vgg_grad_data_blocked = {
    .name = "dgrad_blocked",
    .gradient = VGG_GRADIENT_DATA,
    .configure = configure_data,
    .prepare = prepare_data,
    .enqueue = enqueue_data,
};

const vgg_grad_variant vgg_grad_update_blocked = {
    .name = "update_blocked",
    .gradient = VGG_GRADIENT_UPDATE,
    .configure = configure_update,
    .prepare = prepare_update,
    .enqueue = enqueue_update,
};
