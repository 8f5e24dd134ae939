/* support/device.c — opens the device for kernel tests. */
#include "support/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void print_line(void *user, clvgg_log_level level, const char *line)
{
    (void)user;
    fprintf(stderr, "%s: %s\n", level <= CLVGG_LOG_WARNING ? "warning" : "info", line);
}

static void succeed(clvgg_status status)
{
    if (status != CLVGG_STATUS_OK)
        fail_msg("%s: %s", clvgg_status_name(status), clvgg_status_message());
}

void test_device_open(test_device *opened, const char *kernel_dir)
{
    clvgg_runtime_options options;
    clvgg_runtime_options_defaults(&options);
    options.log = print_line;
    options.kernel_dir = kernel_dir;
    *opened = (test_device){0};
    succeed(clvgg_runtime_create(&options, &opened->runtime));
    succeed(clvgg_device_open(opened->runtime, getenv("CLVGG_DEVICE"), NULL, &opened->device));
    const clvgg_device_info *info = &opened->device->info;
    fprintf(stderr, "device %d: %s (%s, %s)\n", info->index, info->name, info->platform,
            info->driver_version);
    cl_int error = CL_SUCCESS;
    opened->queue = clCreateCommandQueue(opened->device->context, opened->device->id, 0, &error);
    succeed(vgg_cl_check(error, "clCreateCommandQueue"));
}

void test_device_close(test_device *opened)
{
    if (opened->queue != NULL)
        clReleaseCommandQueue(opened->queue);
    clvgg_device_free(opened->device);
    clvgg_runtime_free(opened->runtime);
    *opened = (test_device){0};
}
