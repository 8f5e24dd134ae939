/* train/head_parts.h — what a head is made of; head*.c share it. */
#ifndef VGG_TRAIN_HEAD_PARTS_H
#define VGG_TRAIN_HEAD_PARTS_H

#include "exec/chain.h"
#include "grad/train_steps.h"
#include "ocl/clock.h"
#include "train/head.h"

enum { VGG_HEAD_PART_COUNT = VGG_HEAD_MOMENT2 + 1 };

/* A weight, or a bias: the weight of one input that is always 1. */
typedef struct head_parameter {
    vgg_pack pack;
    vgg_packed_weights parts[VGG_HEAD_PART_COUNT]; /* as many as the optimiser has */
    vgg_stage *update;
} head_parameter;

/* Buffers of a layer, [max_batch][outputs]. One that would hold what another does isn't made. */
enum { HEAD_ACTIVATED, HEAD_DROPPED, HEAD_DELTA, HEAD_LAYER_BUFFERS };

typedef struct head_layer {
    vgg_head_layer shape;
    char name[64];
    vgg_node dense_node, activation_node;
    vgg_stage *dense;            /* with ReLU, if that is the activation */
    vgg_stage *activation;       /* of another activation; NULL: there is none */
    vgg_stage *data;             /* of all but the first */
    vgg_kernel *dropout;         /* NULL: none */
    vgg_kernel *activation_grad; /* of all but the last */
    head_parameter weight, bias;
    uint64_t bytes[HEAD_LAYER_BUFFERS];
    cl_mem buffers[HEAD_LAYER_BUFFERS];
} head_layer;

/* Buffers that layers share. */
enum {
    HEAD_FEATURES,  /* [max_batch][inputs of the first] */
    HEAD_LABELS,    /* [max_batch] int32 */
    HEAD_LOSSES,    /* [max_batch] */
    HEAD_HITS,      /* [max_batch] int32 */
    HEAD_HYPER,     /* [VGG_HYPER_COUNT] */
    HEAD_ONES,      /* [max_batch]: the input of a bias */
    HEAD_DATA_GRAD, /* a data gradient's slices */
    HEAD_NORMS,     /* [layers][max_batch][VGG_CLIP_SPLIT] pairs */
    HEAD_BUFFERS
};

/* Part of a step that a profiled one times. */
typedef enum head_stage_kind {
    HEAD_FORWARD,
    HEAD_LOSS,
    HEAD_DATA_GRADIENT,
    HEAD_CLIPPING,
    HEAD_UPDATE
} head_stage_kind;

typedef struct head_stage {
    head_stage_kind kind;
    int layer;
    vgg_stamp ended; /* while a step runs */
    double ms;
} head_stage;

struct vgg_head {
    clvgg_device *device; /* retained */
    cl_command_queue queue;
    vgg_traits traits;
    vgg_head_options options; /* but for its layers */
    vgg_update_rule rule;
    vgg_chain chain; /* forward ops, data gradients and updates; a step enqueues them one by one */
    head_layer layers[VGG_HEAD_MOST_LAYERS];
    uint64_t bytes[HEAD_BUFFERS];
    cl_mem buffers[HEAD_BUFFERS];
    vgg_kernel *loss;
    vgg_clip clip;                /* built by the first step that clips */
    float hyper[VGG_HYPER_COUNT]; /* of the step under way */
    bool has_run, profile;
    vgg_stamp written; /* of a profiled step's features */
    head_stage stages[VGG_HEAD_MOST_STAGES];
    int stage_count;
    uint64_t fingerprint;
};

static inline bool head_is_last(const vgg_head *head, int layer)
{
    return layer + 1 == head->options.layer_count;
}

static inline int head_part_count(const vgg_head *head)
{
    return vgg_rule_is_adam(head->rule) ? VGG_HEAD_PART_COUNT : VGG_HEAD_MOMENT1 + 1;
}

/* The buffer that a layer reads: the activations before it; in training, what dropout leaves of
 * them. */
static inline vgg_buffer head_input(const vgg_head *head, int layer, bool training)
{
    if (layer == 0)
        return (vgg_buffer){head->buffers[HEAD_FEATURES], 0};
    const head_layer *before = &head->layers[layer - 1];
    return (vgg_buffer){
        before->buffers[training && before->dropout != NULL ? HEAD_DROPPED : HEAD_ACTIVATED], 0};
}

static inline head_parameter *head_parameter_of(vgg_head *head, int layer, bool bias)
{
    return bias ? &head->layers[layer].bias : &head->layers[layer].weight;
}

/* Makes a head that has chosen its kernels and knows its sizes. */
clvgg_status vgg_head_plan(clvgg_device *device, const vgg_head_options *options, vgg_head **out);

/* Checks what isn't known yet of the kernels of a head that has nothing on the device, and keeps
 * what it finds (verify/trust.h): *distrusted of them turned out wrong, for which a head planned
 * anew has others. Errors: those of vgg_candidate_run(). */
clvgg_status vgg_head_verify(const vgg_head *head, int *distrusted);

/* Says that a stage has been enqueued: a profiled step remembers when it ends. */
clvgg_status vgg_head_note_stage(vgg_head *head, const vgg_launch *launch, head_stage_kind kind,
                                 int layer);
/* Computes the time of each stage, after the step has ended. Does nothing where it isn't profiled.
 */
clvgg_status vgg_head_time_stages(vgg_head *head);
void vgg_head_release_stages(vgg_head *head);

/* Puts values from `source` into one part of a parameter, padding zero. */
clvgg_status vgg_head_write_part(vgg_head *head, vgg_uploader *uploader, int layer, bool bias,
                                 vgg_head_part part, vgg_head_source source, void *user);

#endif
