/* weights/ncnn/ncnn.h — ncnn's description of a network, a text, as a list of layers; and the
 * network that they are.
 */
#ifndef VGG_WEIGHTS_NCNN_H
#define VGG_WEIGHTS_NCNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "weights/sequence.h"

/* The first line of the text, as a number also the first four bytes of the binary description. */
#define VGG_NCNN_MAGIC "7767517"

enum { VGG_NCNN_KEYS = 32, VGG_NCNN_SMALLEST = -23300, VGG_NCNN_LARGEST_TEXT = 1 << 20 };

/* One layer. Texts lie in the description, NUL-terminated. */
typedef struct vgg_ncnn_layer {
    char *type, *name;
    char *bottom, *top;          /* names of its only input and output; NULL: it has none */
    bool has[VGG_NCNN_KEYS];     /* says whether the parameter stands in the line */
    double value[VGG_NCNN_KEYS]; /* whole numbers up to 2^53 are exact */
} vgg_ncnn_layer;

typedef struct vgg_ncnn_network {
    char *text;
    vgg_ncnn_layer *layers;
    size_t count;
} vgg_ncnn_network;

/* Reads the description in `text`, which is changed, belongs to *out from then on, and is freed
 * with it. What isn't one chain of layers is UNSUPPORTED. Messages don't name the file. */
clvgg_status vgg_ncnn_parse(char *text, size_t length, vgg_ncnn_network *out);
void vgg_ncnn_free(vgg_ncnn_network *network);

/* A parameter as a whole number; out of range it becomes INT32_MIN, which nothing accepts. */
int64_t vgg_ncnn_integer(const vgg_ncnn_layer *layer, int key, int64_t absent);
float vgg_ncnn_float(const vgg_ncnn_layer *layer, int key, float absent);
bool vgg_ncnn_is(const vgg_ncnn_layer *layer, const char *type);
/* Convolution and ConvolutionDepthWise. */
bool vgg_ncnn_is_convolution(const vgg_ncnn_layer *layer);

/* Adds the nodes that a layer is. Errors: UNSUPPORTED, and those of vgg_graph_add(). */
clvgg_status vgg_ncnn_add(vgg_sequence *sequence, const vgg_ncnn_layer *layer);

/* The network, with *nodes[i] the node that holds layer i's weights, or −1; *nodes is freed by
 * vgg_free(). The input's size is stated in the file, or what the first dense layer was made for.
 */
clvgg_status vgg_ncnn_graph(const vgg_ncnn_network *network, vgg_graph **out, int **nodes);

#endif
