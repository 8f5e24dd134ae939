/* kernel/test_bench.c — the device's peak, and timings of checked sessions; no figure is judged. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clvgg/bench.h"
#include "measure/measure.h"
#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/failing_allocator.h"
#include "support/networks.h"
#include "support/program.h"

static void peak_is_finite_and_positive(void **state)
{
    (void)state;
    test_program_skip_when_small("peak_is_finite_and_positive");
    clvgg_peak peak = {.struct_size = sizeof peak};
    must(clvgg_device_measure_peak(device.device, &peak));
    assert_true(isfinite(peak.fma_gflops) && peak.fma_gflops > 0);
    assert_true(isfinite(peak.read_gbps) && peak.read_gbps > 0);
}

static void peak_fails_whole(void **state)
{
    (void)state;
    test_program_skip_when_small("peak_fails_whole");
    static const struct {
        const char *function;
        size_t index;
    } calls[] = {
        {"clCreateCommandQueue", 0}, {"clCreateBuffer", 0},          {"clCreateBuffer", 1},
        {"clSetKernelArg", 0},       {"clEnqueueNDRangeKernel", 0},  {"clEnqueueNDRangeKernel", 30},
        {"clWaitForEvents", 0},      {"clGetEventProfilingInfo", 0}, {"clGetEventProfilingInfo", 1},
        {"clEnqueueFillBuffer", 0},  {"clCreateKernel", 1},
    };
    clvgg_peak peak = {.struct_size = sizeof peak};
    must(clvgg_device_measure_peak(device.device, &peak)); /* its program is built now */
    const size_t live = cl_faults_live();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        cl_faults_fail_call(calls[i].function, calls[i].index, CL_OUT_OF_RESOURCES);
        const clvgg_status status = clvgg_device_measure_peak(device.device, &peak);
        const bool failed = cl_faults_stop();
        if (!failed || status == CLVGG_STATUS_OK)
            fail_msg("%s %zu: no error", calls[i].function, calls[i].index);
        assert_int_equal(cl_faults_live(), live);
    }
}

/* Opened anew, since a device's clock is looked at once. */
static clvgg_device *open_with_clock(double factor, int *has_clock)
{
    clvgg_device *opened = NULL;
    must(clvgg_device_open(device.runtime, getenv("CLVGG_DEVICE"), NULL, &opened));
    cl_faults_scale_clock(factor);
    must(clvgg_device_has_clock(opened, has_clock));
    return opened;
}

static void clocks_are_believed_beside_the_hosts(void **state)
{
    (void)state;
    static const double nonsense[] = {0, 1 / 41.67, 1000};
    size_t tick_ns = 0;
    int has = -1;
    assert_int_equal(clGetDeviceInfo(device.device->id, CL_DEVICE_PROFILING_TIMER_RESOLUTION,
                                     sizeof tick_ns, &tick_ns, NULL),
                     CL_SUCCESS);
    clvgg_device_free(open_with_clock(1, &has));
    assert_int_equal(has, tick_ns > 0);
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        clvgg_device_free(open_with_clock(nonsense[i], &has));
        cl_faults_scale_clock(1);
        assert_int_equal(has, 0);
    }
    assert_int_equal(clvgg_device_has_clock(NULL, &has), CLVGG_STATUS_INVALID_ARGUMENT);
}

/* The host's clock times steps and stages; nothing waits for a clock that stands still. */
static void without_a_clock_the_hosts_is_used(void **state)
{
    (void)state;
    test_program_skip_when_small("without_a_clock_the_hosts_is_used");
    int has = -1;
    clvgg_device *opened = open_with_clock(0, &has);
    clvgg_peak peak = {.struct_size = sizeof peak};
    must(clvgg_device_measure_peak(opened, &peak));
    assert_true(isfinite(peak.fma_gflops) && peak.fma_gflops > 0);
    assert_true(isfinite(peak.read_gbps) && peak.read_gbps > 0);
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    clvgg_bench_options options;
    clvgg_bench_options_defaults(&options);
    options.min_seconds = 0;
    options.cold = 0;
    options.per_layer = 1;
    clvgg_bench *bench = NULL;
    clvgg_bench_result result = {.struct_size = sizeof result};
    must(clvgg_bench_create(opened, model, &options, &bench));
    must(clvgg_bench_run(bench, 2, &result));
    assert_true(result.kernel_ms > 0);
    for (size_t i = 0; i < clvgg_session_step_count(clvgg_bench_session(bench)); i++) {
        clvgg_step_info step = {.struct_size = sizeof step};
        must(clvgg_session_step(clvgg_bench_session(bench), i, &step));
        assert_true(step.ms > 0);
    }
    clvgg_bench_free(bench);
    clvgg_model_free(model);
    clvgg_train_bench_options training;
    clvgg_train_bench_options_defaults(&training);
    training.features = 64;
    training.widths[0] = training.widths[1] = 32;
    training.min_seconds = 0;
    training.cold = 0;
    training.per_layer = 1;
    clvgg_train_bench *step_bench = NULL;
    must(clvgg_train_bench_create(opened, &training, &step_bench));
    must(clvgg_train_bench_run(step_bench, 4, &result));
    assert_true(result.kernel_ms > 0);
    clvgg_train_bench_free(step_bench);
    cl_faults_scale_clock(1);
    clvgg_device_free(opened);
}

/* FLOPs of a Winograd step are those of its products: a ratio that the tile's size fixes. */
static void check_step(const clvgg_step_info *step)
{
    assert_true(step->executed_flops <= step->flops);
    if (strncmp(step->variant, "winograd_f6", 11) == 0)
        assert_true(step->executed_flops < step->flops / 2); /* with tiles that stick out */
    else if (strncmp(step->variant, "winograd_f4", 11) == 0)
        assert_int_equal(4 * step->executed_flops, step->flops); /* 36 : 16 · 9 */
    else if (strncmp(step->variant, "winograd_f2", 11) == 0)
        assert_int_equal(9 * step->executed_flops, 4 * step->flops); /* 16 : 4 · 9 */
    else
        assert_int_equal(step->executed_flops, step->flops);
    assert_true((step->weight_bytes > 0) == (step->flops > 0));
}

/* All that was timed is there, and the figures are of it. */
static void check_series(const clvgg_bench *bench, const clvgg_bench_result *result)
{
    size_t count = 0;
    assert_true(result->p90_ms >= result->median_ms && result->low_ms <= result->median_ms);
    assert_true(result->low_ms >= result->min_ms && result->high_ms >= result->median_ms);
    assert_non_null(clvgg_bench_samples(bench, CLVGG_BENCH_PASSES, &count));
    assert_int_equal(count, result->repetitions);
    assert_int_equal(clvgg_bench_samples(bench, CLVGG_BENCH_COLD, &count) != NULL,
                     result->cold_ms > 0);
    assert_non_null(clvgg_bench_samples(bench, CLVGG_BENCH_UPLOADS, &count));
    assert_true(count >= VGG_MEASURE_LEAST && result->upload_ms > 0 && result->download_ms > 0);
    const size_t steps = clvgg_session_step_count(clvgg_bench_session(bench));
    assert_non_null(clvgg_bench_step_samples(bench, steps - 1, &count));
    assert_in_range(count, VGG_MEASURE_LEAST, VGG_MEASURE_MOST);
    assert_null(clvgg_bench_step_samples(bench, steps, &count));
    assert_int_equal(count, 0);
}

static void results_are_checked_and_complete(void **state)
{
    (void)state;
    test_program_skip_when_small("results_are_checked_and_complete");
    static const char *const variants[][1] = {
        {"conv3=winograd_f4_fused"}, {"conv3=winograd_f2_staged"}, {"conv3=conv_direct"}};
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    for (size_t v = 0; v < 3; v++) {
        clvgg_bench_options options;
        clvgg_bench *bench = NULL;
        clvgg_bench_options_defaults(&options);
        options.execution.variants = variants[v];
        options.execution.variant_count = 1;
        options.min_seconds = 0.02;
        options.per_layer = 1;
        must(clvgg_bench_create(device.device, model, &options, &bench));
        assert_null(clvgg_bench_session(bench));
        for (int batch = 3; batch > 0; batch -= 2) {
            clvgg_bench_result result = {.struct_size = sizeof result};
            const clvgg_status status = clvgg_bench_run(bench, batch, &result);
            if (status == CLVGG_STATUS_UNSUPPORTED && v < 2)
                continue; /* not a CPU */
            must(status);
            assert_int_equal(result.batch, batch);
            assert_int_equal(result.wrong, 0);
            assert_true(result.error_l2 >= 0 && result.error_l2 < 1e-5);
            assert_in_range(result.repetitions, VGG_MEASURE_LEAST, VGG_MEASURE_MOST);
            assert_true(result.min_ms > 0 && result.min_ms <= result.median_ms);
            assert_true(result.repetitions == VGG_MEASURE_LEAST ||
                        result.min_ms * (result.repetitions - 1) <= 20 * 5);
            check_series(bench, &result);
            assert_true(result.first_ms > 0 && result.kernel_ms >= 0);
            double sum_ms = 0;
            const clvgg_session *session = clvgg_bench_session(bench);
            for (size_t i = 0; i < clvgg_session_step_count(session); i++) {
                clvgg_step_info step = {.struct_size = sizeof step};
                must(clvgg_session_step(session, i, &step));
                check_step(&step);
                sum_ms += step.ms;
            }
            assert_true((sum_ms > 0) == (result.kernel_ms > 0));
        }
        clvgg_bench_free(bench);
    }
    clvgg_model_free(model);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    clvgg_bench *bench = NULL;
    clvgg_bench_options options;
    clvgg_bench_options_defaults(&options);
    options.min_seconds = NAN;
    assert_int_equal(clvgg_bench_create(device.device, model, &options, &bench),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    assert_null(bench);
    clvgg_bench_options_defaults(&options);
    options.max_seconds = -1;
    assert_int_equal(clvgg_bench_create(device.device, model, &options, &bench),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    must(clvgg_bench_create(device.device, model, NULL, &bench));
    clvgg_bench_result result = {.struct_size = sizeof result};
    assert_int_equal(clvgg_bench_run(bench, 0, &result), CLVGG_STATUS_INVALID_ARGUMENT);
    result.struct_size = 1;
    assert_int_equal(clvgg_bench_run(bench, 1, &result), CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_peak peak = {0};
    assert_int_equal(clvgg_device_measure_peak(device.device, &peak),
                     CLVGG_STATUS_INVALID_ARGUMENT);
    clvgg_bench_free(bench);
    clvgg_model_free(model);
}

/* Every call that a bench makes can fail: an error, nothing leaked, and the next run works. */
static void a_run_fails_whole(void **state)
{
    (void)state;
    test_program_skip_when_small("a_run_fails_whole");
    static const char *const functions[] = {"clCreateCommandQueue", "clEnqueueWriteBuffer",
                                            "clEnqueueNDRangeKernel", "clGetEventProfilingInfo",
                                            "clRetainEvent"};
    clvgg_model *model = network_make(device.runtime, NETWORK_VGG);
    clvgg_bench *bench = NULL;
    clvgg_bench_options options;
    clvgg_bench_options_defaults(&options);
    options.min_seconds = 0;
    options.cold = 0;
    options.per_layer = 1;
    must(clvgg_bench_create(device.device, model, &options, &bench));
    clvgg_bench_result result = {.struct_size = sizeof result};
    must(clvgg_bench_run(bench, 1, &result));
    const size_t live = cl_faults_live();
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++)
        for (size_t index = 0, failed = true; failed && index < 40; index += 3) {
            cl_faults_fail_call(functions[f], index, CL_OUT_OF_RESOURCES);
            const clvgg_status status = clvgg_bench_run(bench, 1, &result);
            failed = cl_faults_stop();
            if (failed && status == CLVGG_STATUS_OK)
                fail_msg("%s %zu: no error", functions[f], index);
            must(clvgg_bench_run(bench, 1, &result));
            assert_int_equal(cl_faults_live(), live);
        }
    clvgg_bench_free(bench);
    clvgg_model_free(model);
}

static clvgg_status bench_small(void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_bench *bench = NULL;
    clvgg_bench_result result = {.struct_size = sizeof result};
    clvgg_bench_options options;
    clvgg_bench_options_defaults(&options);
    options.min_seconds = 0;
    options.cold = 0;
    options.per_layer = 1;
    VGG_TRY(clvgg_bench_create(device.device, user, &options, &bench));
    VGG_TRY(clvgg_bench_run(bench, 1, &result));
cleanup:
    clvgg_bench_free(bench);
    return status;
}

static void memory_can_run_out(void **state)
{
    (void)state;
    test_program_skip_when_small("memory_can_run_out");
    failing_allocator allocator = {.before_failure = -1};
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    options.allocate = failing_allocate;
    options.release = failing_release;
    options.allocator_user = &allocator;
    clvgg_runtime *runtime = NULL;
    must(clvgg_runtime_create(&options, &runtime));
    clvgg_model *model = network_make(runtime, NETWORK_VGG);
    must(bench_small(model)); /* programs are built */
    const long held = allocator.held;
    long failures = 0;
    for (clvgg_status status = CLVGG_STATUS_OUT_OF_MEMORY; status != CLVGG_STATUS_OK; failures++) {
        allocator.before_failure = failures;
        status = bench_small(model);
        allocator.before_failure = -1;
        if (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_OUT_OF_MEMORY)
            fail_msg("allocation %ld: %s", failures, clvgg_status_message());
        assert_int_equal(allocator.held, held);
    }
    assert_in_range(failures, 10, 10000);
    clvgg_model_free(model);
    clvgg_runtime_free(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peak_is_finite_and_positive),
        cmocka_unit_test(clocks_are_believed_beside_the_hosts),
        cmocka_unit_test(without_a_clock_the_hosts_is_used),
        cmocka_unit_test(peak_fails_whole),
        cmocka_unit_test(results_are_checked_and_complete),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(a_run_fails_whole),
        cmocka_unit_test(memory_can_run_out),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
