/* base/clock.h — a monotonic clock in milliseconds. */
#ifndef VGG_BASE_CLOCK_H
#define VGG_BASE_CLOCK_H

#include <time.h>

static inline double vgg_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

#endif
