/* report/device.h — how a device is shown: the JSON object, the block of text, the short name.
 *
 * The JSON object is the same wherever a device appears in the program's output.
 */
#ifndef VGG_REPORT_DEVICE_H
#define VGG_REPORT_DEVICE_H

#include "clvgg/device.h"
#include "report/json.h"
#include "report/style.h"

void vgg_report_device_json(vgg_json *json, const char *key, const clvgg_device_info *info);
/* A heading and aligned facts below it; `chosen` marks the default. */
void vgg_report_device_block(vgg_text *text, const vgg_style *style, const clvgg_device_info *info,
                             bool chosen);
/* "GPU 1, name (platform)". */
void vgg_report_device_name(vgg_text *text, const clvgg_device_info *info);

#endif
