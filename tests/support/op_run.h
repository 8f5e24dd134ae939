/* support/op_run.h — runs one variant on one problem, outside any plan, and guards its memory.
 *
 * Inputs lie at an odd offset between NaNs, outputs between words that must survive: a kernel that
 * reads or writes out of bounds is seen.
 */
#ifndef TEST_SUPPORT_OP_RUN_H
#define TEST_SUPPORT_OP_RUN_H

#include "ops/op.h"
#include "support/device.h"

typedef struct op_case {
    const vgg_variant *variant;
    vgg_choice choice; /* zeros: the variant's defaults */
    vgg_problem problem;
    int count;            /* images, at most problem.max_batch */
    const float *x;       /* plain [count][input] */
    const void *second;   /* plain [count][problem.second], 32-bit values, or NULL */
    const float *weights; /* canonical, or NULL */
    const float *bias;    /* or NULL: zeros */
    clvgg_dtype dtype;    /* in which weights are handed over: they must be exact in it */
    vgg_traits traits;    /* of the device, or narrower ones to exercise splitting */
} op_case;

/* The device's traits, with the test's queue. CLVGG_TEST_VECTOR_WIDTH stands in for the width of
 * its vectors, so that kernels for CPUs run on devices that have none. */
vgg_traits test_traits(const test_device *device);

/* A variant's tuning space, one value off the defaults at a time: fills *choice with the `step`th
 * and returns false behind the last. Where tests are to be short, only the first and the last value
 * of each tunable. */
bool tuning_step(const vgg_variant *variant, int step, vgg_choice *choice);
/* "TW=4 KB=2" of what isn't left to the variant; valid until the next call. */
const char *choice_text(const vgg_variant *variant, const vgg_choice *choice);

/* Fills y, plain [count][result], and switches (may be NULL) likewise. UNSUPPORTED is the variant's
 * own "no"; any other failure fails the test, as does a touched guard. */
clvgg_status op_run(test_device *device, const op_case *c, float *y, int32_t *switches);

/* plain [n][c][pixels] ↔ [n][ceil(c/block)][pixels][block], 32-bit values; padding channels zero.
 */
void to_blocked(const void *plain, void *blocked, int64_t n, int64_t c, int64_t pixels, int block);
void from_blocked(const void *blocked, void *plain, int64_t n, int64_t c, int64_t pixels,
                  int block);

/* Repeatable small integers in [−range, range] as floats. */
void fill_integers(float *values, size_t count, int range, uint32_t seed);
/* Repeatable values, normal with the given deviation. */
void fill_normal(float *values, size_t count, double deviation, uint32_t seed);

#endif
