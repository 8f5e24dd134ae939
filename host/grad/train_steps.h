/* grad/train_steps.h — what training does between dense layers: dropout, an activation's gradient,
 * the loss with its gradient, and the norm that clips all gradients.
 */
#ifndef VGG_GRAD_TRAIN_STEPS_H
#define VGG_GRAD_TRAIN_STEPS_H

#include "grad/dense_grad.h"

/* cl/dropout.cl: which of a layer's values are dropped, by seed, step and layer alone. */
typedef struct vgg_dropout_key {
    uint64_t seed, step;
    int layer;
    float rate; /* 0: nothing is dropped */
} vgg_dropout_key;

/* Kernels of cl/dropout.cl; either may be NULL. `type` is an activation that heads may have. */
void vgg_dropout_list_kernels(vgg_kernel_list *list, vgg_layer_type type, bool dropout,
                              vgg_kernel **forward, vgg_kernel **backward);
clvgg_status vgg_dropout_enqueue(vgg_kernel *forward, vgg_launch *launch, vgg_buffer x,
                                 vgg_buffer y, uint64_t count, const vgg_dropout_key *key);
typedef struct vgg_activation_grad_io {
    vgg_buffer dy; /* `slices` partial sums of it, `stride` elements apart */
    int slices;
    uint64_t stride;
    vgg_buffer a, dx;
} vgg_activation_grad_io;
/* dx = f'(a) times what dropout lets through of dy. */
clvgg_status vgg_activation_grad_enqueue(vgg_kernel *backward, vgg_launch *launch,
                                         const vgg_activation_grad_io *io, uint64_t count,
                                         const vgg_dropout_key *key);

/* cl/cross_entropy.cl on [count][classes]. */
typedef struct vgg_loss_io {
    vgg_buffer logits, labels; /* labels int32 */
    vgg_buffer gradient;       /* of the mean loss */
    vgg_buffer losses;         /* [count] */
    vgg_buffer hits;           /* [count] int32: 1 where the largest logit is the label's */
} vgg_loss_io;

void vgg_loss_list_kernels(vgg_kernel_list *list, vgg_kernel **kernel);
clvgg_status vgg_loss_enqueue(vgg_kernel *kernel, vgg_launch *launch, const vgg_loss_io *io,
                              int count, int64_t classes, float smoothing);

/* cl/gradient_norm.cl: the norm of all layers' gradients, for torch.nn.utils.clip_grad_norm_(). */
typedef struct vgg_clip {
    vgg_kernel *norm, *scale;
} vgg_clip;

enum { VGG_CLIP_SPLIT = 8 }; /* pairs of floats that the norm takes, an image and layer */

clvgg_status vgg_clip_build(clvgg_device *device, const vgg_traits *traits, vgg_clip *clip);
void vgg_clip_release(vgg_clip *clip);
/* The part of the layer whose weight `update` updates: x and dy of io → sums
 * [count][VGG_CLIP_SPLIT]. */
clvgg_status vgg_clip_enqueue_norm(const vgg_clip *clip, vgg_launch *launch,
                                   const vgg_grad_op *update, const vgg_grad_io *io,
                                   vgg_buffer sums, int count);
/* Sums of all layers, `stride` pairs apart. */
typedef struct vgg_clip_sums {
    cl_mem memory;
    int layers;
    int64_t stride;
} vgg_clip_sums;
/* hyper's scale, by which the gradients' norm becomes `most` where it is more. */
clvgg_status vgg_clip_enqueue_scale(const vgg_clip *clip, vgg_launch *launch,
                                    const vgg_clip_sums *sums, int count, double most,
                                    vgg_buffer hyper);

#endif
