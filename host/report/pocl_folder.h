/* report/pocl_folder.h — whether PoCL has a folder to compile in. */
#ifndef VGG_REPORT_POCL_FOLDER_H
#define VGG_REPORT_POCL_FOLDER_H

#include <stdbool.h>

#include "base/status.h"

/* Finds out whether this user can write the folder that PoCL chooses by XDG_CACHE_HOME and HOME
 * (each may be NULL), or make it. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_report_pocl_folder(const char *xdg_cache_home, const char *home, bool *writable);

#endif
