/* weights/hdf5_read.c — what is read of an HDF5 file on demand: attributes that are texts, and
 * values.
 */
#include "weights/hdf5.h"

#ifdef CLVGG_HAVE_HDF5
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/dtype.h"
#include "weights/hdf5_library.h"

/* Of one attribute: a model's configuration is the longest. */
enum { LONGEST_ATTRIBUTE = 16 << 20, MOST_TEXTS = 65536 };

/* ---- attributes ---- */

void vgg_hdf5_free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vgg_free(texts[i]);
    vgg_free(texts);
}

/* Adds `more` texts of at most `width` bytes each, or of any length where width is 0 and `block`
 * holds pointers. */
static clvgg_status append_texts(const void *block, size_t width, size_t more, char ***texts,
                                 size_t *count)
{
    void *grown = vgg_realloc(*texts, *count + more, sizeof **texts);
    VGG_PASS(VGG_MADE(grown));
    *texts = grown;
    for (size_t i = 0; i < more; i++) {
        const char *text =
            width > 0 ? (const char *)block + i * width : ((const char *const *)block)[i];
        const size_t length = text == NULL ? 0 : width > 0 ? strnlen(text, width) : strlen(text);
        char *copy = vgg_strndup(text != NULL ? text : "", length);
        VGG_PASS(VGG_MADE(copy));
        (*texts)[(*count)++] = copy;
    }
    return CLVGG_STATUS_OK;
}

/* Reads texts whose memory libhdf5 takes, one each. */
static clvgg_status read_variable(hid_t attribute, hid_t space, size_t more, char ***texts,
                                  size_t *count, bool *read)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char **block = NULL;
    const hid_t memory = H5Tcopy(H5T_C_S1);
    VGG_NEW(block, more);
    *read = memory >= 0 && H5Tset_size(memory, H5T_VARIABLE) >= 0;
    /* Whether it is ASCII or UTF-8 must be said alike, or nothing is converted. */
    const hid_t stored = H5Aget_type(attribute);
    *read = *read && stored >= 0 && H5Tset_cset(memory, H5Tget_cset(stored)) >= 0 &&
            H5Aread(attribute, memory, block) >= 0;
    if (stored >= 0)
        H5Tclose(stored);
    if (*read) {
        status = append_texts(block, 0, more, texts, count);
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, block);
    }
cleanup:
    if (memory >= 0)
        H5Tclose(memory);
    vgg_free(block);
    return status;
}

static clvgg_status read_fixed(hid_t attribute, hid_t type, size_t more, char ***texts,
                               size_t *count, bool *read)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char *block = NULL;
    const size_t width = H5Tget_size(type);
    *read = width > 0 && width <= LONGEST_ATTRIBUTE / more;
    if (!*read)
        return status;
    VGG_NEW(block, width * more);
    *read = H5Aread(attribute, type, block) >= 0;
    if (*read)
        VGG_TRY(append_texts(block, width, more, texts, count));
cleanup:
    vgg_free(block);
    return status;
}

/* Appends one attribute's texts; one that holds no texts is as if it weren't there. */
static clvgg_status read_attribute(const vgg_hdf5 *file, hid_t attribute, const char *name,
                                   char ***texts, size_t *count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    bool read = type >= 0 && space >= 0;
    const hssize_t points = read ? H5Sget_simple_extent_npoints(space) : -1;
    VGG_REQUIRE(points >= 0 && points <= MOST_TEXTS, CLVGG_STATUS_BAD_FILE,
                "%s: attribute \"%s\" can't be read, or has more than %d elements", file->name,
                name, MOST_TEXTS);
    if (points > 0 && H5Tget_class(type) == H5T_STRING) {
        if (H5Tis_variable_str(type) > 0)
            VGG_TRY(read_variable(attribute, space, (size_t)points, texts, count, &read));
        else
            VGG_TRY(read_fixed(attribute, type, (size_t)points, texts, count, &read));
    }
    VGG_REQUIRE(read, CLVGG_STATUS_BAD_FILE, "%s: attribute \"%s\" can't be read: damaged",
                file->name, name);
cleanup:
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return status;
}

/* *there: whether the group has such an attribute. */
static clvgg_status read_named(const vgg_hdf5 *file, const char *group, const char *name,
                               bool *there, char ***texts, size_t *count)
{
    const char *at = group[0] != '\0' ? group : "/";
    *there = (group[0] == '\0' || H5Lexists(file->id, group, H5P_DEFAULT) > 0) &&
             H5Aexists_by_name(file->id, at, name, H5P_DEFAULT) > 0;
    if (!*there)
        return CLVGG_STATUS_OK;
    const hid_t attribute = H5Aopen_by_name(file->id, at, name, H5P_DEFAULT, H5P_DEFAULT);
    VGG_CHECK(attribute >= 0, CLVGG_STATUS_BAD_FILE, "%s: attribute \"%s\" can't be read: damaged",
              file->name, name);
    const clvgg_status status = read_attribute(file, attribute, name, texts, count);
    H5Aclose(attribute);
    return status;
}

clvgg_status vgg_hdf5_texts_inside(const vgg_hdf5 *file, const char *group, const char *attribute,
                                   char ***texts, size_t *count)
{
    bool there;
    clvgg_status status = CLVGG_STATUS_OK;
    *texts = NULL;
    *count = 0;
    VGG_TRY(read_named(file, group, attribute, &there, texts, count));
    for (int part = 0; !there || part > 0; part++) {
        char name[64];
        snprintf(name, sizeof name, "%s%d", attribute, part);
        VGG_TRY(read_named(file, group, name, &there, texts, count));
        if (!there)
            break;
        VGG_REQUIRE(*count <= MOST_TEXTS, CLVGG_STATUS_BAD_FILE,
                    "%s: attribute \"%s\" has more than %d elements", file->name, name, MOST_TEXTS);
    }
cleanup:
    if (status != CLVGG_STATUS_OK) {
        vgg_hdf5_free_texts(*texts, *count);
        *texts = NULL;
        *count = 0;
    }
    return status;
}

clvgg_status vgg_hdf5_texts(const vgg_hdf5 *file, const char *group, const char *attribute,
                            char ***texts, size_t *count)
{
    vgg_hdf5_enter();
    const clvgg_status status = vgg_hdf5_texts_inside(file, group, attribute, texts, count);
    vgg_hdf5_leave();
    return status;
}

/* ---- values ---- */

/* Elements from `first` on that make a block: along one dimension, with all of those behind it.
 * Returns their number, `count` at most. */
static uint64_t choose_block(const clvgg_shape *shape, uint64_t first, uint64_t count,
                             hsize_t start[CLVGG_MAX_RANK], hsize_t extent[CLVGG_MAX_RANK])
{
    uint64_t rest = first, inner = 1, taken = 1;
    bool whole = true; /* what lies behind this dimension is taken whole */
    for (int i = shape->rank - 1; i >= 0; i--) {
        const uint64_t dim = (uint64_t)shape->dims[i], index = rest % dim;
        uint64_t some = 1;
        start[i] = index;
        rest /= dim;
        if (whole) {
            some = dim - index < count / inner ? dim - index : count / inner;
            taken = some * inner;
            whole = some == dim && count / inner > dim;
            inner *= dim;
        }
        extent[i] = some;
    }
    return taken;
}

static bool read_block(const vgg_hdf5_dataset *from, const hsize_t *start, const hsize_t *extent,
                       uint64_t count, void *data)
{
    const hsize_t flat = count;
    const hid_t type = H5Dget_type(from->id), space = H5Dget_space(from->id);
    const hid_t memory = H5Screate_simple(1, &flat, NULL);
    const bool read = type >= 0 && space >= 0 && memory >= 0 &&
                      (from->shape.rank == 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start,
                                                                    NULL, extent, NULL) >= 0) &&
                      H5Dread(from->id, type, memory, space, H5P_DEFAULT, data) >= 0;
    if (memory >= 0)
        H5Sclose(memory);
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return read;
}

clvgg_status vgg_hdf5_read(const vgg_hdf5_dataset *from, uint64_t at, void *data, size_t bytes)
{
    const size_t size = from->is_double ? sizeof(double) : vgg_dtype_bytes(from->dtype);
    uint64_t first = at / size, count = bytes / size;
    unsigned char *to = data;
    if (from->contiguous)
        return vgg_file_read(from->file->source.file, from->offset + at, data, bytes);
    bool read = true;
    vgg_hdf5_enter();
    while (read && count > 0) {
        hsize_t start[CLVGG_MAX_RANK], extent[CLVGG_MAX_RANK];
        const uint64_t some = choose_block(&from->shape, first, count, start, extent);
        read = read_block(from, start, extent, some, to);
        to += some * size;
        first += some;
        count -= some;
    }
    vgg_hdf5_leave();
    VGG_CHECK(read, CLVGG_STATUS_BAD_FILE, "%s: data set \"%s\" can't be unpacked: damaged",
              from->file->name, from->path);
    return CLVGG_STATUS_OK;
}
#endif
