#include "support/runtime.h"

#include "support/files.h"

clvgg_runtime *runtime;

int runtime_setup(void **state)
{
    return temp_folder_setup(state) != 0 || clvgg_runtime_create(NULL, &runtime) != CLVGG_STATUS_OK;
}

int runtime_teardown(void **state)
{
    clvgg_runtime_free(runtime);
    runtime = NULL;
    return temp_folder_teardown(state);
}
