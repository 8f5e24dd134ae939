/* train/epoch_order.c — the order of images in an epoch, and their views: arithmetic on (seed,
 * epoch), without memory and without state, so that a resumed run meets the same order.
 */
#include "base/random.h"
#include "train/features.h"

enum { RUN = 16, WINDOW = 4096 };

typedef struct generator {
    uint64_t start, counter;
} generator;

/* A generator for a seed and something else. */
static generator begin(uint64_t seed, uint64_t what)
{
    return (generator){vgg_random_bits(vgg_random_bits(seed + 1) ^ what), 0};
}

/* 0…bound − 1, each as likely (Lemire 2019: Fast Random Integer Generation in an Interval). */
static uint32_t draw(generator *source, uint32_t bound)
{
    for (;;) {
        const uint64_t product = (vgg_random_bits(source->start + source->counter++) >> 32) * bound;
        if ((uint32_t)product >= -bound % bound)
            return (uint32_t)(product >> 32);
    }
}

static void swap(uint32_t *a, uint32_t *b)
{
    const uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

/* Fisher and Yates. */
static void shuffle(generator *source, uint32_t *values, size_t count)
{
    for (size_t i = count; i > 1; i--)
        swap(&values[i - 1], &values[draw(source, (uint32_t)i)]);
}

static void shuffle_runs(generator *source, uint32_t *values, size_t runs)
{
    for (size_t i = runs; i > 1; i--) {
        const size_t other = draw(source, (uint32_t)i);
        for (size_t k = 0; k < RUN; k++)
            swap(&values[(i - 1) * RUN + k], &values[other * RUN + k]);
    }
}

static void reverse(uint32_t *values, size_t count)
{
    for (size_t i = 0; i < count / 2; i++)
        swap(&values[i], &values[count - 1 - i]);
}

/* Moves the first `by` behind the others. */
static void rotate(uint32_t *values, size_t count, size_t by)
{
    reverse(values, by);
    reverse(values + by, count - by);
    reverse(values, count);
}

void vgg_epoch_order(uint64_t seed, int epoch, size_t count, uint32_t *order)
{
    generator fixed = begin(seed, 0);
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    shuffle(&fixed, order, count);
    if (epoch < 0 || count == 0)
        return;
    generator of_epoch = begin(seed, (uint64_t)epoch + 1);
    shuffle_runs(&of_epoch, order, count / RUN);
    /* Images too few for a run stay at the end; the rotation moves them elsewhere. */
    rotate(order, count, draw(&of_epoch, (uint32_t)count));
    for (size_t first = 0; first < count; first += WINDOW)
        shuffle(&of_epoch, order + first, count - first < WINDOW ? count - first : WINDOW);
}

/* An image begins with a view of its own and takes the next in each epoch. */
uint32_t vgg_epoch_view(uint64_t seed, int epoch, uint32_t image, int views)
{
    generator of_image = begin(seed, (uint64_t)image << 32 | 0xFFFFFFFFu);
    return (uint32_t)(((uint64_t)draw(&of_image, (uint32_t)views) + (uint64_t)epoch) %
                      (uint64_t)views);
}
