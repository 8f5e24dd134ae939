/* weights/same_padding.h — the padding that files call "same". */
#ifndef VGG_WEIGHTS_SAME_PADDING_H
#define VGG_WEIGHTS_SAME_PADDING_H

#include <stdbool.h>

#include "clvgg/tensor.h"

/* Padding {top, left, bottom, right} such that windows {height, width} on an image [C][H][W] give
 * ⌈extent / stride⌉ outputs; an odd unit is put behind, or before. Kernel, dilation and stride are
 * 1 or more. */
void vgg_pad_same(const clvgg_shape *image, const int64_t kernel[2], const int64_t dilation[2],
                  const int64_t stride[2], bool odd_before, int64_t pad[4]);

#endif
