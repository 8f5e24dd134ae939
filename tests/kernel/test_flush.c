/* kernel/test_flush.c — what empties caches goes through all of its memory, and fails whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "measure/flush.h"
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
        assert_true(bytes >= vgg_host_caches("").all || device.device->info.type != CLVGG_DEVICE_CPU);
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
        cl_faults_fail_call(functions[i], 0, CL_OUT_OF_RESOURCES);
        const clvgg_status status = vgg_flush_open(&flush, device.device, &able);
        if (cl_faults_stop() && status == CLVGG_STATUS_OK)
            fail_msg("%s: no error", functions[i]);
        vgg_flush_close(&flush);
        if (i > 0) /* what the first makes of the device is kept */
            assert_int_equal(cl_faults_live(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_read_and_written),
        cmocka_unit_test(opening_fails_whole),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
