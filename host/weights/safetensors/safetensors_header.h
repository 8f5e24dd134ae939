/* weights/safetensors/safetensors_header.h — what is made of a safetensors header while it is read.
 */
#ifndef VGG_WEIGHTS_SAFETENSORS_HEADER_H
#define VGG_WEIGHTS_SAFETENSORS_HEADER_H

#include "base/json_parse.h"
#include "weights/format.h"

#ifdef CLVGG_HAVE_CJSON
/* Where a tensor's values lie. */
typedef struct vgg_safetensors_place {
    vgg_contiguous values;
    uint64_t scales; /* of int8: offset of the rows' scales */
} vgg_safetensors_place;

/* A tensor as the header states it, before the tensors are checked together. */
typedef struct vgg_stated_tensor {
    vgg_tensor_slot slot;
    vgg_safetensors_place place;
    uint64_t begin, end; /* from the end of the header */
} vgg_stated_tensor;

typedef struct vgg_safetensors_reader {
    vgg_weights *weights;
    vgg_stated_tensor *tensors;
    size_t tensor_count;
    uint64_t data_start, data_bytes;
    char *strings_end; /* free part of weights->strings */
} vgg_safetensors_reader;

/* Copies into the block of strings, which has room for every string of the header. */
const char *vgg_safetensors_keep(vgg_safetensors_reader *reader, const char *string);
/* Reads a member of the header as the next of `tensors`. Errors: BAD_FILE, UNSUPPORTED, which name
 * the tensor. */
clvgg_status vgg_safetensors_read_tensor(vgg_safetensors_reader *reader, const cJSON *item);
/* Makes float32 of each int8 tensor that has scales beside it, which are no tensor of their own
 * from then on. Error: BAD_FILE (scales that don't go with it), which names the tensor. */
clvgg_status vgg_safetensors_pair_scales(vgg_safetensors_reader *reader);
/* read() of int8 weights. Error: BAD_FILE (no such level or scale can be). */
clvgg_status vgg_safetensors_read_int8(const vgg_weights *weights, const vgg_tensor_slot *slot,
                                       uint64_t first, uint64_t count, float *values);
#endif

#endif
