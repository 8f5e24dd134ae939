/* train/dataset_check.c — reads files once: are they images, and what is their digest? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/sha256.h"
#include "image/image.h"
#include "train/dataset_build.h"

enum { CHUNK_BYTES = 64 << 10 };

void vgg_dataset_reason(int problem, char words[VGG_DATASET_REASON_BYTES])
{
    static const struct {
        int problem;
        const char *words;
    } known[] = {
        {ENOENT, "not there, or a link that leads nowhere"},
        {VGG_PATH_NO_IMAGES, "an empty folder"},
        {VGG_PATH_HIDDEN, "hidden: its name begins with a dot"},
        {VGG_PATH_AGAIN, "a link to a folder that is read already"},
        {VGG_PATH_SPECIAL, "a pipe or a device, not a regular file"},
        {VGG_DATASET_EMPTY, "an empty file"},
        {VGG_DATASET_NOT_IMAGE, "not a PNG, JPEG or WebP image"},
        {VGG_DATASET_TOO_LARGE, "too large for an image file"},
        {VGG_DATASET_NO_CLASS, "its name doesn't begin with a class, as cat.0.jpg does"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].problem == problem) {
            snprintf(words, VGG_DATASET_REASON_BYTES, "%s", known[i].words);
            return;
        }
    if (strerror_r(problem, words, VGG_DATASET_REASON_BYTES) != 0)
        snprintf(words, VGG_DATASET_REASON_BYTES, "error %d", problem);
}

/* Reads until the chunk is full or the file ends. Returns errno. */
static int read_chunk(int descriptor, unsigned char *chunk, size_t *size)
{
    *size = 0;
    while (*size < CHUNK_BYTES) {
        ssize_t got = read(descriptor, chunk + *size, CHUNK_BYTES - *size);
        if (got == 0)
            return 0;
        if (got > 0)
            *size += (size_t)got;
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

static int hash_open_file(int descriptor, unsigned char *chunk, uint8_t *digest)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return errno;
    if (!S_ISREG(info.st_mode))
        return VGG_PATH_SPECIAL;
    if ((uint64_t)info.st_size > VGG_IMAGE_FILE_BYTES_MAX)
        return VGG_DATASET_TOO_LARGE;
    vgg_sha256 hash = vgg_sha256_begin();
    size_t size = CHUNK_BYTES;
    while (size == CHUNK_BYTES) {
        int problem = read_chunk(descriptor, chunk, &size);
        if (problem != 0)
            return problem;
        if (hash.length == 0 && size == 0)
            return VGG_DATASET_EMPTY;
        if (hash.length == 0 && !vgg_image_is_known(chunk, size))
            return VGG_DATASET_NOT_IMAGE;
        vgg_sha256_add(&hash, chunk, size);
    }
    vgg_sha256_end(&hash, digest);
    return 0;
}

typedef struct checking {
    const vgg_path_list *list;
    vgg_dataset_entry *entries;
    unsigned char *chunks; /* [threads][CHUNK_BYTES] */
} checking;

static void check_file(void *user, int worker, size_t index)
{
    checking *job = user;
    vgg_dataset_entry *entry = &job->entries[index];
    entry->problem = job->list->entries[index].problem;
    if (entry->problem != 0)
        return;
    /* A file may have become a pipe since the folder was read: O_NONBLOCK keeps open() from
     * hanging. */
    int descriptor =
        open(vgg_path_list_at(job->list, index), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor < 0) {
        entry->problem = errno;
        return;
    }
    unsigned char *chunk = job->chunks + (size_t)worker * CHUNK_BYTES;
    entry->problem = hash_open_file(descriptor, chunk, entry->digest);
    close(descriptor);
}

clvgg_status vgg_dataset_check_files(int threads, const vgg_path_list *list,
                                     vgg_dataset_entry *entries)
{
    clvgg_status status = CLVGG_STATUS_OK;
    checking job = {.list = list, .entries = entries};
    VGG_NEW(job.chunks, (size_t)threads * CHUNK_BYTES);
    vgg_parallel(threads, list->count, check_file, &job);
cleanup:
    vgg_free(job.chunks);
    return status;
}
