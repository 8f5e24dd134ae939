/* report/clock.h — how long something took. */
#ifndef VGG_REPORT_CLOCK_H
#define VGG_REPORT_CLOCK_H

/* Milliseconds since some moment in the past, never going back. */
double vgg_report_now_ms(void);

#endif
