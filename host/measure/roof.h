/* measure/roof.h — the most that a device can do: arithmetic, memories, launches, transfers. */
#ifndef VGG_MEASURE_ROOF_H
#define VGG_MEASURE_ROOF_H

#include "clvgg/bench.h"
#include "ocl/device.h"

/* See clvgg_device_measure_peak() and clvgg_device_measure_roof(), which these are: a rate is never
 * of work that wasn't done. The structs are zeroed. */
clvgg_status vgg_peak_measure(clvgg_device *device, clvgg_peak *peak);
clvgg_status vgg_roof_measure(clvgg_device *device, clvgg_roof *roof);

#endif
