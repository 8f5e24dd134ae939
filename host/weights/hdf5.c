/* weights/hdf5.c — what an HDF5 file holds: a walk over its groups, and what each data set is.
 *
 * The walk follows what lies in the file and nothing else: a group that contains itself, more than
 * so many objects, or a link of another kind ends it.
 */
#include "weights/hdf5.h"

#ifdef CLVGG_HAVE_HDF5
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "weights/hdf5_library.h"

enum { MOST_OBJECTS = 100000, DEEPEST = 48, LONGEST_PATH = 2048 };
/* A chunk is unpacked as a whole. */
#define LARGEST_CHUNK (UINT64_C(64) << 20)
/* Deflate packs at most so many bytes into one. */
#define BEST_PACKING 1040

typedef struct walk {
    vgg_hdf5 *file;
    char path[LONGEST_PATH];
    haddr_t above[DEEPEST]; /* addresses of the groups that are being walked */
    int depth;
    size_t objects;
    clvgg_status status;
} walk;

/* ---- data sets ---- */

static clvgg_status keep_text(vgg_hdf5 *file, const char *text, const char **out)
{
    VGG_GROW_PASS(file->texts, file->text_count, file->text_capacity, 64);
    VGG_DUP_PASS(file->texts[file->text_count], text);
    *out = file->texts[file->text_count++];
    return CLVGG_STATUS_OK;
}

static bool is_half(hid_t type)
{
    size_t sign, exponent, exponent_bits, mantissa, mantissa_bits;
    return H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) == 2 &&
           H5Tget_order(type) == H5T_ORDER_LE && H5Tget_ebias(type) == 15 &&
           H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) >= 0 &&
           sign == 15 && exponent == 10 && exponent_bits == 5 && mantissa == 0 &&
           mantissa_bits == 10;
}

/* h5py stores a bfloat16 array as opaque elements of two bytes, which nothing else is here. */
static void describe_type(hid_t type, vgg_hdf5_dataset *set)
{
    set->dtype = CLVGG_DTYPE_F32;
    if (H5Tequal(type, H5T_IEEE_F32LE) > 0)
        return;
    if (H5Tequal(type, H5T_IEEE_F64LE) > 0)
        set->is_double = true;
    else if (is_half(type))
        set->dtype = CLVGG_DTYPE_F16;
    else if (H5Tget_class(type) == H5T_OPAQUE && H5Tget_size(type) == 2)
        set->dtype = CLVGG_DTYPE_BF16;
    else if (H5Tget_class(type) == H5T_INTEGER)
        set->foreign = H5Tget_size(type) == 1 ? "int8" : "integer";
    else if (H5Tget_class(type) == H5T_FLOAT)
        set->foreign = "float of another layout";
    else
        set->foreign = "other than numbers";
}

static clvgg_status describe_shape(const walk *at, hid_t space, vgg_hdf5_dataset *set)
{
    hsize_t dims[H5S_MAX_RANK];
    const int rank = H5Sget_simple_extent_ndims(space);
    VGG_CHECK(rank >= 0 && H5Sget_simple_extent_dims(space, dims, NULL) == rank,
              CLVGG_STATUS_BAD_FILE, "%s: data set \"%s\": its shape can't be read", at->file->name,
              at->path);
    if (rank > CLVGG_MAX_RANK) {
        set->foreign = "of too many dimensions";
        return CLVGG_STATUS_OK;
    }
    set->shape.rank = rank;
    for (int i = 0; i < rank; i++) {
        VGG_CHECK(dims[i] <= INT64_MAX, CLVGG_STATUS_BAD_FILE,
                  "%s: data set \"%s\": a dimension overflows", at->file->name, at->path);
        set->shape.dims[i] = (int64_t)dims[i];
    }
    return CLVGG_STATUS_OK;
}

/* Filters that are built into libhdf5; others would be looked for in folders and loaded. */
static bool has_known_filters(hid_t creation)
{
    const int count = H5Pget_nfilters(creation);
    for (int i = 0; i < count; i++) {
        unsigned flags, config;
        size_t values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32)
            return false;
    }
    return count >= 0;
}

static clvgg_status check_chunks(const walk *at, hid_t creation, size_t element)
{
    hsize_t dims[H5S_MAX_RANK];
    uint64_t bytes = element;
    const int rank = H5Pget_chunk(creation, H5S_MAX_RANK, dims);
    bool fits = rank > 0;
    for (int i = 0; i < rank; i++)
        fits = fits && !__builtin_mul_overflow(bytes, dims[i], &bytes) && bytes <= LARGEST_CHUNK;
    VGG_CHECK(fits, CLVGG_STATUS_BAD_FILE,
              "%s: data set \"%s\": its chunks are larger than %" PRIu64 " MiB", at->file->name,
              at->path, LARGEST_CHUNK >> 20);
    return CLVGG_STATUS_OK;
}

/* Where values lie; what can't be read at all is refused. */
static clvgg_status describe_place(const walk *at, hid_t id, hid_t creation, vgg_hdf5_dataset *set)
{
    const vgg_hdf5_source *source = &at->file->source;
    const size_t element = set->is_double ? sizeof(double) : vgg_dtype_bytes(set->dtype);
    const H5D_layout_t layout = H5Pget_layout(creation);
    uint64_t count, bytes;
    VGG_CHECK(layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED || layout == H5D_COMPACT,
              CLVGG_STATUS_BAD_FILE,
              "%s: data set \"%s\" is virtual: its values lie in other files, which aren't read",
              at->file->name, at->path);
    VGG_CHECK(H5Pget_external_count(creation) == 0, CLVGG_STATUS_BAD_FILE,
              "%s: data set \"%s\": its values lie in another file, which isn't read",
              at->file->name, at->path);
    VGG_CHECK(has_known_filters(creation), CLVGG_STATUS_UNSUPPORTED,
              "%s: data set \"%s\" is packed by a filter other than deflate, which isn't read",
              at->file->name, at->path);
    VGG_CHECK(vgg_shape_count(&set->shape, &count) &&
                  !__builtin_mul_overflow(count, (uint64_t)element, &bytes),
              CLVGG_STATUS_BAD_FILE, "%s: data set \"%s\": the product of its dimensions overflows",
              at->file->name, at->path);
    if (layout == H5D_CHUNKED)
        VGG_PASS(check_chunks(at, creation, element));
    const haddr_t offset = layout == H5D_CONTIGUOUS && count > 0 ? H5Dget_offset(id) : HADDR_UNDEF;
    set->contiguous = offset != HADDR_UNDEF;
    set->offset = source->offset + offset;
    const uint64_t stored = H5Dget_storage_size(id), room = source->bytes;
    const bool lies = set->contiguous ? offset <= room && bytes <= room - offset
                                      : stored <= room && bytes / BEST_PACKING <= stored &&
                                            (bytes == 0 || stored > 0);
    VGG_CHECK(lies, CLVGG_STATUS_BAD_FILE,
              "%s: data set \"%s\" claims %" PRIu64 " bytes, which don't lie in the file",
              at->file->name, at->path, bytes);
    return CLVGG_STATUS_OK;
}

static clvgg_status describe_dataset(const walk *at, hid_t id, vgg_hdf5_dataset *set)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const hid_t type = H5Dget_type(id), space = H5Dget_space(id), made = H5Dget_create_plist(id);
    VGG_REQUIRE(type >= 0 && space >= 0 && made >= 0, CLVGG_STATUS_BAD_FILE,
                "%s: data set \"%s\": what describes it can't be read", at->file->name, at->path);
    describe_type(type, set);
    VGG_TRY(describe_shape(at, space, set));
    if (set->foreign == NULL)
        VGG_TRY(describe_place(at, id, made, set));
cleanup:
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    if (made >= 0)
        H5Pclose(made);
    return status;
}

static clvgg_status add_dataset(walk *at, hid_t id)
{
    vgg_hdf5 *file = at->file;
    vgg_hdf5_dataset set = {.file = file, .id = -1};
    VGG_PASS(describe_dataset(at, id, &set));
    VGG_PASS(keep_text(file, at->path, &set.path));
    VGG_GROW_PASS(file->datasets, file->count, file->capacity, 64);
    if (!set.contiguous && set.foreign == NULL) {
        H5Iinc_ref(id);
        set.id = id;
    }
    file->datasets[file->count++] = set;
    return CLVGG_STATUS_OK;
}

/* ---- the walk ---- */

static clvgg_status walk_group(walk *at, hid_t id);

static clvgg_status push_group(vgg_hdf5 *file, const char *path, const char *name)
{
    vgg_hdf5_group group = {0};
    VGG_PASS(keep_text(file, path, &group.path));
    if (name != NULL)
        VGG_PASS(keep_text(file, name, &group.name));
    VGG_GROW_PASS(file->groups, file->group_count, file->group_capacity, 64);
    file->groups[file->group_count++] = group;
    return CLVGG_STATUS_OK;
}

static clvgg_status add_group(walk *at)
{
    char **texts = NULL;
    size_t count = 0;
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(vgg_hdf5_texts_inside(at->file, at->path, "name", &texts, &count));
    VGG_TRY(push_group(at->file, at->path, count == 1 ? texts[0] : NULL));
cleanup:
    vgg_hdf5_free_texts(texts, count);
    return status;
}

/* Goes into a group that isn't open above. */
static clvgg_status enter_group(walk *at, hid_t id, haddr_t address)
{
    for (int i = 0; i < at->depth; i++)
        VGG_CHECK(at->above[i] != address, CLVGG_STATUS_BAD_FILE,
                  "%s: group \"%s\" contains itself", at->file->name, at->path);
    VGG_CHECK(at->depth < DEEPEST, CLVGG_STATUS_BAD_FILE,
              "%s: group \"%s\" lies more than %d groups deep", at->file->name, at->path, DEEPEST);
    at->above[at->depth++] = address;
    VGG_PASS(add_group(at));
    VGG_PASS(walk_group(at, id));
    at->depth--;
    return CLVGG_STATUS_OK;
}

static clvgg_status visit_object(walk *at, hid_t group, const char *name)
{
    clvgg_status status = CLVGG_STATUS_OK;
    H5O_info_t info;
    const hid_t id = H5Oopen(group, name, H5P_DEFAULT);
    VGG_REQUIRE(id >= 0 && H5Oget_info(id, &info) >= 0, CLVGG_STATUS_BAD_FILE,
                "%s: \"%s\" can't be read as an HDF5 object", at->file->name, at->path);
    if (info.type == H5O_TYPE_GROUP)
        VGG_TRY(enter_group(at, id, info.addr));
    else if (info.type == H5O_TYPE_DATASET)
        VGG_TRY(add_dataset(at, id));
cleanup:
    if (id >= 0)
        H5Oclose(id);
    return status;
}

static herr_t visit_link(hid_t group, const char *name, const H5L_info_t *link, void *user)
{
    walk *at = user;
    const size_t before = strlen(at->path), more = strlen(name);
    if (++at->objects > MOST_OBJECTS)
        at->status = vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: has more than %d objects", at->file->name,
                              MOST_OBJECTS);
    else if (before + more + 2 > LONGEST_PATH)
        at->status = vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: a path in it is longer than %d bytes",
                              at->file->name, LONGEST_PATH);
    if (at->status != CLVGG_STATUS_OK)
        return -1;
    snprintf(at->path + before, LONGEST_PATH - before, "%s%s", before > 0 ? "/" : "", name);
    if (link->type == H5L_TYPE_HARD)
        at->status = visit_object(at, group, name);
    else
        at->status = vgg_fail(
            CLVGG_STATUS_BAD_FILE, "%s: \"%s\" is a link to another place%s, which isn't followed",
            at->file->name, at->path, link->type == H5L_TYPE_SOFT ? "" : ", perhaps another file");
    at->path[before] = '\0';
    return at->status == CLVGG_STATUS_OK ? 0 : -1;
}

static clvgg_status walk_group(walk *at, hid_t id)
{
    const herr_t walked = H5Literate(id, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_link, at);
    if (walked < 0 && at->status == CLVGG_STATUS_OK)
        at->status = vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: group \"/%s\" can't be read: damaged",
                              at->file->name, at->path);
    return at->status;
}

/* ---- opening ---- */

static clvgg_status walk_file(vgg_hdf5 *file)
{
    clvgg_status status = CLVGG_STATUS_OK;
    walk *at = NULL;
    H5O_info_t info;
    file->id = vgg_hdf5_open_source(&file->source);
    VGG_REQUIRE(file->id >= 0, CLVGG_STATUS_BAD_FILE,
                "%s: can't be opened as an HDF5 file: cut short, or damaged", file->name);
    VGG_REQUIRE(H5Oget_info(file->id, &info) >= 0, CLVGG_STATUS_BAD_FILE,
                "%s: its first group can't be read: damaged", file->name);
    VGG_NEW(at, 1);
    at->file = file;
    at->above[at->depth++] = info.addr;
    VGG_TRY(walk_group(at, file->id));
cleanup:
    vgg_free(at);
    return status;
}

clvgg_status vgg_hdf5_open(vgg_hdf5_source source, const char *name, vgg_hdf5 **out)
{
    vgg_hdf5 *file = NULL;
    *out = NULL;
    VGG_PASS(vgg_prefixed(vgg_hdf5_load(), "%s", name));
    VGG_NEW_PASS(file, 1);
    *file = (vgg_hdf5){.source = source, .name = name, .id = -1};
    vgg_hdf5_enter();
    const clvgg_status status = walk_file(file);
    vgg_hdf5_leave();
    if (status != CLVGG_STATUS_OK)
        vgg_hdf5_close(file);
    else
        *out = file;
    return status;
}

void vgg_hdf5_close(vgg_hdf5 *file)
{
    if (file == NULL)
        return;
    vgg_hdf5_enter();
    for (size_t i = 0; i < file->count; i++)
        if (file->datasets[i].id >= 0)
            H5Oclose(file->datasets[i].id);
    if (file->id >= 0)
        H5Fclose(file->id);
    vgg_hdf5_leave();
    vgg_hdf5_free_texts(file->texts, file->text_count);
    vgg_free(file->datasets);
    vgg_free(file->groups);
    vgg_free(file);
}
#endif
