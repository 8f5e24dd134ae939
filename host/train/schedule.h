/* train/schedule.h — the learning rate of a step. */
#ifndef VGG_TRAIN_SCHEDULE_H
#define VGG_TRAIN_SCHEDULE_H

#include <stdint.h>

#include "clvgg/finetune.h"

typedef struct vgg_schedule {
    clvgg_lr_schedule kind;
    double lr;
    uint64_t warmup_steps, total_steps;
} vgg_schedule;

/* The learning rate of step 1…total_steps. It rises along a line over warmup_steps; then constant,
 * a tenth after each third of all steps, or down to 0 along half a cosine (Loshchilov & Hutter,
 * SGDR, 2017). */
double vgg_schedule_lr(const vgg_schedule *schedule, uint64_t step);

#endif
