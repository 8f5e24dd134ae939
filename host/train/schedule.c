/* train/schedule.c — warm-up and decay of the learning rate. */
#include "train/schedule.h"

#include <math.h>

double vgg_schedule_lr(const vgg_schedule *schedule, uint64_t step)
{
    static const double pi = 3.14159265358979323846;
    const double lr = schedule->lr;
    if (step <= schedule->warmup_steps)
        return lr * (double)step / (double)schedule->warmup_steps;
    if (schedule->kind == CLVGG_LR_STEP)
        return lr * pow(0.1, (double)(3 * (step - 1) / schedule->total_steps));
    if (schedule->kind == CLVGG_LR_COSINE) {
        const double left = (double)(schedule->total_steps - schedule->warmup_steps);
        const double done = (double)(step - 1 - schedule->warmup_steps);
        return lr * 0.5 * (1 + cos(pi * done / left));
    }
    return lr;
}
