/* weights/caffe/caffe_layers.h — what each type of Caffe's layers becomes; of caffe*.c alone. */
#ifndef VGG_WEIGHTS_CAFFE_LAYERS_H
#define VGG_WEIGHTS_CAFFE_LAYERS_H

#include "weights/caffe/caffe.h"

#ifdef CLVGG_HAVE_PROTOBUF_C
typedef struct vgg_caffe_layer_type {
    const char *type;
    size_t parameters;    /* offset of what such a layer must have; 0: nothing */
    vgg_layer_type plain; /* the whole of what it is, without add(); INPUT: it is left out */
    clvgg_status (*add)(vgg_caffe_network *out, const VggCaffe__Layer *layer);
} vgg_caffe_layer_type;

bool vgg_caffe_is(const VggCaffe__Layer *layer, const char *type);
/* UNSUPPORTED, with the layer's name and type before what is the matter. */
clvgg_status vgg_caffe_unsupported(const VggCaffe__Layer *layer, const char *what);

/* NULL: layers of this type aren't read. */
const vgg_caffe_layer_type *vgg_caffe_type_of(const VggCaffe__Layer *layer);
/* Says whether the file holds what a layer of the type must have. */
bool vgg_caffe_has_parameters(const VggCaffe__Layer *layer, const vgg_caffe_layer_type *type);
/* Adds a layer that has its parameters and isn't left out behind the last one: two nodes at most.
 * Errors: UNSUPPORTED, and those of vgg_graph_add(). */
clvgg_status vgg_caffe_add(vgg_caffe_network *out, const VggCaffe__Layer *layer,
                           const vgg_caffe_layer_type *type);
#endif

#endif
