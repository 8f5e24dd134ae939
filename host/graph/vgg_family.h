/* graph/vgg_family.h — the VGG family as tables: five blocks of 3×3 convolutions, each closed by a
 * 2×2 max pooling, then three dense layers (Simonyan and Zisserman 2014, table 1).
 *
 * A table fixes how many convolutions a block has; channels and head widths may be any, so that a
 * file's tensors decide them.
 */
#ifndef VGG_GRAPH_VGG_FAMILY_H
#define VGG_GRAPH_VGG_FAMILY_H

#include "graph/graph.h"

#define VGG_FAMILY_BLOCKS 5
#define VGG_FAMILY_MAX_CONVOLUTIONS 16 /* vgg19 */

typedef struct vgg_family_plan {
    const char *architecture;
    int64_t input[3];                              /* {c, h, w} */
    int64_t channels[VGG_FAMILY_MAX_CONVOLUTIONS]; /* of each convolution's output, in order */
    int64_t head[3];                               /* widths of fc6, fc7, fc8 */
    int left_out;                                  /* dense layers: 1: fc7, 2: fc6 too, 3: all, and
                                                      what is behind pool5 */
    bool batch_norm;                               /* bn1_1 … behind each convolution */
    vgg_batch_norm_attributes norm;
    bool bare; /* convolutions have no bias */
} vgg_family_plan;

/* Number of convolutions in all; 0 for an unknown architecture. */
int vgg_family_convolutions(const char *architecture);
/* Nodes as vgg_graph_build_vgg(). Errors: INVALID_ARGUMENT, SHAPE_MISMATCH, OUT_OF_MEMORY. */
clvgg_status vgg_family_build(const vgg_family_plan *plan, vgg_graph **out);

#endif
