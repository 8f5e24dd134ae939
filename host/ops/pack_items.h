/* ops/pack_items.h — how the kernels that pack weights are launched. For host/ops alone. */
#ifndef VGG_OPS_PACK_ITEMS_H
#define VGG_OPS_PACK_ITEMS_H

#include "ops/packed_weights.h"

/* Work-items that a panel of a weight which comes in order takes on the device. */
uint64_t vgg_pack_items(const clvgg_device *device, const vgg_pack *pack);

#endif
