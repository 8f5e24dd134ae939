/* e2e/driver/miscompiler.c — a driver that compiles something else than it is given: preloaded, it
 * puts MISCOMPILE_PUT where a program's source has MISCOMPILE_FIND.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

typedef cl_program (*create_fn)(cl_context, cl_uint, const char **, const size_t *, cl_int *);

/* A copy of a text of `length`, changed where it has what is sought; its length then. */
static char *change(const char *text, size_t *length)
{
    const char *find = getenv("MISCOMPILE_FIND"), *put = getenv("MISCOMPILE_PUT");
    char *copy = calloc(1, *length + (put != NULL ? strlen(put) : 0) + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, text, *length);
    char *at = find != NULL && put != NULL ? strstr(copy, find) : NULL;
    if (at != NULL) {
        memmove(at + strlen(put), at + strlen(find), strlen(at + strlen(find)) + 1);
        memcpy(at, put, strlen(put));
        *length += strlen(put) - strlen(find);
    }
    return copy;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                     const size_t *lengths, cl_int *error)
{
    enum { MOST = 16 };
    create_fn create;
    char *changed[MOST];
    size_t sizes[MOST];
    *(void **)&create = dlsym(RTLD_NEXT, "clCreateProgramWithSource");
    if (create == NULL || count > MOST)
        abort();
    for (cl_uint i = 0; i < count; i++) {
        sizes[i] = lengths != NULL && lengths[i] > 0 ? lengths[i] : strlen(texts[i]);
        changed[i] = change(texts[i], &sizes[i]);
    }
    cl_program program = create(context, count, (const char **)changed, sizes, error);
    for (cl_uint i = 0; i < count; i++)
        free(changed[i]);
    return program;
}
