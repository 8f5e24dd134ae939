/* measure/export_check.h — a written file against the model that it was made from: both run on one
 * fixed input, and their logits are compared, or the last layer's values where there are none.
 */
#ifndef VGG_MEASURE_EXPORT_CHECK_H
#define VGG_MEASURE_EXPORT_CHECK_H

#include "model/export.h"
#include "ocl/device.h"

typedef struct vgg_export_check {
    clvgg_device *device;
    const vgg_weights_writer *writer;
    const char *compared; /* "logits" or the model's last layer; NULL: nothing was compared */
    double error, limit;  /* relative L2 */
    const char *why_not;  /* nothing was: in words */
} vgg_export_check;

/* check() of vgg_export_options, whose check_user is a vgg_export_check. The two networks are on
 * the device one after the other. Errors: BAD_FILE (it can't be read, or gives other
 * values), and
 * those of running. */
clvgg_status vgg_export_check_file(void *check, const vgg_export *made, const char *path);

#endif
