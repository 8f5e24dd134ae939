/* report/clock.c — see clock.h. */
#include "report/clock.h"

#include "base/clock.h"

double vgg_report_now_ms(void)
{
    return vgg_clock_ms();
}
