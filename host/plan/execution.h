/* plan/execution.h — copies of clvgg_execution, for what plans again after the call that gave it.
 */
#ifndef VGG_PLAN_EXECUTION_H
#define VGG_PLAN_EXECUTION_H

#include "base/status.h"
#include "clvgg/execution.h"

/* Copies the struct with its strings; *copy needs vgg_execution_free() on failure too. */
clvgg_status vgg_execution_copy(const clvgg_execution *execution, clvgg_execution *copy);
void vgg_execution_free(clvgg_execution *copy);

#endif
