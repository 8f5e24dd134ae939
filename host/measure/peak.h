/* measure/peak.h — the most that a device computes and reads, measured by cl/peak.cl. */
#ifndef VGG_MEASURE_PEAK_H
#define VGG_MEASURE_PEAK_H

#include "ocl/device.h"

/* Measures what clvgg_device_measure_peak() gives: 1e9 FLOPs a second of float32 fused
 * multiply-adds, 1e9 bytes a second read from a buffer larger than caches (where the device is fast
 * enough to fill one). */
clvgg_status vgg_peak_measure(clvgg_device *device, double *fma_gflops, double *read_gbps);

#endif
