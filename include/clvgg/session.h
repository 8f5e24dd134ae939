/* clvgg/session.h — a model made ready on a device: run it, see what it costs.
 *
 * A session belongs to one thread at a time. It has its own kernels and activation memory; weights
 * are shared by all sessions of a model on the same clvgg_device.
 */
#ifndef CLVGG_SESSION_H
#define CLVGG_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/device.h"
#include "clvgg/execution.h"
#include "clvgg/image.h"
#include "clvgg/model.h"
#include "clvgg/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_session clvgg_session;

typedef struct clvgg_session_options {
    size_t struct_size;
    int max_batch;              /* most images computed at once; default 1 */
    int shrink_to_fit;          /* 1: where the device's memory, or execution.memory_limit_bytes, is
                                   short, now or in a later run, max_batch is halved until the
                                   session fits, each time with a warning in the log; 0 (default):
                                   that is OUT_OF_DEVICE_MEMORY */
    const char *const *outputs; /* layer names, or "logits", "prob"; default {"logits"} */
    size_t output_count;
    clvgg_execution execution;
    int profile;   /* 1: time every step (serialises; slower) */
    int plan_only; /* 1: choose kernels and lay out memory only: a session that says
                      what it would cost, and can't run */
} clvgg_session_options;

CLVGG_API void clvgg_session_options_defaults(clvgg_session_options *options);

/* Plans the model for the device, builds every kernel and uploads the weights. `options` may be
 * NULL; what it points to is copied. Retains device and model. With plan_only nothing is built,
 * read or put on the device, but small programs that check the matrix unit or sub-groups where
 * those may be used. Errors: INVALID_ARGUMENT (unknown output or variant: lists what there is),
 * UNSUPPORTED (a model without logits or prob, where these are asked for; a weight that `storage`
 * can't hold, or no variant that reads it), OUT_OF_MEMORY, OUT_OF_DEVICE_MEMORY (says how much was
 * needed), BUILD_FAILED (with the log), NON_FINITE (the tensor), and those of reading the weights.
 */
CLVGG_API clvgg_status clvgg_session_create(clvgg_device *device, clvgg_model *model,
                                            const clvgg_session_options *options,
                                            clvgg_session **out);
CLVGG_API void clvgg_session_free(clvgg_session *session);

/* Runs `count` images, 1 or more, max_batch at a time: input is float32 NCHW [count][c][h][w];
 * outputs[i] receives float32 [count][shape of output i], in the order of the options. An output
 * may be NULL (not fetched). Blocks. NaN in gives NaN out. Same device, driver and options: same
 * bits, whatever the other images of the batch. Errors: INVALID_ARGUMENT, OUT_OF_DEVICE_MEMORY
 * (with shrink_to_fit: not even one image fits), OPENCL, DEVICE_LOST. */
CLVGG_API clvgg_status clvgg_session_run(clvgg_session *session, int count, const float *input,
                                         float *const *outputs);

/* Takes the result of one image: outputs[i] is float32 [shape of output i]; `outputs` is NULL for
 * an image that can't be read, where `item` says why. All are valid during the call. Anything but
 * OK ends the run, which returns it with the message that clvgg_status_message() has by then. */
typedef clvgg_status (*clvgg_session_result_fn)(void *user, const clvgg_stream_item *item,
                                                const float *const *outputs);

/* Runs all images that a stream delivers, decoded ahead of the device, and hands on their results
 * in the stream's order. The stream must prepare them for the session's input; its max_batch is how
 * many are run at a time, in batches of the session's max_batch; it stays the caller's. Blocks.
 * Errors: INVALID_ARGUMENT (another shape: says both), OUT_OF_MEMORY, those of clvgg_session_run(),
 * and what `result` returns. */
CLVGG_API clvgg_status clvgg_session_run_stream(clvgg_session *session, clvgg_image_stream *stream,
                                                clvgg_session_result_fn result, void *user);

/* Shape of the input of one image, {3, {c, h, w}}, and of output `index` of one image. Errors:
 * INVALID_ARGUMENT (no such output). */
CLVGG_API void clvgg_session_input_shape(const clvgg_session *session, clvgg_shape *shape);
CLVGG_API clvgg_status clvgg_session_output_shape(const clvgg_session *session, size_t index,
                                                  clvgg_shape *shape);

typedef struct clvgg_session_stats {
    size_t struct_size;
    clvgg_storage storage;      /* of weights */
    int max_batch;              /* as asked for, or what fits */
    uint64_t weight_bytes;      /* on the device, as the kernels read them */
    uint64_t arena_bytes;       /* activations and workspaces */
    uint64_t arena_bound_bytes; /* no plan with these steps can do with less */
    uint64_t unshared_bytes;    /* activations and workspaces if nothing shared memory */
    double plan_ms, compile_ms, weights_ms; /* what making the session cost */
    uint64_t image_count;  /* images run so far, without enqueued ones */
    double run_ms;         /* time that they took, by the host's clock */
    double stream_wait_ms; /* of clvgg_session_run_stream(), waiting for decoding */
    uint64_t fingerprint;  /* same fingerprint, same bits */
} clvgg_session_stats;

/* Fills the struct, struct_size too. Accepts a plan_only session. */
CLVGG_API void clvgg_session_get_stats(const clvgg_session *session, clvgg_session_stats *stats);

/* One kernel launch, or a chain of them, of the plan. */
typedef struct clvgg_step_info {
    size_t struct_size;
    char layers[96];     /* "conv1_2+relu1_2+pool1" */
    const char *variant; /* owned by the session */
    int tuned;      /* 1: chosen by a tuning result (clvgg/tune.h), of this device or shipped */
    uint64_t flops; /* of one image, counted as direct computation */
    uint64_t executed_flops; /* of one image, what the variant executes: fewer with Winograd's */
    uint64_t weight_bytes, workspace_bytes; /* on the device */
    double ms;                              /* of the last run, when profiled; else 0 */
    uint64_t value_bytes; /* of one image's inputs and outputs, each read or written once */
    char choice[128]; /* values that were chosen for the variant, "TW=12 KB=2"; "": its defaults */
    const char *type; /* of its first layer, "conv2d"; "" of a change of layout, of training */
    clvgg_storage weight_storage; /* float32 where the session's would lose too much */
    int winograd_tile; /* m: weights are transformed for F(m x m, 3x3), (m + 2)^2 values for 9; else
                          0 */
    uint64_t weight_count; /* values of weights in the model */
    uint64_t model_weight_bytes; /* of these in its file; as float32 where there is none */
    uint64_t bias_bytes, model_bias_bytes; /* likewise; on the device there always is a bias */
} clvgg_step_info;

/* Steps of the plan, in the order in which they run; set info->struct_size first. Errors:
 * INVALID_ARGUMENT (no such step). */
CLVGG_API size_t clvgg_session_step_count(const clvgg_session *session);
CLVGG_API clvgg_status clvgg_session_step(const clvgg_session *session, size_t index,
                                          clvgg_step_info *info);

/* The simplest use: one label for one file on the default device. Writes the most probable class
 * and its probability. Loads everything each time: for more than one image, make a session. Errors:
 * those of clvgg_model_load(), clvgg_device_open(), clvgg_image_read() and the session's. */
CLVGG_API clvgg_status clvgg_classify_file(clvgg_runtime *runtime, const char *model_path,
                                           const char *image_path, size_t *class_index,
                                           float *probability);

#ifdef __cplusplus
}
#endif
#endif
