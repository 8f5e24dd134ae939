/* model/read_entry.h — values of a model's file, checked. */
#ifndef VGG_MODEL_READ_ENTRY_H
#define VGG_MODEL_READ_ENTRY_H

#include "model/model.h"

/* Elements [first, first + count) of a tensor of model->weights, in its type. Errors: NON_FINITE,
 * BAD_FILE (a variance below 0, where they are `variance`s), those of vgg_weights_read(). */
clvgg_status vgg_model_read_entry(const clvgg_model *model, const vgg_tensor_entry *entry,
                                  bool variance, uint64_t first, uint64_t count, void *data);
/* The same of a weight that lies turned, in that order (vgg_weights_read_turned()). */
clvgg_status vgg_model_read_entry_turned(const clvgg_model *model, const vgg_tensor_entry *entry,
                                         uint64_t first, uint64_t count, void *data);
/* The checks alone, of values in `dtype`; `tensor` for messages. */
clvgg_status vgg_model_check_values(const clvgg_model *model, const char *tensor, bool variance,
                                    clvgg_dtype dtype, uint64_t first, uint64_t count,
                                    const void *data);

#endif
