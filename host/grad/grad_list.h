/* grad/grad_list.h — every variant of a dense layer's gradients, a line each: X(NAME) stands for
 * the row vgg_grad_NAME. For each gradient earlier lines are preferred.
 */
#ifndef VGG_GRAD_GRAD_LIST_H
#define VGG_GRAD_GRAD_LIST_H

#define VGG_GRAD_LIST(X)                                                                           \
    X(data_blocked)                                                                                \
    X(update_blocked)                                                                              \
    X(data_tiled)                                                                                  \
    X(update_tiled)                                                                                \
    X(data_direct)                                                                                 \
    X(update_direct)

#endif
