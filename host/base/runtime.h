/* base/runtime.h — what clvgg_runtime is inside, and the scope it gives to a thread.
 *
 * A public call enters its runtime's scope; from there on allocation and logging of that thread go
 * to the runtime's callbacks. Worker threads enter the scope of their maker.
 */
#ifndef VGG_BASE_RUNTIME_H
#define VGG_BASE_RUNTIME_H

#include <stdbool.h>

#include "base/damaged.h"
#include "clvgg/runtime.h"

typedef struct vgg_scope {
    void *(*allocate)(void *user, size_t bytes);
    void (*release)(void *user, void *memory);
    void *allocator_user;
    clvgg_log_fn log;
    void *log_user;
    clvgg_log_level log_level;
    vgg_damaged *damaged; /* or NULL */
} vgg_scope;

struct clvgg_runtime {
    vgg_scope scope;
    vgg_damaged damaged;
    int threads;             /* at least 1 */
    char *kernel_dir;        /* NULL: embedded kernels */
    bool verify;             /* kernels are checked before they are used first */
    struct vgg_cache *cache; /* cache/cache.h's; NULL: none */
};

/* Makes `scope` the thread's (NULL: malloc, silent) and returns what was before, to be passed to
 * vgg_scope_leave(). The scope must outlive the stay. */
const vgg_scope *vgg_scope_enter(const vgg_scope *scope);
void vgg_scope_leave(const vgg_scope *previous);
/* The calling thread's scope, to hand to a worker; NULL outside any. */
const vgg_scope *vgg_scope_current(void);

clvgg_status vgg_runtime_create(const clvgg_runtime_options *options, clvgg_runtime **out);
void vgg_runtime_free(clvgg_runtime *runtime);

#endif
