/* train/head_choice.h — which dense layers the new model has, which begin with the base's weights,
 * which train. Decided from options, base and classes alone; nothing is read or computed.
 */
#ifndef VGG_TRAIN_HEAD_CHOICE_H
#define VGG_TRAIN_HEAD_CHOICE_H

#include "clvgg/finetune.h"
#include "model/model.h"

enum { VGG_CHOICE_WHY = 160 };

typedef struct vgg_chosen_layer {
    const char *name; /* "fc6" */
    int64_t inputs, outputs;
    clvgg_activation activation; /* of all but the last */
    float dropout;
    bool kept, frozen;
    char why[VGG_CHOICE_WHY]; /* it isn't kept; "" */
} vgg_chosen_layer;

typedef struct vgg_head_choice {
    int layer_count; /* 1 or 3 */
    vgg_chosen_layer layers[3];
    int first_trained;
    int base_nodes[3]; /* of the base's graph; meaningful where a layer is kept */
} vgg_head_choice;

/* Errors: INVALID_ARGUMENT (what contradicts what), UNSUPPORTED (the base's head). */
clvgg_status vgg_head_choose(const clvgg_model *base, const char *const *classes,
                             size_t class_count, const clvgg_finetune_options *options,
                             vgg_head_choice *choice);

#endif
