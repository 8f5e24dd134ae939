/* report/writer.h — files that appear whole, for the program, which doesn't see base/. */
#ifndef VGG_REPORT_WRITER_H
#define VGG_REPORT_WRITER_H

#include "base/file.h"

#endif
