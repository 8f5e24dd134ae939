/* report/curves.h — how a training went, as a picture: loss, accuracy and learning rate by epoch.
 */
#ifndef VGG_REPORT_CURVES_H
#define VGG_REPORT_CURVES_H

#include "clvgg/finetune.h"

/* Draws `count` epochs (1 and more, ascending) into a .png (1600 × 1200) or .svg (800 × 600), which
 * appears whole. Figures that are no number are left out; the last epoch that is `best` is marked.
 * Errors: INVALID_ARGUMENT (the name), UNSUPPORTED (built without Cairo), IO, OUT_OF_MEMORY. */
clvgg_status vgg_curves_write(const char *path, const char *title,
                              const clvgg_finetune_epoch *epochs, size_t count);

#endif
