/* plan/weight_file.h — a packed weight's file, which later processes read instead of packing. */
#ifndef VGG_PLAN_WEIGHT_FILE_H
#define VGG_PLAN_WEIGHT_FILE_H

#include "plan/weight_store.h"

/* What a file of packed weights is known by. */
typedef struct vgg_weight_file vgg_weight_file;

/* Reads a part of the weight to know it by. NULL: it isn't kept, as there is no cache, the source
 * doesn't know it, or reading it packed wouldn't pay. */
vgg_weight_file *vgg_weight_file_find(clvgg_device *device, const vgg_parameter_source *source,
                                      int node, const vgg_pack *pack, const vgg_tensor_input *input,
                                      uint64_t inner);
/* Fills buffers from the file. False, with anything in them: there is none that is whole. Accepts
 * NULL. */
bool vgg_weight_file_load(const vgg_weight_file *file, clvgg_device *device,
                          const vgg_packed_weights *weights);
/* Keeps what is in the buffers, or doesn't, where that can't be. Accepts NULL. */
void vgg_weight_file_save(const vgg_weight_file *file, clvgg_device *device,
                          const vgg_packed_weights *weights);
/* Accepts NULL. */
void vgg_weight_file_free(vgg_weight_file *file);

#endif
