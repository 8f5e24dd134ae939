/* verify/samples.c — see samples.h. */
#include "verify/samples.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/random.h"
#include "ops/op.h"

/* Wrong lanes of a vector are alike in all vectors of that size: it divides this number. */
enum { LANES = 64 };

typedef struct choice {
    uint64_t random;
    int64_t channels, height, width, taken; /* channels: all; taken: of them */
    int images;
} choice;

static int64_t draw(choice *c, int64_t below)
{
    return (int64_t)(vgg_random_draw(&c->random) % (uint64_t)below);
}

/* The first channels, the last ones, and a run in the middle: a run costs little where channels lie
 * side by side in a file, and every position in a vector is in it. */
static int64_t channel(const choice *c, int64_t i)
{
    const int64_t ends = LANES / 2, middle = c->taken - 2 * ends;
    if (c->taken == c->channels || i < ends)
        return i;
    if (i >= ends + middle)
        return c->channels - (c->taken - i);
    return i + (c->channels - c->taken) / 2;
}

/* Rows (or columns) of which each side of a tile may be wrong. */
static int64_t edge(choice *c, int64_t extent)
{
    const int64_t ends[] = {0, extent - 1, 1, extent - 2};
    const int64_t i = ends[draw(c, 4)];
    return i < 0 || i >= extent ? 0 : i;
}

/* In turn: a corner or nearly one, a row's edge, a column's edge, and anywhere. */
static void place(choice *c, int turn, vgg_sample *sample)
{
    sample->image = turn < c->images ? turn : (int)draw(c, c->images);
    sample->at[1] = turn % 4 < 2 ? edge(c, c->height) : draw(c, c->height);
    sample->at[2] = turn % 2 == 0 ? edge(c, c->width) : draw(c, c->width);
}

static int compare(const void *a, const void *b)
{
    const vgg_sample *x = a, *y = b;
    return (x->at[0] > y->at[0]) - (x->at[0] < y->at[0]);
}

clvgg_status vgg_samples_choose(const clvgg_shape *shape, int images, int64_t channels, int wanted,
                                uint64_t seed, vgg_samples *samples)
{
    const clvgg_shape image = vgg_shape_as_image(shape);
    choice c = {.random = seed,
                .channels = image.dims[0],
                .height = image.dims[1],
                .width = image.dims[2],
                .taken = channels < 2 * LANES ? 2 * LANES : channels,
                .images = images};
    *samples = (vgg_samples){0};
    c.taken = c.taken < c.channels ? c.taken : c.channels;
    const int64_t count = wanted > c.taken ? wanted : c.taken;
    VGG_NEW_PASS(samples->items, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        /* A channel's samples are of all kinds: turns don't go with channels. */
        samples->items[i].at[0] = channel(&c, i % c.taken);
        place(&c, (int)((i + i / c.taken) % 1024), &samples->items[i]);
    }
    samples->count = (int)count;
    qsort(samples->items, (size_t)count, sizeof *samples->items, compare);
    return CLVGG_STATUS_OK;
}

void vgg_samples_free(vgg_samples *samples)
{
    vgg_free(samples->items);
    *samples = (vgg_samples){0};
}
