/* weights/hdf5.h — HDF5 files, which may be a part of another file: their data sets, the groups
 * that hold them, and attributes that are texts. libhdf5 reads what describes them.
 *
 * Only what lies in the file itself is read: links to other places, data sets of other files and
 * filters that libhdf5 would load are refused. libhdf5 isn't thread-safe, so that one lock stands
 * around all calls; values that lie side by side in the file are read without it.
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
    const char *foreign; /* another element type's name, a constant; NULL: it is `dtype`'s */
    bool contiguous;
    uint64_t offset; /* in the source's file, where it is contiguous */
    int64_t id;      /* libhdf5's, where it isn't */
} vgg_hdf5_dataset;

typedef struct vgg_hdf5_group {
    const char *path; /* "layers/conv2d/vars" */
    const char *name; /* its attribute "name", or NULL */
} vgg_hdf5_group;

typedef struct vgg_hdf5 {
    vgg_hdf5_source source;
    const char *name; /* for messages: the file's path, perhaps with a member's name */
    int64_t id;       /* libhdf5's; negative: not open */
    vgg_hdf5_dataset *datasets;
    size_t count, capacity;
    vgg_hdf5_group *groups;
    size_t group_count, group_capacity;
    char **texts; /* what paths and names point to */
    size_t text_count, text_capacity;
} vgg_hdf5;

/* Opens it and lists what it holds. `name` is kept by the caller. Errors: BAD_FILE, IO,
 * OUT_OF_MEMORY. */
clvgg_status vgg_hdf5_open(vgg_hdf5_source source, const char *name, vgg_hdf5 **out);
void vgg_hdf5_close(vgg_hdf5 *file);
/* Exactly `bytes` from byte `at` of a data set's values in row-major order; whole elements of a
 * data set that isn't contiguous. Thread-safe. */
clvgg_status vgg_hdf5_read(const vgg_hdf5_dataset *from, uint64_t at, void *data, size_t bytes);
/* An attribute's texts, one or a list; long lists are Keras's NAME0, NAME1 …, which are joined.
 * *texts is freed by vgg_hdf5_free_texts(); *count is 0 where there is no such attribute. */
clvgg_status vgg_hdf5_texts(const vgg_hdf5 *file, const char *group, const char *attribute,
                            char ***texts, size_t *count);
void vgg_hdf5_free_texts(char **texts, size_t count);

#endif
