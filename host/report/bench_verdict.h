/* report/bench_verdict.h — which of two sides is faster, by how much, and whether that is noise.
 *
 * A side is one or several runs of a benchmark, each with its samples in order of time. What is
 * compared is a value of each run: what a twentieth of its samples don't exceed. Other work on the
 * machine only ever adds time, so a low quantile is the program's, and the median the machine's. It
 * lies the higher the fewer samples there are, so of both sides as many of each run are taken.
 * All ratios of a value of one side to one of the other give the estimate, their median (Hodges &
 * Lehmann, 1963), and an interval, between ratios whose ranks follow from the distribution of Mann
 * & Whitney's U. Nothing is assumed of how times are distributed; only that runs were made in
 * turns, so that a load or a clock that changes meets both sides.
 */
#ifndef VGG_REPORT_BENCH_VERDICT_H
#define VGG_REPORT_BENCH_VERDICT_H

#include "report/bench_file.h"

/* Values of a side that are compared, at most: of more runs, neighbours are taken together. */
enum { VGG_VERDICT_MOST = 24 };
/* Differences below the first share are of no use to anybody, certain or not. Where there are too
 * few runs to show how much one run differs from the next, parts of runs are compared, and only
 * differences count that exceed the second, and what other work may have done to one run more than
 * to the other: that by which a run's median exceeds its value, and by which the machine was busy.
 */
#define VGG_VERDICT_LEAST 0.02
#define VGG_VERDICT_LEAST_OF_PARTS 0.05

typedef enum vgg_verdict_kind {
    VGG_VERDICT_UNKNOWN, /* too few samples to know the noise */
    VGG_VERDICT_SAME,    /* no difference beyond noise */
    VGG_VERDICT_FASTER,  /* the second side, beyond noise */
    VGG_VERDICT_SLOWER
} vgg_verdict_kind;

typedef struct vgg_verdict {
    vgg_verdict_kind kind;
    double ratio;     /* of the second side's time to the first's; NAN where it is unknown */
    double low, high; /* where it lies with the confidence asked for; NAN where unknown */
    double least;     /* the share below which a difference doesn't count; NAN where unknown */
} vgg_verdict;

/* "unknown", "same", "faster", "slower". */
extern const char *const vgg_verdict_names[];

typedef struct vgg_verdict_side {
    const vgg_bench_samples *const *runs;
    size_t count;
    double busy; /* share by which other work may have slowed down any of them; 0: not known to */
} vgg_verdict_side;

/* The ranks from each end, from 1 on, of the m·n ratios of m values to n that hold the ratio of
 * their distributions' locations with a probability of 1 − `error` at least; 0 where not even the
 * first and the last do. m and n are from 1 to VGG_VERDICT_MOST. */
size_t vgg_verdict_rank(size_t m, size_t n, double error);
/* The value of a run's samples [count]: what a twentieth of them don't exceed. Sorts them; one or
 * more.
 */
double vgg_verdict_value(double *samples, size_t count);
/* A side's time: the median of its runs' values, each of all its samples; NAN where one has none.
 * Errors: OUT_OF_MEMORY. */
clvgg_status vgg_verdict_time(const vgg_verdict_side *side, double *ms);
/* `error` is the probability of calling sides different that aren't; for one of many comparisons,
 * of which none is to be wrong, their share of it. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_verdict_of(const vgg_verdict_side *first, const vgg_verdict_side *second,
                            double error, vgg_verdict *out);

#endif
