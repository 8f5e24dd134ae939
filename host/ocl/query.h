/* ocl/query.h — asking a driver: strings of any length, cleaned; facts that extensions tell. */
#ifndef VGG_OCL_QUERY_H
#define VGG_OCL_QUERY_H

#include <stdbool.h>

#include "clvgg/device.h"
#include "ocl/call.h"

/* Copies `raw` into text[capacity] without blanks at either end; control characters become '?'. */
void vgg_clean_text(char *text, size_t capacity, const char *raw);
/* The platform's name, cleaned. */
clvgg_status vgg_query_platform_name(cl_platform_id platform, char *name, size_t capacity);
/* A string of the device as the driver has it, freed by the caller; and cleaned. */
clvgg_status vgg_query_raw_text(cl_device_id id, cl_device_info what, char **raw);
clvgg_status vgg_query_text(cl_device_id id, cl_device_info what, char *text, size_t capacity);

/* Queries what only extensions tell: half, double, UUID, PCI address, sub-group sizes. A field
 * stays empty where the driver doesn't answer. */
clvgg_status vgg_query_extensions(cl_device_id id, clvgg_device_info *info);
/* Says whether the driver lists an extension. */
clvgg_status vgg_query_has_extension(cl_device_id id, const char *name, bool *has);

/* Properties that kernels need and clvgg_device_info doesn't show. */
typedef struct vgg_device_needs {
    cl_bool available, compiler, little_endian;
    cl_device_exec_capabilities execution;
    cl_uint dimensions;
} vgg_device_needs;
/* Sets info->usable and, when it isn't, why. */
void vgg_device_judge(const vgg_device_needs *needs, clvgg_device_info *info);

#endif
