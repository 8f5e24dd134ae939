/* report/clock.h — how long something took. */
#ifndef VGG_REPORT_CLOCK_H
#define VGG_REPORT_CLOCK_H

#include "base/clock.h"

/* Milliseconds since some moment in the past, never going back. */
static inline double vgg_report_now_ms(void)
{
    return vgg_clock_ms();
}

#endif
