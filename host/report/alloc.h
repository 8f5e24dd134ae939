/* report/alloc.h — host memory for the program, which doesn't see base/: a failed allocation writes
 * the message that cli_fail() prints. */
#ifndef VGG_REPORT_ALLOC_H
#define VGG_REPORT_ALLOC_H

#include "base/alloc.h"

#endif
