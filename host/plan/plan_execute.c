/* plan/plan_execute.c — passes: the wait for the one before, inputs, the chain, outputs. No
 * synchronisation with the host inside a pass.
 */
#include <assert.h>

#include "ocl/program.h"
#include "plan/plan.h"

static clvgg_status check_runs(const vgg_plan *plan)
{
    VGG_CHECK(!plan->plan_only, CLVGG_STATUS_INVALID_ARGUMENT,
              "a session made with plan_only can't run");
    VGG_CHECK(!plan->lost, CLVGG_STATUS_DEVICE_LOST, "the device was lost in an earlier call");
    return CLVGG_STATUS_OK;
}

/* A device that is gone poisons the plan. */
static clvgg_status note_loss(vgg_plan *plan, clvgg_status status)
{
    if (status == CLVGG_STATUS_DEVICE_LOST)
        plan->lost = true;
    return status;
}

/* Has the steps that read the plan's input read it there. */
static void bind_input(vgg_plan *plan, vgg_buffer input)
{
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].input == 0)
            plan->steps[i].stage->io.input = input;
}

static void replace_last_event(vgg_plan *plan, cl_event event)
{
    VGG_RELEASE(Event, plan->last_event);
    plan->last_event = event;
}

/* Forgets the latest pass once it has ended. A pass that failed (its wait list did, say) must go
 * too: whatever waits for it would fail as well. */
static clvgg_status drop_ended_pass(vgg_plan *plan)
{
    cl_int state = CL_COMPLETE;
    if (plan->last_event == NULL)
        return CLVGG_STATUS_OK;
    VGG_CL_PASS(clGetEventInfo(plan->last_event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state,
                               &state, NULL));
    if (state <= CL_COMPLETE)
        replace_last_event(plan, NULL);
    return CLVGG_STATUS_OK;
}

/* Makes later passes wait for this one. They may be on other queues, hence the flush. */
static clvgg_status remember_pass(vgg_plan *plan, vgg_launch *launch)
{
    cl_event done = NULL;
    VGG_PASS(vgg_launch_end(launch, &done));
    replace_last_event(plan, done);
    VGG_CL_PASS(clFlush(launch->queue));
    return CLVGG_STATUS_OK;
}

/* Makes later passes wait for the commands that a failed pass had enqueued, since these use the
 * arena. The failure has its message already. */
static void remember_failed_pass(vgg_plan *plan, vgg_launch *launch)
{
    cl_event done = launch->last;
    launch->last = NULL;
    if (!launch->chained &&
        clEnqueueMarkerWithWaitList(launch->queue, 0, NULL, &done) != CL_SUCCESS) {
        clFinish(launch->queue); /* nothing left to wait for later */
        done = NULL;
    }
    if (done != NULL)
        replace_last_event(plan, done);
    clFlush(launch->queue);
}

/* Once is enough: a plan's programs are built when it is made. */
static void note_run(vgg_plan *plan)
{
    if (!plan->has_run)
        vgg_program_cache_note_run(plan->device);
    plan->has_run = true;
}

static bool any_full_batch_reader_of_input(const vgg_plan *plan)
{
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].input == 0 && plan->steps[i].stage->op.reads_full_batch)
            return true;
    return false;
}

/* Enqueues a pass: the wait for the one before, the input's copy where it is needed, the steps, the
 * outputs. */
static clvgg_status enqueue_pass(vgg_plan *plan, vgg_launch *launch, const vgg_plan_pass *pass)
{
    const vgg_buffer *outputs = pass->outputs;
    const uint64_t count = (uint64_t)pass->count;
    vgg_buffer input = pass->input;
    if (plan->last_event != NULL) /* behind the pass before, which uses the same arena */
        VGG_PASS(vgg_launch_also_wait(launch, plan->last_event));
    if (any_full_batch_reader_of_input(plan)) {
        const vgg_buffer copy = vgg_plan_tensor_buffer(plan, 0);
        VGG_PASS(vgg_launch_copy(launch, input.memory, input.offset, copy.memory, copy.offset,
                                 count * vgg_plan_input_elements(plan)));
        input = copy;
    }
    bind_input(plan, input);
    VGG_PASS(vgg_chain_enqueue(&plan->chain, launch, pass->count, false));
    for (int i = 0; i < plan->output_count; i++) {
        const int tensor = plan->outputs[i]; /* 0: the input itself, by another name */
        const vgg_buffer from = tensor == 0 ? input : vgg_plan_tensor_buffer(plan, tensor);
        if (outputs[i].memory != NULL)
            VGG_PASS(vgg_launch_copy(launch, from.memory, from.offset, outputs[i].memory,
                                     outputs[i].offset, count * vgg_plan_output_elements(plan, i)));
    }
    return CLVGG_STATUS_OK;
}

/* A caller's buffer may be gone before the next pass. */
static void forget_input(vgg_plan *plan, cl_mem memory)
{
    for (int i = 0; i < plan->step_count; i++)
        if (plan->steps[i].input == 0)
            vgg_op_forget(&plan->steps[i].stage->op, memory);
}

clvgg_status vgg_plan_enqueue(vgg_plan *plan, cl_command_queue queue, const vgg_plan_pass *pass,
                              cl_event *event)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_launch launch = {0};
    cl_command_queue_properties properties = 0;
    VGG_TRY(check_runs(plan));
    assert(plan->input_count == 1);
    VGG_CL(clGetCommandQueueInfo(queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL));
    VGG_TRY(drop_ended_pass(plan));
    launch = vgg_launch_begin(queue, (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) != 0,
                              pass->wait_count, pass->wait_list);
    status = enqueue_pass(plan, &launch, pass);
    forget_input(plan, pass->input.memory);
    if (status == CLVGG_STATUS_OK)
        status = remember_pass(plan, &launch);
    if (status != CLVGG_STATUS_OK) {
        remember_failed_pass(plan, &launch);
        goto cleanup;
    }
    note_run(plan);
    if (event != NULL) {
        VGG_CL(clRetainEvent(plan->last_event));
        *event = plan->last_event;
    }
cleanup:
    vgg_launch_abandon(&launch);
    return note_loss(plan, status);
}

/* The event's command and all it waited for ended well; allocation on use fails only here. */
static clvgg_status check_event(cl_event event)
{
    cl_int result = CL_COMPLETE;
    VGG_CL_PASS(
        clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof result, &result, NULL));
    return result < 0 ? vgg_cl_check(result, "running the network(") : CLVGG_STATUS_OK;
}

clvgg_status vgg_plan_run(vgg_plan *plan, int count, const float *input, float *const *outputs)
{
    assert(plan->input_count == 1);
    return vgg_plan_run_inputs(plan, count, &input, outputs);
}

/* Writes every input, behind the pass before; *written is the last one's event. */
static clvgg_status write_inputs(vgg_plan *plan, int count, const float *const *inputs,
                                 cl_event *written)
{
    for (int i = 0; i < plan->input_count; i++) {
        const int tensor = plan->inputs[i];
        const vgg_buffer to = vgg_plan_tensor_buffer(plan, tensor);
        const uint64_t elements =
            plan->tensors[tensor].elements / (uint64_t)plan->max_batch * (uint64_t)count;
        VGG_CL_PASS(clEnqueueWriteBuffer(
            plan->queue, to.memory, CL_FALSE, (size_t)to.offset * sizeof(float),
            (size_t)elements * sizeof(float), inputs[i], plan->last_event != NULL ? 1 : 0,
            plan->last_event != NULL ? &plan->last_event : NULL,
            i + 1 == plan->input_count ? written : NULL));
    }
    return CLVGG_STATUS_OK;
}

/* Enqueues reading every output that is wanted. */
static clvgg_status read_outputs(vgg_plan *plan, int count, float *const *outputs)
{
    for (int i = 0; i < plan->output_count; i++) {
        const vgg_buffer from = vgg_plan_tensor_buffer(plan, plan->outputs[i]);
        if (outputs[i] != NULL)
            VGG_CL_PASS(clEnqueueReadBuffer(
                plan->queue, from.memory, CL_FALSE, (size_t)from.offset * sizeof(float),
                (size_t)count * (size_t)vgg_plan_output_elements(plan, i) * sizeof(float),
                outputs[i], 0, NULL, NULL));
    }
    return CLVGG_STATUS_OK;
}

/* Whatever was enqueued has ended behind this: it may use the caller's memory. */
static clvgg_status finish(vgg_plan *plan, clvgg_status status)
{
    const cl_int ended = clFinish(plan->queue);
    if (status == CLVGG_STATUS_OK)
        status = vgg_cl_check(ended, "clFinish(");
    return note_loss(plan, status);
}

clvgg_status vgg_plan_upload(vgg_plan *plan, int count, const float *input)
{
    cl_event written = NULL;
    VGG_PASS(check_runs(plan));
    const clvgg_status status = write_inputs(plan, count, &input, &written);
    VGG_RELEASE(Event, written);
    return finish(plan, status);
}

clvgg_status vgg_plan_download(vgg_plan *plan, int count, float *const *outputs)
{
    VGG_PASS(check_runs(plan));
    return finish(plan, read_outputs(plan, count, outputs));
}

clvgg_status vgg_plan_run_inputs(vgg_plan *plan, int count, const float *const *inputs,
                                 float *const *outputs)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_launch launch = {0};
    cl_event written = NULL, done = NULL;
    vgg_stamp start = {0};
    VGG_TRY(check_runs(plan));
    VGG_TRY(drop_ended_pass(plan));
    VGG_TRY(write_inputs(plan, count, inputs, &written));
    launch = vgg_launch_begin(plan->queue, plan->profile, 0, NULL);
    if (plan->profile) {
        VGG_TRY(vgg_stamp_take(plan->device, written, &start));
        VGG_CL(clRetainEvent(written));
        vgg_launch_adopt(&launch, written);
    }
    bind_input(plan, vgg_plan_tensor_buffer(plan, 0));
    VGG_TRY(vgg_chain_enqueue(&plan->chain, &launch, count, plan->profile));
    VGG_TRY(vgg_launch_end(&launch, &done));
    VGG_TRY(read_outputs(plan, count, outputs));
    VGG_CL(clFinish(plan->queue));
    VGG_TRY(check_event(done));
    note_run(plan);
    if (plan->profile)
        VGG_TRY(vgg_chain_read_times(&plan->chain, count, &start));
cleanup:
    /* After a failure commands may still read the caller's memory. */
    if (status != CLVGG_STATUS_OK)
        clFinish(plan->queue);
    VGG_RELEASE(Event, written);
    VGG_RELEASE(Event, done);
    vgg_stamp_release(&start);
    vgg_chain_forget_times(&plan->chain);
    vgg_launch_abandon(&launch);
    return note_loss(plan, status);
}
