/* weights/archive_source.h — a file as libzip reads it; of archive.c alone. */
#ifndef VGG_WEIGHTS_ARCHIVE_SOURCE_H
#define VGG_WEIGHTS_ARCHIVE_SOURCE_H

#ifdef CLVGG_HAVE_ZIP
#include <zip.h>

#include "base/file.h"

typedef struct vgg_archive_source {
    const vgg_file *file;
    uint64_t position, last_read; /* where the latest read began */
    zip_error_t error;
} vgg_archive_source;

/* libzip's callback, whose user is a vgg_archive_source. */
zip_int64_t vgg_archive_source_call(void *user, void *data, zip_uint64_t length,
                                    zip_source_cmd_t command);
#endif

#endif
