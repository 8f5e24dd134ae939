/* tune/trial.c — candidates for one chain of layers: values, the definition's result, checking,
 * timing.
 */
#include "tune/trial.h"

#include <math.h>

#include "base/alloc.h"
#include "base/median.h"
#include "ocl/memory.h"
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

/* 0 … 3, as behind a ReLU; where it is quantised, times so much that all levels' range is used. */
static float input_value(const vgg_problem *problem, uint64_t i)
{
    const vgg_quantize_attributes *q = problem->quantized;
    return (float)(scramble(i) & 3) * (q != NULL ? q->scale * (float)(q->high / 3) : 1);
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

static clvgg_status add_layout(vgg_chain *trial, const clvgg_shape *shape, int from, int to,
                               int max_batch)
{
    vgg_stage *stage = NULL;
    if (from == to)
        return CLVGG_STATUS_OK;
    VGG_PASS(vgg_chain_add(trial, &stage));
    return vgg_op_configure_layout(&stage->op, shape, from, to, max_batch);
}

/* Adds the pooling by itself; *block is the layout before it, and then behind it. */
static clvgg_status add_pool(const vgg_trial_bench *bench, vgg_chain *trial, int *block)
{
    vgg_stage *stage = NULL;
    const vgg_problem problem = {.node = bench->pool,
                                 .input = bench->problem.output,
                                 .output = bench->pool->output,
                                 .input_block = *block,
                                 .result = bench->pool->output,
                                 .max_batch = bench->problem.max_batch};
    VGG_PASS(vgg_chain_add(trial, &stage));
    VGG_PASS(vgg_op_configure(&stage->op, vgg_variant_definition_of(bench->pool->type), &problem,
                              &bench->traits));
    *block = stage->op.output_block;
    return CLVGG_STATUS_OK;
}

/* *main is the candidate itself. */
static clvgg_status add_stages(const vgg_trial_bench *bench, const vgg_variant *variant,
                               const vgg_choice *choice, vgg_chain *trial, vgg_stage **main)
{
    const vgg_problem *problem = &bench->problem;
    vgg_op op;
    VGG_PASS(vgg_op_configure_chain(&op, variant, problem, bench->pool, &bench->traits, choice));
    /* Float kernels take values that a step of its own has quantised: another chain. */
    VGG_CHECK((op.problem.quantized == NULL) == (problem->quantized == NULL),
              CLVGG_STATUS_UNSUPPORTED, "%s doesn't quantise its input", variant->name);
    VGG_PASS(
        add_layout(trial, &problem->input, bench->input_block, op.input_block, problem->max_batch));
    VGG_PASS(vgg_chain_add(trial, main));
    (*main)->op = op;
    int block = op.output_block;
    if (bench->pool != NULL && op.problem.pool == NULL)
        VGG_PASS(add_pool(bench, trial, &block));
    return add_layout(trial, bench->pool != NULL ? &bench->pool->output : &problem->output, block,
                      bench->output_block, problem->max_batch);
}

clvgg_status vgg_trial_prepare(const vgg_trial_bench *bench, const vgg_variant *variant,
                               const vgg_choice *choice, vgg_chain *trial)
{
    const vgg_tensor_input values = {NULL, CLVGG_DTYPE_F32, read_weights};
    vgg_stage *main = NULL;
    *trial = (vgg_chain){.device = bench->device};
    VGG_PASS(add_stages(bench, variant, choice, trial, &main));
    trial->stages[0]->io.input.memory = bench->input;
    VGG_PASS(vgg_chain_prepare(trial));
    VGG_PASS(vgg_stage_pack(main, bench->device, bench->queue, &values, &values));
    /* New memory may still hold what an earlier, right candidate left there: one that doesn't write
     * all of it must not pass. */
    return vgg_chain_fill(trial, bench->queue, NAN);
}

/* ---- running ---- */

static clvgg_status read_image(const vgg_trial_bench *bench, const vgg_chain *trial, int image,
                               float *values)
{
    const size_t bytes = (size_t)bench->output_elements * sizeof(float);
    VGG_CL_PASS(clEnqueueReadBuffer(bench->queue, trial->stages[trial->count - 1]->output, CL_TRUE,
                                    (size_t)image * bytes, bytes, values, 0, NULL, NULL));
    return CLVGG_STATUS_OK;
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

static clvgg_status check(const vgg_trial_bench *bench, const vgg_chain *trial, int count,
                          bool *right)
{
    double bound = 0;
    for (int i = 0; i < trial->count; i++)
        bound = fmax(bound, vgg_op_error_bound(&trial->stages[i]->op));
    *right = true;
    for (int i = 0; i < count && *right; i++) {
        VGG_PASS(read_image(bench, trial, i, bench->read));
        *right = is_right(
            bench->read, bench->expected + (uint64_t)(i % bench->distinct) * bench->output_elements,
            bench->output_elements, bound);
    }
    return CLVGG_STATUS_OK;
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
                    input_value(&bench->problem, (uint64_t)((n * shape.dims[0] + c) * pixels + p));
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
    const vgg_variant *definition = vgg_variant_definition_for(&bench->problem);
    vgg_chain trial;
    VGG_TRY(vgg_trial_prepare(bench, definition, &none, &trial));
    VGG_TRY(vgg_chain_run(&trial, bench->queue, bench->distinct, &bench->definition_ms));
    bench->definition_ms /= bench->distinct;
    for (int i = 0; i < bench->distinct; i++) {
        float *values = bench->expected + (uint64_t)i * bench->output_elements;
        VGG_TRY(read_image(bench, &trial, i, values));
        VGG_REQUIRE(!all_zero(values, bench->output_elements), CLVGG_STATUS_OPENCL,
                    "the device computes %s as zeros", definition->name);
    }
cleanup:
    vgg_chain_release(&trial);
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
    *bench = (vgg_trial_bench){.device = device,
                               .problem = like->problem,
                               .pool = pool,
                               .input_block = like->input_block,
                               .output_block = like->output_block,
                               .distinct = like->problem.max_batch > 1 ? 2 : 1};
    bench->problem.pool = NULL;
    bench->problem.result = bench->problem.output;
    bench->problem.input_block = like->input_block;
    VGG_CHECK(device->info.type != CLVGG_DEVICE_GPU ||
                  image_flops(&bench->problem) * bench->distinct <=
                      slowest_gpu_gflops * 1e6 * longest_gpu_ms,
              CLVGG_STATUS_UNSUPPORTED, "an image could take more than half a second");
    VGG_PASS(vgg_clock_queue(device, false, &bench->queue));
    VGG_PASS(vgg_traits_for(device, bench->problem.storage, false, &bench->traits));
    bench->traits.queue = bench->queue;
    const clvgg_shape *result = pool != NULL ? &pool->output : &bench->problem.output;
    bench->input_elements = vgg_layout_elements(&bench->problem.input, bench->input_block);
    bench->output_elements = vgg_layout_elements(result, bench->output_block);
    const uint64_t bytes =
        (uint64_t)bench->problem.max_batch * bench->input_elements * sizeof(float);
    VGG_CHECK(bytes <= bench->traits.max_allocation_bytes, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
              "%llu bytes exceed the largest allocation", (unsigned long long)bytes);
    VGG_PASS(vgg_device_memory_create(device, bytes, &bench->input));
    VGG_NEW_PASS(bench->expected, (size_t)((uint64_t)bench->distinct * bench->output_elements));
    VGG_NEW_PASS(bench->read, (size_t)bench->output_elements);
    VGG_PASS(fill_input(bench));
    return compute_expected(bench);
}

void vgg_trial_bench_close(vgg_trial_bench *bench)
{
    VGG_RELEASE(MemObject, bench->input);
    VGG_RELEASE(CommandQueue, bench->queue);
    vgg_free(bench->expected);
    vgg_free(bench->read);
    *bench = (vgg_trial_bench){0};
}

/* ---- judging ---- */

clvgg_status vgg_trial_sample(clvgg_status (*run)(void *user, double *ms), void *user,
                              const vgg_trial_race *race, vgg_verdict *verdict, double *ms)
{
    double samples[MOST_SAMPLES], spent_ms = 0;
    int count = 0;
    bool over = false;
    while (!over) {
        VGG_PASS(run(user, &samples[count]));
        spent_ms += samples[count++];
        *ms = vgg_median(samples, (size_t)count);
        *verdict = race->best_ms > 0 && samples[0] > 2 * race->best_ms ? VGG_VERDICT_DROPPED
                                                                       : VGG_VERDICT_TIMED;
        over = *verdict == VGG_VERDICT_DROPPED ||
               (count < SAMPLES ? spent_ms >= VGG_TRIAL_PATIENCE_MS
                                : count == MOST_SAMPLES || spent_ms >= enough_ms) ||
               (count >= 2 && race->stop != NULL && race->stop(race->user));
    }
    return CLVGG_STATUS_OK;
}

/* A candidate under way, for vgg_trial_sample(). */
typedef struct timed_trial {
    const vgg_trial_bench *bench;
    vgg_chain *chain;
} timed_trial;

static clvgg_status run_batch(void *user, double *ms)
{
    const timed_trial *t = user;
    return vgg_chain_run(t->chain, t->bench->queue, t->bench->problem.max_batch, ms);
}

/* Gives the verdict after one image where the whole batch isn't worth running: on GPUs, whose
 * watchdog ends long kernels, a batch too long; elsewhere a candidate that sharing weights between
 * images can't make fast enough. */
static bool decide_early(const vgg_trial_bench *bench, double image_ms, double best_ms,
                         vgg_verdict *verdict)
{
    const int batch = bench->problem.max_batch;
    const double least = bench->problem.output.rank == 1 ? 1.0 : batch / 4.0;
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

clvgg_status vgg_trial_judge(const vgg_trial_bench *bench, vgg_chain *trial, double best_ms,
                             vgg_verdict *verdict, double *ms)
{
    const int batch = bench->problem.max_batch;
    bool right = false;
    /* The first run of a kernel may compile it: the second tells. */
    VGG_PASS(vgg_chain_run(trial, bench->queue, 1, ms));
    VGG_PASS(check(bench, trial, 1, &right));
    if (right) {
        VGG_PASS(vgg_chain_run(trial, bench->queue, 1, ms));
        if (decide_early(bench, *ms, best_ms, verdict))
            return CLVGG_STATUS_OK;
        if (batch > 1) {
            VGG_PASS(vgg_chain_run(trial, bench->queue, batch, ms));
            VGG_PASS(check(bench, trial, batch, &right));
        }
    }
    if (right)
        VGG_PASS(vgg_trial_sample(run_batch, &(timed_trial){bench, trial},
                                  &(vgg_trial_race){best_ms, bench->stop, bench->user}, verdict,
                                  ms));
    else
        *verdict = VGG_VERDICT_WRONG;
    return CLVGG_STATUS_OK;
}
