/* weights/caffe/caffe.h — a .caffemodel's layers, of either generation of the schema, and the
 * network that they are. */
#ifndef VGG_WEIGHTS_CAFFE_H
#define VGG_WEIGHTS_CAFFE_H

#ifdef CLVGG_HAVE_PROTOBUF_C
#include "caffe.pb-c.h"
#include "weights/format.h"
#include "weights/protobuf_skeleton.h"
#include "weights/sequence.h"

/* Where a tensor's values come from. */
typedef struct vgg_caffe_values {
    const VggCaffe__Blob *blob; /* NULL: each value is `constant` */
    float factor, constant;     /* values are the blob's times the factor */
} vgg_caffe_values;

typedef struct vgg_caffe {
    VggCaffe__Net *net;
    VggCaffe__Layer *layers; /* all layers as the newer generation's; what they point to is net's */
    size_t count;
    vgg_protobuf_skeleton skeleton;
    size_t value_count, value_capacity;
    vgg_caffe_values *values;
} vgg_caffe;

/* Unpacks the file. Errors: BAD_FILE, UNSUPPORTED (the generation before both), IO. */
clvgg_status vgg_caffe_open(const vgg_file *file, vgg_caffe *out);
void vgg_caffe_free(vgg_caffe *caffe);

/* A blob's dimensions, as Caffe takes them: the four numbers of old, if one is stated, else the
 * shape. Errors: BAD_FILE (a dimension below 1, or not as many values as they say). */
clvgg_status vgg_caffe_shape(const vgg_caffe *caffe, const VggCaffe__Layer *layer, size_t blob,
                             clvgg_shape *shape);
/* Values [first, first + count) of a blob, as float32. */
clvgg_status vgg_caffe_read(const vgg_file *file, const vgg_caffe *caffe,
                            const vgg_caffe_values *values, uint64_t first, uint64_t count,
                            float *data);

/* Says whether the file has the parameters of its layers, not their weights alone. */
bool vgg_caffe_has_network(const vgg_caffe *caffe);
/* The network; layer_of[i] is the layer that node i is of, or NULL. A Scale behind a BatchNorm is
 * part of that, and is in scale_of. */
typedef struct vgg_caffe_network {
    vgg_sequence sequence; /* its graph; nodes have the layers' names */
    const VggCaffe__Layer **layer_of, **scale_of;
} vgg_caffe_network;
clvgg_status vgg_caffe_graph(const vgg_caffe *caffe, vgg_caffe_network *out);
void vgg_caffe_network_free(vgg_caffe_network *network);

/* Adds the tensors of weights->graph, which is the network's; of a layer by its name alone. Errors:
 * BAD_FILE, SHAPE_MISMATCH. */
clvgg_status vgg_caffe_add_network(vgg_weights *weights, const vgg_caffe_network *network);
clvgg_status vgg_caffe_add_named(vgg_weights *weights, const VggCaffe__Layer *layer);
#endif

#endif
