/* kernel/test_flush.c — what empties caches goes through all of its memory, and fails whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/runtime.h"
#include "measure/flush.h"
#include "measure/record.h"
#include "support/cl_faults.h"
#include "support/device_fixture.h"
#include "support/networks.h"
#include "support/program.h"

static void every_value_is_read_and_written(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    vgg_flush flush = {0};
    bool able = false;
    must(vgg_flush_open(&flush, device.device, &able));
    if (able) {
        size_t bytes = 0;
        const cl_uint three = 3;
        must(vgg_cl_check(clGetMemObjectInfo(flush.memory, CL_MEM_SIZE, sizeof bytes, &bytes, NULL),
                          "size("));
        must(vgg_cl_check(clEnqueueFillBuffer(flush.rig.queue, flush.memory, &three, sizeof three,
                                              0, bytes, 0, NULL, NULL),
                          "fill("));
        must(vgg_flush_run(&flush));
        must(vgg_flush_run(&flush));
        cl_uint *values = malloc(bytes);
        assert_non_null(values);
        must(vgg_cl_check(clEnqueueReadBuffer(flush.rig.queue, flush.memory, CL_TRUE, 0, bytes,
                                              values, 0, NULL, NULL),
                          "read("));
        for (size_t i = 0; i < bytes / sizeof *values; i++)
            if (values[i] != 5)
                fail_msg("value %zu of %zu is %u", i, bytes / sizeof *values, values[i]);
        assert_true(bytes >= vgg_host_caches("").all ||
                    device.device->info.type != CLVGG_DEVICE_CPU);
        free(values);
    }
    vgg_flush_close(&flush);
}

static void opening_fails_whole(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    static const char *const functions[] = {"clCreateCommandQueue", "clCreateKernel",
                                            "clGetDeviceInfo", "clSetKernelArg",
                                            "clEnqueueNDRangeKernel"};
    const size_t live = cl_faults_live();
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        vgg_flush flush = {0};
        bool able = false;
        cl_faults_fail_call(functions[i], 0, CL_INVALID_OPERATION);
        const clvgg_status status = vgg_flush_open(&flush, device.device, &able);
        if (cl_faults_stop() && status == CLVGG_STATUS_OK)
            fail_msg("%s: no error", functions[i]);
        vgg_flush_close(&flush);
        if (i > 0) /* what the first makes of the device is kept */
            assert_int_equal(cl_faults_live(), live);
    }
}

static int warnings;
static char warning[256];

static void keep_warning(void *user, clvgg_log_level level, const char *line)
{
    (void)user;
    warnings += level <= CLVGG_LOG_WARNING;
    snprintf(warning, sizeof warning, "%s", line);
}

static clvgg_status do_nothing(void *user, double *columns)
{
    (void)user;
    (void)columns;
    return CLVGG_STATUS_OK;
}

/* No memory is to be had, at once or, as with drivers that put it off, at the first launch: passes
 * are measured without cold ones, which is said once. */
static void without_memory_there_are_no_cold_passes(void **state)
{
    (void)state;
    test_program_skip_when_small(__func__);
    static const struct {
        const char *function;
        size_t index;
        cl_int error;
    } calls[] = {{"clCreateBuffer", 1, CL_MEM_OBJECT_ALLOCATION_FAILURE},
                 {"clCreateBuffer", 1, CL_OUT_OF_HOST_MEMORY},
                 {"clEnqueueNDRangeKernel", 0, CL_OUT_OF_RESOURCES},
                 {"clFinish", 0, CL_MEM_OBJECT_ALLOCATION_FAILURE}};
    const vgg_scope scope = {.log = keep_warning, .log_level = CLVGG_LOG_WARNING};
    const vgg_measured_pass pass = {.make = do_nothing};
    const vgg_bench_how how = vgg_bench_how_of(1e-6, 1e-6, 0, 1);
    const size_t live = cl_faults_live();
    const vgg_scope *before = vgg_scope_enter(&scope);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        vgg_bench_record record = {0};
        warnings = 0;
        for (int run = 0; run < 2; run++) {
            clvgg_bench_result result = {.struct_size = sizeof result};
            cl_faults_fail_call(calls[i].function, calls[i].index, calls[i].error);
            must(vgg_bench_record_passes(&record, device.device, &pass, &how));
            assert_true(cl_faults_stop());
            must(vgg_bench_record_describe(&record, &result));
            assert_true(result.repetitions > 0 && result.cold_ms == 0);
            vgg_bench_record_free(&record);
        }
        assert_int_equal(warnings, 1);
        assert_non_null(strstr(warning, "no passes with emptied caches"));
        assert_non_null(strstr(warning, calls[i].function));
        assert_int_equal(cl_faults_live(), live);
    }
    vgg_scope_leave(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_read_and_written),
        cmocka_unit_test(opening_fails_whole),
        cmocka_unit_test(without_memory_there_are_no_cold_passes),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
