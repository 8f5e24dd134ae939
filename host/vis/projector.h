/* vis/projector.h — units of a layer projected back to pixels: a plan of a reverse graph. */
#ifndef VGG_VIS_PROJECTOR_H
#define VGG_VIS_PROJECTOR_H

#include "model/model.h"
#include "pipeline/runner.h"
#include "vis/reverse_graph.h"
#include "vis/transposed_weights.h"

struct clvgg_projector {
    const vgg_scope *scope; /* the runtime's */
    clvgg_model *model;     /* retained */
    vgg_reverse_graph reverse;
    vgg_transposed_weights weights;
    vgg_runner *runner; /* inputs: images, units; outputs: projection, the layer's value, the end's
                         */
};

clvgg_status vgg_projector_create(clvgg_device *device, clvgg_model *model, int layer,
                                  const clvgg_projector_options *options, clvgg_projector **out);
clvgg_status vgg_projector_run(clvgg_projector *projector, int count, const float *images,
                               const clvgg_seed *seeds, float *projections, float *activations,
                               float *end_values);
void vgg_projector_free(clvgg_projector *projector);

#endif
