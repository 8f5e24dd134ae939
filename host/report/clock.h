/* report/clock.h — the clock, for the program, which doesn't see base/. */
#ifndef VGG_REPORT_CLOCK_H
#define VGG_REPORT_CLOCK_H

#include "base/clock.h"

#endif
