/* measure/head_measure.c — repeated steps, and the medians of what they took. */
#include "measure/head_measure.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "measure/measure.h"

enum { MOST = 10000, COLUMNS = 1 + VGG_HEAD_MOST_STAGES };

/* A row a step: its wall time or, when stages are timed, their sum; then each of them. */
typedef struct samples {
    double (*rows)[COLUMNS];
    size_t count;
} samples;

typedef struct batch {
    vgg_head *head;
    int count;
    const float *features;
    const int32_t *labels;
    vgg_head_step step;
    float *losses;
} batch;

static clvgg_status make_step(batch *b, double *row)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const double start = vgg_clock_ms();
    VGG_TRY(vgg_head_train(b->head, b->count, b->features, b->labels, &b->step, b->losses, NULL));
    row[0] = vgg_clock_ms() - start;
    b->step.step++;
cleanup:
    return status;
}

static clvgg_status repeat(batch *b, double min_ms, bool stages, samples *s)
{
    clvgg_status status = CLVGG_STATUS_OK;
    double spent_ms = 0;
    s->count = 0;
    int warm_ups = 0;
    while (s->count < MOST && vgg_measure_more(s->count, spent_ms, min_ms)) {
        double *row = s->rows[s->count];
        VGG_TRY(make_step(b, row));
        if (vgg_measure_is_warm_up(warm_ups++, row[0]))
            continue;
        s->count++;
        spent_ms += row[0];
        if (!stages)
            continue;
        row[0] = 0;
        for (int i = 0; i < vgg_head_stage_count(b->head); i++) {
            row[1 + i] = vgg_head_stage_at(b->head, i).ms;
            row[0] += row[1 + i];
        }
    }
cleanup:
    return status;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Column 0 becomes `column`, in order. */
static double median(samples *s, int column, double *least)
{
    for (size_t i = 0; i < s->count; i++)
        s->rows[i][0] = s->rows[i][column];
    qsort(s->rows, s->count, sizeof *s->rows, ascending);
    *least = s->rows[0][0];
    return s->rows[s->count / 2][0];
}

static clvgg_status time_stages(batch *b, double min_ms, samples *s, vgg_head_measurement *out)
{
    clvgg_status status = CLVGG_STATUS_OK, restored = CLVGG_STATUS_OK;
    double least = 0;
    VGG_TRY(vgg_head_set_profile(b->head, true));
    VGG_TRY(repeat(b, min_ms, true, s));
    out->kernel_ms = median(s, 0, &least);
    out->stage_count = vgg_head_stage_count(b->head);
    for (int i = 0; i < out->stage_count; i++) {
        out->stages[i] = vgg_head_stage_at(b->head, i);
        out->stages[i].ms = median(s, 1 + i, &least);
    }
cleanup:
    restored = vgg_head_set_profile(b->head, false);
    return status != CLVGG_STATUS_OK ? status : restored;
}

clvgg_status vgg_head_time_steps(vgg_head *head, int count, const float *features,
                                 const int32_t *labels, const vgg_head_step *step, double min_ms,
                                 bool stages, vgg_head_measurement *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    batch b = {head, count, features, labels, *step, NULL};
    samples s = {0};
    *out = (vgg_head_measurement){0};
    VGG_NEW(b.losses, (size_t)count);
    VGG_NEW(s.rows, MOST);
    VGG_TRY(repeat(&b, min_ms, false, &s));
    out->repetitions = (int)s.count;
    out->median_ms = median(&s, 0, &out->min_ms);
    if (stages)
        VGG_TRY(time_stages(&b, min_ms, &s, out));
cleanup:
    vgg_free(b.losses);
    vgg_free(s.rows);
    return status;
}
