/* plan/plan_memory.c — one arena for all activations and workspaces, by lifetimes.
 *
 * Tensors are placed largest first, each at the lowest offset where nothing that lives at the same
 * time lies. The arena is a list of chunks no larger than the device's largest allocation.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "ocl/memory.h"
#include "plan/plan.h"

static uint64_t aligned(const vgg_plan *plan, uint64_t elements)
{
    const uint64_t unit = plan->device->alignment_bytes / sizeof(float);
    return (elements + unit - 1) / unit * unit;
}

static bool live_together(const vgg_plan_tensor *a, const vgg_plan_tensor *b)
{
    return a->first_step <= b->last_step && b->first_step <= a->last_step;
}

/* Largest first; ties in the order of making, so that the layout repeats. */
static int compare_sizes(const void *a, const void *b)
{
    const vgg_plan_tensor *x = *(const vgg_plan_tensor *const *)a;
    const vgg_plan_tensor *y = *(const vgg_plan_tensor *const *)b;
    if (x->elements != y->elements)
        return x->elements < y->elements ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* Lowest offset in `chunk` where `tensor` meets none of the placed tensors that live with it. */
static uint64_t lowest_offset(const vgg_plan *plan, vgg_plan_tensor *const *placed, int count,
                              const vgg_plan_tensor *tensor, int chunk)
{
    uint64_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < count; i++) {
            const vgg_plan_tensor *other = placed[i];
            const uint64_t end = other->offset + aligned(plan, other->elements);
            if (other->chunk == chunk && live_together(tensor, other) && offset < end &&
                other->offset < offset + aligned(plan, tensor->elements)) {
                offset = end;
                moved = true;
            }
        }
    }
    return offset;
}

/* Places every tensor; chunk_elements grows to what each chunk needs. */
static clvgg_status place_tensors(vgg_plan *plan)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t limit = plan->device->info.max_allocation_bytes / sizeof(float);
    vgg_plan_tensor **order = NULL;
    VGG_NEW(order, (size_t)plan->tensor_count);
    VGG_NEW(plan->chunk_elements, (size_t)plan->tensor_count);
    for (int i = 0; i < plan->tensor_count; i++)
        order[i] = &plan->tensors[i];
    qsort(order, (size_t)plan->tensor_count, sizeof *order, compare_sizes);
    for (int i = 0; i < plan->tensor_count; i++) {
        vgg_plan_tensor *tensor = order[i];
        const uint64_t elements = aligned(plan, tensor->elements);
        VGG_REQUIRE(elements <= limit, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
                    "%s%s%s needs %.1f MiB in one piece for a batch of %d, the device's largest "
                    "allocation is %.1f MiB",
                    tensor->node >= 0 ? "layer '" : "a workspace",
                    tensor->node >= 0 ? plan->graph->nodes[tensor->node].name : "",
                    tensor->node >= 0 ? "'" : "", (double)elements * sizeof(float) / 1048576.0,
                    plan->max_batch, (double)limit * sizeof(float) / 1048576.0);
        for (tensor->chunk = 0;; tensor->chunk++) {
            tensor->offset = lowest_offset(plan, order, i, tensor, tensor->chunk);
            if (tensor->offset + elements <= limit)
                break;
        }
        if (tensor->chunk >= plan->chunk_count)
            plan->chunk_count = tensor->chunk + 1;
        if (tensor->offset + elements > plan->chunk_elements[tensor->chunk])
            plan->chunk_elements[tensor->chunk] = tensor->offset + elements;
    }
cleanup:
    vgg_free(order);
    return status;
}

/* Bytes that CLBlast's steps need, one after the other, beside the arena. */
static uint64_t clblast_bytes(const vgg_plan *plan)
{
    return vgg_chain_clblast_elements(&plan->chain) * sizeof(float);
}

/* Sets the arena's bytes, its bytes if no memory were shared, and the lower bound: the most that is
 * live at any step. */
static void measure(vgg_plan *plan)
{
    plan->arena_bytes = plan->unshared_bytes = clblast_bytes(plan);
    for (int i = 0; i < plan->chunk_count; i++)
        plan->arena_bytes += plan->chunk_elements[i] * sizeof(float);
    for (int i = 0; i < plan->tensor_count; i++)
        plan->unshared_bytes += aligned(plan, plan->tensors[i].elements) * sizeof(float);
    for (int step = 0; step <= plan->step_count; step++) {
        uint64_t live = 0;
        for (int i = 0; i < plan->tensor_count; i++)
            if (plan->tensors[i].first_step <= step && step <= plan->tensors[i].last_step)
                live += aligned(plan, plan->tensors[i].elements) * sizeof(float);
        if (live > plan->arena_bound_bytes)
            plan->arena_bound_bytes = live;
    }
    plan->arena_bound_bytes += clblast_bytes(plan);
}

clvgg_status vgg_plan_lay_out(vgg_plan *plan, const vgg_plan_options *options)
{
    VGG_PASS(place_tensors(plan));
    measure(plan);
    const uint64_t limit = options->execution.memory_limit_bytes;
    VGG_CHECK(limit == 0 || plan->arena_bytes <= limit, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
              "a batch of %d needs %.1f MiB of activations, the limit is %.1f MiB", plan->max_batch,
              (double)plan->arena_bytes / 1048576.0, (double)limit / 1048576.0);
    return CLVGG_STATUS_OK;
}

vgg_buffer vgg_plan_tensor_buffer(const vgg_plan *plan, int tensor)
{
    if (tensor < 0)
        return (vgg_buffer){0};
    const vgg_plan_tensor *t = &plan->tensors[tensor];
    return (vgg_buffer){plan->chunks[t->chunk], t->offset};
}

/* Tells the chain's stages where their values lie. */
static void bind_stages(vgg_plan *plan)
{
    for (int i = 0; i < plan->step_count; i++) {
        const vgg_plan_step *step = &plan->steps[i];
        step->stage->io = (vgg_op_io){
            .input = vgg_plan_tensor_buffer(plan, step->input),
            .second = vgg_plan_tensor_buffer(plan, step->second),
            .output = vgg_plan_tensor_buffer(plan, step->output),
            .switches = vgg_plan_tensor_buffer(plan, step->switches),
            .workspace = vgg_plan_tensor_buffer(plan, step->workspace),
        };
        step->stage->input_stays = plan->tensors[step->input].in_band;
        step->stage->output_stays = plan->tensors[step->output].in_band;
    }
}

clvgg_status vgg_plan_allocate(vgg_plan *plan)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_NEW(plan->chunks, (size_t)plan->chunk_count);
    for (int i = 0; i < plan->chunk_count; i++)
        VGG_TRY(vgg_device_memory_create(plan->device, plan->chunk_elements[i] * sizeof(float),
                                         &plan->chunks[i]));
    bind_stages(plan);
    VGG_TRY(vgg_chain_allocate(&plan->chain));
cleanup:
    if (status == CLVGG_STATUS_OUT_OF_DEVICE_MEMORY)
        vgg_message_prefix("a batch of %d needs %.1f MiB of activations", plan->max_batch,
                           (double)plan->arena_bytes / 1048576.0);
    return status;
}
