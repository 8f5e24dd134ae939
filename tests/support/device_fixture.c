#include "support/device_fixture.h"

#include "support/cl_faults.h"

test_device device;

int device_setup(void **state)
{
    (void)state;
    test_device_open(&device, NULL);
    return 0;
}

int device_teardown(void **state)
{
    (void)state;
    test_device_close(&device);
    if (cl_faults_live() > 0)
        cl_faults_print_live();
    return cl_faults_live() == 0 && cl_faults_over_released() == 0 ? 0 : -1;
}
