/* tune/trial.h — running candidates for one chain of layers: checked first, then timed.
 *
 * All candidates get the same values, small integers whose sums are exact in float32, and must give
 * what the layers' definition gave on the device: equal, or within the variant's bound. A candidate that reads or writes another layout than its neighbours pays for the
 * conversions, and one that can't take the pooling along for a pooling of its own.
 */
#ifndef VGG_TUNE_TRIAL_H
#define VGG_TUNE_TRIAL_H

#include "exec/chain.h"

/* The state shared by all candidates of a problem. */
typedef struct vgg_trial_bench {
    clvgg_device *device;
    cl_command_queue queue;
    vgg_traits traits;
    vgg_problem problem; /* without pooling */
    const vgg_node *pool;
    int input_block, output_block; /* of the neighbours */
    uint64_t input_elements, output_elements;
    cl_mem input;             /* [max_batch] */
    int distinct;             /* images: 1 or 2, taking turns in the batch */
    float *expected;          /* [distinct], in output_block */
    float *read;              /* [1] */
    double definition_ms;     /* an image */
    bool (*stop)(void *user); /* asked between launches; NULL: never */
    void *user;
} vgg_trial_bench;

/* Makes the values and has the definition compute them. `like` is what the plan would run: its
 * layouts are the neighbours'. Errors: OUT_OF_DEVICE_MEMORY, BUILD_FAILED, OPENCL, … */
clvgg_status vgg_trial_bench_open(clvgg_device *device, const vgg_op *like, const vgg_node *pool,
                                  vgg_trial_bench *bench);
void vgg_trial_bench_close(vgg_trial_bench *bench);

/* A candidate that takes longer than this is timed fewer times than others: once at least. */
#define VGG_TRIAL_PATIENCE_MS 2e3

typedef enum vgg_verdict {
    VGG_VERDICT_TIMED,
    VGG_VERDICT_DROPPED, /* early: more than twice the best */
    VGG_VERDICT_WRONG,
    VGG_VERDICT_REFUSED, /* by configure, the compiler or the device's memory: in words */
    VGG_VERDICT_TOO_LONG /* would hold a GPU for more than half a second */
} vgg_verdict;

/* What a candidate is timed against. */
typedef struct vgg_trial_race {
    double best_ms;           /* 0: nothing to beat */
    bool (*stop)(void *user); /* asked between runs; NULL: never */
    void *user;
} vgg_trial_race;

/* Times `run` several times: *ms is the median, or at the first run that takes more than twice the
 * best what showed it. The verdict is TIMED or DROPPED. */
clvgg_status vgg_trial_sample(clvgg_status (*run)(void *user, double *ms), void *user,
                              const vgg_trial_race *race, vgg_verdict *verdict, double *ms);

/* Configures, builds, uploads a candidate: conversions and a pooling with it, as needed. A refusal
 * is UNSUPPORTED, BUILD_FAILED or OUT_OF_DEVICE_MEMORY. The caller releases the chain, on failure
 * too. */
clvgg_status vgg_trial_prepare(const vgg_trial_bench *bench, const vgg_variant *variant,
                               const vgg_choice *choice, vgg_chain *trial);
/* Runs it on few images, checks all, then times: *ms is the median, or what showed that it is more
 * than twice `best_ms` (0: nothing to beat). */
clvgg_status vgg_trial_judge(const vgg_trial_bench *bench, vgg_chain *trial, double best_ms,
                             vgg_verdict *verdict, double *ms);

#endif
