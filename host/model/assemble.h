/* model/assemble.h — putting a model together, for those who load or build one. */
#ifndef VGG_MODEL_ASSEMBLE_H
#define VGG_MODEL_ASSEMBLE_H

#include "model/model.h"

#define VGG_FORMAT_VERSION 1 /* of clvgg.format, written, and the newest that is read */

/* A model around a graph, which it takes over on success: parameters listed, as if from a source;
 * classes counted; name, architecture, labels and preprocessing still to be set. */
clvgg_status vgg_model_assemble(const vgg_scope *scope, vgg_graph *graph, clvgg_model **out);
/* Sets the preprocessing, with the crop of the graph's input, and says where it comes from. */
clvgg_status vgg_model_set_preprocess(clvgg_model *model, const clvgg_preprocess *preprocess,
                                      const char *origin);

#endif
