/* api/scope.h — the frame of every public call: enter the runtime's scope, delegate, leave. */
#ifndef VGG_API_SCOPE_H
#define VGG_API_SCOPE_H

#include "base/runtime.h"
#include "base/status.h"

/* Runs `call` (an expression of type clvgg_status) inside `scope` and returns its value. */
#define VGG_API_RETURN(scope, call)                                                                \
    do {                                                                                           \
        const vgg_scope *vgg_previous = vgg_scope_enter(scope);                                    \
        clvgg_status vgg_result = (call);                                                          \
        vgg_scope_leave(vgg_previous);                                                             \
        return vgg_result;                                                                         \
    } while (0)

/* A wrong argument is the caller's error, said with its name. */
#define VGG_API_REQUIRE(condition)                                                                 \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT, "%s: needs %s", __func__, #condition);  \
    } while (0)

/* Requires a valid clvgg_execution. */
#define VGG_API_REQUIRE_EXECUTION(execution)                                                       \
    do {                                                                                           \
        VGG_API_REQUIRE((execution).gemm >= CLVGG_GEMM_AUTO);                                      \
        VGG_API_REQUIRE((execution).gemm <= CLVGG_GEMM_CLBLAST);                                   \
        VGG_API_REQUIRE((execution).variant_count == 0 || (execution).variants != NULL);           \
        VGG_API_REQUIRE(clvgg_storage_name((execution).storage) != NULL);                          \
    } while (0)

#endif
