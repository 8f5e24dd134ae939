/* measure/reference.h — which models are standard networks, and what random weights are. */
#ifndef VGG_MEASURE_REFERENCE_H
#define VGG_MEASURE_REFERENCE_H

#include "measure/reference_logits.h"
#include "model/model.h"

/* The seed of a model whose weights are all clvgg_model_random_weights()'; false: they aren't. */
bool vgg_reference_seed(const clvgg_model *model, uint64_t *seed);
/* The standard network that a model is: by architecture, input, classes, widths and seed; or NULL.
 */
const vgg_reference_logits *vgg_reference_find(const clvgg_model *model);
/* SHA-256 of all parameters' float32, in the graph's order. Errors: those of
 * vgg_model_read_parameter(). */
clvgg_status vgg_weights_hash(const clvgg_model *model, char hex[VGG_SHA256_HEX]);

#endif
