/* measure/seeded_int8.h — a standard network quantised by made-up images, so that int8 can be timed
 * without photographs. */
#ifndef VGG_MEASURE_SEEDED_INT8_H
#define VGG_MEASURE_SEEDED_INT8_H

#include "model/model.h"
#include "ocl/device.h"

/* Makes a quantised model of one in float32, calibrated by CLVGG_BENCH_CALIBRATION images of noise,
 * of which the first is the image that is timed. Errors: those of clvgg_calibration_add() and
 * clvgg_calibration_quantize(). */
clvgg_status vgg_seeded_int8(clvgg_device *device, clvgg_model *model, clvgg_model **out);

#endif
