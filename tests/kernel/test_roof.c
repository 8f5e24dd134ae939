/* kernel/test_roof.c — the device's roof; no figure is judged but by what can't be otherwise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/roof.h"
#include "measure/roof_rig.h"
#include "ocl/clock.h"
#include "ocl/matrix_unit.h"
#include "ocl/query.h"
#include "support/changed_kernels.h"
#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "support/program.h"
#include "support/scratch.h"

static void figures_are_finite_and_complete(void **state)
{
    (void)state;
    clvgg_roof roof = {.struct_size = sizeof roof};
    must(clvgg_device_measure_roof(device.device, &roof));
    const double always[] = {roof.fma_f32_gflops, roof.read_gbps,
                             roof.write_gbps,     roof.copy_gbps,
                             roof.local_gbps,     roof.near_cache_read_gbps,
                             roof.launch_ms,      roof.transfer_latency_ms,
                             roof.upload_gbps,    roof.download_gbps};
    const double sometimes[] = {roof.fma_f16_gflops, roof.matrix_bf16_gflops, roof.dot_int8_gops,
                                roof.cache_read_gbps};
    bool has_amx = false, has_dot = false;
    must(vgg_matrix_unit_check(device.device, &has_amx));
    must(vgg_query_has_extension(device.device->id, "cl_khr_integer_dot_product", &has_dot));
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (!isfinite(always[i]) || always[i] <= 0)
            fail_msg("figure %zu is %g", i, always[i]);
    for (size_t i = 0; i < sizeof sometimes / sizeof *sometimes; i++)
        assert_true(isfinite(sometimes[i]) && sometimes[i] >= 0);
    assert_true((roof.matrix_bf16_gflops > 0) == has_amx);
    assert_true((roof.dot_int8_gops > 0) == has_dot);
    assert_true((roof.fma_f16_gflops > 0) == (device.device->info.has_half != 0));
    assert_true((roof.cache_read_gbps > 0) == (roof.cache_bytes > 0));
    assert_int_equal(clvgg_device_measure_roof(NULL, &roof), CLVGG_STATUS_INVALID_ARGUMENT);
    roof.struct_size = 1;
    assert_int_equal(clvgg_device_measure_roof(device.device, &roof),
                     CLVGG_STATUS_INVALID_ARGUMENT);
}

/* Kernels that do less than they should: no rate is of work that wasn't done. */
static void rates_are_of_work_that_was_done(void **state)
{
    (void)state;
    static const struct {
        const char *file, *find, *put;
        size_t figure; /* that is none any more */
    } changes[] = {
        {"roof_compute.cl", "i < BLOCK / UNROLL;", "i < BLOCK / UNROLL - 1;",
         offsetof(clvgg_roof, fma_f32_gflops)},
        {"roof_compute.cl", "b < blocks;", "b < blocks - 2;", offsetof(clvgg_roof, fma_f32_gflops)},
        {"roof_memory.cl", "a[u] += VLOAD", "a[u] = VLOAD", offsetof(clvgg_roof, read_gbps)},
        {"roof_memory.cl", "PUT(v, y", "if (i > 0) PUT(v, y", offsetof(clvgg_roof, write_gbps)},
        {"roof_memory.cl", "PUT(VLOAD(x", "if (i > 0) PUT(VLOAD(x",
         offsetof(clvgg_roof, copy_gbps)},
        {"roof_memory.cl", "a[u] += data", "a[u] = data", offsetof(clvgg_roof, local_gbps)},
        {"roof_memory.cl", "] += 1;", "] += 0;", offsetof(clvgg_roof, launch_ms)},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        test_device other;
        vgg_roof_rig rig = {0};
        clvgg_roof roof = {.struct_size = sizeof roof};
        test_device_open(&other,
                         changed_kernels_folder(changes[i].file, changes[i].find, changes[i].put));
        must(vgg_roof_open(&rig, other.device));
        if (strcmp(changes[i].file, "roof_compute.cl") == 0)
            must(vgg_roof_fma(&rig, false, &roof.fma_f32_gflops));
        else if (changes[i].figure == offsetof(clvgg_roof, launch_ms))
            must(vgg_roof_transfers(&rig, &roof));
        else
            must(vgg_roof_memories(&rig, &roof));
        if (*(double *)(void *)((char *)&roof + changes[i].figure) > 0)
            fail_msg("change %zu isn't seen", i);
        vgg_roof_close(&rig);
        test_device_close(&other);
    }
}

/* A device whose loops are wrong has no peak, and says so. */
static void without_right_results_there_is_no_peak(void **state)
{
    (void)state;
    test_device other;
    clvgg_peak peak = {.struct_size = sizeof peak};
    test_device_open(&other,
                     changed_kernels_folder("roof_compute.cl", "b < blocks;", "b < blocks - 2;"));
    assert_int_equal(clvgg_device_measure_peak(other.device, &peak), CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "wrong results where it only multiplies"));
    test_device_close(&other);
    test_device_open(&other,
                     changed_kernels_folder("roof_memory.cl", "a[u] += VLOAD", "a[u] = VLOAD"));
    assert_int_equal(clvgg_device_measure_peak(other.device, &peak), CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "wrong results where it only reads"));
    test_device_close(&other);
}

/* Stores that do less than they should are no error: only that rate is unknown. */
static void a_rate_of_work_undone_is_unknown(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    test_device other;
    clvgg_roof roof = {.struct_size = sizeof roof};
    test_device_open(&other,
                     changed_kernels_folder("roof_memory.cl", "PUT(v, y", "if (i > 0) PUT(v, y"));
    must(clvgg_device_measure_roof(other.device, &roof));
    assert_true(roof.write_gbps == 0 && roof.read_gbps > 0);
    test_device_close(&other);
}

/* A clock that was right once and then stands still: right results in no time are no wrong ones. */
static void without_times_there_is_no_peak(void **state)
{
    (void)state;
    bool has_clock = false;
    clvgg_peak peak = {.struct_size = sizeof peak};
    must(vgg_clock_check(device.device, &has_clock));
    if (!has_clock)
        skip();
    cl_faults_scale_clock(1e-30);
    const clvgg_status status = clvgg_device_measure_peak(device.device, &peak);
    cl_faults_scale_clock(1);
    assert_int_equal(status, CLVGG_STATUS_UNSUPPORTED);
    assert_non_null(strstr(clvgg_status_message(), "takes no time where it only multiplies"));
    assert_null(strstr(clvgg_status_message(), "wrong"));
}

static void it_fails_whole(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    static const struct {
        const char *function;
        size_t index;
    } calls[] = {
        {"clCreateCommandQueue", 0}, {"clCreateBuffer", 0},          {"clCreateBuffer", 1},
        {"clCreateBuffer", 3},       {"clCreateKernel", 1},          {"clCreateKernel", 3},
        {"clSetKernelArg", 0},       {"clEnqueueNDRangeKernel", 0},  {"clEnqueueNDRangeKernel", 60},
        {"clWaitForEvents", 0},      {"clGetEventProfilingInfo", 0}, {"clGetEventProfilingInfo", 1},
        {"clEnqueueFillBuffer", 0},  {"clEnqueueReadBuffer", 0},     {"clEnqueueWriteBuffer", 0},
    };
    const size_t live = cl_faults_live();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        clvgg_roof roof = {.struct_size = sizeof roof};
        cl_faults_fail_call(calls[i].function, calls[i].index, CL_OUT_OF_RESOURCES);
        const clvgg_status status = clvgg_device_measure_roof(device.device, &roof);
        const bool failed = cl_faults_stop();
        if (failed != (status != CLVGG_STATUS_OK))
            fail_msg("%s %zu: %s", calls[i].function, calls[i].index, clvgg_status_message());
        assert_int_equal(cl_faults_live(), live);
    }
}

static int set_up(void **state)
{
    return test_scratch_make() == NULL ? -1 : device_setup(state);
}

static int tear_down(void **state)
{
    test_scratch_remove();
    return device_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_finite_and_complete),
        cmocka_unit_test(rates_are_of_work_that_was_done),
        cmocka_unit_test(without_right_results_there_is_no_peak),
        cmocka_unit_test(a_rate_of_work_undone_is_unknown),
        cmocka_unit_test(without_times_there_is_no_peak),
        cmocka_unit_test(it_fails_whole),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
