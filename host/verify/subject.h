/* verify/subject.h — what an op or a gradient is known by on a device, in words: its layers, how it
 * computes them, and the kernels that this takes.
 */
#ifndef VGG_VERIFY_SUBJECT_H
#define VGG_VERIFY_SUBJECT_H

#include "grad/dense_grad.h"
#include "ops/op.h"

typedef struct vgg_subject {
    char problem[512];    /* "conv2d 3x3 pad 1 + relu of 64x224x224 to 64, f32" */
    char candidate[2048]; /* the variant's name, then a comma and all else that decides about bits:
                             values, programs, elements of the weight in its file, CLBlast's
                             version and parameters */
    char files[256];      /* of kernels, with a blank behind each */
} vgg_subject;

void vgg_subject_of_op(const clvgg_device *device, const vgg_op *op, vgg_subject *subject);
void vgg_subject_of_gradient(const vgg_grad_op *op, vgg_subject *subject);

#endif
