/* kernel/test_memory.c — what buffers take of a CPU's memory beside their bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "ocl/call.h"
#include "ocl/memory.h"
#include "support/device_fixture.h"
#include "support/networks.h"

enum { BUFFERS = 8, BYTES = 4 << 20 }; /* of two huge pages each */

static long long resident_bytes(void)
{
    long long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lld %lld", &all, &resident), 2);
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

/* A buffer of whole huge pages, full, with what is written behind it. */
static cl_mem make_buffer(cl_command_queue queue)
{
    cl_mem memory = NULL;
    const cl_uint three = 3;
    must(vgg_device_memory_create(device.device, BYTES, &memory));
    must(vgg_cl_check(
        clEnqueueFillBuffer(queue, memory, &three, sizeof three, 0, BYTES, 0, NULL, NULL), "fill("));
    must(vgg_cl_check(clFinish(queue), "finish("));
    return memory;
}

static void a_buffer_takes_its_bytes(void **state)
{
    (void)state;
    if (device.device->info.type != CLVGG_DEVICE_CPU)
        skip();
    cl_mem buffers[BUFFERS], first = make_buffer(device.queue);
    const long long before = resident_bytes();
    for (int i = 0; i < BUFFERS; i++)
        buffers[i] = make_buffer(device.queue);
    const long long taken = resident_bytes() - before;
    for (int i = 0; i < BUFFERS; i++)
        clReleaseMemObject(buffers[i]);
    clReleaseMemObject(first);
    if (taken > (long long)BUFFERS * BYTES * 5 / 4)
        fail_msg("%d buffers of %d bytes took %lld", BUFFERS, BYTES, taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_buffer_takes_its_bytes)};
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
