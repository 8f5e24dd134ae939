/* weights/numpy/npy_values.h — tensors that lie as .npy files: in a folder or as members of an
 * archive.
 */
#ifndef VGG_WEIGHTS_NPY_VALUES_H
#define VGG_WEIGHTS_NPY_VALUES_H

#include "weights/format.h"

/* Adds the tensor of a .npy file `bytes` long, which from->read_bytes and from->source give; the
 * rest of *from becomes how its elements lie. `name` is the array's, "conv1_1_w" or
 * "features.0.weight"; the tensor's is the canonical one where it is known. Messages don't name the
 * file. */
clvgg_status vgg_npy_add(vgg_weights *weights, const char *name, uint64_t bytes, size_t place,
                         vgg_strided *from);
/* Presents a VGG's arrays in TensorFlow's layouts, if they are, as canonical ones; for the end of
 * open(). values_of() gives how a slot's elements lie. */
clvgg_status vgg_npy_make_canonical(vgg_weights *weights,
                                    vgg_strided *(*values_of)(vgg_weights *weights, size_t place));

#endif
