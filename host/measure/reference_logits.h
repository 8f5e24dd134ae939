/* measure/reference_logits.h — standard networks: the SHA-256 of their weights, and what they make
 * of an image of noise in float64.
 */
#ifndef VGG_MEASURE_REFERENCE_LOGITS_H
#define VGG_MEASURE_REFERENCE_LOGITS_H

#include <stdint.h>

#include "base/sha256.h"

enum { VGG_REFERENCE_NETWORKS = 4, VGG_REFERENCE_CLASSES = 1000, VGG_REFERENCE_SEED = 1 };

typedef struct vgg_reference_logits {
    const char *architecture;
    uint64_t parameters;         /* weights and biases */
    char sha256[VGG_SHA256_HEX]; /* of their float32, in the graph's order */
    double logits[VGG_REFERENCE_CLASSES];
} vgg_reference_logits;

extern const vgg_reference_logits vgg_reference_networks[VGG_REFERENCE_NETWORKS];

#endif
