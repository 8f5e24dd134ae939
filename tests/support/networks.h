/* support/networks.h — small networks that between them have every layer in every position, and
 * what tests need to run them. A new layer or a new way to chain layers is added to networks.c.
 */
#ifndef TEST_SUPPORT_NETWORKS_H
#define TEST_SUPPORT_NETWORKS_H

#include "clvgg/session.h"
#include "model/model.h"
#include "support/device.h"

typedef enum network_kind {
    NETWORK_VGG, /* 3×32×32: three convolutions with ReLU and pooling, two dense layers */
    NETWORK_ODD, /* 5×17×23: strides, dilation, groups, odd channels, every pooling, sigmoid */
    NETWORK_BRANCHES, /* 6×9×8: values with two readers, flatten and dropout in awkward places */
    NETWORK_ZF, /* 3×63×61, as Zeiler & Fergus': a 7×7 stride 2 and a 5×5 stride 2 convolution,
                   overlapping poolings rounded up, local response normalisation */
    NETWORK_NORMS, /* 3×19×18: batch normalisation before and behind layers, of images and features,
                      without weights too */
    NETWORK_INTEGERS, /* 3×10×12: its integers stay below 2²⁴ with network_integers as source */
    NETWORK_QUANTIZED, /* 3×10×12: likewise, in steps of 2⁻⁷, with quantised values before some of
                          its layers */
    NETWORK_COUNT
} network_kind;

extern const char *const network_names[NETWORK_COUNT];

/* Says whether a network's values are integers, or few steps of one size, so that any order of sums gives the same. */
bool network_is_integers(network_kind kind);
/* A model with weights from its kind; free with clvgg_model_free(). */
clvgg_model *network_make(clvgg_runtime *runtime, network_kind kind);
/* The source of its weights, and that source's user. */
clvgg_tensor_source network_source(network_kind kind);

/* Inputs of `count` images, [count][c][h][w], to be freed. Integers 0…2 where the network is. */
float *network_input(const clvgg_model *model, network_kind kind, int count);

/* A session that must come to be, with these outputs (NULL-terminated; NULL: "logits"). */
typedef struct session_request {
    const char *const *outputs;
    const char *variant; /* "LAYER=NAME" or NULL */
    clvgg_gemm gemm;
    int max_batch; /* 0: 1 */
    int shrink_to_fit;
    uint64_t memory_limit_bytes;
    int profile;
    int plan_only;
    clvgg_storage storage;
} session_request;
clvgg_status session_try(clvgg_device *device, clvgg_model *model, const session_request *request,
                         clvgg_session **out);
clvgg_session *session_make(clvgg_device *device, clvgg_model *model,
                            const session_request *request);

/* Elements of one image of output i, of the input. */
size_t session_output_elements(const clvgg_session *session, size_t i);
size_t session_input_elements(const clvgg_session *session);

/* Runs and returns output 0, [count][shape], to be freed. */
float *session_run_one(clvgg_session *session, int count, const float *input);

/* Fails the test unless the status is OK, with its message. */
void must(clvgg_status status);
/* ‖a − b‖ / ‖b‖. */
double relative_l2(const float *a, const float *b, size_t count);

#endif
