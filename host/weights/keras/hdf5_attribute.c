/* weights/keras/hdf5_attribute.c — attributes of HDF5 that are texts: of a fixed length, beside
 * each other in the header, or of any, in a heap.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/keras/hdf5_header.h"

/* A model's configuration is the longest text; a collection of the heap holds it alone then. */
enum { LONGEST_TEXT = 16 << 20, MOST_TEXTS = 65536 };
enum { STRING = 3, VARIABLE = 9 };

typedef struct search {
    vgg_hdf5 *file;
    const char *name;
    char ***texts;
    size_t *count;
    uint64_t total; /* bytes of all texts */
    bool found;
} search;

void vgg_hdf5_free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vgg_free(texts[i]);
    vgg_free(texts);
}

static clvgg_status reserve_texts(search *to, uint64_t more)
{
    if (more > MOST_TEXTS || *to->count + more > MOST_TEXTS)
        return vgg_hdf5_fail(to->file, "an attribute has too many elements");
    void *grown = vgg_realloc(*to->texts, *to->count + (size_t)more + 1, sizeof **to->texts);
    VGG_PASS(VGG_MADE(grown));
    *to->texts = grown;
    return CLVGG_STATUS_OK;
}

/* Finds an object of a collection; *size is 0 where there is none. */
static clvgg_status find_in_heap(vgg_hdf5 *file, uint64_t collection, uint64_t index, uint64_t *at,
                                 uint64_t *size)
{
    unsigned char front[16];
    *size = 0;
    VGG_PASS(vgg_hdf5_fetch(file, collection, front, sizeof front));
    hdf5_bytes bytes = {.at = front + 8, .left = 8};
    const uint64_t end = vgg_hdf5_take(&bytes, 8);
    if (memcmp(front, "GCOL\1", 5) != 0 || end > file->source.bytes)
        return vgg_hdf5_fail(file, "a text refers to no heap");
    for (uint64_t offset = 16; end >= 16 && offset <= end - 16;) {
        VGG_PASS(vgg_hdf5_fetch(file, collection + offset, front, sizeof front));
        bytes = (hdf5_bytes){.at = front, .left = sizeof front};
        const uint64_t number = vgg_hdf5_take(&bytes, 2);
        vgg_hdf5_skip(&bytes, 6);
        const uint64_t length = vgg_hdf5_take(&bytes, 8);
        if (number == 0 || length > end - offset - 16)
            break;
        if (number == index) {
            *at = collection + offset + 16;
            *size = length;
            return CLVGG_STATUS_OK;
        }
        offset += 16 + (length + 7) / 8 * 8;
    }
    return vgg_hdf5_fail(file, "a text isn't in its heap");
}

/* One text of any length: its length, the heap's address, the index there. */
static clvgg_status read_variable(search *to, hdf5_bytes *data)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const uint64_t length = vgg_hdf5_take(data, 4), collection = vgg_hdf5_take(data, 8);
    const uint64_t index = vgg_hdf5_take(data, 4);
    uint64_t at = 0, size = 0;
    char *text = NULL;
    if (data->failed)
        VGG_TRY(vgg_hdf5_fail(to->file, "an attribute is cut"));
    if (length > 0)
        VGG_TRY(find_in_heap(to->file, collection, index, &at, &size));
    to->total += length;
    if (length > size || to->total > LONGEST_TEXT)
        VGG_TRY(vgg_hdf5_fail(to->file, "a text is longer than its place, or than 16 MiB"));
    VGG_NEW(text, (size_t)length + 1);
    if (length > 0)
        VGG_TRY(vgg_hdf5_fetch(to->file, at, text, (size_t)length));
    VGG_GIVE(&(*to->texts)[(*to->count)++], text);
cleanup:
    vgg_free(text);
    return status;
}

static clvgg_status read_fixed(search *to, hdf5_bytes *data, uint64_t width)
{
    const char *text = (const char *)vgg_hdf5_skip(data, width);
    if (text == NULL)
        return vgg_hdf5_fail(to->file, "an attribute is cut");
    char *copy = vgg_strndup(text, strnlen(text, (size_t)width));
    VGG_PASS(VGG_MADE(copy));
    (*to->texts)[(*to->count)++] = copy;
    return CLVGG_STATUS_OK;
}

/* Version 1 pads each part to 8 bytes. */
static hdf5_bytes take_part(hdf5_bytes *bytes, uint64_t count, bool padded)
{
    hdf5_bytes part = {.left = (size_t)count};
    part.at = vgg_hdf5_skip(bytes, padded ? (count + 7) / 8 * 8 : count);
    part.failed = part.at == NULL;
    return part;
}

static clvgg_status read_texts(search *to, hdf5_bytes type, hdf5_bytes space, hdf5_bytes data)
{
    uint64_t dims[VGG_HDF5_LARGEST_RANK], count = 1;
    int rank;
    const uint64_t class = vgg_hdf5_take(&type, 1) & 0x0F, kind = vgg_hdf5_take(&type, 1) & 0x0F;
    vgg_hdf5_skip(&type, 2);
    const uint64_t width = vgg_hdf5_take(&type, 4);
    if (class != STRING && !(class == VARIABLE && kind == 1))
        return CLVGG_STATUS_OK; /* no text: as if it weren't there */
    if (type.failed || !vgg_hdf5_read_space(space, &rank, dims))
        return vgg_hdf5_fail(to->file, "an attribute can't be read");
    for (int i = 0; i < rank; i++)
        if (__builtin_mul_overflow(count, dims[i], &count))
            return vgg_hdf5_fail(to->file, "an attribute has too many elements");
    VGG_PASS(reserve_texts(to, count));
    for (uint64_t i = 0; i < count; i++)
        VGG_PASS(class == STRING ? read_fixed(to, &data, width) : read_variable(to, &data));
    return CLVGG_STATUS_OK;
}

static clvgg_status visit(void *user, const hdf5_message *message)
{
    search *to = user;
    hdf5_bytes bytes = message->data;
    if (message->type != VGG_HDF5_ATTRIBUTE || message->shared || to->found)
        return CLVGG_STATUS_OK;
    const uint64_t version = vgg_hdf5_take(&bytes, 1), flags = vgg_hdf5_take(&bytes, 1);
    const uint64_t name_bytes = vgg_hdf5_take(&bytes, 2), type_bytes = vgg_hdf5_take(&bytes, 2);
    const uint64_t space_bytes = vgg_hdf5_take(&bytes, 2);
    if (version == 3)
        vgg_hdf5_skip(&bytes, 1);
    const hdf5_bytes name = take_part(&bytes, name_bytes, version == 1);
    const hdf5_bytes type = take_part(&bytes, type_bytes, version == 1);
    const hdf5_bytes space = take_part(&bytes, space_bytes, version == 1);
    if (bytes.failed || version < 1 || version > 3)
        return vgg_hdf5_fail(to->file, "an attribute can't be read");
    const size_t length = strlen(to->name);
    if (name.left < length + 1 || memcmp(name.at, to->name, length + 1) != 0)
        return CLVGG_STATUS_OK;
    to->found = true;
    /* A type or space that lies elsewhere is none of Keras's. */
    return version > 1 && (flags & 3) != 0 ? CLVGG_STATUS_OK : read_texts(to, type, space, bytes);
}

static clvgg_status read_named(vgg_hdf5 *file, uint64_t header, const char *name, bool *there,
                               char ***texts, size_t *count)
{
    search to = {.file = file, .name = name, .texts = texts, .count = count};
    VGG_PASS(vgg_hdf5_visit_messages(file, header, visit, &to));
    *there = to.found;
    return CLVGG_STATUS_OK;
}

static clvgg_status read_parts(vgg_hdf5 *file, uint64_t header, const char *attribute,
                               char ***texts, size_t *count)
{
    bool there;
    VGG_PASS(read_named(file, header, attribute, &there, texts, count));
    for (int part = 0; !there || part > 0; part++) {
        char name[64];
        snprintf(name, sizeof name, "%s%d", attribute, part);
        VGG_PASS(read_named(file, header, name, &there, texts, count));
        if (!there)
            break;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_hdf5_texts_at(vgg_hdf5 *file, uint64_t header, const char *attribute,
                               char ***texts, size_t *count)
{
    *texts = NULL;
    *count = 0;
    const clvgg_status status = read_parts(file, header, attribute, texts, count);
    if (status != CLVGG_STATUS_OK || *count == 0) { /* nobody frees texts that aren't there */
        vgg_hdf5_free_texts(*texts, *count);
        *texts = NULL;
        *count = 0;
    }
    return status;
}

clvgg_status vgg_hdf5_texts(vgg_hdf5 *file, const char *group, const char *attribute, char ***texts,
                            size_t *count)
{
    *texts = NULL;
    *count = 0;
    for (size_t i = 0; i < file->group_count; i++)
        if (strcmp(file->groups[i].path, group) == 0)
            return vgg_hdf5_texts_at(file, file->groups[i].header, attribute, texts, count);
    return CLVGG_STATUS_OK;
}
