/* verify/gradient.h — a dense layer's gradient by itself, with made-up weights and signals, between
 * guards, held against its definition in double precision.
 */
#ifndef VGG_VERIFY_GRADIENT_H
#define VGG_VERIFY_GRADIENT_H

#include "grad/dense_grad.h"
#include "verify/probe.h"

/* Runs a configured gradient twice for its max_batch images. Whole numbers are exact, but for
 * Adam's roots. Of large layers some panels of weights are looked at, the first and the last among
 * them, or some inputs. The queue must be in order. Errors: BUILD_FAILED, OUT_OF_DEVICE_MEMORY,
 * OUT_OF_MEMORY, OPENCL, DEVICE_LOST. */
clvgg_status vgg_gradient_check(clvgg_device *device, cl_command_queue queue, const vgg_grad_op *op,
                                vgg_finding *finding);

#endif
