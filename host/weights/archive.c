/* weights/archive.c — see archive.h.
 *
 * libzip doesn't say where a member's bytes lie. But it reads the file through a source of ours
 * (archive_source.c), so the place from which it fetches the first byte of a stored member is
 * known.
 */
#include "weights/archive.h"

#ifdef CLVGG_HAVE_ZIP

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/archive_source.h"

struct vgg_archive {
    vgg_archive_source source;
    zip_t *zip;
    vgg_archive_member *members;
    const vgg_archive_member **by_name;
    size_t count;
    pthread_mutex_t lock; /* guards libzip and what follows */
    bool lock_made;
    zip_file_t *open; /* the deflated member that is being read */
    size_t open_index;
    uint64_t open_position;
};

/* ---- opening ---- */

static clvgg_status open_zip(vgg_archive *archive)
{
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source =
        zip_source_function_create(vgg_archive_source_call, &archive->source, &error);
    if (source != NULL)
        archive->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
    clvgg_status status = CLVGG_STATUS_OK;
    if (archive->zip == NULL) {
        status = vgg_fail(zip_error_code_zip(&error) == ZIP_ER_MEMORY ? CLVGG_STATUS_OUT_OF_MEMORY
                                                                      : CLVGG_STATUS_BAD_FILE,
                          "%s: its zip directory can't be read: %s",
                          vgg_file_path(archive->source.file), zip_error_strerror(&error));
        zip_source_free(source);
    }
    zip_error_fini(&error);
    return status;
}

/* Finds where a stored member's bytes lie, by reading the first. */
static clvgg_status locate(vgg_archive *archive, vgg_archive_member *member, size_t index)
{
    const char *path = vgg_file_path(archive->source.file);
    char byte;
    zip_file_t *open = zip_fopen_index(archive->zip, index, 0);
    const bool read = open != NULL && zip_fread(open, &byte, 1) == 1;
    if (open != NULL)
        zip_fclose(open);
    VGG_CHECK(read, CLVGG_STATUS_BAD_FILE, "%s: member \"%s\" can't be read: %s", path,
              member->name, zip_strerror(archive->zip));
    member->offset = archive->source.last_read;
    VGG_CHECK(member->offset <= vgg_file_size(archive->source.file) &&
                  member->bytes <= vgg_file_size(archive->source.file) - member->offset,
              CLVGG_STATUS_BAD_FILE,
              "%s: member \"%s\" has %" PRIu64 " bytes from byte %" PRIu64
              " on, more than the file",
              path, member->name, member->bytes, member->offset);
    return CLVGG_STATUS_OK;
}

static clvgg_status read_member(vgg_archive *archive, size_t index)
{
    const char *path = vgg_file_path(archive->source.file);
    vgg_archive_member *member = &archive->members[index];
    const zip_uint64_t wanted = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
    zip_stat_t stat;
    VGG_CHECK(zip_stat_index(archive->zip, index, ZIP_FL_ENC_RAW, &stat) == 0 &&
                  (stat.valid & wanted) == wanted,
              CLVGG_STATUS_BAD_FILE, "%s: member %zu of the zip archive can't be read: %s", path,
              index, zip_strerror(archive->zip));
    VGG_CHECK((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) == 0 ||
                  stat.encryption_method == ZIP_EM_NONE,
              CLVGG_STATUS_UNSUPPORTED, "%s: member \"%s\" is encrypted", path, stat.name);
    VGG_CHECK(stat.comp_method == ZIP_CM_STORE || stat.comp_method == ZIP_CM_DEFLATE,
              CLVGG_STATUS_UNSUPPORTED,
              "%s: member \"%s\" is packed by method %d; stored and deflated ones are read", path,
              stat.name, stat.comp_method);
    *member = (vgg_archive_member){
        .name = stat.name, .bytes = stat.size, .stored = stat.comp_method == ZIP_CM_STORE};
    return member->stored && member->bytes > 0 ? locate(archive, member, index) : CLVGG_STATUS_OK;
}

static int compare_offsets(const void *a, const void *b)
{
    const vgg_archive_member *const *left = a, *const *right = b;
    return ((*left)->offset > (*right)->offset) - ((*left)->offset < (*right)->offset);
}

static int compare_names(const void *a, const void *b)
{
    const vgg_archive_member *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

/* Stored members must not lie in one another: a small file could claim any number of large ones. */
static clvgg_status check_members(vgg_archive *archive)
{
    const char *path = vgg_file_path(archive->source.file);
    size_t stored = 0;
    for (size_t i = 0; i < archive->count; i++)
        if (archive->members[i].stored && archive->members[i].bytes > 0)
            archive->by_name[stored++] = &archive->members[i];
    qsort(archive->by_name, stored, sizeof *archive->by_name, compare_offsets);
    for (size_t i = 1; i < stored; i++) {
        const vgg_archive_member *before = archive->by_name[i - 1], *member = archive->by_name[i];
        VGG_CHECK(before->bytes <= member->offset - before->offset, CLVGG_STATUS_BAD_FILE,
                  "%s: members \"%s\" and \"%s\" overlap", path, before->name, member->name);
    }
    for (size_t i = 0; i < archive->count; i++)
        archive->by_name[i] = &archive->members[i];
    qsort(archive->by_name, archive->count, sizeof *archive->by_name, compare_names);
    for (size_t i = 1; i < archive->count; i++)
        VGG_CHECK(compare_names(&archive->by_name[i - 1], &archive->by_name[i]) != 0,
                  CLVGG_STATUS_BAD_FILE, "%s: has two members \"%s\"", path,
                  archive->by_name[i]->name);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_archive_open(const vgg_file *file, vgg_archive **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_archive *archive = NULL;
    *out = NULL;
    VGG_NEW(archive, 1);
    archive->source.file = file;
    zip_error_init(&archive->source.error);
    archive->lock_made = pthread_mutex_init(&archive->lock, NULL) == 0;
    VGG_REQUIRE(archive->lock_made, CLVGG_STATUS_OUT_OF_MEMORY, "no mutex can be made");
    VGG_TRY(open_zip(archive));
    const zip_int64_t count = zip_get_num_entries(archive->zip, 0);
    VGG_REQUIRE(count >= 0 && count <= VGG_LARGEST_MEMBER_COUNT, CLVGG_STATUS_BAD_FILE,
                "%s: has %lld members, more than %d", vgg_file_path(file), (long long)count,
                VGG_LARGEST_MEMBER_COUNT);
    archive->count = (size_t)count;
    VGG_NEW(archive->members, archive->count);
    VGG_NEW(archive->by_name, archive->count);
    for (size_t i = 0; i < archive->count; i++)
        VGG_TRY(read_member(archive, i));
    VGG_TRY(check_members(archive));
    VGG_GIVE(out, archive);
cleanup:
    vgg_archive_close(archive);
    return status;
}

void vgg_archive_close(vgg_archive *archive)
{
    if (archive == NULL)
        return;
    if (archive->open != NULL)
        zip_fclose(archive->open);
    if (archive->zip != NULL)
        zip_discard(archive->zip);
    zip_error_fini(&archive->source.error);
    if (archive->lock_made)
        pthread_mutex_destroy(&archive->lock);
    vgg_free(archive->members);
    vgg_free(archive->by_name);
    vgg_free(archive);
}

/* ---- access ---- */

size_t vgg_archive_count(const vgg_archive *archive)
{
    return archive->count;
}

const vgg_archive_member *vgg_archive_member_at(const vgg_archive *archive, size_t index)
{
    return &archive->members[index];
}

const vgg_file *vgg_archive_file(const vgg_archive *archive)
{
    return archive->source.file;
}

const vgg_archive_member *vgg_archive_find(const vgg_archive *archive, const char *name)
{
    const vgg_archive_member wanted = {.name = name}, *key = &wanted;
    const vgg_archive_member **found =
        bsearch(&key, archive->by_name, archive->count, sizeof *archive->by_name, compare_names);
    return found != NULL ? *found : NULL;
}

/* Moves the member that is being inflated to an offset. */
static bool seek(vgg_archive *archive, size_t index, uint64_t offset)
{
    char skipped[4096];
    if (archive->open == NULL || archive->open_index != index || archive->open_position > offset) {
        if (archive->open != NULL)
            zip_fclose(archive->open);
        archive->open = zip_fopen_index(archive->zip, index, 0);
        archive->open_index = index;
        archive->open_position = 0;
    }
    while (archive->open != NULL && archive->open_position < offset) {
        const uint64_t left = offset - archive->open_position;
        const zip_int64_t got =
            zip_fread(archive->open, skipped, left < sizeof skipped ? left : sizeof skipped);
        if (got <= 0)
            return false;
        archive->open_position += (uint64_t)got;
    }
    return archive->open != NULL;
}

/* libzip compares a member's checksum when its end is read, which is behind the last of `all`
 * bytes.
 */
static bool inflate_bytes(vgg_archive *archive, size_t index, uint64_t all, uint64_t offset,
                          void *data, size_t bytes)
{
    char *to = data, behind;
    if (!seek(archive, index, offset))
        return false;
    while (bytes > 0) {
        const zip_int64_t got = zip_fread(archive->open, to, bytes);
        if (got <= 0)
            return false;
        archive->open_position += (uint64_t)got;
        to += got;
        bytes -= (size_t)got;
    }
    return archive->open_position < all || zip_fread(archive->open, &behind, 1) == 0;
}

clvgg_status vgg_archive_read(const vgg_archive *archive, const vgg_archive_member *member,
                              uint64_t offset, void *data, size_t bytes)
{
    VGG_CHECK(offset <= member->bytes && bytes <= member->bytes - offset, CLVGG_STATUS_BAD_FILE,
              "%s: member \"%s\" has %" PRIu64 " bytes; %zu are wanted from byte %" PRIu64 " on",
              vgg_file_path(archive->source.file), member->name, member->bytes, bytes, offset);
    if (bytes == 0)
        return CLVGG_STATUS_OK;
    if (member->stored)
        return vgg_file_read(archive->source.file, member->offset + offset, data, bytes);
    vgg_archive *shared = (vgg_archive *)archive; /* what the lock guards changes */
    pthread_mutex_lock(&shared->lock);
    const bool good = inflate_bytes(shared, (size_t)(member - archive->members), member->bytes,
                                    offset, data, bytes);
    pthread_mutex_unlock(&shared->lock);
    VGG_CHECK(good, CLVGG_STATUS_BAD_FILE, "%s: member \"%s\" is damaged",
              vgg_file_path(archive->source.file), member->name);
    return CLVGG_STATUS_OK;
}

#else

typedef int vgg_archive_is_absent; /* C wants something in every file */

#endif
