/* vis/gradcam.h — where in an image a class is seen: from its gradient at a layer to a map.
 *
 * Source: Selvaraju et al., Grad-CAM (2017), equations 1 and 2.
 */
#ifndef VGG_VIS_GRADCAM_H
#define VGG_VIS_GRADCAM_H

#include "vis/forward.h"
#include "vis/projector.h"

/* weights[c] = mean of gradient c over its positions; map[p] = max(0, Σ weights[c] × values[c][p]).
 * gradients, values [channels][positions]; weights [channels]; map [positions]. NaN stays NaN. */
void vgg_gradcam_combine(const float *gradients, const float *values, size_t channels,
                         size_t positions, float *weights, float *map);

/* Bilinear, middles of pixels on middles of pixels, edges replicated (as PyTorch's interpolate()
 * with align_corners=False): [rows][columns] to [height][width]. */
void vgg_gradcam_enlarge(const float *map, int rows, int columns, int height, int width,
                         float *enlarged);

clvgg_status vgg_gradcam_create(clvgg_device *device, clvgg_model *model,
                                const clvgg_gradcam_options *options, clvgg_gradcam **out);
void vgg_gradcam_free(clvgg_gradcam *gradcam);
clvgg_status vgg_gradcam_run(clvgg_gradcam *gradcam, const float *image, int64_t class_index,
                             clvgg_gradcam_map *result);
const vgg_scope *vgg_gradcam_scope(const clvgg_gradcam *gradcam);

#endif
