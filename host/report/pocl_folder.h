/* report/pocl_folder.h — where PoCL compiles, for the program, which doesn't see base/. */
#ifndef VGG_REPORT_POCL_FOLDER_H
#define VGG_REPORT_POCL_FOLDER_H

#include "base/pocl_folder.h"

#endif
