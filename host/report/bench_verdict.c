/* report/bench_verdict.c — see bench_verdict.h. */
#include "report/bench_verdict.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/median.h"
#include "report/memory.h"

const char *const vgg_verdict_names[] = {"unknown", "same", "faster", "slower"};

/* Sides of too few runs are compared by parts of runs, from so many of a side on: of 9 and 9 one in
 * 24310 orders shows a difference, enough for 243 comparisons that share 1 %; of more, more parts.
 */
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

/* The number of orders of m values and n: (m + n)! / (m! n!). Whole at every step. */
static double count_orders(size_t m, size_t n)
{
    double orders = 1;
    for (size_t i = 1; i <= m; i++)
        orders = orders * (double)(n + i) / (double)i;
    return orders;
}

size_t vgg_verdict_rank(size_t m, size_t n, double error)
{
    const double all = count_orders(m, n);
    double ways[VGG_VERDICT_MOST * VGG_VERDICT_MOST + 1], outside = 0;
    size_t rank = 0;
    count_ways(m, n, ways);
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

/* What a value of a side is of: so many runs' samples from `begin` on, and of a part of one run
 * those up to `end`. */
typedef struct portion {
    const vgg_bench_samples *const *runs;
    size_t run_count, begin, end;
} portion;

/* What value `index` of `count` is of: a run, or some, or a part of one. */
static portion portion_of(const vgg_verdict_side *side, size_t index, size_t count)
{
    if (count > side->count) {
        const size_t parts = count / side->count, part = index % parts;
        const vgg_bench_samples *const *run = &side->runs[index / parts];
        return (portion){run, 1, part * run[0]->count / parts, (part + 1) * run[0]->count / parts};
    }
    const size_t first = index * side->count / count;
    portion all = {&side->runs[first], (index + 1) * side->count / count - first, 0, 0};
    for (size_t i = 0; i < all.run_count; i++)
        all.end += all.runs[i]->count;
    return all;
}

static size_t least_samples(const vgg_verdict_side *side, size_t count)
{
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const portion of = portion_of(side, i, count);
        least = of.end - of.begin < least ? of.end - of.begin : least;
    }
    return least;
}

/* Copies `count` of a portion's samples, as far apart from each other as they can be. */
static void gather(const portion *of, size_t count, double *samples)
{
    const size_t total = of->end - of->begin;
    for (size_t i = 0, run = 0, before = 0; i < count; i++) {
        const size_t at = of->begin + i * total / count;
        while (at - before >= of->runs[run]->count)
            before += of->runs[run++]->count;
        samples[i] = of->runs[run]->ms[at - before];
    }
}

/* `count` values of a side, each of so many samples. */
static clvgg_status find_values(const vgg_verdict_side *side, size_t count, size_t sample_count,
                                values *out)
{
    double *samples = NULL;
    VGG_MEMORY_NEW_PASS(samples, sample_count, "samples of a side");
    *out = (values){.count = count};
    for (size_t i = 0; i < count; i++) {
        const portion of = portion_of(side, i, count);
        gather(&of, sample_count, samples);
        out->items[i] = vgg_verdict_value(samples, sample_count);
        out->spread = fmax(out->spread, samples[sample_count / 2] / out->items[i]);
    }
    vgg_memory_free(samples);
    return CLVGG_STATUS_OK;
}

/* How many values a side has: of whole runs, and parts of them where `wanted` is more, as many as
 * that, or up to what there are samples for. 0 without samples. */
static size_t count_values(const vgg_verdict_side *side, size_t wanted)
{
    if (side->count == 0)
        return 0;
    size_t parts = (wanted + side->count - 1) / side->count;
    if (parts * side->count > VGG_VERDICT_MOST)
        parts = VGG_VERDICT_MOST / side->count;
    for (size_t i = 0; i < side->count; i++)
        parts = side->runs[i]->count < parts ? side->runs[i]->count : parts;
    for (size_t i = 0; i < side->count; i++)
        if (side->runs[i]->count == 0)
            return 0;
    if (parts <= 1)
        return side->count < VGG_VERDICT_MOST ? side->count : VGG_VERDICT_MOST;
    return side->count * parts;
}

clvgg_status vgg_verdict_time(const vgg_verdict_side *side, double *ms)
{
    const size_t count = count_values(side, 0);
    double times[VGG_VERDICT_MOST];
    *ms = NAN;
    for (size_t i = 0; i < count; i++) {
        values one;
        const portion of = portion_of(side, i, count);
        VGG_PASS(find_values(&(vgg_verdict_side){of.runs, of.run_count, 0}, 1, of.end, &one));
        times[i] = one.items[0];
    }
    if (count > 0)
        *ms = vgg_median(times, count);
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

/* Fills the values of both sides, each of as many samples as the others: a low quantile of few
 * samples lies higher than one of many. `enough` says whether there are some, none of them 0. */
static clvgg_status compare_by(const vgg_verdict_side *const sides[2], const size_t counts[2],
                               values found[2], bool *enough)
{
    *enough = false;
    if (counts[0] == 0 || counts[1] == 0)
        return CLVGG_STATUS_OK;
    const size_t least[] = {least_samples(sides[0], counts[0]), least_samples(sides[1], counts[1])};
    for (int i = 0; i < 2; i++)
        VGG_PASS(
            find_values(sides[i], counts[i], least[0] < least[1] ? least[0] : least[1], &found[i]));
    *enough = least_of(&found[0]) > 0 && least_of(&found[1]) > 0;
    return CLVGG_STATUS_OK;
}

/* The fewest parts, whose values then are of the most samples, that can show a difference with that
 * error; 0 where there are too few samples. */
static void count_parts(const vgg_verdict_side *const sides[2], double error, size_t counts[2])
{
    for (size_t wanted = LEAST_PARTS; wanted <= VGG_VERDICT_MOST; wanted++) {
        counts[0] = count_values(sides[0], wanted);
        counts[1] = count_values(sides[1], wanted);
        if (counts[0] < LEAST_PARTS || counts[1] < LEAST_PARTS)
            break;
        if (2 <= error * count_orders(counts[0], counts[1]))
            return;
    }
    counts[0] = counts[1] = 0;
}

static void decide(vgg_verdict *verdict, double least)
{
    verdict->least = least;
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
    size_t counts[] = {count_values(first, 0), count_values(second, 0)};
    values runs[2], parts[2];
    bool enough = false;
    *out = (vgg_verdict){.ratio = NAN, .low = NAN, .high = NAN, .least = NAN};
    VGG_PASS(compare_by(sides, counts, runs, &enough));
    size_t rank = enough ? vgg_verdict_rank(runs[0].count, runs[1].count, error) : 0;
    if (rank > 0) {
        *out = interval_of(&runs[0], &runs[1], rank);
        decide(out, VGG_VERDICT_LEAST);
        return CLVGG_STATUS_OK;
    }
    count_parts(sides, error, counts);
    if (enough)
        VGG_PASS(compare_by(sides, counts, parts, &enough));
    rank = enough ? vgg_verdict_rank(parts[0].count, parts[1].count, error) : 0;
    if (rank > 0) {
        *out = interval_of(&parts[0], &parts[1], rank);
        decide(out, least_of_parts(sides, runs));
        if (most_of(&runs[0]) >= least_of(&runs[1]) && most_of(&runs[1]) >= least_of(&runs[0]))
            out->kind = VGG_VERDICT_SAME; /* runs of one side differ by as much */
    }
    return CLVGG_STATUS_OK;
}
