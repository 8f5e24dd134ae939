/* ops/winograd_tiles.c — see winograd_tiles.h. */
#include "ops/winograd_tiles.h"

/* Below, memory isn't what counts; more doesn't stay in a CPU's last cache. */
enum { STAGED_LEAST_BYTES = 4 << 20, STAGED_MOST_BYTES = 16 << 20 };
/* Panels read all tiles again and again: what doesn't stay near costs more than reading weights. */
enum { PANELS_BYTES = 8 << 20 };

int64_t vgg_winograd_channels(const vgg_op *op, int64_t channels, int blocks)
{
    const int64_t unit = (int64_t)op->input_block * blocks;
    return vgg_ceil_div(channels, unit) * unit;
}

int64_t vgg_winograd_positions(const vgg_op *op)
{
    const int64_t side = op->parameters[VGG_WINOGRAD_TILE] + 2;
    return side * side;
}

int64_t vgg_winograd_image_tiles(const vgg_op *op)
{
    const int64_t *out = op->problem.output.dims;
    return vgg_ceil_div(out[1], op->parameters[VGG_WINOGRAD_TILE]) *
           vgg_ceil_div(out[2], op->parameters[VGG_WINOGRAD_TILE]);
}

int64_t vgg_winograd_tile_values(const vgg_op *op, int64_t out_channels)
{
    return vgg_winograd_positions(op) *
           (vgg_winograd_channels(op, op->problem.input.dims[0], 1) +
            vgg_winograd_channels(op, out_channels, op->parameters[VGG_WINOGRAD_BLOCKS]));
}

int64_t vgg_winograd_padded_tiles(const vgg_op *op, int64_t images)
{
    const int unit = op->parameters[VGG_WINOGRAD_REGISTERS];
    return vgg_ceil_div(images * vgg_winograd_image_tiles(op), unit) * unit;
}

/* What the staged way may transform at a time: no more than the weights. With fewer images, reading
 * the weights again costs more; with more, the images' own way through memory. */
static int64_t staged_bytes(const vgg_problem *problem, int64_t positions)
{
    const int64_t weight_bytes =
        problem->input.dims[0] * problem->output.dims[0] * positions * (int64_t)sizeof(float);
    const int64_t least = weight_bytes > STAGED_LEAST_BYTES ? weight_bytes : STAGED_LEAST_BYTES;
    return least < STAGED_MOST_BYTES ? least : STAGED_MOST_BYTES;
}

int64_t vgg_winograd_most_images(const vgg_op *op)
{
    const vgg_problem *problem = &op->problem;
    const int64_t budget = op->variant->winograd.way == VGG_WINOGRAD_PANELS
                               ? PANELS_BYTES
                               : staged_bytes(problem, vgg_winograd_positions(op));
    const int64_t bytes = vgg_winograd_image_tiles(op) *
                          vgg_winograd_tile_values(op, problem->output.dims[0]) *
                          (int64_t)sizeof(float);
    const int chosen_mib = vgg_op_chosen(op, VGG_CHOOSE_BYTES, 0);
    const int64_t fit = (chosen_mib > 0 ? (int64_t)chosen_mib << 20 : budget) / bytes;
    return fit < 1 ? 1 : fit < problem->max_batch ? fit : problem->max_batch;
}

/* The products' time for a batch that is cut after every `images`, counted in tiles: a register
 * tile costs one more than it holds. */
static int64_t products_cost(const vgg_op *op, int64_t images, int registers)
{
    const int64_t tiles = vgg_winograd_image_tiles(op), batch = op->problem.max_batch;
    const int64_t whole = batch / images * vgg_ceil_div(images * tiles, registers);
    return (whole + vgg_ceil_div(batch % images * tiles, registers)) * (registers + 1);
}

void vgg_winograd_choose_tiles(vgg_op *op, int vector_width, int rows, int64_t least, int64_t most)
{
    static const int wide[] = {14, 13, 12, 10, 8}, narrow[] = {6, 5, 4};
    const int *candidates = vector_width == 8 ? narrow : wide;
    const int count = vector_width == 8 ? 3 : 5,
              chosen = vgg_op_chosen(op, VGG_CHOOSE_REGISTERS, 0);
    int64_t best = INT64_MAX;
    for (int64_t images = most; images >= least; images--)
        for (int i = 0; i < (chosen > 0 ? 1 : count); i++) {
            const int wanted = chosen > 0 ? chosen : candidates[i];
            const int registers = wanted < rows ? wanted : rows;
            const int64_t cost = products_cost(op, images, registers);
            if (cost >= best)
                continue;
            best = cost;
            op->parameters[VGG_WINOGRAD_REGISTERS] = chosen > 0 ? chosen : registers;
            op->parameters[VGG_WINOGRAD_IMAGES] = (int)images;
        }
}
