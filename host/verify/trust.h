/* verify/trust.h — what is known of an op or a gradient on a device: that it was right when it was
 * probed, or wrong, or that its kernels don't build.
 *
 * What is known is kept with the open device, and in the runtime's cache for later processes. It is
 * of this very subject (verify/subject.h), kernel source, clvgg's version, device and driver: any
 * other, a newer driver or a mended kernel, is unknown again.
 */
#ifndef VGG_VERIFY_TRUST_H
#define VGG_VERIFY_TRUST_H

#include "verify/subject.h"

typedef enum vgg_standing {
    VGG_TRUST_UNKNOWN,
    VGG_TRUST_RIGHT,
    VGG_TRUST_WRONG,
    VGG_TRUST_UNBUILDABLE
} vgg_standing;

enum { VGG_TRUST_WORDS = 256 };

typedef struct vgg_trust {
    vgg_standing standing;
    char words[VGG_TRUST_WORDS]; /* why, if it is wrong or doesn't build */
} vgg_trust;

/* Errors: OUT_OF_MEMORY, and those of reading kernels from a folder, but one that isn't there. */
clvgg_status vgg_trust_find(clvgg_device *device, const vgg_subject *subject, vgg_trust *trust);
/* Keeps what was found with the open device and, unless it may be for now only, in the cache, which
 * keeps what it can. */
clvgg_status vgg_trust_keep(clvgg_device *device, const vgg_subject *subject,
                            const vgg_trust *trust, bool for_now);
/* Calls `visit` for what the runtime's cache knows to be wrong, or not to build, on a device with
 * this driver and with the kernels of now. A cache that can't be used knows nothing. Errors:
 * OUT_OF_MEMORY, and those of reading kernels from a folder. */
typedef void (*vgg_distrust_visitor)(void *user, const char *problem, const char *variant,
                                     const vgg_trust *trust);
clvgg_status vgg_trust_visit(const clvgg_runtime *runtime, const clvgg_device_info *info,
                             vgg_distrust_visitor visit, void *user);
/* Says whether a subject may be chosen: not if it is known to be wrong, or not to build. */
static inline bool vgg_trust_allows(const vgg_trust *trust)
{
    return trust->standing < VGG_TRUST_WRONG;
}

#endif
