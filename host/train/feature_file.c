/* train/feature_file.c — see feature_file.h. All numbers are little-endian, as this machine's. */
#include "train/feature_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/sha256.h"

enum { HEADER_BYTES = 4096, GROUP = 64, VERSION = 1 };

typedef struct file_header {
    char magic[8];
    uint32_t version, group;
    uint64_t record_bytes;
    uint8_t digest[32];
    uint64_t checksum; /* of what stands before it */
} file_header;

typedef struct record_head {
    uint8_t digest[32];
    uint64_t variation;
    uint32_t view, zero;
    uint64_t values_checksum; /* its seed is the first half of the key */
    uint64_t checksum;        /* of what stands before it; its seed is the slot */
} record_head;
_Static_assert(sizeof(file_header) == 64 && sizeof(record_head) == 64, "no padding");

static const char magic[8] = "clvggft";

/* ---- places ---- */

static uint64_t group_offset(const vgg_feature_file *file, uint64_t group)
{
    return HEADER_BYTES + group * GROUP * (sizeof(record_head) + file->record_bytes);
}

static uint64_t head_offset(const vgg_feature_file *file, uint32_t slot)
{
    return group_offset(file, slot / GROUP) + slot % GROUP * sizeof(record_head);
}

static uint64_t values_offset(const vgg_feature_file *file, uint32_t slot)
{
    return group_offset(file, slot / GROUP) + GROUP * sizeof(record_head) +
           slot % GROUP * (uint64_t)file->record_bytes;
}

uint64_t vgg_feature_file_record_bytes(const vgg_feature_file *file)
{
    return sizeof(record_head) + file->record_bytes;
}

/* ---- transfers ---- */

static clvgg_status fail_errno(const vgg_feature_file *file, const char *what)
{
    return vgg_fail(CLVGG_STATUS_IO, "%s/%s: %s: %s", file->folder.path, file->name, what,
                    strerror(errno));
}

/* Up to `bytes`: *got is less at the file's end. */
static clvgg_status read_at(const vgg_feature_file *file, uint64_t offset, void *data, size_t bytes,
                            size_t *got)
{
    for (*got = 0; *got < bytes;) {
        ssize_t more =
            pread(file->descriptor, (char *)data + *got, bytes - *got, (off_t)(offset + *got));
        if (more == 0)
            break;
        if (more > 0)
            *got += (size_t)more;
        else if (errno != EINTR)
            return fail_errno(file, "can't be read");
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status write_at(const vgg_feature_file *file, uint64_t offset, const void *data,
                             size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t more = pwrite(file->descriptor, (const char *)data + done, bytes - done,
                              (off_t)(offset + done));
        if (more >= 0)
            done += (size_t)more;
        else if (errno != EINTR)
            return fail_errno(file, "can't be written");
    }
    return CLVGG_STATUS_OK;
}

/* ---- opening ---- */

static file_header expected_header(const vgg_feature_file *file, const uint8_t digest[32])
{
    file_header header = {.version = VERSION, .group = GROUP, .record_bytes = file->record_bytes};
    memcpy(header.magic, magic, sizeof magic);
    memcpy(header.digest, digest, sizeof header.digest);
    header.checksum = vgg_checksum(&header, offsetof(file_header, checksum), 0);
    return header;
}

/* Versions and sizes are part of the name: files of other versions lie side by side. */
static void name_file(vgg_feature_file *file, const uint8_t digest[32])
{
    const file_header header = expected_header(file, digest);
    uint8_t hash[VGG_SHA256_BYTES];
    vgg_sha256 sha = vgg_sha256_begin();
    vgg_sha256_add(&sha, &header, sizeof header);
    vgg_sha256_end(&sha, hash);
    vgg_feature_folder_name(hash, file->name);
}

static clvgg_status read_header(const vgg_feature_file *file, const file_header *wanted,
                                bool *empty, bool *sound)
{
    file_header header;
    size_t got = 0;
    clvgg_status status = read_at(file, 0, &header, sizeof header, &got);
    *empty = got == 0;
    *sound = got == sizeof header && memcmp(&header, wanted, sizeof header) == 0;
    return status;
}

/* Writes the header of an empty file. *replaced: it was damaged, the name is free for another file.
 * *sound is false where another process may be about to write it. */
static clvgg_status check_header(vgg_feature_file *file, const uint8_t digest[32], bool *sound,
                                 bool *replaced)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const file_header wanted = expected_header(file, digest);
    bool locked = false, empty = false;
    *replaced = false;
    VGG_TRY(read_header(file, &wanted, &empty, sound));
    if (*sound)
        goto cleanup;
    VGG_TRY(vgg_feature_lock(&file->folder, file->descriptor, &locked));
    if (!locked)
        goto cleanup;
    VGG_TRY(read_header(file, &wanted, &empty, sound));
    if (empty) {
        VGG_TRY(write_at(file, 0, &wanted, sizeof wanted));
        *sound = true;
    } else if (!*sound) {
        vgg_feature_folder_drop(&file->folder, file->name, file->descriptor);
        *replaced = true;
    }
cleanup:
    if (locked)
        vgg_feature_unlock(file->descriptor);
    return status;
}

static clvgg_status take_file(vgg_feature_file *file, const uint8_t digest[32])
{
    bool sound = false, replaced = false;
    for (int attempt = 0; attempt < 100 && !sound; attempt++) {
        if (file->descriptor < 0)
            VGG_PASS(vgg_feature_folder_take(&file->folder, file->name, &file->descriptor));
        VGG_PASS(check_header(file, digest, &sound, &replaced));
        if (replaced) {
            close(file->descriptor);
            file->descriptor = -1;
        } else if (!sound) {
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
    }
    VGG_CHECK(sound, CLVGG_STATUS_IO, "%s/%s: is damaged, and another process is writing to it",
              file->folder.path, file->name);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_feature_file_open(const char *directory, uint64_t limit_bytes,
                                   const uint8_t digest[32], size_t feature_count,
                                   vgg_feature_file **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_feature_file *file = NULL;
    *out = NULL;
    VGG_NEW(file, 1);
    file->descriptor = file->folder.descriptor = -1;
    file->record_bytes = feature_count * sizeof(uint16_t);
    name_file(file, digest);
    VGG_TRY(vgg_feature_folder_open(directory, limit_bytes, &file->folder));
    VGG_TRY(take_file(file, digest));
    VGG_TRY(vgg_feature_file_load(file));
    VGG_GIVE(out, file);
cleanup:
    vgg_feature_file_close(file);
    return status;
}

void vgg_feature_file_close(vgg_feature_file *file)
{
    if (file == NULL)
        return;
    if (file->descriptor >= 0)
        close(file->descriptor);
    vgg_feature_folder_close(&file->folder);
    vgg_feature_index_free(&file->index);
    vgg_free(file);
}

/* ---- heads ---- */

static vgg_feature_id id_of(const record_head *head)
{
    vgg_feature_id id = {.variation = head->variation, .view = head->view};
    memcpy(id.digest, head->digest, sizeof id.digest);
    return id;
}

static uint64_t head_checksum(const record_head *head, uint32_t slot)
{
    return vgg_checksum(head, offsetof(record_head, checksum), slot);
}

static uint64_t values_checksum(const vgg_feature_file *file, uint64_t seed, const void *values)
{
    return vgg_checksum(values, file->record_bytes, seed);
}

/* Enters the heads of one group. `old` is what was known before. */
static clvgg_status load_group(vgg_feature_file *file, uint32_t first, const vgg_feature_index *old)
{
    record_head heads[GROUP];
    size_t got = 0;
    VGG_PASS(read_at(file, head_offset(file, first), heads, sizeof heads, &got));
    for (uint32_t i = 0; i < got / sizeof *heads; i++) {
        const uint32_t slot = first + i;
        const vgg_feature_id id = id_of(&heads[i]);
        if (heads[i].checksum != head_checksum(&heads[i], slot) ||
            vgg_feature_index_find(&file->index, &id) != VGG_FEATURE_NO_SLOT)
            continue;
        vgg_feature_index_put(&file->index, slot, &id, VGG_FEATURE_PRESENT,
                              heads[i].values_checksum);
        const vgg_feature_slot *before = slot < old->count ? &old->slots[slot] : NULL;
        vgg_feature_slot *now = &file->index.slots[slot];
        if (before != NULL && before->state == VGG_FEATURE_VERIFIED &&
            before->checksum == now->checksum &&
            memcmp(before->key, now->key, sizeof now->key) == 0)
            now->state = VGG_FEATURE_VERIFIED;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_feature_file_load(vgg_feature_file *file)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_feature_index old = file->index;
    struct stat info;
    file->index = (vgg_feature_index){0};
    if (fstat(file->descriptor, &info) != 0) {
        status = fail_errno(file, "can't be read");
        goto cleanup;
    }
    const uint64_t bytes = (uint64_t)info.st_size,
                   group_bytes = group_offset(file, 1) - HEADER_BYTES;
    const uint64_t groups =
        bytes > HEADER_BYTES ? (bytes - HEADER_BYTES + group_bytes - 1) / group_bytes : 0;
    VGG_REQUIRE(groups < VGG_FEATURE_NO_SLOT / GROUP, CLVGG_STATUS_UNSUPPORTED,
                "%s/%s: %llu bytes are too many for a feature file", file->folder.path, file->name,
                (unsigned long long)bytes);
    VGG_TRY(vgg_feature_index_grow(&file->index, groups * GROUP));
    for (uint32_t group = 0; group < groups; group++)
        VGG_TRY(load_group(file, group * GROUP, &old));
cleanup:
    vgg_feature_index_free(&old);
    return status;
}

/* ---- records ---- */

uint32_t vgg_feature_file_assign(vgg_feature_file *file, const vgg_feature_id *id)
{
    uint32_t slot = vgg_feature_index_find(&file->index, id);
    if (slot == VGG_FEATURE_NO_SLOT) {
        slot = vgg_feature_index_free_slot(&file->index);
        vgg_feature_index_put(&file->index, slot, id, VGG_FEATURE_ABSENT, 0);
    }
    return slot;
}

clvgg_status vgg_feature_file_write(vgg_feature_file *file, uint32_t slot, const vgg_feature_id *id,
                                    const uint16_t *values)
{
    vgg_feature_slot *entry = &file->index.slots[slot];
    entry->checksum = values_checksum(file, entry->key[0], values);
    record_head head = {
        .variation = id->variation, .view = id->view, .values_checksum = entry->checksum};
    memcpy(head.digest, id->digest, sizeof head.digest);
    head.checksum = head_checksum(&head, slot);
    VGG_PASS(write_at(file, values_offset(file, slot), values, file->record_bytes));
    return write_at(file, head_offset(file, slot), &head, sizeof head);
}

clvgg_status vgg_feature_file_read(const vgg_feature_file *file, uint32_t slot, uint16_t *values,
                                   bool *sound)
{
    const vgg_feature_slot *entry = &file->index.slots[slot];
    size_t got = 0;
    clvgg_status status =
        read_at(file, values_offset(file, slot), values, file->record_bytes, &got);
    *sound = status == CLVGG_STATUS_OK && got == file->record_bytes &&
             values_checksum(file, entry->key[0], values) == entry->checksum;
    return status;
}

void vgg_feature_file_expect(const vgg_feature_file *file, uint32_t slot, uint32_t count)
{
    posix_fadvise(file->descriptor, (off_t)values_offset(file, slot),
                  (off_t)(count * (uint64_t)file->record_bytes), POSIX_FADV_WILLNEED);
}

/* Others who open the file from here on find the slots free, whatever is written there then. */
clvgg_status vgg_feature_file_discard(vgg_feature_file *file)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const record_head none = {0};
    if (!vgg_feature_take_alone(file->descriptor))
        return CLVGG_STATUS_OK;
    for (uint32_t slot = 0; slot < file->index.count; slot++)
        if (file->index.slots[slot].state == VGG_FEATURE_PRESENT)
            VGG_TRY(write_at(file, head_offset(file, slot), &none, sizeof none));
cleanup:
    vgg_feature_share(file->descriptor);
    return status;
}
