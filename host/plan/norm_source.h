/* plan/norm_source.h — a graph's parameters as ops want them: layers that scale and shift each
 * channel (batch normalisation) have parameters of other kinds in files.
 */
#ifndef VGG_PLAN_NORM_SOURCE_H
#define VGG_PLAN_NORM_SOURCE_H

#include "plan/weight_store.h"

typedef struct vgg_norm_source {
    const vgg_graph *graph;
    const vgg_parameter_source *source;
} vgg_norm_source;

/* A source that gives what `source` gives, but for such layers their scale as VGG_WEIGHT and their
 * shift as VGG_BIAS, float32, computed in double. `from` and all it points to must outlive it. */
vgg_parameter_source vgg_norm_source_of(vgg_norm_source *from);

#endif
