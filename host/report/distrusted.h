/* report/distrusted.h — kernels that a device is known to compute wrong, or not to build. */
#ifndef VGG_REPORT_DISTRUSTED_H
#define VGG_REPORT_DISTRUSTED_H

#include "clvgg/device.h"
#include "clvgg/runtime.h"
#include "report/json.h"

/* A line each, indented; nothing where there are none. */
clvgg_status vgg_report_distrusted(clvgg_runtime *runtime, const clvgg_device_info *info,
                                   vgg_text *text);
/* An object each, into an open array. */
clvgg_status vgg_report_distrusted_json(clvgg_runtime *runtime, const clvgg_device_info *info,
                                        vgg_json *json);

#endif
