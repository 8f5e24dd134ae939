/* tune/trial.c — candidates for one chain of layers: values, the definition's result, checking,
 * timing.
 */
#include "tune/trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ops/upload.h"
#include "tensor/shape.h"

enum { SAMPLES = 5, MOST_SAMPLES = 15 };
static const double enough_ms = 40; /* of samples beyond SAMPLES */
static const double longest_gpu_ms = 500;
static const double slowest_gpu_gflops = 10; /* what is assumed before anything ran */

/* ---- values: the same everywhere, from their position alone ---- */

static uint32_t scramble(uint64_t i)
{
    uint64_t z = i * UINT64_C(0x9E3779B97F4A7C15) + UINT64_C(0x632BE59BD9B4E019);
    z = (z ^ (z >> 31)) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(z >> 40);
}

/* 0 … 3, as behind a ReLU. */
static float input_value(uint64_t i)
{
    return (float)(scramble(i) & 3);
}

/* −2 … 2: with inputs to 3, sums stay exact beyond a million products. */
static clvgg_status read_weights(void *user, uint64_t first, uint64_t count, void *data)
{
    float *values = data;
    (void)user;
    for (uint64_t i = 0; i < count; i++)
        values[i] = (float)((int)(scramble(first + i + (UINT64_C(1) << 40)) % 5) - 2);
    return CLVGG_STATUS_OK;
}

/* ---- stages ---- */

static clvgg_status new_buffer(const vgg_trial_bench *bench, uint64_t elements, cl_mem *memory)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_REQUIRE(elements * sizeof(float) <= bench->traits.max_allocation_bytes,
                CLVGG_STATUS_OUT_OF_DEVICE_MEMORY, "%llu bytes exceed the largest allocation",
                (unsigned long long)(elements * sizeof(float)));
    VGG_CL_NEW(*memory, clCreateBuffer(bench->device->context, CL_MEM_READ_WRITE,
                                       (size_t)elements * sizeof(float), NULL, &cl_error));
cleanup:
    return status;
}

/* The next stage, to be configured by the caller. */
static vgg_op *next_stage(vgg_trial *trial)
{
    return &trial->ops[trial->stage_count++];
}

static clvgg_status add_layout(vgg_trial *trial, const clvgg_shape *shape, int from, int to,
                               int max_batch)
{
    if (from == to)
        return CLVGG_STATUS_OK;
    return vgg_op_configure_layout(next_stage(trial), shape, from, to, max_batch);
}

static clvgg_status configure_stages(const vgg_trial_bench *bench, const vgg_variant *variant,
                                     const vgg_choice *choice, vgg_trial *trial, vgg_op **main)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_problem *problem = &bench->problem;
    vgg_op op;
    VGG_TRY(vgg_op_configure_chain(&op, variant, problem, bench->pool, &bench->traits, choice));
    VGG_TRY(
        add_layout(trial, &problem->input, bench->input_block, op.input_block, problem->max_batch));
    *main = next_stage(trial);
    **main = op;
    int block = op.output_block;
    if (bench->pool != NULL && op.problem.pool == NULL) {
        const vgg_problem pool = {.node = bench->pool,
                                  .input = problem->output,
                                  .output = bench->pool->output,
                                  .input_block = block,
                                  .result = bench->pool->output,
                                  .max_batch = problem->max_batch};
        vgg_op *stage = next_stage(trial);
        VGG_TRY(vgg_op_configure(stage, &vgg_variant_pool, &pool, &bench->traits));
        block = stage->output_block;
    }
    VGG_TRY(add_layout(trial, bench->pool != NULL ? &bench->pool->output : &problem->output, block,
                       bench->output_block, problem->max_batch));
cleanup:
    return status;
}

static clvgg_status upload(const vgg_trial_bench *bench, const vgg_op *op, vgg_trial *trial)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_tensor_input values = {NULL, CLVGG_DTYPE_F32, read_weights};
    VGG_TRY(vgg_packed_weights_create(bench->device, bench->queue, &op->pack, &values,
                                      &trial->weights));
    VGG_TRY(vgg_packed_bias_create(bench->device, op->pack.rows,
                                   vgg_ceil_div(op->pack.rows, op->pack.panel) * op->pack.panel,
                                   &values, &trial->bias));
cleanup:
    return status;
}

/* Each stage reads what the one before wrote. */
static clvgg_status connect_stages(const vgg_trial_bench *bench, vgg_op *main, vgg_trial *trial)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t batch = (uint64_t)bench->problem.max_batch;
    if (main->workspace_elements > 0)
        VGG_TRY(new_buffer(bench, main->workspace_elements, &trial->workspace));
    if (main->clblast_elements > 0)
        VGG_TRY(new_buffer(bench, main->clblast_elements, &trial->clblast_workspace));
    for (int i = 0; i < trial->stage_count; i++) {
        vgg_op *op = &trial->ops[i];
        VGG_TRY(new_buffer(bench,
                           batch * vgg_layout_elements(&op->problem.result, op->output_block),
                           &trial->outputs[i]));
        trial->io[i] = (vgg_op_io){
            .input = {i == 0 ? bench->input : trial->outputs[i - 1], 0},
            .output = {trial->outputs[i], 0},
        };
        if (op == main) {
            trial->io[i].workspace.memory = trial->workspace;
            trial->io[i].clblast_workspace = trial->clblast_workspace;
            trial->io[i].bias.memory = trial->bias.pieces[0].memory;
            trial->io[i].weights = &trial->weights;
        }
    }
cleanup:
    return status;
}

/* New memory may still hold what an earlier, right candidate left there: one that doesn't write all
 * of it must not pass. */
static clvgg_status spoil_outputs(const vgg_trial_bench *bench, const vgg_trial *trial)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const float nan = NAN;
    for (int i = 0; i < trial->stage_count; i++) {
        const vgg_op *op = &trial->ops[i];
        const size_t elements = (size_t)bench->problem.max_batch *
                                (size_t)vgg_layout_elements(&op->problem.result, op->output_block);
        VGG_CL(clEnqueueFillBuffer(bench->queue, trial->outputs[i], &nan, sizeof nan, 0,
                                   elements * sizeof nan, 0, NULL, NULL));
    }
cleanup:
    return status;
}

clvgg_status vgg_trial_prepare(const vgg_trial_bench *bench, const vgg_variant *variant,
                               const vgg_choice *choice, vgg_trial *trial)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_op *main = NULL;
    *trial = (vgg_trial){0};
    VGG_TRY(configure_stages(bench, variant, choice, trial, &main));
    for (int i = 0; i < trial->stage_count; i++)
        VGG_TRY(vgg_op_build(&trial->ops[i], bench->device));
    VGG_TRY(upload(bench, main, trial));
    VGG_TRY(connect_stages(bench, main, trial));
    VGG_TRY(spoil_outputs(bench, trial));
cleanup:
    return status;
}

static void release_memory(cl_mem memory)
{
    if (memory != NULL)
        clReleaseMemObject(memory);
}

void vgg_trial_release(vgg_trial *trial)
{
    for (int i = 0; i < trial->stage_count; i++) {
        vgg_op_release(&trial->ops[i]);
        release_memory(trial->outputs[i]);
    }
    release_memory(trial->workspace);
    release_memory(trial->clblast_workspace);
    vgg_packed_weights_free(&trial->weights);
    vgg_packed_weights_free(&trial->bias);
    *trial = (vgg_trial){0};
}

/* ---- running ---- */

clvgg_status vgg_trial_time(const vgg_trial_bench *bench, vgg_trial *trial, int count, double *ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_launch launch = vgg_launch_begin(bench->queue, false, 0, NULL);
    const double start = vgg_clock_ms();
    for (int i = 0; i < trial->stage_count; i++)
        VGG_TRY(vgg_op_enqueue(&trial->ops[i], &launch, &trial->io[i], count));
    VGG_CL(clFinish(bench->queue));
    *ms = vgg_clock_ms() - start;
cleanup:
    if (status != CLVGG_STATUS_OK)
        clFinish(bench->queue);
    vgg_launch_abandon(&launch);
    return status;
}

static clvgg_status read_image(const vgg_trial_bench *bench, const vgg_trial *trial, int image,
                               float *values)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t bytes = (size_t)bench->output_elements * sizeof(float);
    VGG_CL(clEnqueueReadBuffer(bench->queue, trial->outputs[trial->stage_count - 1], CL_TRUE,
                               (size_t)image * bytes, bytes, values, 0, NULL, NULL));
cleanup:
    return status;
}

/* Equal, or within `bound` of relative L2 where that is above 0; NaN is neither. */
static bool is_right(const float *values, const float *expected, uint64_t count, double bound)
{
    double difference = 0, size = 0;
    if (bound == 0) {
        for (uint64_t i = 0; i < count; i++)
            if (!(values[i] == expected[i]))
                return false;
        return true;
    }
    for (uint64_t i = 0; i < count; i++) {
        const double off = (double)values[i] - (double)expected[i];
        difference += off * off;
        size += (double)expected[i] * (double)expected[i];
    }
    return sqrt(difference) <= bound * sqrt(size);
}

static clvgg_status check(const vgg_trial_bench *bench, const vgg_trial *trial, int count,
                          bool *right)
{
    clvgg_status status = CLVGG_STATUS_OK;
    double bound = 0;
    for (int i = 0; i < trial->stage_count; i++)
        bound = fmax(bound, vgg_op_error_bound(&trial->ops[i]));
    *right = true;
    for (int i = 0; i < count && *right; i++) {
        VGG_TRY(read_image(bench, trial, i, bench->read));
        *right = is_right(
            bench->read, bench->expected + (uint64_t)(i % bench->distinct) * bench->output_elements,
            bench->output_elements, bound);
    }
cleanup:
    return status;
}

/* ---- the definition ---- */

static clvgg_status fill_input(vgg_trial_bench *bench)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *image = NULL;
    const clvgg_shape shape = vgg_shape_as_image(&bench->problem.input);
    const int64_t pixels = shape.dims[1] * shape.dims[2], block = bench->input_block;
    const size_t bytes = (size_t)bench->input_elements * sizeof(float);
    VGG_NEW(image, (size_t)bench->input_elements);
    for (int n = 0; n < bench->problem.max_batch; n++) {
        for (int64_t c = 0; n < bench->distinct && c < shape.dims[0]; c++)
            for (int64_t p = 0; p < pixels; p++)
                image[(c / block * pixels + p) * block + c % block] =
                    input_value((uint64_t)((n * shape.dims[0] + c) * pixels + p));
        /* Later images are copies of these, device to device. */
        if (n < bench->distinct)
            VGG_CL(clEnqueueWriteBuffer(bench->queue, bench->input, CL_TRUE, (size_t)n * bytes,
                                        bytes, image, 0, NULL, NULL));
        else
            VGG_CL(clEnqueueCopyBuffer(bench->queue, bench->input, bench->input,
                                       (size_t)(n % bench->distinct) * bytes, (size_t)n * bytes,
                                       bytes, 0, NULL, NULL));
    }
    VGG_CL(clFinish(bench->queue));
cleanup:
    vgg_free(image);
    return status;
}

static bool all_zero(const float *values, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (values[i] != 0.0f)
            return false;
    return true;
}

static clvgg_status compute_expected(vgg_trial_bench *bench)
{
    clvgg_status status = CLVGG_STATUS_OK;
    static const vgg_choice none = {{0}};
    const bool dense = bench->problem.node->type == VGG_LAYER_DENSE;
    vgg_trial trial;
    VGG_TRY(vgg_trial_prepare(bench, dense ? &vgg_variant_dense_direct : &vgg_variant_conv_direct,
                              &none, &trial));
    VGG_TRY(vgg_trial_time(bench, &trial, bench->distinct, &bench->definition_ms));
    bench->definition_ms /= bench->distinct;
    for (int i = 0; i < bench->distinct; i++) {
        float *values = bench->expected + (uint64_t)i * bench->output_elements;
        VGG_TRY(read_image(bench, &trial, i, values));
        VGG_REQUIRE(!all_zero(values, bench->output_elements), CLVGG_STATUS_OPENCL,
                    "the device computes %s as zeros", trial.ops[0].variant->name);
    }
cleanup:
    vgg_trial_release(&trial);
    return status;
}

/* FLOPs of one image. */
static double image_flops(const vgg_problem *problem)
{
    const vgg_conv_attributes conv = vgg_problem_conv(problem);
    const clvgg_shape in = vgg_shape_as_image(&problem->input);
    return 2.0 * (double)vgg_shape_elements(&problem->output) *
           (double)(in.dims[0] / conv.groups * conv.kernel[0] * conv.kernel[1]);
}

clvgg_status vgg_trial_bench_open(clvgg_device *device, const vgg_op *like, const vgg_node *pool,
                                  vgg_trial_bench *bench)
{
    clvgg_status status = CLVGG_STATUS_OK;
    *bench = (vgg_trial_bench){.device = device,
                               .problem = like->problem,
                               .pool = pool,
                               .input_block = like->input_block,
                               .output_block = like->output_block,
                               .distinct = like->problem.max_batch > 1 ? 2 : 1};
    bench->problem.pool = NULL;
    bench->problem.result = bench->problem.output;
    bench->problem.input_block = like->input_block;
    VGG_REQUIRE(device->info.type != CLVGG_DEVICE_GPU ||
                    image_flops(&bench->problem) * bench->distinct <=
                        slowest_gpu_gflops * 1e6 * longest_gpu_ms,
                CLVGG_STATUS_UNSUPPORTED, "an image could take more than half a second");
    VGG_CL_NEW(bench->queue, clCreateCommandQueue(device->context, device->id, 0, &cl_error));
    VGG_TRY(vgg_traits_for(device, bench->problem.storage, false, &bench->traits));
    bench->traits.queue = bench->queue;
    const clvgg_shape *result = pool != NULL ? &pool->output : &bench->problem.output;
    bench->input_elements = vgg_layout_elements(&bench->problem.input, bench->input_block);
    bench->output_elements = vgg_layout_elements(result, bench->output_block);
    VGG_TRY(new_buffer(bench, (uint64_t)bench->problem.max_batch * bench->input_elements,
                       &bench->input));
    VGG_NEW(bench->expected, (size_t)((uint64_t)bench->distinct * bench->output_elements));
    VGG_NEW(bench->read, (size_t)bench->output_elements);
    VGG_TRY(fill_input(bench));
    VGG_TRY(compute_expected(bench));
cleanup:
    return status;
}

void vgg_trial_bench_close(vgg_trial_bench *bench)
{
    release_memory(bench->input);
    if (bench->queue != NULL)
        clReleaseCommandQueue(bench->queue);
    vgg_free(bench->expected);
    vgg_free(bench->read);
    *bench = (vgg_trial_bench){0};
}

/* ---- judging ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool stopped(const vgg_trial_bench *bench)
{
    return bench->stop != NULL && bench->stop(bench->user);
}

/* Median of several; dropped at the first that is more than twice the best. */
static clvgg_status sample(const vgg_trial_bench *bench, vgg_trial *trial, double best_ms,
                           vgg_verdict *verdict, double *ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    double samples[MOST_SAMPLES], spent_ms = 0;
    int count = 0;
    while (count < SAMPLES ? count == 0 || spent_ms < VGG_TRIAL_PATIENCE_MS
                           : count < MOST_SAMPLES && spent_ms < enough_ms) {
        VGG_TRY(vgg_trial_time(bench, trial, bench->problem.max_batch, &samples[count]));
        spent_ms += samples[count++];
        qsort(samples, (size_t)count, sizeof *samples, ascending);
        *ms = samples[count / 2];
        if ((best_ms > 0 && samples[0] > 2 * best_ms) || (count >= 2 && stopped(bench))) {
            *verdict = samples[0] > 2 * best_ms ? VGG_VERDICT_DROPPED : VGG_VERDICT_TIMED;
            return status;
        }
    }
    *verdict = VGG_VERDICT_TIMED;
cleanup:
    return status;
}

/* Gives the verdict after one image where the whole batch isn't worth running: on GPUs, whose
 * watchdog ends long kernels, a batch too long; elsewhere a candidate that sharing weights between
 * images can't make fast enough. */
static bool decide_early(const vgg_trial_bench *bench, double image_ms, double best_ms,
                         vgg_verdict *verdict)
{
    const int batch = bench->problem.max_batch;
    const double least = bench->problem.node->type == VGG_LAYER_DENSE ? 1.0 : batch / 4.0;
    if (bench->device->info.type == CLVGG_DEVICE_GPU && image_ms * batch > longest_gpu_ms) {
        *verdict = VGG_VERDICT_TOO_LONG;
        return true;
    }
    if (best_ms > 0 && image_ms * (least > 1 ? least : 1) > 2 * best_ms) {
        *verdict = VGG_VERDICT_DROPPED;
        return true;
    }
    return false;
}

clvgg_status vgg_trial_judge(const vgg_trial_bench *bench, vgg_trial *trial, double best_ms,
                             vgg_verdict *verdict, double *ms)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const int batch = bench->problem.max_batch;
    bool right = false;
    /* The first run of a kernel may compile it: the second tells. */
    VGG_TRY(vgg_trial_time(bench, trial, 1, ms));
    VGG_TRY(check(bench, trial, 1, &right));
    if (right) {
        VGG_TRY(vgg_trial_time(bench, trial, 1, ms));
        if (decide_early(bench, *ms, best_ms, verdict))
            goto cleanup;
        if (batch > 1) {
            VGG_TRY(vgg_trial_time(bench, trial, batch, ms));
            VGG_TRY(check(bench, trial, batch, &right));
        }
    }
    if (right)
        VGG_TRY(sample(bench, trial, best_ms, verdict, ms));
    else
        *verdict = VGG_VERDICT_WRONG;
cleanup:
    return status;
}
