/* model/preprocess.h — how pixels become a model's input: stated in a file, known by convention, or
 * assumed. JSON form, with one value in "mean" and "std" where "channels" is "grey":
 * {"channels": "BGR", "scale": 1, "mean": [b, g, r], "std": [b, g, r], "resize_short": 256,
 *  "crop": 224 or [h, w], "mode": "crop" or "squash", "filter": "bilinear-antialias"}
 */
#ifndef VGG_MODEL_PREPROCESS_H
#define VGG_MODEL_PREPROCESS_H

#include <stdbool.h>

#include "base/status.h"
#include "base/text.h"
#include "clvgg/image.h"

/* The metadata beside "clvgg.preprocess" which says that nobody stated that, and from what it was
 * assumed: the words of clvgg_model_preprocess_origin(). */
#define VGG_PREPROCESS_ASSUMED "clvgg.preprocess.assumed"

typedef enum vgg_convention {
    VGG_CONVENTION_TORCHVISION, /* RGB/255, torch's mean and deviation */
    VGG_CONVENTION_CAFFE,       /* BGR 0…255 minus the mean of the originals */
    VGG_CONVENTION_FEATURES     /* RGB 0…255 minus that mean: torchvision's for features alone */
} vgg_convention;

/* A convention's values; height and width 0. */
clvgg_preprocess vgg_convention_preprocess(vgg_convention convention);
/* Ranges, and that every number is finite. */
clvgg_status vgg_model_preprocess_check(const clvgg_preprocess *preprocess);
/* Sets the number of channels and the crop's size. Where grey takes the place of three channels,
 * mean and std become their averages. A short side chosen for another size, or too short for this
 * one, becomes the proportional one. */
void vgg_model_preprocess_fit(clvgg_preprocess *preprocess, int channels, int height, int width);
/* Says whether a photograph can give so many channels: one or three. */
bool vgg_model_preprocess_is_for_photographs(const clvgg_preprocess *preprocess);
void vgg_model_preprocess_write_json(const clvgg_preprocess *preprocess, vgg_text *text);
/* Height and width are 0 where the JSON has no crop. Errors: BAD_FILE, UNSUPPORTED. */
clvgg_status vgg_model_preprocess_read_json(const char *json, clvgg_preprocess *out);

#endif
