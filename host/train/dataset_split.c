/* train/dataset_split.c — parts of a data set, and files that two have in common.
 *
 * Copies of one file are a group, which lies in one part as a whole, also where its classes differ.
 * Groups stand in line in an order that is drawn from the seed and their content alone: renaming
 * the folder or its files changes nothing, adding files little.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "train/dataset.h"

enum { FIRST, SECOND, UNDECIDED };

typedef struct ticket {
    uint64_t key; /* drawn from seed and digest */
    const uint8_t *digest;
    uint32_t image; /* of the files */
    uint32_t class_index;
    uint32_t group; /* ascends with (key, digest) */
} ticket;

static uint64_t draw(uint64_t seed, const uint8_t *digest)
{
    uint64_t content = 0;
    for (int i = 0; i < 8; i++)
        content = content << 8 | digest[i];
    return vgg_random_bits(vgg_random_bits(seed) ^ content);
}

static int compare_content(const void *a, const void *b)
{
    const ticket *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return memcmp(x->digest, y->digest, CLVGG_DATASET_DIGEST_BYTES);
}

static int compare_classes(const void *a, const void *b)
{
    const ticket *x = a, *y = b;
    if (x->class_index != y->class_index)
        return x->class_index < y->class_index ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

/* The first ticket behind those of the same class and group. */
static size_t group_end(const ticket *tickets, size_t index, size_t end)
{
    size_t next = index + 1;
    while (next < end && tickets[next].group == tickets[index].group)
        next++;
    return next;
}

/* Number of images of a class that the second part gets. */
static size_t wanted(size_t class_size, double fraction)
{
    const size_t rounded = (size_t)llround(fraction * (double)class_size);
    if (class_size < 2)
        return 0;
    return rounded < 1 ? 1 : rounded < class_size ? rounded : class_size - 1;
}

/* Decides tickets [begin, end), which are one class. A group of another class may be decided. */
static void decide_class(const ticket *tickets, size_t begin, size_t end, double fraction,
                         uint8_t *part_of)
{
    const size_t target = wanted(end - begin, fraction);
    size_t taken = 0, smallest = end, smallest_size = end - begin;
    for (size_t i = begin, next; i < end; i = next) {
        next = group_end(tickets, i, end);
        taken += part_of[tickets[i].group] == SECOND ? next - i : 0;
    }
    for (size_t i = begin, next; i < end; i = next) {
        next = group_end(tickets, i, end);
        if (part_of[tickets[i].group] != UNDECIDED)
            continue;
        const bool fits = taken + (next - i) <= target;
        part_of[tickets[i].group] = fits ? SECOND : FIRST;
        taken += fits ? next - i : 0;
        if (!fits && next - i < smallest_size) {
            smallest = i;
            smallest_size = next - i;
        }
    }
    /* If every group is larger than the target, the class's smallest group goes to the second part,
     * unless it is the only one. */
    if (taken == 0 && target > 0 && smallest < end)
        part_of[tickets[smallest].group] = SECOND;
}

static clvgg_status decide(const clvgg_dataset *dataset, ticket *tickets, double fraction,
                           uint8_t *choose)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t count = dataset->count;
    uint8_t *part_of = NULL; /* [groups] */
    uint32_t groups = 0;
    qsort(tickets, count, sizeof *tickets, compare_content);
    for (size_t i = 0; i < count; i++) {
        groups += i > 0 && compare_content(&tickets[i - 1], &tickets[i]) != 0;
        tickets[i].group = groups;
    }
    VGG_NEW(part_of, (size_t)groups + 1);
    memset(part_of, UNDECIDED, (size_t)groups + 1);
    qsort(tickets, count, sizeof *tickets, compare_classes);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin; end < count; end++)
            if (tickets[end].class_index != tickets[begin].class_index)
                break;
        decide_class(tickets, begin, end, fraction, part_of);
    }
    for (size_t i = 0; i < count; i++)
        choose[tickets[i].image] = part_of[tickets[i].group];
cleanup:
    vgg_free(part_of);
    return status;
}

clvgg_status vgg_dataset_split(const clvgg_dataset *dataset, double fraction, uint64_t seed,
                               clvgg_dataset **first, clvgg_dataset **second)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_dataset *parts[2] = {NULL, NULL};
    ticket *tickets = NULL;
    uint8_t *choose = NULL; /* [images of the files]: FIRST, SECOND; UNDECIDED: not of this one */
    *first = *second = NULL;
    VGG_REQUIRE(fraction > 0 && fraction < 1, CLVGG_STATUS_INVALID_ARGUMENT,
                "split: a fraction of %g must be above 0 and below 1", fraction);
    VGG_NEW(tickets, dataset->count);
    VGG_NEW(choose, dataset->files->image_count);
    memset(choose, UNDECIDED, dataset->files->image_count);
    for (size_t i = 0; i < dataset->count; i++) {
        const vgg_dataset_image *image = vgg_dataset_image_at(dataset, i);
        tickets[i] = (ticket){.key = draw(seed, image->digest),
                              .digest = image->digest,
                              .image = dataset->chosen[i],
                              .class_index = image->class_index};
    }
    VGG_TRY(decide(dataset, tickets, fraction, choose));
    VGG_TRY(vgg_dataset_choose(dataset->files, choose, FIRST, &parts[0]));
    VGG_TRY(vgg_dataset_choose(dataset->files, choose, SECOND, &parts[1]));
    *first = parts[0];
    *second = parts[1];
    parts[0] = parts[1] = NULL;
cleanup:
    vgg_dataset_free(parts[0]);
    vgg_dataset_free(parts[1]);
    vgg_free(tickets);
    vgg_free(choose);
    return status;
}

/* ---- what two data sets have in common ---- */

typedef struct holding {
    const uint8_t *digest;
    size_t index;
} holding;

static int compare_holdings(const void *a, const void *b)
{
    const holding *x = a, *y = b;
    int order = memcmp(x->digest, y->digest, CLVGG_DATASET_DIGEST_BYTES);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* The first of `count` sorted holdings whose digest isn't less. */
static size_t lower_bound(const holding *held, size_t count, const uint8_t *digest)
{
    size_t low = 0;
    while (count > 0) {
        const size_t half = count / 2;
        const bool less = memcmp(held[low + half].digest, digest, CLVGG_DATASET_DIGEST_BYTES) < 0;
        low += less ? half + 1 : 0;
        count = less ? count - half - 1 : half;
    }
    return low;
}

clvgg_status vgg_dataset_common(const clvgg_dataset *first, const clvgg_dataset *second,
                                size_t *count, size_t *first_index, size_t *second_index)
{
    clvgg_status status = CLVGG_STATUS_OK;
    holding *held = NULL;
    *count = 0;
    VGG_NEW(held, first->count);
    for (size_t i = 0; i < first->count; i++)
        held[i] = (holding){vgg_dataset_image_at(first, i)->digest, i};
    qsort(held, first->count, sizeof *held, compare_holdings);
    for (size_t i = 0; i < second->count; i++) {
        const uint8_t *digest = vgg_dataset_image_at(second, i)->digest;
        const size_t at = lower_bound(held, first->count, digest);
        if (at == first->count || memcmp(held[at].digest, digest, CLVGG_DATASET_DIGEST_BYTES) != 0)
            continue;
        if (*count == 0 && first_index != NULL)
            *first_index = held[at].index;
        if (*count == 0 && second_index != NULL)
            *second_index = i;
        (*count)++;
    }
cleanup:
    vgg_free(held);
    return status;
}
