/* vis/gradcam.h — Grad-CAM's arithmetic: from a class' gradient at a layer to a map of the image.
 *
 * Source: Selvaraju et al., Grad-CAM (2017), equations 1 and 2.
 */
#ifndef VGG_VIS_GRADCAM_H
#define VGG_VIS_GRADCAM_H

#include <stddef.h>

/* weights[c] = mean of gradient c over its positions; map[p] = max(0, Σ weights[c] × values[c][p]).
 * gradients, values [channels][positions]; weights [channels]; map [positions]. NaN stays NaN. */
void vgg_gradcam_combine(const float *gradients, const float *values, size_t channels,
                         size_t positions, float *weights, float *map);

/* Bilinear, middles of pixels on middles of pixels, edges replicated (as PyTorch's interpolate()
 * with align_corners=False): [rows][columns] to [height][width]. */
void vgg_gradcam_enlarge(const float *map, int rows, int columns, int height, int width,
                         float *enlarged);

#endif
