/* model/int8_weights.h — weights as int8 with a scale for each row (tensor/int8_row.h): rounded so
 * as they are read, and taken apart into levels and scales.
 */
#ifndef VGG_MODEL_INT8_WEIGHTS_H
#define VGG_MODEL_INT8_WEIGHTS_H

#include "model/model.h"

/* Takes a whole row of a weight, float32; it may be overwritten. */
typedef clvgg_status (*vgg_row_fn)(void *user, uint64_t row, float *values, size_t count);
/* Reads rows [first, end) of a parameter one after another, a row at a time in memory, or as many
 * as take little. Errors: those of vgg_model_read_parameter() and of `take`. */
clvgg_status vgg_model_each_row(const clvgg_model *model, const vgg_parameter *parameter,
                                uint64_t first, uint64_t end, vgg_row_fn take, void *user);

/* Elements [first, first + count) of a parameter's values, rounded to int8 times a scale. */
clvgg_status vgg_int8_read_rounded(const clvgg_model *model, const vgg_parameter *parameter,
                                   uint64_t first, uint64_t count, float *values);
/* Of a parameter whose values are so: the int8 of such elements, and the scales of such rows. */
clvgg_status vgg_int8_read_levels(const clvgg_model *model, const vgg_parameter *parameter,
                                  uint64_t first, uint64_t count, signed char *levels);
clvgg_status vgg_int8_read_scales(const clvgg_model *model, const vgg_parameter *parameter,
                                  uint64_t first, uint64_t count, float *scales);

#endif
