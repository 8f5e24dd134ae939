/* exec/chain.c — makes a chain ready: stages, kernels, buffers, weights. */
#include "exec/chain.h"

#include <limits.h>

#include "base/alloc.h"
#include "ocl/memory.h"
#include "ops/upload.h"

clvgg_status vgg_chain_add(vgg_chain *chain, vgg_stage **out)
{
    VGG_GROW_PASS(chain->stages, chain->count, chain->capacity, 32);
    VGG_NEW_PASS(*out, 1);
    (*out)->band_first = chain->count;
    (*out)->band_end = chain->count + 1;
    (*out)->band_images = INT_MAX;
    chain->stages[chain->count++] = *out;
    return CLVGG_STATUS_OK;
}

void vgg_chain_release(vgg_chain *chain)
{
    vgg_chain_forget_times(chain);
    for (int i = 0; i < chain->count; i++) {
        vgg_stage *stage = chain->stages[i];
        if (stage->is_gradient)
            vgg_grad_release(&stage->gradient);
        else
            vgg_op_release(&stage->op);
        vgg_packed_weights_free(&stage->weights);
        vgg_packed_weights_free(&stage->bias);
        VGG_RELEASE(MemObject, stage->output);
        vgg_free(stage);
    }
    VGG_RELEASE(MemObject, chain->workspace);
    VGG_RELEASE(MemObject, chain->clblast_workspace);
    vgg_free(chain->stages);
    *chain = (vgg_chain){.device = chain->device};
}

/* ---- kernels ---- */

void vgg_chain_list_kernels(const vgg_chain *chain, vgg_kernel_list *list)
{
    for (int i = 0; i < chain->count; i++) {
        vgg_stage *stage = chain->stages[i];
        if (stage->is_gradient)
            vgg_grad_list_kernels(&stage->gradient, list);
        else
            vgg_op_list_kernels(&stage->op, list);
    }
}

clvgg_status vgg_chain_prepare(vgg_chain *chain)
{
    vgg_kernel_list list = {.device = chain->device};
    vgg_chain_list_kernels(chain, &list);
    VGG_PASS(vgg_kernel_list_make(&list, NULL));
    return vgg_chain_allocate(chain);
}

/* ---- buffers ---- */

static uint64_t workspace_elements(const vgg_stage *stage)
{
    return stage->is_gradient ? stage->gradient.workspace_elements : stage->op.workspace_elements;
}

static uint64_t clblast_elements(const vgg_stage *stage)
{
    return stage->is_gradient ? stage->gradient.clblast_elements : stage->op.clblast_elements;
}

/* The largest of what stages need. */
static uint64_t most_elements(const vgg_chain *chain, uint64_t (*elements)(const vgg_stage *))
{
    uint64_t most = 0;
    for (int i = 0; i < chain->count; i++)
        most = elements(chain->stages[i]) > most ? elements(chain->stages[i]) : most;
    return most;
}

uint64_t vgg_chain_workspace_elements(const vgg_chain *chain)
{
    return most_elements(chain, workspace_elements);
}

uint64_t vgg_chain_clblast_elements(const vgg_chain *chain)
{
    return most_elements(chain, clblast_elements);
}

static uint64_t output_elements(const vgg_stage *stage)
{
    return (uint64_t)stage->op.problem.max_batch *
           vgg_layout_elements(&stage->op.problem.result, stage->op.output_block);
}

/* A buffer in *own, unless it is there. */
static clvgg_status need_buffer(const vgg_chain *chain, uint64_t elements, cl_mem *own)
{
    const uint64_t bytes = elements * sizeof(float);
    if (*own != NULL)
        return CLVGG_STATUS_OK;
    VGG_CHECK(bytes <= chain->device->info.max_allocation_bytes, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
              "%llu bytes exceed the largest allocation", (unsigned long long)bytes);
    return vgg_device_memory_create(chain->device, bytes, own);
}

/* Gives a stage the chain's workspaces where it needs one and has none. CLBlast's is a buffer of
 * its own: a workspace may hold CLBlast's operands, and OpenCL doesn't allow a kernel a buffer and
 * a part of it at once. */
static clvgg_status lend_workspaces(vgg_chain *chain, vgg_stage *stage)
{
    vgg_buffer *workspace =
        stage->is_gradient ? &stage->gradient_io.workspace : &stage->io.workspace;
    cl_mem *clblast =
        stage->is_gradient ? &stage->gradient_io.clblast_workspace : &stage->io.clblast_workspace;
    if (workspace_elements(stage) > 0 && workspace->memory == NULL) {
        VGG_PASS(need_buffer(chain, vgg_chain_workspace_elements(chain), &chain->workspace));
        workspace->memory = chain->workspace;
    }
    if (clblast_elements(stage) > 0 && *clblast == NULL) {
        VGG_PASS(need_buffer(chain, vgg_chain_clblast_elements(chain), &chain->clblast_workspace));
        *clblast = chain->clblast_workspace;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_chain_allocate(vgg_chain *chain)
{
    for (int i = 0; i < chain->count; i++) {
        vgg_stage *stage = chain->stages[i];
        VGG_PASS(lend_workspaces(chain, stage));
        if (stage->is_gradient)
            continue;
        if (stage->io.input.memory == NULL && i > 0)
            stage->io.input = chain->stages[i - 1]->io.output;
        if (stage->io.output.memory == NULL) {
            VGG_PASS(need_buffer(chain, output_elements(stage), &stage->output));
            stage->io.output.memory = stage->output;
        }
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_chain_fill(const vgg_chain *chain, cl_command_queue queue, float value)
{
    for (int i = 0; i < chain->count; i++) {
        const vgg_stage *stage = chain->stages[i];
        if (stage->output != NULL)
            VGG_CL_PASS(clEnqueueFillBuffer(queue, stage->output, &value, sizeof value, 0,
                                            (size_t)output_elements(stage) * sizeof value, 0, NULL,
                                            NULL));
    }
    return CLVGG_STATUS_OK;
}

/* ---- weights ---- */

void vgg_stage_share(vgg_stage *stage, const vgg_packed_weights *weights,
                     const vgg_packed_weights *bias)
{
    stage->io.weights = weights;
    stage->io.bias = (vgg_buffer){bias->pieces[0].memory, 0};
}

clvgg_status vgg_stage_pack(vgg_stage *stage, clvgg_device *device, cl_command_queue queue,
                            const vgg_tensor_input *weights, const vgg_tensor_input *bias)
{
    const vgg_pack *pack = &stage->op.pack;
    if (pack->panel == 0)
        return CLVGG_STATUS_OK;
    VGG_PASS(vgg_packed_weights_create(device, queue, pack, weights,
                                       vgg_op_weight_inner(&stage->op), &stage->weights));
    VGG_PASS(vgg_packed_bias_create(device, pack->rows,
                                    vgg_ceil_div(pack->rows, pack->panel) * pack->panel, bias,
                                    &stage->bias));
    vgg_stage_share(stage, &stage->weights, &stage->bias);
    return CLVGG_STATUS_OK;
}
