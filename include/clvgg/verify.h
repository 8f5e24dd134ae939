/* clvgg/verify.h — whether a device's kernels give right values.
 *
 * Drivers miscompile. Every kernel variant that could compute a layer of a model is run on the
 * device and held against the layers' definition: values, bits over several runs, what lies around
 * its buffers, a NaN let through. Walks back through the model, searches for the strongest
 * activations and the gradients that its dense layers are trained by are checked likewise. What is
 * found is kept in the runtime's cache for that device, driver and kernel source; a variant that
 * was wrong isn't used there again, unless it is asked for by name. `verify` of
 * clvgg_runtime_options checks no more than what a network runs.
 */
#ifndef CLVGG_VERIFY_H
#define CLVGG_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/device.h"
#include "clvgg/execution.h"
#include "clvgg/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clvgg_verify_verdict {
    CLVGG_VERIFY_RIGHT = 0,
    CLVGG_VERIFY_WRONG = 1,
    CLVGG_VERIFY_UNBUILDABLE = 2, /* its kernels don't build, or can't be launched */
    CLVGG_VERIFY_REFUSED = 3      /* it can't compute this chain on this device: no fault */
} clvgg_verify_verdict;

/* One variant on one chain of layers. The strings are valid during the call that gets it. */
typedef struct clvgg_verify_event {
    size_t struct_size;
    size_t chain, chain_count; /* different ones */
    const char *layers;        /* "conv1_1+relu1_1": the first with this shape */
    const char *problem;       /* "conv2d 3x3 stride 1 pad 1 + relu of 3x224x224 to 64, f32" */
    const char *variant, *parameters; /* "TW=12 KB=2"; "" for the variant's defaults */
    clvgg_verify_verdict verdict;
    double error;       /* largest error of an element, as a part of what it may be */
    double error_l2;    /* relative, of the whole output */
    double error_bound; /* of that; 0: exact */
    const char *reason; /* what is wrong or refused, in words, or "" */
    double seconds;     /* since the beginning */
} clvgg_verify_event;

/* Called after each variant; must not call clvgg. Returns 0 to go on; anything else stops. */
typedef int (*clvgg_verify_progress_fn)(void *user, const clvgg_verify_event *event);

typedef struct clvgg_verify_options {
    size_t struct_size;
    int batch;                         /* images at once; default 1 */
    clvgg_execution execution;         /* of it `storage` alone */
    int full;                          /* 1: also small networks of odd shapes, every value of every
                                          tunable, and CLBlast's kernels on CPUs, which compile for long */
    double budget_seconds;             /* no variant is begun after it; 0 (default): no limit */
    clvgg_verify_progress_fn progress; /* or NULL */
    void *user;
} clvgg_verify_options;

CLVGG_API void clvgg_verify_options_defaults(clvgg_verify_options *options);

typedef struct clvgg_verify_summary {
    size_t struct_size;
    size_t chains;                    /* different ones */
    size_t right, wrong, unbuildable; /* variants on chains */
    size_t left;                      /* chains that weren't reached, or not with all variants; one
                                         for each network of visualising that the device
                                         has no memory for */
    int stopped;                      /* 1: by the caller */
    double seconds;
    size_t left_values; /* with `full`: chains whose tunables weren't tried, or not all */
} clvgg_verify_summary;

/* Checks the variants of a model's layers on a device: of all steps to its last layer, of what
 * visualising runs beside them, and of the gradients that its dense layers are trained by. Random
 * whole numbers stand for images and weights; of the model the shapes count, and how its weights
 * lie in their file. Blocks. Set summary->struct_size first; `options` may be NULL. A wrong variant
 * is no error. Errors: OUT_OF_MEMORY, OUT_OF_DEVICE_MEMORY, DEVICE_LOST, OPENCL. */
CLVGG_API clvgg_status clvgg_verify_model(clvgg_device *device, clvgg_model *model,
                                          const clvgg_verify_options *options,
                                          clvgg_verify_summary *summary);

/* A kernel that a device is known to compute wrong, or not to build. The strings are valid during
 * the call that gets it. */
typedef struct clvgg_distrusted {
    size_t struct_size;
    const char *variant, *problem;
    clvgg_verify_verdict verdict; /* WRONG or UNBUILDABLE */
    const char *reason;           /* in words */
} clvgg_distrusted;

typedef void (*clvgg_distrusted_fn)(void *user, const clvgg_distrusted *kernel);

/* Calls `visit` for what the runtime's cache knows of a device: with this driver, and with the
 * kernels of now. Never without a cache. Must not call clvgg. Errors: IO, OUT_OF_MEMORY,
 * UNSUPPORTED (built without SQLite). */
CLVGG_API clvgg_status clvgg_verify_list(clvgg_runtime *runtime, const clvgg_device_info *info,
                                         clvgg_distrusted_fn visit, void *user);

#ifdef __cplusplus
}
#endif
#endif
