/* verify/trusted.h — the best variants that aren't known to be wrong on a device, for those who
 * choose without a plan.
 */
#ifndef VGG_VERIFY_TRUSTED_H
#define VGG_VERIFY_TRUSTED_H

#include "verify/trust.h"

/* Fails with UNSUPPORTED, in words, where a subject is known to be wrong, or not to build. Errors:
 * those of vgg_trust_find(). */
clvgg_status vgg_trusted_check(clvgg_device *device, const vgg_subject *subject);
/* Configure the first by rank, without a look at what tuning found. Errors: UNSUPPORTED, those of
 * vgg_trust_find(). */
clvgg_status vgg_trusted_forward(clvgg_device *device, const vgg_problem *problem,
                                 const vgg_traits *traits, vgg_op *op);
clvgg_status vgg_trusted_gradient(clvgg_device *device, const vgg_grad_problem *problem,
                                  const vgg_traits *traits, vgg_grad_op *op);

#endif
