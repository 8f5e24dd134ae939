/* vis/layer_choice.h — which layer of a graph a figure is about.
 *
 * `conv5_3` is a convolution before its activation; what a unit shows in a picture is its value
 * behind it.
 */
#ifndef VGG_VIS_LAYER_CHOICE_H
#define VGG_VIS_LAYER_CHOICE_H

#include "graph/graph.h"

/* The node whose values stand for layer `name`: its activation where there is one, else the layer.
 * NULL: the last convolution. Errors: INVALID_ARGUMENT (unknown: lists the layers; the input; no
 * convolution). */
clvgg_status vgg_layer_choose(const vgg_graph *graph, const char *name, int *node);

/* The node that ends the first stage: the first pooling, or without one the first activation, or
 * node 1. */
int vgg_layer_first_stage(const vgg_graph *graph);
/* The node that the last dense layer reads, the activation of the layer before it; without one, the
 * last node. */
int vgg_layer_last_features(const vgg_graph *graph);

#endif
