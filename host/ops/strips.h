/* ops/strips.h — how convolutions for CPUs that rewrite their input first divide their work: into
 * strips of output rows, whose input a core rewrites into memory of its own, times runs of weight
 * panels. */
#ifndef VGG_OPS_STRIPS_H
#define VGG_OPS_STRIPS_H

#include "ops/op.h"

typedef struct vgg_strip_needs {
    int span;            /* pixels of a row that are finished together */
    int64_t pixel_bytes; /* of a rewritten pixel, all channels */
    int64_t strip_bytes; /* what a strip may take, where that is two rows or more */
    int units_a_core;    /* wanted, else weights are divided too: each rewrites its strip anew */
    int slots_a_core;    /* more than one even out what cores are busy with besides; but where a
                            launch has few images, as in bands, one core may get all units */
} vgg_strip_needs;

typedef struct vgg_strips {
    int rows;        /* output rows of a strip, an even number */
    int unit_panels; /* panels of a run */
    int slots;       /* work-items, each of which takes every slots-th unit */
    uint64_t workspace_bytes;
} vgg_strips;

/* The op's pack must be set, but for how it is stored. */
vgg_strips vgg_strips_divide(const vgg_op *op, const vgg_traits *traits,
                             const vgg_strip_needs *needs);

#endif
