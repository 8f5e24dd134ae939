/* support/device_fixture.h — one device for all tests of a program. */
#ifndef TEST_SUPPORT_DEVICE_FIXTURE_H
#define TEST_SUPPORT_DEVICE_FIXTURE_H

#include "support/device.h"

extern test_device device;

/* cmocka group fixtures: test_device_open() with the embedded kernels; test_device_close(), which
 * fails where OpenCL objects are left or were released too often. */
int device_setup(void **state);
int device_teardown(void **state);

#endif
