/* weights/hdf5_load.c — finds libhdf5's functions in the library that this build was made with. */
#ifdef CLVGG_HAVE_HDF5
#define VGG_HDF5_OWN_NAMES
#include <dlfcn.h>
#include <pthread.h>

#include "weights/hdf5_library.h"

vgg_hdf5_functions vgg_hdf5_loaded;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *library; /* never closed: it may hold what was made by it */

/* Stores a symbol's address; a pointer to a function and one to data have one form here. */
static bool find_symbol(const char *name, void *address)
{
    void *found = dlsym(library, name);
    *(void **)address = found;
    return found != NULL;
}

static clvgg_status load(void)
{
    library = dlopen(CLVGG_HDF5_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    VGG_CHECK(library != NULL, CLVGG_STATUS_UNSUPPORTED, "libhdf5, which reads it, isn't there: %s",
              dlerror());
    const char *missing = NULL;
#define VGG_HDF5_FIND(name)                                                                        \
    if (!find_symbol(#name, &vgg_hdf5_loaded.to_##name))                                           \
        missing = #name;
    VGG_HDF5_SYMBOLS(VGG_HDF5_FIND)
    if (missing == NULL)
        return CLVGG_STATUS_OK;
    dlclose(library);
    library = NULL;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "%s lacks the function %s", CLVGG_HDF5_LIBRARY,
                    missing);
}

clvgg_status vgg_hdf5_load(void)
{
    pthread_mutex_lock(&lock);
    const clvgg_status status = library != NULL ? CLVGG_STATUS_OK : load();
    pthread_mutex_unlock(&lock);
    return status;
}
#endif
