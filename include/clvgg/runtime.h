/* clvgg/runtime.h — the root handle: allocator, log callback, threads, kernel sources, cache.
 *
 * There is no global state. Everything else is made from a runtime and must be freed before it.
 *
 * Don't fork() a process that has listed or opened a device and use clvgg, or any OpenCL, in the
 * child: drivers' threads aren't copied, and PoCL then waits for them for ever. Fork first, or exec
 * in the child. PoCL also needs a folder to compile in: POCL_CACHE_DIR, else XDG_CACHE_HOME, else
 * HOME; where none can be written it offers no device. The library leaves the environment alone.
 */
#ifndef CLVGG_RUNTIME_H
#define CLVGG_RUNTIME_H

#include <stddef.h>

#include "clvgg/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_runtime clvgg_runtime;

typedef enum clvgg_log_level {
    CLVGG_LOG_ERROR = 0,
    CLVGG_LOG_WARNING = 1,
    CLVGG_LOG_INFO = 2,
    CLVGG_LOG_DEBUG = 3
} clvgg_log_level;

/* Called from any thread of clvgg, one line without a newline. Must not call clvgg. */
typedef void (*clvgg_log_fn)(void *user, clvgg_log_level level, const char *line);

typedef struct clvgg_runtime_options {
    size_t struct_size; /* sizeof(clvgg_runtime_options), set by the defaults call */
    /* Host memory. Both or neither; may be called from several threads at once. `allocate`
     * returns memory aligned for any type, or NULL. */
    void *(*allocate)(void *user, size_t bytes);
    void (*release)(void *user, void *memory);
    void *allocator_user;
    clvgg_log_fn log; /* NULL: silent */
    void *log_user;
    clvgg_log_level log_level; /* lines above this level are not built; default WARNING */
    int threads;               /* that decode, and that build programs; 0: one a processor */
    const char *kernel_dir;    /* folder of .cl files used instead of the embedded ones, or NULL */
    const char *cache_path;    /* file that keeps compiled programs (clvgg/cache.h); NULL: none */
    int verify; /* 1: kernels of which nothing is known on a device and its driver are held against
                   their layers' definition before a network runs them first; one that is wrong, or
                   doesn't build, is replaced by the next best that is right, with a warning in the
                   log. What is found is kept in the cache, and with the open device. 0 (default):
                   what is known is heeded, nothing is checked */
} clvgg_runtime_options;

CLVGG_API void clvgg_runtime_options_defaults(clvgg_runtime_options *options);

/* Makes a runtime. `options` may be NULL (defaults); strings in it are copied. Doesn't touch
 * OpenCL. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Threads: a runtime may be used by many. */
CLVGG_API clvgg_status clvgg_runtime_create(const clvgg_runtime_options *options,
                                            clvgg_runtime **out);
CLVGG_API void clvgg_runtime_free(clvgg_runtime *runtime);

#ifdef __cplusplus
}
#endif
#endif
