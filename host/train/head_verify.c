/* train/head_verify.c — the kernels that a head trains with, held against their definition where
 * nothing is known of them on the device yet, each by itself with made-up values.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "train/head_parts.h"
#include "verify/candidate.h"
#include "verify/gradient.h"
#include "verify/trust.h"

enum { SAMPLES = 192, REPEATS = 2 };

static clvgg_status check(const vgg_head *head, const vgg_stage *stage, vgg_finding *finding)
{
    const vgg_reference alone = {head->device, head->queue, REPEATS, SAMPLES, NULL};
    vgg_candidate_finding found;
    if (stage->is_gradient)
        return vgg_gradient_check(head->device, head->queue, &stage->gradient, finding);
    VGG_PASS(vgg_candidate_run(&alone, &stage->op, NULL, &found));
    *finding = found.finding;
    return CLVGG_STATUS_OK;
}

static clvgg_status verify_stage(const vgg_head *head, const char *layer, const vgg_stage *stage,
                                 bool *told, int *distrusted)
{
    vgg_subject subject;
    vgg_trust trust;
    vgg_finding finding;
    if (stage == NULL)
        return CLVGG_STATUS_OK;
    if (stage->is_gradient)
        vgg_subject_of_gradient(&stage->gradient, &subject);
    else
        vgg_subject_of_op(head->device, &stage->op, &subject);
    VGG_PASS(vgg_trust_find(head->device, &subject, &trust));
    if (trust.standing != VGG_TRUST_UNKNOWN)
        return CLVGG_STATUS_OK;
    if (!*told)
        vgg_log(CLVGG_LOG_INFO, "checking the kernels of training on this device%s",
                head->device->runtime->cache != NULL ? ", once" : "");
    *told = true;
    const clvgg_status status = check(head, stage, &finding);
    if (status == CLVGG_STATUS_OUT_OF_DEVICE_MEMORY) /* it stays unknown */
        return CLVGG_STATUS_OK;
    VGG_PASS(status);
    trust.standing = finding.right ? VGG_TRUST_RIGHT : VGG_TRUST_WRONG;
    snprintf(trust.words, sizeof trust.words, "%s", finding.words);
    VGG_PASS(vgg_trust_keep(head->device, &subject, &trust, false));
    if (finding.right)
        return CLVGG_STATUS_OK;
    vgg_log(CLVGG_LOG_WARNING, "%s: %.*s gives wrong values on this device (%s); it isn't used",
            layer, (int)strcspn(subject.candidate, ","), subject.candidate, trust.words);
    ++*distrusted;
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_head_verify(const vgg_head *head, int *distrusted)
{
    bool told = false;
    *distrusted = 0;
    for (int i = 0; i < head->options.layer_count; i++) {
        const head_layer *layer = &head->layers[i];
        const vgg_stage *stages[] = {layer->dense, layer->activation, layer->data,
                                     layer->weight.update, layer->bias.update};
        for (size_t s = 0; s < sizeof stages / sizeof *stages; s++)
            VGG_PASS(vgg_prefixed(verify_stage(head, layer->name, stages[s], &told, distrusted),
                                  "checking layer '%s'", layer->name));
    }
    return CLVGG_STATUS_OK;
}
