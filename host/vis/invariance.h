/* vis/invariance.h — how far features move when the photograph does (visualize.h). */
#ifndef VGG_VIS_INVARIANCE_H
#define VGG_VIS_INVARIANCE_H

#include "clvgg/visualize.h"
#include "image/image.h"
#include "vis/forward.h"

enum { VGG_INVARIANCE_MOST_LAYERS = VGG_FORWARD_MOST_OUTPUTS - 1 };

/* Does the work of clvgg_image_prepare_transformed(). */
clvgg_status vgg_invariance_prepare(const clvgg_image *image, const clvgg_preprocess *preprocess,
                                    clvgg_transform transform, double amount, clvgg_fill fill,
                                    float *data);

clvgg_status vgg_invariance_create(clvgg_device *device, clvgg_model *model,
                                   const clvgg_invariance_options *options, clvgg_invariance **out);
void vgg_invariance_free(clvgg_invariance *invariance);
size_t vgg_invariance_layer_count(const clvgg_invariance *invariance);
/* index below the count. */
const char *vgg_invariance_layer(const clvgg_invariance *invariance, size_t index);
clvgg_status vgg_invariance_run(clvgg_invariance *invariance, const clvgg_image *image,
                                clvgg_transform transform, const double *amounts,
                                size_t amount_count, int64_t class_index,
                                clvgg_invariance_curve *curve);
const vgg_scope *vgg_invariance_scope(const clvgg_invariance *invariance);

#endif
