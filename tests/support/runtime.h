/* support/runtime.h — a runtime and a folder of its own for a test program. */
#ifndef TEST_SUPPORT_RUNTIME_H
#define TEST_SUPPORT_RUNTIME_H

#include "clvgg/runtime.h"

extern clvgg_runtime *runtime;

/* cmocka group fixtures: `runtime` with the defaults, and temp_folder_setup(). */
int runtime_setup(void **state);
int runtime_teardown(void **state);

#endif
