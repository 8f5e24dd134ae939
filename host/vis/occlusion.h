/* vis/occlusion.h — a square slid over an image, and what the network then says (visualize.h). */
#ifndef VGG_VIS_OCCLUSION_H
#define VGG_VIS_OCCLUSION_H

#include "clvgg/visualize.h"
#include "vis/forward.h"

/* Places of a square along one side of the image. Cell i covers pixels [first + i·stride, + stride)
 * and the square of cell i has the same middle, rounded down. */
typedef struct vgg_occlusion_axis {
    int length, size, stride; /* of the image's side; of the square */
    int count, first;         /* cells; the first one's beginning, 0 or less */
} vgg_occlusion_axis;

/* length, size and stride ≥ 1. */
vgg_occlusion_axis vgg_occlusion_axis_of(int length, int size, int stride);
/* Pixels [*begin, *end) that the square of a cell hides; never none. */
void vgg_occlusion_axis_at(const vgg_occlusion_axis *axis, int cell, int *begin, int *end);

/* Options have their defaults filled in where they are 0 or NULL but for size and stride. */
clvgg_status vgg_occlusion_create(clvgg_device *device, clvgg_model *model,
                                  const clvgg_occlusion_options *options, clvgg_occlusion **out);
void vgg_occlusion_free(clvgg_occlusion *occlusion);
size_t vgg_occlusion_places(const clvgg_occlusion *occlusion);
int64_t vgg_occlusion_map_count(const clvgg_occlusion *occlusion);
clvgg_status vgg_occlusion_run(clvgg_occlusion *occlusion, const float *image, int64_t class_index,
                               int64_t map, clvgg_occlusion_map *result);
const vgg_scope *vgg_occlusion_scope(const clvgg_occlusion *occlusion);

#endif
