/* tensor/storage.h — what each storage of weights on a device takes and holds. */
#ifndef VGG_TENSOR_STORAGE_H
#define VGG_TENSOR_STORAGE_H

#include "clvgg/storage.h"
#include "clvgg/tensor.h"

enum { VGG_STORAGE_COUNT = CLVGG_STORAGE_INT8 + 1 };

/* As clvgg_storage_name() and clvgg_storage_parse(). */
const char *vgg_storage_name(clvgg_storage storage);
clvgg_status vgg_storage_parse(const char *name, clvgg_storage *storage);
/* Bytes of an element of a weight in the memory that kernels read, and what it is there, of all but
 * INT8 (int8_row.h). */
size_t vgg_storage_bytes(clvgg_storage storage);
clvgg_dtype vgg_storage_element(clvgg_storage storage);

#endif
