/* weights/same_padding.c — see same_padding.h. */
#include "weights/same_padding.h"

void vgg_pad_same(const clvgg_shape *image, const int64_t kernel[2], const int64_t dilation[2],
                  const int64_t stride[2], bool odd_before, int64_t pad[4])
{
    for (int axis = 0; axis < 2; axis++) {
        const int64_t extent = image->dims[1 + axis], reach = dilation[axis] * (kernel[axis] - 1);
        const int64_t all = (extent - 1) / stride[axis] * stride[axis] + reach + 1 - extent;
        const int64_t both = all > 0 ? all : 0;
        pad[axis] = odd_before ? both - both / 2 : both / 2;
        pad[axis + 2] = both - pad[axis];
    }
}
