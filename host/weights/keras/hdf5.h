/* weights/keras/hdf5.h — HDF5 files, which may be a part of another file: their data sets, the
 * groups that hold them, and attributes that are texts.
 *
 * Read by ourselves, since libhdf5 crashes on damaged files, and of the format only what h5py
 * writes unless it is told otherwise, as Keras does: superblock 0, object headers 1, groups with
 * symbol tables, data sets whose values lie side by side ("HDF5 File Format Specification
 * Version 3.0", The HDF Group). Whatever else there is, links to other places among it, is refused
 * by name.
 */
#ifndef VGG_WEIGHTS_HDF5_H
#define VGG_WEIGHTS_HDF5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "clvgg/tensor.h"

/* A part of a file, which holds a whole HDF5 file. */
typedef struct vgg_hdf5_source {
    const vgg_file *file;
    uint64_t offset, bytes;
} vgg_hdf5_source;

typedef struct vgg_hdf5_dataset {
    const struct vgg_hdf5 *file;
    const char *path; /* "layers/conv2d/vars/0" */
    clvgg_shape shape;
    clvgg_dtype dtype;
    bool is_double;      /* float64: `dtype` is F32 */
    const char *foreign; /* why it can't be read, a constant: "is of type int8"; NULL: it can */
    uint64_t offset;     /* of its values in the source's file */
} vgg_hdf5_dataset;

typedef struct vgg_hdf5_group {
    const char *path; /* "layers/conv2d/vars", "" for the first */
    const char *name; /* its attribute "name", or NULL */
    uint64_t header;  /* where it lies in the source */
} vgg_hdf5_group;

typedef struct vgg_hdf5 {
    vgg_hdf5_source source;
    const char *name; /* for messages: the file's path, perhaps with a member's name */
    uint64_t fetched; /* bytes of all that was read but values, which is bounded */
    vgg_hdf5_dataset *datasets;
    size_t count, capacity;
    vgg_hdf5_group *groups;
    size_t group_count, group_capacity;
    char **texts; /* what paths and names point to */
    size_t text_count, text_capacity;
} vgg_hdf5;

/* Opens it and lists what it holds. `name` is kept by the caller. Errors: BAD_FILE, UNSUPPORTED,
 * IO, OUT_OF_MEMORY. */
clvgg_status vgg_hdf5_open(vgg_hdf5_source source, const char *name, vgg_hdf5 **out);
void vgg_hdf5_close(vgg_hdf5 *file);
/* Exactly `bytes` from byte `at` of a data set's values in row-major order. Thread-safe. */
clvgg_status vgg_hdf5_read(const vgg_hdf5_dataset *from, uint64_t at, void *data, size_t bytes);
/* An attribute's texts, one or a list; long lists are Keras's NAME0, NAME1 …, which are joined.
 * *texts is freed by vgg_hdf5_free_texts(); *count is 0 where there is no such attribute. */
clvgg_status vgg_hdf5_texts(vgg_hdf5 *file, const char *group, const char *attribute, char ***texts,
                            size_t *count);
void vgg_hdf5_free_texts(char **texts, size_t count);

#endif
