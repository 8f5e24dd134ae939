/* weights/archive_source.c — see archive_source.h. */
#ifdef CLVGG_HAVE_ZIP

#include "weights/archive_source.h"

zip_int64_t vgg_archive_source_call(void *user, void *data, zip_uint64_t length,
                                    zip_source_cmd_t command)
{
    vgg_archive_source *source = user;
    const uint64_t size = vgg_file_size(source->file);
    switch (command) {
    case ZIP_SOURCE_OPEN:
        source->position = 0;
        return 0;
    case ZIP_SOURCE_READ: {
        const uint64_t left = size - source->position;
        const uint64_t bytes = length < left ? length : left;
        source->last_read = source->position;
        if (vgg_file_read(source->file, source->position, data, (size_t)bytes) != CLVGG_STATUS_OK) {
            zip_error_set(&source->error, ZIP_ER_READ, 0);
            return -1;
        }
        source->position += bytes;
        return (zip_int64_t)bytes;
    }
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
        return 0;
    case ZIP_SOURCE_STAT: {
        zip_stat_t *stat = data;
        zip_stat_init(stat);
        stat->valid = ZIP_STAT_SIZE;
        stat->size = size;
        return sizeof *stat;
    }
    case ZIP_SOURCE_SEEK: {
        const zip_int64_t to =
            zip_source_seek_compute_offset(source->position, size, data, length, &source->error);
        source->position = to < 0 ? source->position : (uint64_t)to;
        return to < 0 ? -1 : 0;
    }
    case ZIP_SOURCE_TELL:
        return (zip_int64_t)source->position;
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&source->error, data, length);
    case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(
            ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
            ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, -1);
    default:
        zip_error_set(&source->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

#else

typedef int vgg_archive_source_is_absent; /* C wants something in every file */

#endif
