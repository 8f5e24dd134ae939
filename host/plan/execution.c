/* plan/execution.c — see execution.h. */
#include "plan/execution.h"

#include "base/alloc.h"

clvgg_status vgg_execution_copy(const clvgg_execution *execution, clvgg_execution *copy)
{
    char **variants = NULL;
    *copy = *execution;
    copy->variants = NULL;
    copy->variant_count = 0;
    VGG_NEW_PASS(variants, execution->variant_count);
    copy->variants = (const char *const *)variants;
    for (; copy->variant_count < execution->variant_count; copy->variant_count++)
        VGG_DUP_PASS(variants[copy->variant_count], execution->variants[copy->variant_count]);
    return CLVGG_STATUS_OK;
}

void vgg_execution_free(clvgg_execution *copy)
{
    for (size_t i = 0; i < copy->variant_count; i++)
        vgg_free((char *)copy->variants[i]);
    vgg_free((char **)copy->variants);
    copy->variants = NULL;
    copy->variant_count = 0;
}
