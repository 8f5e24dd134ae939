/* weights/numpy/npz_metadata.h — what clvgg says of a model in a NumPy archive. */
#ifndef VGG_WEIGHTS_NPZ_METADATA_H
#define VGG_WEIGHTS_NPZ_METADATA_H

#include "weights/format.h"

/* The array that holds it: bytes (|S), a JSON object of strings. */
#define VGG_NPZ_METADATA "clvgg.metadata"

/* Takes what a member of that name says into the weights' metadata. Errors: BAD_FILE. */
clvgg_status vgg_npz_read_metadata(vgg_weights *weights, const vgg_archive_member *member);

#endif
