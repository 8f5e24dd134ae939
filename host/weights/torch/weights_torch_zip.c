/* weights/torch/weights_torch_zip.c — what torch.save() writes since 2020, and TorchScript: a zip
 * archive.
 *
 * In a folder of any name: data.pkl, the pickled object; data/KEY, the bytes of each storage,
 * stored and aligned; byteorder. TorchScript's has its code and constants.pkl beside. Source:
 * torch/serialization.py (_save, _load).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/torch/torch.h"

#define NAME "a PyTorch checkpoint (zip of pickles)"

#ifdef CLVGG_HAVE_ZIP

enum { LARGEST_PACKED = 64 << 20 }; /* of a compressed data.pkl, whose size is but a claim */

static const vgg_archive_member *find_pickle(const vgg_archive *archive)
{
    for (size_t i = 0; i < vgg_archive_count(archive); i++) {
        const vgg_archive_member *member = vgg_archive_member_at(archive, i);
        const char *slash = strchr(member->name, '/');
        if (strcmp(slash != NULL ? slash + 1 : member->name, "data.pkl") == 0)
            return member;
    }
    return NULL;
}

static bool matches(const vgg_candidate *candidate)
{
    return candidate->archive != NULL && find_pickle(candidate->archive) != NULL;
}

typedef struct torch_zip {
    const vgg_archive *archive;
    const char *folder; /* a name that begins with it, and how many bytes of it are it */
    int folder_bytes;
    const vgg_archive_member *pickle;
} torch_zip;

/* FOLDER/what…key, or NULL. */
static const vgg_archive_member *find_member(const torch_zip *zip, const char *what,
                                             const char *key)
{
    char name[1024];
    const int length =
        snprintf(name, sizeof name, "%.*s%s%s", zip->folder_bytes, zip->folder, what, key);
    return length < (int)sizeof name ? vgg_archive_find(zip->archive, name) : NULL;
}

static clvgg_status find_storage(const vgg_torch_reader *reader, const char *key,
                                 vgg_torch_storage *out)
{
    const vgg_archive_member *member = find_member(reader->user, "data/", key);
    VGG_CHECK(member != NULL, CLVGG_STATUS_BAD_FILE, "storage \"%s\" isn't in the archive", key);
    *out = (vgg_torch_storage){.member = member, .bytes = member->bytes};
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_torch_check_byte_order(const vgg_archive *archive, const char *folder, int bytes)
{
    const torch_zip zip = {.archive = archive, .folder = folder, .folder_bytes = bytes};
    const vgg_archive_member *member = find_member(&zip, "byteorder", "");
    char order[8] = "little";
    if (member != NULL && member->bytes < sizeof order) {
        memset(order, 0, sizeof order);
        VGG_PASS(vgg_archive_read(archive, member, 0, order, (size_t)member->bytes));
    }
    VGG_CHECK(strcmp(order, "little") == 0, CLVGG_STATUS_UNSUPPORTED,
              "its values are stored in byte order \"%s\"; little-endian ones are read",
              strcmp(order, "big") == 0 ? "big" : "unknown");
    return CLVGG_STATUS_OK;
}

static clvgg_status read_pickle_bytes(const void *source, uint64_t offset, void *data, size_t bytes)
{
    const torch_zip *zip = source;
    return vgg_archive_read(zip->archive, zip->pickle, offset, data, bytes);
}

static clvgg_status open_zip(vgg_weights *weights)
{
    clvgg_status status = CLVGG_STATUS_OK;
    torch_zip zip = {.archive = weights->archive, .pickle = find_pickle(weights->archive)};
    vgg_torch_reader reader = {.weights = weights, .find_storage = find_storage, .user = &zip};
    vgg_pickle_source source = {
        .read = read_pickle_bytes, .source = &zip, .end = zip.pickle->bytes};
    vgg_pickle pickle;
    VGG_REQUIRE(zip.pickle->stored || zip.pickle->bytes <= LARGEST_PACKED, CLVGG_STATUS_BAD_FILE,
                "data.pkl is compressed and has %" PRIu64 " bytes, more than %d", zip.pickle->bytes,
                LARGEST_PACKED);
    zip.folder = zip.pickle->name;
    zip.folder_bytes = (int)(strlen(zip.folder) - strlen("data.pkl"));
    VGG_TRY(vgg_torch_check_byte_order(zip.archive, zip.folder, zip.folder_bytes));
    VGG_TRY(vgg_prefixed(vgg_pickle_read(&reader.heap, &source, &pickle), "data.pkl"));
    VGG_TRY(vgg_torch_add_state(&reader, pickle.root));
cleanup:
    return vgg_torch_finish(&reader, status);
}

const vgg_weights_format vgg_weights_torch_zip = {.name = NAME,
                                                  .matches = matches,
                                                  .open = open_zip,
                                                  .read = vgg_torch_read,
                                                  .close = vgg_torch_close};

#else

/* Without the directory, by the first member's name at byte 30, whose length lies at byte 26. */
static bool matches(const vgg_candidate *candidate)
{
    const unsigned char *head = candidate->head;
    if (!vgg_archive_matches(head, candidate->bytes) || candidate->bytes < 30)
        return false;
    const size_t end = 30 + (head[26] | (size_t)head[27] << 8);
    return end >= 38 && end <= candidate->bytes && memcmp(head + end - 8, "data.pkl", 8) == 0;
}

const vgg_weights_format vgg_weights_torch_zip = {
    .name = NAME, .matches = matches, .needs = "libzip"};

#endif
