/* exec/chain.h — ops made ready to run by themselves: a chain of stages on one device, each an op
 * with its packed weights, its buffers and its workspace.
 *
 *     vgg_chain chain = {.device = device};
 *     vgg_stage *stage = NULL;
 *     VGG_TRY(vgg_chain_add(&chain, &stage));
 *     VGG_TRY(vgg_op_configure(&stage->op, variant, &problem, &traits));
 *     stage->io.input = input;                           // in layout stage->op.input_block
 *     VGG_TRY(vgg_chain_prepare(&chain));                // kernels, and what buffers are missing
 *     VGG_TRY(vgg_stage_pack(stage, device, queue, &weights, NULL));
 *     VGG_TRY(vgg_chain_run(&chain, queue, count, &ms)); // the result is in stage->io.output
 *     vgg_chain_release(&chain);
 *
 * A plan, a tuner's trial, a head that learns and the kernel tests all run their ops so. What a
 * caller puts into a stage's io (a part of a plan's arena, a guarded buffer of a test, weights that
 * plans share) is used and stays the caller's; what is missing is made and belongs to the chain.
 */
#ifndef VGG_EXEC_CHAIN_H
#define VGG_EXEC_CHAIN_H

#include "grad/dense_grad.h"
#include "ocl/clock.h"
#include "ops/op.h"

typedef struct vgg_stage {
    char name[96];    /* of its layers, for messages; "": the caller's messages say enough */
    bool is_gradient; /* the stage is `gradient` with its io; else `op` with its io */
    union {
        struct {
            vgg_op op;
            vgg_op_io io; /* of the batch's first image */
        };
        struct {
            vgg_grad_op gradient;
            vgg_grad_io gradient_io;
        };
    };
    vgg_packed_weights weights, bias; /* those that vgg_stage_pack() made for this stage */
    cl_mem output;                    /* the one that vgg_chain_allocate() made for this stage */
    /* Stages [band_first, band_end), a band, take a batch band_images at a time: each of them runs
     * some images before the first takes the next. vgg_chain_add() makes a stage a band of its own,
     * which takes all images at once. A buffer between two stages of a band has room for
     * band_images alone: input_stays and output_stays say that it doesn't move on with the batch.
     */
    int band_first, band_end, band_images;
    bool input_stays, output_stays;
    double ms; /* of the latest pass that vgg_chain_read_times() looked at */
} vgg_stage;

/* A chain begins as {.device = …}; the device must outlive it. */
typedef struct vgg_chain {
    clvgg_device *device;
    vgg_stage **stages; /* each keeps its address */
    int count, capacity;
    cl_mem workspace, clblast_workspace; /* the chain's own, one for all stages */
    vgg_stamp *ended;                    /* of a timed pass's pieces in order, while it runs */
    int ended_count;
} vgg_chain;

/* Adds a stage, for the caller to configure. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_chain_add(vgg_chain *chain, vgg_stage **out);
/* Frees what the chain has made, kernels included, and its stages. */
void vgg_chain_release(vgg_chain *chain);

/* Float32 elements of the largest workspace that a stage needs, and of CLBlast's own. */
uint64_t vgg_chain_workspace_elements(const vgg_chain *chain);
uint64_t vgg_chain_clblast_elements(const vgg_chain *chain);

/* Appends the stages' kernels to a list of kernels that are to be built together. */
void vgg_chain_list_kernels(const vgg_chain *chain, vgg_kernel_list *list);
/* Makes the buffers that stages need and their io lacks: an input is what the stage before writes,
 * an output has room for max_batch images, a workspace is shared by all stages that have none.
 * A gradient's io lacks workspaces at most. Errors: OUT_OF_DEVICE_MEMORY. */
clvgg_status vgg_chain_allocate(vgg_chain *chain);
/* Makes kernels, then buffers: a chain by itself needs nothing else but weights. */
clvgg_status vgg_chain_prepare(vgg_chain *chain);

/* Packs a stage's weights, which lie as its problem says, and its bias (NULL: zeros) into buffers
 * of the chain's own, and waits. Does nothing where the op has none. Errors: those of vgg_upload().
 */
clvgg_status vgg_stage_pack(vgg_stage *stage, clvgg_device *device, cl_command_queue queue,
                            const vgg_tensor_input *weights, const vgg_tensor_input *bias);
/* Has a stage read weights and a bias that stay the caller's, such as a plan's. */
void vgg_stage_share(vgg_stage *stage, const vgg_packed_weights *weights,
                     const vgg_packed_weights *bias);
/* Fills the outputs that the chain has made with one value. */
clvgg_status vgg_chain_fill(const vgg_chain *chain, cl_command_queue queue, float value);

/* Enqueues one stage for the batch's first `count` images. A failure's message names the stage and
 * its variant. */
clvgg_status vgg_stage_enqueue(const vgg_stage *stage, vgg_launch *launch, int count);
/* Enqueues all stages, band by band, without waiting for anything. `timed`: remembers when each
 * piece ends, for vgg_chain_read_times(); the launch must be chained then. */
clvgg_status vgg_chain_enqueue(vgg_chain *chain, vgg_launch *launch, int count, bool timed);
/* Sets each stage's `ms` once a timed pass of `count` images has ended on an in-order queue. A
 * piece's time runs from the end of the one before it, the first one's from `begun`, so that
 * launches inside a library, which has no events to give, are counted. */
clvgg_status vgg_chain_read_times(vgg_chain *chain, int count, const vgg_stamp *begun);
/* Forgets when a timed pass's pieces ended; does nothing after others. */
void vgg_chain_forget_times(vgg_chain *chain);
/* Runs all stages and waits; *ms is what that took by the host's clock. */
clvgg_status vgg_chain_run(vgg_chain *chain, cl_command_queue queue, int count, double *ms);

#endif
