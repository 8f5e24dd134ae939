/* base/runtime.c — making a runtime; logging through the thread's scope. */
#include "base/runtime.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

clvgg_status vgg_runtime_create(const clvgg_runtime_options *options, clvgg_runtime **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_runtime *runtime = NULL;
    vgg_scope scope = {options->allocate, options->release, options->allocator_user,
                       options->log,      options->log_user, options->log_level, NULL};
    const vgg_scope *previous = vgg_scope_enter(&scope);
    VGG_NEW(runtime, 1);
    runtime->scope = scope;
    runtime->scope.damaged = &runtime->damaged;
    pthread_mutex_init(&runtime->damaged.mutex, NULL);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    runtime->threads = options->threads > 0 ? options->threads
                       : processors > 0     ? (int)processors
                                            : 1;
    runtime->verify = options->verify != 0;
    if (options->kernel_dir != NULL)
        VGG_DUP(runtime->kernel_dir, options->kernel_dir);
    VGG_GIVE(out, runtime);
cleanup:
    vgg_runtime_free(runtime);
    vgg_scope_leave(previous);
    return status;
}

void vgg_runtime_free(clvgg_runtime *runtime)
{
    if (runtime == NULL)
        return;
    vgg_damaged_free(&runtime->damaged);
    vgg_free(runtime->kernel_dir);
    vgg_free(runtime);
}

void vgg_log(clvgg_log_level level, const char *format, ...)
{
    const vgg_scope *scope = vgg_scope_current();
    if (scope == NULL || scope->log == NULL || level > scope->log_level)
        return;
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    scope->log(scope->log_user, level, line);
}
