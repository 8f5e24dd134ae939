/* plan/plan.h — how a graph is computed on a device: steps, memory, execution.
 *
 * Made in five passes, a file each: plan_select.c (chains of layers → steps; plan_choose.c:
 * variants), plan_bands.c (steps that take a batch some images at a time), plan_memory.c (lifetimes
 * → one arena), plan.c (kernels and weights), and at run time plan_execute.c. The steps' ops are
 * the stages of a chain (exec/chain.h), which is what runs.
 */
#ifndef VGG_PLAN_PLAN_H
#define VGG_PLAN_PLAN_H

#include "clvgg/session.h"
#include "exec/chain.h"
#include "graph/graph.h"
#include "plan/weight_store.h"
#include "verify/trust.h"

typedef struct vgg_plan_options {
    int max_batch;
    const int *outputs; /* nodes whose values are wanted, plain layout */
    int output_count;
    clvgg_execution execution;
    bool ignore_own_tuning; /* no results from the cache: shipped ones and rules alone */
    bool profile;
    bool ignore_trust; /* what is known to be wrong on the device is chosen all the same */
    bool plan_only;    /* choose and lay out; allocate, build and upload nothing */
} vgg_plan_options;

/* A value in memory while steps [first_step, last_step] run; the plan's input is tensor 0. */
typedef struct vgg_plan_tensor {
    int node; /* whose value; −1 for a workspace */
    int block;
    uint64_t elements; /* float32, for max_batch images, or a band's */
    bool in_band;      /* handed on between two steps of a band */
    int first_step, last_step;
    int chunk;       /* of the arena */
    uint64_t offset; /* elements into the chunk */
} vgg_plan_tensor;

typedef struct vgg_plan_step {
    vgg_stage *stage;                         /* of the plan's chain; its name lists the layers */
    int first_node, last_node;                /* the chain; equal for a conversion */
    int input, output, workspace;             /* tensors; −1: none */
    int second, switches;                     /* likewise: a second input, a pooling's argmax */
    const vgg_packed_weights *weights, *bias; /* of the device's store */
    bool tuned;                               /* variant and values come from a tuning result */
    bool forced;                              /* the variant was asked for by name */
    const vgg_node *poolable; /* the pooling that a variant could have taken along, or NULL */
} vgg_plan_step;

typedef struct vgg_plan {
    clvgg_device *device; /* retained */
    const vgg_graph *graph;
    vgg_traits traits;
    int max_batch;
    bool profile;
    clvgg_storage storage; /* of weights */
    vgg_chain chain;       /* has a stage a step */
    vgg_plan_step *steps;
    int step_count, step_capacity;
    vgg_plan_tensor *tensors;
    int tensor_count, tensor_capacity;
    int *inputs; /* tensors, of the graph's input nodes in order; the first is tensor 0 */
    int input_count;
    int *outputs;               /* tensors */
    clvgg_shape *output_shapes; /* of one image */
    int output_count;
    cl_mem *chunks;
    uint64_t *chunk_elements;
    int chunk_count;
    cl_command_queue queue; /* the plan's own, in order */
    cl_event last_event;    /* of the latest enqueued pass */
    bool plan_only;         /* nothing is on the device: it can't run */
    bool lost;              /* the device is gone */
    bool has_run;           /* its programs are known to have run */
    uint64_t arena_bytes, arena_bound_bytes, unshared_bytes, weight_bytes;
    double plan_ms, compile_ms, weights_ms;
    uint64_t fingerprint;
} vgg_plan;

/* Makes a plan ready to run. The graph must outlive it; the source is used in this call only. */
clvgg_status vgg_plan_create(clvgg_device *device, const vgg_graph *graph,
                             const vgg_parameter_source *source, const vgg_plan_options *options,
                             vgg_plan **out);
void vgg_plan_free(vgg_plan *plan);

/* Switches the timing of steps on or off for later passes of vgg_plan_run(). */
clvgg_status vgg_plan_set_profile(vgg_plan *plan, bool profile);

/* Passes of vgg_plan_create(). */
clvgg_status vgg_plan_select(vgg_plan *plan, const vgg_parameter_source *source,
                             const vgg_plan_options *options);
void vgg_plan_find_bands(vgg_plan *plan);
clvgg_status vgg_plan_lay_out(vgg_plan *plan, const vgg_plan_options *options);
clvgg_status vgg_plan_allocate(vgg_plan *plan);

/* Zeros in the arena where steps read rows that no run has written. */
clvgg_status vgg_plan_clear(vgg_plan *plan);
/* Probes what isn't known of this device, and keeps what it finds (verify/trust.h): *distrusted is
 * the number of steps that turned out wrong and weren't asked for by name, for which a plan made
 * anew has another variant. Errors: those of vgg_probe_run(). */
clvgg_status vgg_plan_verify(vgg_plan *plan, const vgg_parameter_source *source, int *distrusted);
/* Finds the steps whose kernels don't build, after a plan failed to be made for that; likewise. */
clvgg_status vgg_plan_find_unbuildable(vgg_plan *plan, int *distrusted);

/* Bytes of a step's weights on the device, without its bias. */
uint64_t vgg_plan_step_weight_bytes(const vgg_plan_step *step);
/* Elements of one image of output i, and of the (first) input. */
uint64_t vgg_plan_output_elements(const vgg_plan *plan, int output);
uint64_t vgg_plan_input_elements(const vgg_plan *plan);

/* The part of the arena that a tensor has; NULL memory for tensor −1. */
vgg_buffer vgg_plan_tensor_buffer(const vgg_plan *plan, int tensor);

/* A pass of `count` images on the caller's buffers. */
typedef struct vgg_plan_pass {
    int count;
    vgg_buffer input;
    const vgg_buffer *outputs; /* [output_count]; NULL memory: not written */
    cl_uint wait_count;        /* what it waits for */
    const cl_event *wait_list;
} vgg_plan_pass;

/* Does the work of clvgg_session_enqueue(). The graph must have one input. */
clvgg_status vgg_plan_enqueue(vgg_plan *plan, cl_command_queue queue, const vgg_plan_pass *pass,
                              cl_event *event);
/* Does the work of clvgg_session_run(): host memory, blocking. */
clvgg_status vgg_plan_run(vgg_plan *plan, int count, const float *input, float *const *outputs);
/* The parts of it by which values come to the device and go back, alone: `input` for `count` images
 * into the plan's memory, outputs as the latest pass left them. Blocking. */
clvgg_status vgg_plan_upload(vgg_plan *plan, int count, const float *input);
clvgg_status vgg_plan_download(vgg_plan *plan, int count, float *const *outputs);
/* Runs the plan with a value for each of its inputs. */
clvgg_status vgg_plan_run_inputs(vgg_plan *plan, int count, const float *const *inputs,
                                 float *const *outputs);

#endif
