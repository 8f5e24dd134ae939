/* ops/winograd_tiles.h — how Winograd's variants for CPUs divide a batch: tiles, and how many of
 * them go through registers, and of images through memory, at a time. */
#ifndef VGG_OPS_WINOGRAD_TILES_H
#define VGG_OPS_WINOGRAD_TILES_H

#include "ops/op.h"

/* op->parameters; of `fused` BLOCK_TILES and SLOTS, of `staged` IMAGES, of `panels` the last three */
enum {
    VGG_WINOGRAD_TILE,      /* outputs a side */
    VGG_WINOGRAD_REGISTERS, /* tiles in registers */
    VGG_WINOGRAD_BLOCKS,    /* output channel blocks in registers */
    VGG_WINOGRAD_BLOCK_TILES,
    VGG_WINOGRAD_SLOTS,
    VGG_WINOGRAD_IMAGES,
    VGG_WINOGRAD_GROUP
};

/* Indices of tunables; of `staged` the first three, of `fused` four. */
enum {
    VGG_CHOOSE_REGISTERS,
    VGG_CHOOSE_BLOCKS,
    VGG_CHOOSE_BYTES,
    VGG_CHOOSE_BLOCKS_A_CORE,
    VGG_CHOOSE_GROUP
};

int64_t vgg_winograd_positions(const vgg_op *op);
/* Tiles of one image. */
int64_t vgg_winograd_image_tiles(const vgg_op *op);
/* Tiles of some images, rounded up to whole runs. */
int64_t vgg_winograd_padded_tiles(const vgg_op *op, int64_t images);
/* Elements of one transformed position of a channel count, rounded up to what kernels touch. */
int64_t vgg_winograd_channels(const vgg_op *op, int64_t channels, int blocks);
/* float32 values that one tile has in its transformed states: all input channels, and the output
 * channels that are in work at a time. */
int64_t vgg_winograd_tile_values(const vgg_op *op, int64_t out_channels);
/* Images that the staged way and `panels` may transform at a time. */
int64_t vgg_winograd_most_images(const vgg_op *op);
/* Sets the register tile, of at most `rows`, and the images a cut, `least` to `most`, that waste
 * least. */
void vgg_winograd_choose_tiles(vgg_op *op, int vector_width, int rows, int64_t least, int64_t most);

#endif
