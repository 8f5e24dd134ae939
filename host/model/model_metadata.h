/* model/model_metadata.h — what a file that is written says about its model: clvgg's own entries,
 * and whatever else the file that the model came from says about itself.
 *
 * With another head, source and licence of the file it came from are those of the layers that it
 * keeps; clvgg.head.source and clvgg.head.license are about the head. What else the file says
 * (how right it is, on what it was trained) is true of the network that it was: "base." stands
 * before it. So it does with quantised weights, which are another network too, of the same head.
 */
#ifndef VGG_MODEL_MODEL_METADATA_H
#define VGG_MODEL_MODEL_METADATA_H

#include "model/model.h"

enum {
    VGG_KEY_FORMAT,
    VGG_KEY_ARCHITECTURE,
    VGG_KEY_GRAPH,
    VGG_KEY_PREPROCESS,
    VGG_KEY_PREPROCESS_ASSUMED, /* only where nobody has stated it: from what it was assumed */
    VGG_KEY_CLASSES,
    VGG_KEY_TRAINING,
    VGG_KEY_HEAD_SOURCE,
    VGG_KEY_CONVERTED, /* the first conversion's stays */
    VGG_KEY_QUANTIZED, /* likewise: how a quantised model was made of one in floats */
    VGG_KEY_COUNT
};

typedef struct vgg_model_metadata {
    vgg_metadata_entry *entries; /* has room for one more */
    size_t count;
    vgg_text values[VGG_KEY_COUNT];
    char **renamed; /* keys that change */
    size_t inherited;
} vgg_model_metadata;

typedef struct vgg_metadata_choice {
    const vgg_graph *graph;             /* NULL: the file's format tells the network otherwise */
    const clvgg_preprocess *preprocess; /* what somebody states; NULL: the model's */
    bool converted;                     /* say which file this one was made from */
} vgg_metadata_choice;

/* To be freed by vgg_model_metadata_free(), on failure too. Lives as long as the model. */
clvgg_status vgg_model_metadata_list(const clvgg_model *model, const vgg_metadata_choice *choice,
                                     vgg_model_metadata *out);
void vgg_model_metadata_free(vgg_model_metadata *metadata);

#endif
