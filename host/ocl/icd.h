/* ocl/icd.h — the drivers that the OpenCL loader is told of, and the loader itself.
 *
 * The library otherwise leaves the environment to the command line; here it is what the loader will
 * read.
 */
#ifndef VGG_OCL_ICD_H
#define VGG_OCL_ICD_H

#include <stddef.h>

#include "clvgg/report.h"

/* The folder that is read instead of /etc/OpenCL/vendors, and the variable that says so; or NULL.
 */
const char *vgg_icd_folder(const char **variable);
/* Does the work of clvgg_report_drivers(). */
clvgg_status vgg_icd_visit(clvgg_driver_fn visit, void *user);
/* Loads the driver's library, as the loader does, and says whether that worked: "loads", or the
 * dynamic linker's words. It stays loaded: drivers have threads. */
void vgg_icd_judge(const char *library, char *words, size_t capacity);

/* Does the work of clvgg_report_loader(). */
clvgg_status vgg_loader_report(clvgg_fact_fn visit, void *user);

#endif
