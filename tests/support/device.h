/* support/device.h — the device that kernel tests run on, the same for all of them. */
#ifndef TEST_SUPPORT_DEVICE_H
#define TEST_SUPPORT_DEVICE_H

#include "ocl/device.h"

typedef struct test_device {
    clvgg_runtime *runtime;
    clvgg_device *device;
    cl_command_queue queue; /* in order */
} test_device;

/* Opens the device that the environment variable CLVGG_DEVICE names (none: the default choice) and
 * says on stderr which it is. Kernels come from kernel_dir unless it is NULL. Warnings of the
 * library are printed. Fails the running test when there is no device. */
void test_device_open(test_device *opened, const char *kernel_dir);
void test_device_close(test_device *opened);

#endif
