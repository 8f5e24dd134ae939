/* report/bench_verdict.c — see bench_verdict.h. */
#include "report/bench_verdict.h"

#include <math.h>
#include <string.h>

#include "base/median.h"
#include "report/memory.h"

const char *const vgg_verdict_names[] = {"unknown", "same", "faster", "slower"};

/* Sides of too few runs are compared by parts of runs, at least so many of a side: with this many,
 * one of a thousand comparisons can still be told from noise. */
enum { LEAST_PARTS = 9 };
static const double slice_ms = 4; /* of Linux's scheduler, about */

/* The number of ways in which U is u, for all u up to m·n: coefficients of the Gaussian binomial of
 * m + n over m, the product of (1 − q^(n+i)) / (1 − q^i). All are whole, and below 2^53. */
static void count_ways(size_t m, size_t n, double ways[VGG_VERDICT_MOST * VGG_VERDICT_MOST + 1])
{
    const size_t most = m * n;
    for (size_t u = 0; u <= most; u++)
        ways[u] = u == 0;
    for (size_t i = 1; i <= m; i++) {
        for (size_t u = most; u >= n + i; u--)
            ways[u] -= ways[u - n - i];
        for (size_t u = i; u <= most; u++)
            ways[u] += ways[u - i];
    }
}

size_t vgg_verdict_rank(size_t m, size_t n, double error)
{
    double ways[VGG_VERDICT_MOST * VGG_VERDICT_MOST + 1], all = 0, outside = 0;
    size_t rank = 0;
    count_ways(m, n, ways);
    for (size_t u = 0; u <= m * n; u++)
        all += ways[u];
    while (rank < m * n / 2 && 2 * (outside + ways[rank]) <= error * all)
        outside += ways[rank++];
    return rank;
}

double vgg_verdict_value(double *samples, size_t count)
{
    vgg_median(samples, count);
    return samples[(count - 1) / 20];
}

/* ---- values of a side ---- */

typedef struct values {
    double items[VGG_VERDICT_MOST];
    size_t count;
    double spread; /* the greatest ratio of a run's median to its value */
} values;

/* Appends what value `index` of `count` is of: a run, or some, or a part of one. */
static size_t gather(const vgg_verdict_side *side, size_t index, size_t count, double *samples)
{
    if (count > side->count) {
        const size_t parts = count / side->count, part = index % parts;
        const vgg_bench_samples *run = side->runs[index / parts];
        const size_t begin = part * run->count / parts, end = (part + 1) * run->count / parts;
        memcpy(samples, run->ms + begin, (end - begin) * sizeof *samples);
        return end - begin;
    }
    size_t gathered = 0;
    for (size_t i = index * side->count / count; i < (index + 1) * side->count / count; i++) {
        memcpy(samples + gathered, side->runs[i]->ms, side->runs[i]->count * sizeof *samples);
        gathered += side->runs[i]->count;
    }
    return gathered;
}

static clvgg_status find_values(const vgg_verdict_side *side, size_t count, values *out)
{
    double *samples = NULL;
    size_t total = 0;
    for (size_t i = 0; i < side->count; i++)
        total += side->runs[i]->count;
    VGG_MEMORY_NEW_PASS(samples, total, "samples of a side");
    *out = (values){.count = count};
    for (size_t i = 0; i < count; i++) {
        const size_t gathered = gather(side, i, count, samples);
        out->items[i] = vgg_verdict_value(samples, gathered);
        out->spread = fmax(out->spread, samples[gathered / 2] / out->items[i]);
    }
    vgg_memory_free(samples);
    return CLVGG_STATUS_OK;
}

/* A value a run, or LEAST_PARTS or more parts. 0 where a run has too few samples for that. */
static size_t count_values(const vgg_verdict_side *side, bool in_parts)
{
    if (side->count == 0)
        return 0;
    const size_t parts = in_parts ? (LEAST_PARTS + side->count - 1) / side->count : 1;
    for (size_t i = 0; i < side->count; i++)
        if (side->runs[i]->count < parts)
            return 0;
    return side->count * parts < VGG_VERDICT_MOST ? side->count * parts : VGG_VERDICT_MOST;
}

clvgg_status vgg_verdict_time(const vgg_verdict_side *side, double *ms)
{
    values runs;
    const size_t count = count_values(side, false);
    *ms = NAN;
    if (count == 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(find_values(side, count, &runs));
    *ms = vgg_median(runs.items, count);
    return CLVGG_STATUS_OK;
}

/* ---- the verdict ---- */

static double least_of(const values *v)
{
    double least = INFINITY;
    for (size_t i = 0; i < v->count; i++)
        least = fmin(least, v->items[i]);
    return least;
}

static double most_of(const values *v)
{
    double most = 0;
    for (size_t i = 0; i < v->count; i++)
        most = fmax(most, v->items[i]);
    return most;
}

static vgg_verdict interval_of(const values *first, const values *second, size_t rank)
{
    double ratios[VGG_VERDICT_MOST * VGG_VERDICT_MOST];
    const size_t count = first->count * second->count;
    for (size_t i = 0; i < count; i++)
        ratios[i] = second->items[i / first->count] / first->items[i % first->count];
    vgg_median(ratios, count);
    return (vgg_verdict){.ratio = sqrt(ratios[(count - 1) / 2] * ratios[count / 2]),
                         .low = ratios[rank - 1],
                         .high = ratios[count - rank]};
}

/* Fills the values of both sides; `enough` says whether there are some, none of them 0. */
static clvgg_status compare_by(const vgg_verdict_side *const sides[2], bool in_parts,
                               values found[2], bool *enough)
{
    *enough = false;
    for (int i = 0; i < 2; i++) {
        const size_t count = count_values(sides[i], in_parts);
        if (count == 0)
            return CLVGG_STATUS_OK;
        VGG_PASS(find_values(sides[i], count, &found[i]));
    }
    *enough = least_of(&found[0]) > 0 && least_of(&found[1]) > 0;
    return CLVGG_STATUS_OK;
}

static void decide(vgg_verdict *verdict, double least)
{
    verdict->kind = verdict->low > 1 && verdict->ratio >= 1 + least          ? VGG_VERDICT_SLOWER
                    : verdict->high < 1 && verdict->ratio <= 1 / (1 + least) ? VGG_VERDICT_FASTER
                                                                             : VGG_VERDICT_SAME;
}

/* What a difference between parts of runs has to exceed. What waits for a processor waits for a
 * time slice of others at least, however short it is itself. */
static double least_of_parts(const vgg_verdict_side *const sides[2], const values runs[2])
{
    double least = VGG_VERDICT_LEAST_OF_PARTS;
    for (int i = 0; i < 2; i++)
        least = fmax(least, fmax(runs[i].spread - 1,
                                 sides[i]->busy * fmax(1, slice_ms / least_of(&runs[i]))));
    return least;
}

clvgg_status vgg_verdict_of(const vgg_verdict_side *first, const vgg_verdict_side *second,
                            double error, vgg_verdict *out)
{
    const vgg_verdict_side *const sides[] = {first, second};
    values runs[2], parts[2];
    bool enough = false;
    *out = (vgg_verdict){.ratio = NAN, .low = NAN, .high = NAN};
    VGG_PASS(compare_by(sides, false, runs, &enough));
    size_t rank = enough ? vgg_verdict_rank(runs[0].count, runs[1].count, error) : 0;
    if (rank > 0) {
        *out = interval_of(&runs[0], &runs[1], rank);
        decide(out, VGG_VERDICT_LEAST);
        return CLVGG_STATUS_OK;
    }
    if (enough)
        VGG_PASS(compare_by(sides, true, parts, &enough));
    rank = enough ? vgg_verdict_rank(parts[0].count, parts[1].count, error) : 0;
    if (rank > 0) {
        *out = interval_of(&parts[0], &parts[1], rank);
        decide(out, least_of_parts(sides, runs));
        if (most_of(&runs[0]) >= least_of(&runs[1]) && most_of(&runs[1]) >= least_of(&runs[0]))
            out->kind = VGG_VERDICT_SAME; /* runs of one side differ by as much */
    }
    return CLVGG_STATUS_OK;
}
