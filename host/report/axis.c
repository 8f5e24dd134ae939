/* report/axis.c — round ticks and the ranges that they span. */
#include "report/axis.h"

#include <math.h>

/* The smallest of 1, 2 and 5 times a power of ten that isn't below `least`. */
static double round_step(double least)
{
    const double power = pow(10, floor(log10(least)));
    static const double factors[] = {1, 2, 5};
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        if (factors[i] * power >= least * (1 - 1e-9))
            return factors[i] * power;
    return 10 * power;
}

/* Ticks at the multiples of `step` within the range. */
static void put_multiples(vgg_axis *axis, double step)
{
    const double slack = 1e-9 * step;
    for (double n = ceil((axis->low - slack) / step);
         n * step <= axis->high + slack && axis->tick_count < VGG_AXIS_MOST_TICKS; n++)
        axis->ticks[axis->tick_count++] = n * step + 0.0; /* never -0 */
}

vgg_axis vgg_axis_linear(double least, double greatest, int wanted)
{
    if (least >= 0 && least < (greatest - least) / 2)
        least = 0;
    if (greatest - least <= 1e-6 * fabs(greatest)) { /* one value: a range around it */
        const double margin = greatest != 0 ? 0.1 * fabs(greatest) : 1;
        least = greatest == 0 ? 0 : least - margin;
        greatest += margin;
    }
    const double step = round_step((greatest - least) / wanted), slack = 1e-9 * step;
    vgg_axis axis = {.low = step * floor((least + slack) / step),
                     .high = step * ceil((greatest - slack) / step)};
    put_multiples(&axis, step);
    return axis;
}

vgg_axis vgg_axis_whole(int least, int greatest, int wanted)
{
    vgg_axis axis = {.low = least, .high = greatest > least ? greatest : least + 1};
    const double step = round_step((axis.high - axis.low) / wanted);
    put_multiples(&axis, step > 1 ? step : 1);
    return axis;
}

vgg_axis vgg_axis_logarithmic(double least, double greatest, int wanted)
{
    const double margin = 0.05 * (log10(greatest) - log10(least));
    least *= pow(10, -margin);
    greatest *= pow(10, margin);
    vgg_axis axis = {.logarithmic = true, .low = least, .high = greatest};
    const double decades = log10(greatest) - log10(least);
    const double every = fmax(1, ceil(decades / wanted));
    for (double n = floor(log10(least)); pow(10, n) <= greatest; n += every) {
        static const double factors[] = {1, 2, 5};
        for (size_t i = 0; i < (decades * 2 < wanted ? 3 : 1); i++) {
            const double tick = factors[i] * pow(10, n);
            if (tick >= least && tick <= greatest && axis.tick_count < VGG_AXIS_MOST_TICKS)
                axis.ticks[axis.tick_count++] = tick;
        }
    }
    return axis;
}

double vgg_axis_place(const vgg_axis *axis, double value)
{
    return axis->logarithmic ? (log(value) - log(axis->low)) / (log(axis->high) - log(axis->low))
                             : (value - axis->low) / (axis->high - axis->low);
}
