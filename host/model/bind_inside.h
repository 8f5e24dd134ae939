/* model/bind_inside.h — what bind.c, bind_scheme.c and bind_order.c share. */
#ifndef VGG_MODEL_BIND_INSIDE_H
#define VGG_MODEL_BIND_INSIDE_H

#include "model/bind.h"

typedef enum vgg_bound_part {
    VGG_BOUND_CONVOLUTION,
    VGG_BOUND_NORM,
    VGG_BOUND_DENSE
} vgg_bound_part;

/* The file's name for a parameter ("weight") of the layer of that ordinal among its kind. */
void vgg_binding_name(const vgg_binding *binding, vgg_bound_part part, int ordinal,
                      const char *parameter, char name[VGG_TENSOR_NAME_CAPACITY]);

/* ---- bind_scheme.c ---- */

/* Finds a scheme whose names the file has, with their prefix. */
bool vgg_scheme_detect(const vgg_weights *weights, vgg_binding *out);
/* The architecture whose convolutions the file has under the scheme's names. Errors: UNSUPPORTED.
 */
clvgg_status vgg_scheme_architecture(const vgg_weights *weights, vgg_binding *binding);
/* Sets binding->head where the file has three dense layers of names that go with the scheme, or
 * something of one that is incomplete. */
void vgg_scheme_head(const vgg_weights *weights, vgg_binding *binding);
/* Name, without suffix, of convolution `ordinal`, counted from 0 over all blocks, or of what
 * normalises it. */
void vgg_scheme_name(const vgg_binding *binding, bool norm, int ordinal, char name[32]);
vgg_convention vgg_scheme_convention(const vgg_name_scheme *scheme, const char **origin);
/* Fails as the tensor that schemes begin with is there in a type that isn't read; else OK. */
clvgg_status vgg_scheme_check_types(const vgg_weights *weights);

/* ---- bind_order.c ---- */

/* Binds convolutions, and what normalises them, by shape and order. False: they are none of a
 * VGG's. */
bool vgg_order_convolutions(const vgg_weights *weights, vgg_binding *binding);
/* Finds dense layers that follow one another behind `channels`, 0 to 3. Errors: UNSUPPORTED (there
 * are others, which don't). */
clvgg_status vgg_order_dense(const vgg_weights *weights, int64_t channels, vgg_binding *binding);
/* The name of another parameter of the layer whose weight or variance has this name. */
void vgg_order_name(const char *bound, const char *parameter, char name[VGG_TENSOR_NAME_CAPACITY]);

#endif
