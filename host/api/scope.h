/* api/scope.h — the frame of every public call: enter the runtime's scope, delegate, leave. */
#ifndef VGG_API_SCOPE_H
#define VGG_API_SCOPE_H

#include "base/runtime.h"
#include "base/status.h"
#include "base/text.h"

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

/* Each of these pointers to objects must be there; the first that isn't is named. */
#define VGG_API_GIVEN(...)                                                                         \
    do {                                                                                           \
        const void *const vgg_given[] = {__VA_ARGS__};                                             \
        VGG_PASS(vgg_api_check_given(__func__, #__VA_ARGS__, vgg_given,                            \
                                     sizeof vgg_given / sizeof *vgg_given));                       \
    } while (0)
clvgg_status vgg_api_check_given(const char *function, const char *names, const void *const *given,
                                 size_t count);
/* Where the result goes: NULL until the call has one. */
#define VGG_API_OUT(out)                                                                           \
    do {                                                                                           \
        VGG_API_REQUIRE(out != NULL);                                                              \
        *out = NULL;                                                                               \
    } while (0)
/* A struct of the caller's, of this version's size. */
#define VGG_API_STRUCT(pointer)                                                                    \
    do {                                                                                           \
        VGG_API_REQUIRE(pointer != NULL);                                                          \
        VGG_API_REQUIRE(pointer->struct_size == sizeof *pointer);                                  \
    } while (0)
/* The options, or those of `type`'s defaults where they are NULL: a declaration. */
#define VGG_API_OPTIONS(type, options)                                                             \
    type vgg_defaults;                                                                             \
    type##_defaults(&vgg_defaults);                                                                \
    if (options == NULL)                                                                           \
        options = &vgg_defaults;                                                                   \
    VGG_API_REQUIRE(options->struct_size == sizeof *options)
/* Copies as much of `whole`, which it frees, as `text` [capacity] holds with a NUL, and says how
 * long the whole is. Errors: OUT_OF_MEMORY, where writing `whole` had no memory. */
clvgg_status vgg_api_hand_out(vgg_text *whole, char *text, size_t capacity, size_t *length);
/* Requires a valid clvgg_execution. */
#define VGG_API_REQUIRE_EXECUTION(execution)                                                       \
    do {                                                                                           \
        VGG_API_REQUIRE((execution).gemm >= CLVGG_GEMM_AUTO);                                      \
        VGG_API_REQUIRE((execution).gemm <= CLVGG_GEMM_CLBLAST);                                   \
        VGG_API_REQUIRE((execution).variant_count == 0 || (execution).variants != NULL);           \
        VGG_API_REQUIRE(clvgg_storage_name((execution).storage) != NULL);                          \
    } while (0)

#endif
