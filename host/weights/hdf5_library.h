/* weights/hdf5_library.h — libhdf5 behind its lock, and the driver through which it reads. */
#ifndef VGG_WEIGHTS_HDF5_LIBRARY_H
#define VGG_WEIGHTS_HDF5_LIBRARY_H

#ifdef CLVGG_HAVE_HDF5
/* The functions of 1.10 under their plain names, whatever the library's version. */
#ifndef H5_USE_110_API
#define H5_USE_110_API
#endif
#include "weights/hdf5.h"
#include "weights/hdf5_functions.h"

/* Around every use of libhdf5: takes the lock, and keeps it from printing what fails. */
void vgg_hdf5_enter(void);
void vgg_hdf5_leave(void);

/* The following are called between these two. */

/* Opens the source to read it, and no other file through it. Negative: it can't be opened. */
hid_t vgg_hdf5_open_source(const vgg_hdf5_source *source);
/* vgg_hdf5_texts() where the lock is held already. */
clvgg_status vgg_hdf5_texts_inside(const vgg_hdf5 *file, const char *group, const char *attribute,
                                   char ***texts, size_t *count);
#endif

#endif
