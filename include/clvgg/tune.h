/* clvgg/tune.h — finding the fastest kernels for a model on a device, and keeping what was found.
 *
 * For each chain of layers (a convolution or dense layer with its ReLU and pooling), shape and
 * batch, candidates are run on the device: their results are checked first, then they are timed.
 * What wins is kept in the runtime's cache (clvgg/cache.h) and taken by every session made later on
 * the same device and driver, as long as the kernels that it runs haven't changed. Nobody has to
 * tune: untuned devices run on results that are shipped, and on rules.
 */
#ifndef CLVGG_TUNE_H
#define CLVGG_TUNE_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/device.h"
#include "clvgg/execution.h"
#include "clvgg/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clvgg_tune_verdict {
    CLVGG_TUNE_TIMED = 0,
    CLVGG_TUNE_DROPPED = 1, /* more than twice the best: not timed further */
    CLVGG_TUNE_WRONG = 2,   /* its result was wrong: never used */
    CLVGG_TUNE_REFUSED = 3, /* the device can't do it, or a GPU would be held for too long */
    CLVGG_TUNE_FOUND = 4,   /* a chain is done: variant and parameters are what sessions will use */
    CLVGG_TUNE_KNOWN = 5,   /* a chain was tuned before */
    CLVGG_TUNE_FAILED = 6   /* a chain can't be tuned: see reason */
} clvgg_tune_verdict;

/* One event of a search: about one candidate, or (FOUND, KNOWN, FAILED) about a whole chain. */
typedef struct clvgg_tune_event {
    size_t struct_size;
    size_t chain, chain_count; /* of this run; what is known already counts too */
    const char *layers;        /* "conv1_2+relu1_2+pool1": the first with this shape; or
                                  "CLBlast's GEMM", in the place of the first chain */
    int batch;
    clvgg_tune_verdict verdict;
    const char *variant, *parameters; /* "TW=12 KB=2"; "" for a variant's defaults */
    double ms;                        /* of the candidate, or of what was found, for the batch */
    double default_ms;                /* of what runs untuned; 0 while a chain is in work */
    int candidates;                   /* judged so far for this chain */
    int wrong;                        /* of them */
    const char *reason;               /* in words, or "" */
    double seconds;                   /* since tuning began */
} clvgg_tune_event;

/* Called after each candidate and each chain; the strings are valid during the call, which must not
 * call clvgg. Returns 0 to go on; anything else stops: the chain in work is left out. Also asked,
 * with event NULL, while candidates run. */
typedef int (*clvgg_tune_progress_fn)(void *user, const clvgg_tune_event *event);

typedef struct clvgg_tune_options {
    size_t struct_size;
    double budget_seconds; /* about how long it may take; default 60 */
    const int *batches;    /* default {1} */
    size_t batch_count;
    clvgg_execution execution; /* of it `storage` alone: tuning tries kernels of every kind */
    uint64_t seed;             /* of the order in which candidates are tried; default 1 */
    int redo;                  /* 1: chains that were tuned before too */
    int clblast; /* 1: CLBlast's own GEMM parameters first, in a quarter of the budget. They hold
                    for everybody who uses CLBlast on that device in a process */
    clvgg_tune_progress_fn progress; /* or NULL */
    void *user;
} clvgg_tune_options;

CLVGG_API void clvgg_tune_options_defaults(clvgg_tune_options *options);

typedef struct clvgg_tune_summary {
    size_t struct_size;
    size_t chains; /* different ones, over all batches */
    size_t known;  /* tuned before, and left so */
    size_t tuned;  /* by this call */
    size_t faster; /* of them: something else than the default */
    size_t failed; /* couldn't be tuned */
    size_t left;   /* for another call: the budget ended, or the caller stopped it */
    size_t candidates, wrong;
    int stopped; /* 1: by the caller */
    double seconds;
} clvgg_tune_summary;

/* Tunes a model's chains for a device; each result is kept at once, so a process that is killed
 * loses the chain in work at most, and another call goes on where this one ended. Blocks. Uses
 * random values, the model's shapes alone. Set summary->struct_size first; `options` may be NULL.
 * Errors: INVALID_ARGUMENT (also a runtime without a cache), OUT_OF_MEMORY, DEVICE_LOST, OPENCL. */
CLVGG_API clvgg_status clvgg_tune_model(clvgg_device *device, clvgg_model *model,
                                        const clvgg_tune_options *options,
                                        clvgg_tune_summary *summary);

/* Writes all results of the runtime's cache to a JSON file, whole or not at all. *count (may be
 * NULL) says how many. Errors: IO, UNSUPPORTED (built without SQLite or cJSON). */
CLVGG_API clvgg_status clvgg_tune_export(clvgg_runtime *runtime, const char *path, size_t *count);
/* Takes the results of such a file into the runtime's cache. A result belongs to the kernels that
 * it was measured with: where this clvgg has others, it is left, and the rest taken. *kept and
 * *left (either may be NULL) count them. The file may come from anybody: only variants and values
 * that this clvgg could have tried pass, and of a file with anything else nothing is taken. Results
 * serve the devices and drivers that they name. Errors: NOT_FOUND, IO, BAD_FILE (which entry and
 * why), UNSUPPORTED (all results are of other kernels), INVALID_ARGUMENT (no cache). */
CLVGG_API clvgg_status clvgg_tune_import(clvgg_runtime *runtime, const char *path, size_t *kept,
                                         size_t *left);

#ifdef __cplusplus
}
#endif
#endif
