/* verify/trusted.c — see trusted.h. */
#include "verify/trusted.h"

#include <string.h>

clvgg_status vgg_trusted_check(clvgg_device *device, const vgg_subject *subject)
{
    vgg_trust trust;
    VGG_PASS(vgg_trust_find(device, subject, &trust));
    VGG_CHECK(vgg_trust_allows(&trust), CLVGG_STATUS_UNSUPPORTED, "%.*s %s: %s",
              (int)strcspn(subject->candidate, ","), subject->candidate,
              trust.standing == VGG_TRUST_WRONG ? "gives wrong values on this device"
                                                : "doesn't build on this device",
              trust.words);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_trusted_forward(clvgg_device *device, const vgg_problem *problem,
                                 const vgg_traits *traits, vgg_op *op)
{
    enum { MOST_CANDIDATES = 8 };
    const vgg_variant *candidates[MOST_CANDIDATES];
    const size_t count = vgg_variant_candidates(problem, traits, true, candidates, MOST_CANDIDATES);
    clvgg_status status = vgg_fail(CLVGG_STATUS_UNSUPPORTED, "no variant computes it");
    for (size_t i = 0; i < count && status == CLVGG_STATUS_UNSUPPORTED; i++) {
        vgg_subject subject;
        status = vgg_op_configure(op, candidates[i], problem, traits);
        if (status != CLVGG_STATUS_OK)
            continue;
        vgg_subject_of_op(device, op, &subject);
        status = vgg_trusted_check(device, &subject);
    }
    return status;
}

clvgg_status vgg_trusted_gradient(clvgg_device *device, const vgg_grad_problem *problem,
                                  const vgg_traits *traits, vgg_grad_op *op)
{
    clvgg_status status = vgg_fail(CLVGG_STATUS_UNSUPPORTED, "no variant computes it");
    for (size_t i = 0; i < vgg_grad_variant_count && status == CLVGG_STATUS_UNSUPPORTED; i++) {
        const vgg_grad_variant *variant = vgg_grad_variants[i];
        vgg_subject subject;
        if (variant->gradient != problem->gradient ||
            (variant->is_for != NULL && !variant->is_for(traits)))
            continue;
        status = vgg_grad_configure(op, variant, problem, traits);
        if (status != CLVGG_STATUS_OK)
            continue;
        vgg_subject_of_gradient(op, &subject);
        status = vgg_trusted_check(device, &subject);
    }
    return status;
}
