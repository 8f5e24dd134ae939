/* gemm.c — matrix products of VGG16's dense layers, of their gradients and of its convolutions,
 * once by clvgg's own kernels and once by CLBlast. One JSON object a line; bench/gemm.py runs it.
 *
 * Usage: gemm own|clblast|clblast-tuned [--small] [--batch N,...]
 * C [m][n] = A [m][k] · B [k][n]. Own kernels are those a plan would choose, and read one operand
 * packed beforehand, as weights are; a convolution's is implicit, without columns in memory. Every
 * product is checked before it is timed: r·C against (r·A)·B in float64, r of random signs, so that
 * each element of C counts.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "clvgg/device.h"
#include "exec/chain.h"
#include "gemm_product.h"
#include "ops/clblast.h"
#include "tune/clblast_tuning.h"

typedef struct bench {
    clvgg_device *device;
    cl_command_queue queue;
    vgg_traits traits;
    bool small;
} bench;

/* What one program made of a product. */
typedef struct outcome {
    const char *kernel;
    double error_l2, ms;
} outcome;

enum { LEAST_TIMES = 3, MOST_TIMES = 9 };
static const double enough_ms = 1000, too_long_ms = 5000, error_limit = 1e-4, tuning_ms = 120e3;

static clvgg_status make_buffer(const bench *b, uint64_t elements, const float *values, cl_mem *out)
{
    cl_int error = CL_SUCCESS;
    const cl_mem_flags flags = CL_MEM_READ_WRITE | (values != NULL ? CL_MEM_COPY_HOST_PTR : 0);
    *out =
        clCreateBuffer(b->device->context, flags, elements * sizeof(float), (void *)values, &error);
    return vgg_cl_check(error, "clCreateBuffer");
}

/* One product, enqueued. */
typedef clvgg_status (*enqueue_function)(void *user, vgg_launch *launch);

/* Runs once and checks, then takes the least of several times, host to host: of fewer than three
 * where one takes seconds. */
static clvgg_status check_and_time(const bench *b, const product *p, const operands *o,
                                   enqueue_function enqueue, void *user, cl_mem c,
                                   uint64_t c_elements, int block, outcome *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *result = allocate(c_elements, sizeof *result);
    double total = 0;
    for (int i = 0; i <= MOST_TIMES; i++) {
        if (total > too_long_ms || (i > LEAST_TIMES && total > enough_ms))
            break;
        vgg_launch launch = vgg_launch_begin(b->queue, false, 0, NULL);
        const double start = vgg_clock_ms();
        VGG_TRY(enqueue(user, &launch));
        VGG_CL(clFinish(b->queue));
        const double ms = vgg_clock_ms() - start;
        if (i == 0) {
            VGG_CL(clEnqueueReadBuffer(b->queue, c, CL_TRUE, 0, c_elements * sizeof *result, result,
                                       0, NULL, NULL));
            out->error_l2 = error_of(p, o, result, block);
            continue;
        }
        total += ms;
        out->ms = i == 1 || ms < out->ms ? ms : out->ms;
    }
cleanup:
    free(result);
    return status;
}

typedef struct clblast_call {
    vgg_gemm gemm;
    vgg_buffer a, b, c;
    cl_mem workspace;
} clblast_call;

static clvgg_status enqueue_clblast(void *user, vgg_launch *launch)
{
    clblast_call *call = user;
    return vgg_clblast_gemm(launch, &call->gemm, call->a, call->b, call->c, call->workspace);
}

/* CLBlast's operands lie as training and inference have them: a weight gradient's A is dY [k][m], a
 * data gradient's B is the weights [k][n], a convolution's its columns. */
static clvgg_status upload_for_clblast(const bench *b, const product *p, const operands *o,
                                       cl_mem *a_memory, cl_mem *b_memory)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *a = p->kind == WEIGHT_GRADIENT ? transposed(o->a, p->m, p->k) : NULL, *columns = NULL;
    if (p->kind == CONVOLUTION) {
        columns = make_columns(p, o);
    } else if (p->kind != FORWARD) {
        columns = transposed(o->b, p->n, p->k);
    }
    VGG_TRY(make_buffer(b, (uint64_t)(p->m * p->k), a != NULL ? a : o->a, a_memory));
    VGG_TRY(make_buffer(b, (uint64_t)(p->k * p->n), columns != NULL ? columns : o->b, b_memory));
cleanup:
    free(a);
    free(columns);
    return status;
}

static clvgg_status run_clblast(const bench *b, const product *p, const operands *o, outcome *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const bool turn_a = p->kind == WEIGHT_GRADIENT, turn_b = p->kind == FORWARD;
    const uint64_t c_elements = (uint64_t)(p->m * p->n);
    uint64_t workspace_elements = 0;
    clblast_call call = {.gemm = {.m = p->m,
                                  .n = p->n,
                                  .k = p->k,
                                  .transpose_a = turn_a,
                                  .transpose_b = turn_b,
                                  .lda = turn_a ? p->m : p->k,
                                  .ldb = turn_b ? p->k : p->n,
                                  .ldc = p->n}};
    VGG_TRY(upload_for_clblast(b, p, o, &call.a.memory, &call.b.memory));
    VGG_TRY(make_buffer(b, c_elements, NULL, &call.c.memory));
    VGG_TRY(vgg_clblast_workspace(&call.gemm, b->queue, &workspace_elements));
    if (workspace_elements > 0)
        VGG_TRY(make_buffer(b, workspace_elements, NULL, &call.workspace));
    out->kernel = "CLBlast";
    VGG_TRY(check_and_time(b, p, o, enqueue_clblast, &call, call.c.memory, c_elements, 1, out));
cleanup:
    clReleaseMemObject(call.a.memory);
    clReleaseMemObject(call.b.memory);
    clReleaseMemObject(call.c.memory);
    clReleaseMemObject(call.workspace);
    return status;
}

typedef struct own_call {
    vgg_chain chain;
    vgg_stage *stage;
    int count;
} own_call;

static clvgg_status enqueue_own(void *user, vgg_launch *launch)
{
    own_call *call = user;
    return vgg_chain_enqueue(&call->chain, launch, call->count, false);
}

/* The variant that a plan would choose among those that are plain sums of products. */
static clvgg_status configure_own(const bench *b, const product *p, const vgg_node *node,
                                  vgg_op *op)
{
    const vgg_variant *candidates[32];
    const bool conv = p->kind == CONVOLUTION;
    vgg_problem problem = {.node = node,
                           .input = conv ? (clvgg_shape){3, {p->channels, p->side, p->side}}
                                         : (clvgg_shape){1, {p->k}},
                           .output = node->output,
                           .input_block = 1,
                           .result = node->output,
                           .max_batch = conv ? 1 : (int)p->m};
    const size_t count = vgg_variant_candidates(&problem, &b->traits, false, candidates, 32);
    for (size_t i = 0; i < count; i++) {
        if (candidates[i]->error_bound > 0)
            continue;
        const clvgg_status status = vgg_op_configure(op, candidates[i], &problem, &b->traits);
        if (status != CLVGG_STATUS_UNSUPPORTED)
            return status;
    }
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "no variant computes it here");
}

static clvgg_status read_values(void *user, uint64_t first, uint64_t count, void *data)
{
    memcpy(data, (const float *)user + first, count * sizeof(float));
    return CLVGG_STATUS_OK;
}

/* What is packed are b's rows, a dense layer's weights; a convolution's weights are a. */
static clvgg_status upload_own(const bench *b, const product *p, const operands *o, own_call *call)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_op *op = &call->stage->op;
    const bool conv = p->kind == CONVOLUTION;
    float *blocks = conv ? to_blocks(o->b, p->channels, p->side * p->side, op->input_block) : NULL;
    const vgg_tensor_input weights = {conv ? o->a : o->b, CLVGG_DTYPE_F32, read_values};
    const uint64_t images = (uint64_t)op->problem.max_batch;
    VGG_TRY(vgg_stage_pack(call->stage, b->device, b->queue, &weights, NULL));
    VGG_TRY(make_buffer(b, images * vgg_layout_elements(&op->problem.input, op->input_block),
                        conv ? blocks : o->a, &call->stage->io.input.memory));
cleanup:
    free(blocks);
    return status;
}

static clvgg_status run_own(const bench *b, const product *p, const operands *o, outcome *out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    own_call call = {.chain = {.device = b->device},
                     .count = p->kind == CONVOLUTION ? 1 : (int)p->m};
    cl_mem output = NULL;
    vgg_node node = {.name = "product", .type = VGG_LAYER_DENSE, .output = {1, {p->n}}};
    node.attributes.dense = (vgg_dense_attributes){.out_features = p->n, .bias = true};
    if (p->kind == CONVOLUTION) {
        node.type = VGG_LAYER_CONV2D;
        node.output = (clvgg_shape){3, {p->m, p->side, p->side}};
        node.attributes.conv = (vgg_conv_attributes){.out_channels = p->m,
                                                     .kernel = {3, 3},
                                                     .stride = {1, 1},
                                                     .dilation = {1, 1},
                                                     .pad = {1, 1, 1, 1},
                                                     .groups = 1,
                                                     .bias = true};
    }
    VGG_TRY(vgg_chain_add(&call.chain, &call.stage));
    const vgg_op *op = &call.stage->op;
    VGG_TRY(configure_own(b, p, &node, &call.stage->op));
    const uint64_t c_elements =
        (uint64_t)op->problem.max_batch * vgg_layout_elements(&node.output, op->output_block);
    VGG_TRY(make_buffer(b, c_elements, NULL, &output));
    call.stage->io.output.memory = output;
    VGG_TRY(vgg_chain_prepare(&call.chain));
    VGG_TRY(upload_own(b, p, o, &call));
    out->kernel = op->variant->name;
    VGG_TRY(check_and_time(b, p, o, enqueue_own, &call, output, c_elements, op->output_block, out));
cleanup:
    if (call.stage != NULL)
        clReleaseMemObject(call.stage->io.input.memory);
    clReleaseMemObject(output);
    vgg_chain_release(&call.chain);
    return status;
}

/* Whether all went well; what went wrong has been said. */
static bool show(const bench *b, const product *p, bool clblast)
{
    outcome out = {0};
    operands o = make_operands(p);
    const clvgg_status status = clblast ? run_clblast(b, p, &o, &out) : run_own(b, p, &o, &out);
    free_operands(&o);
    if (status != CLVGG_STATUS_OK) {
        fprintf(stderr, "gemm: %s: %s\n", p->name, clvgg_status_message());
        return false;
    }
    const bool right = out.error_l2 <= error_limit;
    printf("{\"product\": \"%s\", \"m\": %lld, \"n\": %lld, \"k\": %lld, \"kernel\": \"%s\", "
           "\"error_l2\": %.3g, \"wrong\": %s, \"ms\": %.4g, \"gflops\": %.4g}\n",
           p->name, (long long)p->m, (long long)p->n, (long long)p->k, out.kernel, out.error_l2,
           right ? "false" : "true", out.ms, 2e-6 * (double)(p->m * p->n * p->k) / out.ms);
    fflush(stdout);
    if (!right)
        fprintf(stderr, "gemm: %s: wrong, %.3g off\n", p->name, out.error_l2);
    return right;
}

/* fc6, fc7, fc8: forward, and both gradients but at batch 1. */
static bool show_dense(const bench *b, int64_t batch, bool clblast)
{
    static const int64_t widths[] = {25088, 4096, 4096, 1000}, small_widths[] = {130, 70, 33, 10};
    const int64_t *width = b->small ? small_widths : widths;
    bool right = true;
    for (int layer = 0; layer < 3; layer++) {
        const int64_t in = width[layer], out = width[layer + 1];
        product p = {.kind = FORWARD, .m = batch, .n = out, .k = in};
        snprintf(p.name, sizeof p.name, "fc%d, batch %lld", 6 + layer, (long long)batch);
        right = show(b, &p, clblast) && right;
        if (batch == 1)
            continue;
        p = (product){.kind = WEIGHT_GRADIENT, .m = out, .n = in, .k = batch};
        snprintf(p.name, sizeof p.name, "fc%d weight gradient, batch %lld", 6 + layer,
                 (long long)batch);
        right = show(b, &p, clblast) && right;
        p = (product){.kind = DATA_GRADIENT, .m = batch, .n = in, .k = out};
        snprintf(p.name, sizeof p.name, "fc%d data gradient, batch %lld", 6 + layer,
                 (long long)batch);
        right = show(b, &p, clblast) && right;
    }
    return right;
}

/* Each shape of VGG16's convolutions once, one image. */
static bool show_convolutions(const bench *b, bool clblast)
{
    static const struct {
        const char *name;
        int64_t in, out, side;
    } layers[] = {
        {"conv1_1", 3, 64, 224},    {"conv1_2", 64, 64, 224},  {"conv2_1", 64, 128, 112},
        {"conv2_2", 128, 128, 112}, {"conv3_1", 128, 256, 56}, {"conv3_2", 256, 256, 56},
        {"conv4_1", 256, 512, 28},  {"conv4_2", 512, 512, 28}, {"conv5_1", 512, 512, 14},
    };
    bool right = true;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const int64_t divisor = b->small ? 16 : 1;
        product p = {.kind = CONVOLUTION,
                     .m = layers[i].out / divisor,
                     .channels = vgg_ceil_div(layers[i].in, divisor),
                     .side = vgg_ceil_div(layers[i].side, divisor)};
        p.n = p.side * p.side;
        p.k = p.channels * 9;
        snprintf(p.name, sizeof p.name, "%s, batch 1", layers[i].name);
        right = show(b, &p, clblast) && right;
    }
    return right;
}

static bool show_all(const bench *b, const char *batches, bool clblast)
{
    bool right = true;
    for (const char *next = batches; *next != '\0';) {
        char *end;
        const long batch = strtol(next, &end, 10);
        if (end == next || batch < 1 || batch > 4096) {
            fprintf(stderr, "gemm: --batch %s: numbers of 1 to 4096 with commas between\n",
                    batches);
            return false;
        }
        right = show_dense(b, batch, clblast) && right;
        next = *end == ',' ? end + 1 : end;
    }
    return show_convolutions(b, clblast) && right;
}

/* Leaves CLBlast with the best of its parameters on this device; 2 s for what --small shows. */
static clvgg_status tune(const bench *b)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_tuner_result result = {0};
    const vgg_tuner tuner = {.device = b->device,
                             .seed = 1,
                             .deadline_ms = vgg_clock_ms() + (b->small ? 2e3 : tuning_ms)};
    char words[VGG_CLBLAST_WORDS];
    VGG_TRY(vgg_clblast_tune(&tuner, &result));
    vgg_clblast_in_force(b->device->id, words);
    fprintf(stderr, "gemm: CLBlast tuned, %d candidates: %s\n", result.timed + result.dropped,
            words);
cleanup:
    return status;
}

int main(int argc, char **argv)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_runtime *runtime = NULL;
    bench b = {0};
    bool right = false;
    const char *batches = NULL;
    for (int i = 2; i < argc; i++) {
        b.small = b.small || strcmp(argv[i], "--small") == 0;
        if (strcmp(argv[i], "--batch") == 0 && i + 1 < argc)
            batches = argv[++i];
    }
    const bool tuned = argc > 1 && strcmp(argv[1], "clblast-tuned") == 0;
    const bool clblast = tuned || (argc > 1 && strcmp(argv[1], "clblast") == 0);
    if (argc < 2 || (!clblast && strcmp(argv[1], "own") != 0)) {
        fprintf(stderr, "usage: gemm own|clblast|clblast-tuned [--small] [--batch N,...]\n");
        return 2;
    }
    if (batches == NULL)
        batches = b.small ? "1,3,16" : "1,16,32,64";
    VGG_TRY(clvgg_runtime_create(NULL, &runtime));
    VGG_TRY(clvgg_device_open(runtime, getenv("CLVGG_DEVICE"), NULL, &b.device));
    cl_int error = CL_SUCCESS;
    b.queue = clCreateCommandQueue(b.device->context, b.device->id, 0, &error);
    VGG_CL(error);
    b.traits = vgg_traits_of(&b.device->info);
    b.traits.queue = b.queue;
    if (tuned)
        VGG_TRY(tune(&b));
    right = show_all(&b, batches, clblast);
cleanup:
    if (status != CLVGG_STATUS_OK)
        fprintf(stderr, "gemm: %s\n", clvgg_status_message());
    if (b.queue != NULL)
        clReleaseCommandQueue(b.queue);
    clvgg_device_free(b.device);
    clvgg_runtime_free(runtime);
    return !right;
}
