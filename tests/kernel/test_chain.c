/* kernel/test_chain.c — ops in a chain of their own: what one writes the next reads, in buffers that
 * the chain makes; whole batches and bands give the same; whatever fails is named and leaks nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exec/chain.h"
#include "ref/reference.h"
#include "support/cl_faults.h"
#include "support/networks.h"
#include "support/op_run.h"

enum { BATCH = 3, IN = 5, OUT = 7, H = 9, W = 8, POOLED = OUT * (H / 2) * (W / 2) };

static test_device device;
static vgg_graph *graph; /* conv, pool */
static float x[BATCH * IN * H * W], w[OUT * IN * 9], b[OUT];
static double expected[BATCH * POOLED];

static clvgg_status read_floats(void *user, uint64_t first, uint64_t count, void *data)
{
    memcpy(data, (const float *)user + first, count * sizeof(float));
    return CLVGG_STATUS_OK;
}

static vgg_problem problem_of(int node, int input_block)
{
    return (vgg_problem){.node = &graph->nodes[node],
                         .input = graph->nodes[node - 1].output,
                         .output = graph->nodes[node].output,
                         .input_block = input_block,
                         .result = graph->nodes[node].output,
                         .max_batch = BATCH};
}

/* A convolution, channels into blocks, a pooling of blocks, and back. */
static clvgg_status add_stages(vgg_chain *chain, const vgg_variant *variant)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_traits traits = test_traits(&device);
    const vgg_problem conv = problem_of(1, 1), pool = problem_of(2, 4);
    vgg_stage *stages[4];
    for (int i = 0; i < 4; i++)
        VGG_TRY(vgg_chain_add(chain, &stages[i]));
    VGG_TRY(vgg_op_configure(&stages[0]->op, variant, &conv, &traits));
    strcpy(stages[0]->name, "first");
    VGG_TRY(vgg_op_configure_layout(&stages[1]->op, &conv.output, stages[0]->op.output_block, 4,
                                    BATCH));
    strcpy(stages[1]->name, "second");
    VGG_TRY(vgg_op_configure(&stages[2]->op, vgg_variant_definition_of(pool.node->type), &pool,
                             &traits));
    VGG_TRY(vgg_op_configure_layout(&stages[3]->op, &pool.output, 4, 1, BATCH));
cleanup:
    return status;
}

/* Runs a convolution of channels in plain order; `band`: images at a time. */
static clvgg_status run_chain(const vgg_variant *variant, int band, float *y)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_chain chain = {.device = device.device};
    const vgg_tensor_input weights = {w, CLVGG_DTYPE_F32, read_floats};
    const vgg_tensor_input bias = {b, CLVGG_DTYPE_F32, read_floats};
    cl_mem input = NULL;
    double ms = 0;
    VGG_TRY(add_stages(&chain, variant));
    for (int i = 0; i < chain.count && band < BATCH; i++) {
        chain.stages[i]->band_first = 0;
        chain.stages[i]->band_end = chain.count;
        chain.stages[i]->band_images = band;
        chain.stages[i]->input_stays = i > 0;
        chain.stages[i]->output_stays = i + 1 < chain.count;
    }
    VGG_CL_NEW(input, clCreateBuffer(device.device->context, CL_MEM_COPY_HOST_PTR, sizeof x, x,
                                     &cl_error));
    chain.stages[0]->io.input.memory = input;
    VGG_TRY(vgg_chain_prepare(&chain));
    VGG_TRY(vgg_chain_fill(&chain, device.queue, -1e30f));
    VGG_TRY(vgg_stage_pack(chain.stages[0], device.device, device.queue, &weights, &bias));
    VGG_TRY(vgg_chain_run(&chain, device.queue, BATCH, &ms));
    VGG_CL(clEnqueueReadBuffer(device.queue, chain.stages[3]->output, CL_TRUE, 0,
                               sizeof(float) * BATCH * POOLED, y, 0, NULL, NULL));
cleanup:
    vgg_chain_release(&chain);
    if (input != NULL)
        clReleaseMemObject(input);
    return status;
}

/* Variants that read plain input and are exact; bands of one image and of two. */
static void a_chain_computes_what_its_stages_do(void **state)
{
    (void)state;
    int ran = 0;
    for (size_t v = 0; v < vgg_variant_count; v++) {
        const vgg_variant *variant = vgg_variants[v];
        if ((variant->layers & VGG_LAYER_BIT(VGG_LAYER_CONV2D)) == 0 || variant->error_bound > 0)
            continue;
        for (int band = 1; band <= BATCH; band++) {
            const vgg_traits traits = test_traits(&device);
            const vgg_problem conv = problem_of(1, 1);
            float y[BATCH * POOLED];
            vgg_op op;
            if (vgg_op_configure(&op, variant, &conv, &traits) != CLVGG_STATUS_OK ||
                op.input_block != 1 || (band < BATCH && op.reads_full_batch))
                continue;
            must(run_chain(variant, band, y));
            for (int i = 0; i < BATCH * POOLED; i++)
                if ((double)y[i] != expected[i])
                    fail_msg("%s, bands of %d: value %d is %g, not %g", variant->name, band, i,
                             (double)y[i], expected[i]);
            ran++;
        }
    }
    assert_true(ran >= BATCH); /* the definition, if nothing else */
}

static void a_failure_names_its_stage(void **state)
{
    (void)state;
    float y[BATCH * POOLED];
    const vgg_variant *definition = vgg_variant_definition_of(VGG_LAYER_CONV2D);
    must(run_chain(definition, BATCH, y));
    vgg_chain chain = {.device = device.device};
    double ms = 0;
    must(add_stages(&chain, definition));
    cl_int error = CL_SUCCESS;
    cl_mem input =
        clCreateBuffer(device.device->context, CL_MEM_COPY_HOST_PTR, sizeof x, x, &error);
    assert_int_equal(error, CL_SUCCESS);
    chain.stages[0]->io.input.memory = input;
    must(vgg_chain_prepare(&chain));
    const vgg_tensor_input weights = {w, CLVGG_DTYPE_F32, read_floats};
    must(vgg_stage_pack(chain.stages[0], device.device, device.queue, &weights, NULL));
    cl_faults_fail_call("clEnqueueNDRangeKernel", 1, CL_OUT_OF_RESOURCES);
    assert_int_not_equal(vgg_chain_run(&chain, device.queue, BATCH, &ms), CLVGG_STATUS_OK);
    assert_true(cl_faults_stop());
    assert_ptr_equal(strstr(vgg_message(), "second (layout): "), vgg_message());
    vgg_chain_release(&chain);
    clReleaseMemObject(input);
}

static void every_call_may_fail(void **state)
{
    (void)state;
    float y[BATCH * POOLED];
    const vgg_variant *definition = vgg_variant_definition_of(VGG_LAYER_CONV2D);
    must(run_chain(definition, 1, y));
    const size_t live = cl_faults_live();
    size_t failures = 0, refused = 0;
    for (bool failed = true; failed; failures++) {
        cl_faults_fail_at(failures, CL_OUT_OF_RESOURCES);
        const clvgg_status status = run_chain(definition, 1, y);
        failed = cl_faults_stop();
        refused += status != CLVGG_STATUS_OK;
        if (cl_faults_live() != live) {
            cl_faults_print_live();
            fail_msg("call %zu, %s: leaks", failures, cl_faults_failed_function());
        }
    }
    assert_true(refused > 20);
    must(run_chain(definition, 1, y));
}

static int open_device(void **state)
{
    const vgg_attributes conv = {
        .conv = {OUT, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, .groups = 1, .bias = true}};
    const vgg_attributes pool = {.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    double y[BATCH * OUT * H * W];
    float rounded[BATCH * OUT * H * W];
    int index = 0;
    (void)state;
    test_device_open(&device, NULL);
    must(vgg_graph_create(IN, H, W, &graph));
    must(vgg_graph_add(graph, "conv", VGG_LAYER_CONV2D, &conv, 0, &index));
    must(vgg_graph_add(graph, "pool", VGG_LAYER_MAX_POOL, &pool, index, NULL));
    fill_integers(x, sizeof x / sizeof *x, 3, 1);
    fill_integers(w, sizeof w / sizeof *w, 2, 2);
    fill_integers(b, OUT, 9, 3);
    ref_conv(&conv.conv, &graph->nodes[0].output, &graph->nodes[1].output, BATCH, x, w, b, y);
    for (size_t i = 0; i < sizeof y / sizeof *y; i++)
        rounded[i] = (float)y[i]; /* small integers */
    ref_pool(&pool.pool, false, &graph->nodes[1].output, &graph->nodes[2].output, BATCH, rounded,
             expected, NULL);
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    vgg_graph_free(graph);
    test_device_close(&device);
    return cl_faults_live() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_computes_what_its_stages_do),
        cmocka_unit_test(a_failure_names_its_stage),
        cmocka_unit_test(every_call_may_fail),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
