/* clvgg/report.h — what a report of a fault needs to know beside clvgg/device.h: facts in words.
 *
 * `clvgg devices --report` shows them. Names and values are for people and may change; they hold
 * paths of this machine.
 */
#ifndef CLVGG_REPORT_H
#define CLVGG_REPORT_H

#include <stddef.h>

#include "clvgg/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One fact; the strings are valid during the call, which must not call clvgg. */
typedef void (*clvgg_fact_fn)(void *user, const char *name, const char *value);

/* One driver known to the OpenCL loader: the ICD file and the library that it names, or NULL and
 * the fault of the file or folder. */
typedef void (*clvgg_driver_fn)(void *user, const char *file, const char *library,
                                const char *problem);

/* Calls `visit` for each driver, in the order in which the loader reads them: of the folder that
 * OCL_ICD_VENDORS or OPENCL_VENDOR_PATH names, or /etc/OpenCL/vendors, and of OCL_ICD_FILENAMES.
 * Loads no driver. Errors: OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_report_drivers(clvgg_runtime *runtime, clvgg_driver_fn visit,
                                            void *user);
/* The OpenCL loader of this process, and others that got into it. Errors: OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_report_loader(clvgg_runtime *runtime, clvgg_fact_fn visit, void *user);
/* Device `index`: versions, limits, extensions; then, where it can be used, it is opened and what
 * clvgg finds out by trying is told: clock, sub-groups, matrix unit. Errors: NOT_FOUND, OPENCL, and
 * those of clvgg_device_open(). */
CLVGG_API clvgg_status clvgg_report_device(clvgg_runtime *runtime, size_t index,
                                           clvgg_fact_fn visit, void *user);
/* The runtime's cache: its file, whether it can be read and written, its schema. Errors:
 * OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_report_cache(clvgg_runtime *runtime, clvgg_fact_fn visit, void *user);

/* The kernel sources of this build, by number: a file's name, and in *hash the SHA-256, in
 * hexadecimal, of it and what compilers read before it, without comments. NULL behind the last. */
CLVGG_API const char *clvgg_kernel_source(size_t index, const char **hash);

#ifdef __cplusplus
}
#endif
#endif
