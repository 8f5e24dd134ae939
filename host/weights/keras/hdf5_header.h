/* weights/keras/hdf5_header.h — object headers of HDF5: the messages that say what an object is. */
#ifndef VGG_WEIGHTS_HDF5_HEADER_H
#define VGG_WEIGHTS_HDF5_HEADER_H

#include "weights/keras/hdf5.h"

/* What a file of another superblock or object header is. */
#define VGG_HDF5_NEWER                                                                             \
    "is of a newer layout of HDF5, which isn't read: \"h5repack OLD.h5 NEW.h5\" writes the old "   \
    "one"

/* An address that is none. */
#define VGG_HDF5_NOWHERE UINT64_MAX

/* Bytes that are being read; `failed` stays set once there were too few. */
typedef struct hdf5_bytes {
    const unsigned char *at;
    size_t left;
    bool failed;
} hdf5_bytes;

/* A little-endian number of 1 to 8 bytes; 0 where there are too few. */
uint64_t vgg_hdf5_take(hdf5_bytes *bytes, int count);
/* The next `count` bytes, or NULL. */
const unsigned char *vgg_hdf5_skip(hdf5_bytes *bytes, uint64_t count);

enum {
    VGG_HDF5_DATASPACE = 0x01,
    VGG_HDF5_LINK_INFO = 0x02,
    VGG_HDF5_DATATYPE = 0x03,
    VGG_HDF5_LINK = 0x06,
    VGG_HDF5_EXTERNAL = 0x07,
    VGG_HDF5_LAYOUT = 0x08,
    VGG_HDF5_ATTRIBUTE = 0x0C,
    VGG_HDF5_CONTINUATION = 0x10,
    VGG_HDF5_SYMBOL_TABLE = 0x11
};

typedef struct hdf5_message {
    int type;
    bool shared;     /* its content lies elsewhere */
    hdf5_bytes data; /* aligned to 8 in memory */
    uint64_t offset; /* of the data, in the source */
} hdf5_message;

/* Exactly `bytes` at an address of the source. */
clvgg_status vgg_hdf5_fetch(vgg_hdf5 *file, uint64_t at, void *data, size_t bytes);
/* Calls `visit` for each message of the object header at an address. */
clvgg_status vgg_hdf5_visit_messages(vgg_hdf5 *file, uint64_t header,
                                     clvgg_status (*visit)(void *user, const hdf5_message *message),
                                     void *user);
/* vgg_hdf5_texts() of the object whose header lies there. */
clvgg_status vgg_hdf5_texts_at(vgg_hdf5 *file, uint64_t header, const char *attribute,
                               char ***texts, size_t *count);
/* BAD_FILE: "NAME: what". */
clvgg_status vgg_hdf5_fail(vgg_hdf5 *file, const char *what);

/* Dimensions of a dataspace message; *rank is at most 32. */
enum { VGG_HDF5_LARGEST_RANK = 32 };
bool vgg_hdf5_read_space(hdf5_bytes bytes, int *rank, uint64_t dims[VGG_HDF5_LARGEST_RANK]);
/* What a data set is, by its header. */
clvgg_status vgg_hdf5_describe(vgg_hdf5 *file, uint64_t header, vgg_hdf5_dataset *set);

#endif
