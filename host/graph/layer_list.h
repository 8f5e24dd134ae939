/* graph/layer_list.h — every layer type, a line each: X(NUMBER, ROW) stands for VGG_LAYER_NUMBER
 * and the row vgg_layer_ROW, which a file layer_*.c defines. The numbers go into fingerprints and
 * cached results: a new type is added at the end.
 */
#ifndef VGG_GRAPH_LAYER_LIST_H
#define VGG_GRAPH_LAYER_LIST_H

#define VGG_LAYER_LIST(X)                                                                          \
    X(INPUT, input)                                                                                \
    X(CONV2D, conv2d)                                                                              \
    X(MAX_POOL, max_pool)                                                                          \
    X(AVG_POOL, avg_pool)                                                                          \
    X(DENSE, dense)                                                                                \
    X(FLATTEN, flatten)                                                                            \
    X(RELU, relu)                                                                                  \
    X(SIGMOID, sigmoid)                                                                            \
    X(TANH, tanh)                                                                                  \
    X(SOFTMAX, softmax)                                                                            \
    X(DROPOUT, dropout)                                                                            \
    X(LOCAL_RESPONSE_NORM, local_response_norm)                                                    \
    X(SWITCHES, switches)                                                                          \
    X(SEED, seed)                                                                                  \
    X(UNPOOL, unpool)                                                                              \
    X(AVG_UNPOOL, avg_unpool)                                                                      \
    X(COL2IM, col2im)                                                                              \
    X(ACTIVATION_GRAD, activation_grad)                                                            \
    X(UNFLATTEN, unflatten)                                                                        \
    X(LRN_GRAD, lrn_grad)                                                                          \
    X(MAP_PEAK, map_peak)                                                                          \
    X(BATCH_NORM, batch_norm)                                                                      \
    X(BATCH_NORM_GRAD, batch_norm_grad)                                                            \
    X(QUANTIZE, quantize)

#endif
