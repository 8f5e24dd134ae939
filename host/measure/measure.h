/* measure/measure.h — timing passes in the steady state: warm-up, enough repetitions, every time
 * kept. */
#ifndef VGG_MEASURE_MEASURE_H
#define VGG_MEASURE_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/statistics.h"
#include "clvgg/status.h"

enum { VGG_MEASURE_WARM_UPS = 2, VGG_MEASURE_LEAST = 9, VGG_MEASURE_MOST = 10000 };
#define VGG_MEASURE_PATIENCE_MS 60e3
#define VGG_MEASURE_PRECISION 0.01 /* half of the median's interval, of the median */
/* That of the interval which is looked at until it is narrow. Each look is one more chance to find
 * it so; were this 95 %, the interval of 95 % that is told in the end would hold the median in 92.
 */
#define VGG_MEASURE_CONFIDENCE 0.98

/* How long passes are repeated: `min_ms` in any case, `max_ms` where they stay imprecise. */
typedef struct vgg_measure_limits {
    double min_ms, max_ms;
} vgg_measure_limits;

/* Says whether another pass is to be timed: until VGG_MEASURE_LEAST are done, or fewer after a
 * minute, min_ms have gone by and the median is `precise`, or max_ms have. */
static inline bool vgg_measure_more(size_t done, double spent_ms, const vgg_measure_limits *limits,
                                    bool precise)
{
    if (done < VGG_MEASURE_LEAST)
        return done == 0 || spent_ms < VGG_MEASURE_PATIENCE_MS;
    return spent_ms < (precise ? limits->min_ms : limits->max_ms) && done < VGG_MEASURE_MOST;
}
/* Says whether the interval of the median of sorted values [count] is narrow enough. */
static inline bool vgg_measure_is_precise(const double *sorted, size_t count)
{
    const size_t rank = vgg_interval_rank(count, VGG_MEASURE_CONFIDENCE);
    return rank > 0 && (sorted[count - rank] - sorted[rank - 1]) / 2 <=
                           VGG_MEASURE_PRECISION * sorted[count / 2];
}
/* Says whether a pass that took `ms` is one more warm-up after `done` of them. A slow pass isn't:
 * it is timed, as another would cost too much. */
static inline bool vgg_measure_is_warm_up(int done, double ms)
{
    return done < VGG_MEASURE_WARM_UPS && ms < VGG_MEASURE_PATIENCE_MS / 10;
}

/* A pass that is repeated: `make` makes one, waits for it, and writes what the pass says of itself
 * into `columns`, such as the time of each of its steps. */
typedef struct vgg_measured_pass {
    clvgg_status (*make)(void *user, double *columns);
    void *user;
    size_t column_count;
    size_t judged; /* the column whose median is to be precise; 0: the pass by the host's clock */
    clvgg_status (*prepare)(void *user); /* comes before each pass and isn't timed; NULL: nothing */
    void *prepare_user;
} vgg_measured_pass;

/* Times of `count` passes: column 0 is a pass by the host's clock, then come the pass's own. */
typedef struct vgg_timings {
    double *values; /* [columns][count], in the order of the passes */
    size_t count, columns;
} vgg_timings;

void vgg_timings_free(vgg_timings *timings);
/* [count]; NULL where there is no such column. */
const double *vgg_timings_column(const vgg_timings *timings, size_t column);
/* Errors: OUT_OF_MEMORY. */
clvgg_status vgg_timings_describe(const vgg_timings *timings, size_t column, vgg_statistics *out,
                                  double *drift);

/* Warms up, then repeats the pass as vgg_measure_more() says, what prepares it included, in place
 * of what `timings` held. Errors: those of the pass, OUT_OF_MEMORY. */
clvgg_status vgg_measure(const vgg_measured_pass *pass, const vgg_measure_limits *limits,
                         vgg_timings *timings);

#endif
