/* weights/keras/hdf5.c — opens an HDF5 file and walks its groups: each has a tree whose leaves list
 * objects by name and address.
 */
#include "weights/keras/hdf5.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/keras/hdf5_header.h"

enum { MOST_OBJECTS = 100000, DEEPEST = 48, DEEPEST_TREE = 16, LONGEST_PATH = 2048 };
enum { LARGEST_HEAP = 4 << 20, ENTRY_BYTES = 40, MOST_ENTRIES = 4096 };

typedef struct walk {
    vgg_hdf5 *file;
    char path[LONGEST_PATH];
    uint64_t above[DEEPEST]; /* headers of the groups that are being walked */
    int depth;
    size_t objects;
} walk;

/* A group's names. */
typedef struct name_heap {
    char *text;
    size_t bytes;
} name_heap;

static clvgg_status walk_object(walk *at, uint64_t header);

static clvgg_status keep_text(vgg_hdf5 *file, const char *text, const char **out)
{
    VGG_GROW_PASS(file->texts, file->text_count, file->text_capacity, 64);
    VGG_DUP_PASS(file->texts[file->text_count], text);
    *out = file->texts[file->text_count++];
    return CLVGG_STATUS_OK;
}

/* ---- groups ---- */

/* The heap that holds the names of a group's objects. */
static clvgg_status read_names(vgg_hdf5 *file, uint64_t heap, name_heap *out)
{
    unsigned char front[32];
    VGG_PASS(vgg_hdf5_fetch(file, heap, front, sizeof front));
    hdf5_bytes bytes = {.at = front + 8, .left = 24};
    const uint64_t size = vgg_hdf5_take(&bytes, 8);
    vgg_hdf5_skip(&bytes, 8);
    const uint64_t at = vgg_hdf5_take(&bytes, 8);
    if (memcmp(front, "HEAP", 5) != 0 || size > LARGEST_HEAP)
        return vgg_hdf5_fail(file, "a group's names can't be read");
    VGG_NEW_PASS(out->text, (size_t)size + 1);
    out->bytes = (size_t)size;
    return vgg_hdf5_fetch(file, at, out->text, out->bytes);
}

/* An entry of a leaf: where its name and its object's header are. */
static clvgg_status walk_entry(walk *at, const name_heap *names, hdf5_bytes entry)
{
    vgg_hdf5 *file = at->file;
    const size_t before = strlen(at->path);
    const uint64_t name = vgg_hdf5_take(&entry, 8), header = vgg_hdf5_take(&entry, 8);
    const uint64_t kind = vgg_hdf5_take(&entry, 4);
    if (name >= names->bytes || names->text[name] == '\0')
        return vgg_hdf5_fail(file, "an object has no name");
    VGG_CHECK(++at->objects <= MOST_OBJECTS, CLVGG_STATUS_BAD_FILE, "%s: has more than %d objects",
              file->name, MOST_OBJECTS);
    const int written = snprintf(at->path + before, LONGEST_PATH - before, "%s%s",
                                 before > 0 ? "/" : "", names->text + name);
    VGG_CHECK((size_t)written < LONGEST_PATH - before, CLVGG_STATUS_BAD_FILE,
              "%s: a path in it is longer than %d bytes", file->name, LONGEST_PATH);
    VGG_CHECK(kind != 2 && header != VGG_HDF5_NOWHERE, CLVGG_STATUS_BAD_FILE,
              "%s: \"%s\" is a link to another place, which isn't followed", file->name, at->path);
    VGG_PASS(walk_object(at, header));
    at->path[before] = '\0';
    return CLVGG_STATUS_OK;
}

static clvgg_status walk_leaf(walk *at, const name_heap *names, uint64_t leaf)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char front[8], *entries = NULL;
    VGG_TRY(vgg_hdf5_fetch(at->file, leaf, front, sizeof front));
    const size_t count = front[6] | (size_t)front[7] << 8;
    if (memcmp(front, "SNOD\1", 5) != 0 || count > MOST_ENTRIES)
        VGG_TRY(vgg_hdf5_fail(at->file, "a group's list of objects can't be read"));
    VGG_NEW(entries, count * ENTRY_BYTES + 1);
    VGG_TRY(vgg_hdf5_fetch(at->file, leaf + sizeof front, entries, count * ENTRY_BYTES));
    for (size_t i = 0; i < count; i++)
        VGG_TRY(walk_entry(at, names,
                           (hdf5_bytes){.at = entries + i * ENTRY_BYTES, .left = ENTRY_BYTES}));
cleanup:
    vgg_free(entries);
    return status;
}

/* A node of the tree: keys and children by turns, of `level` 0 leaves. */
static clvgg_status walk_tree(walk *at, const name_heap *names, uint64_t node, int level)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char front[24], *children = NULL;
    VGG_TRY(vgg_hdf5_fetch(at->file, node, front, sizeof front));
    const size_t count = front[6] | (size_t)front[7] << 8;
    const bool right = memcmp(front, "TREE\0", 5) == 0 && count <= MOST_ENTRIES &&
                       (level < 0 ? front[5] < DEEPEST_TREE : front[5] == level);
    if (!right)
        VGG_TRY(vgg_hdf5_fail(at->file, "a group's tree can't be read"));
    VGG_NEW(children, count * 16 + 8);
    VGG_TRY(vgg_hdf5_fetch(at->file, node + sizeof front, children, count * 16 + 8));
    for (size_t i = 0; i < count; i++) {
        hdf5_bytes bytes = {.at = children + 8 + i * 16, .left = 8};
        const uint64_t child = vgg_hdf5_take(&bytes, 8);
        if (front[5] == 0)
            VGG_TRY(walk_leaf(at, names, child));
        else
            VGG_TRY(walk_tree(at, names, child, front[5] - 1));
    }
cleanup:
    vgg_free(children);
    return status;
}

static clvgg_status walk_group(walk *at, uint64_t tree, uint64_t heap)
{
    clvgg_status status = CLVGG_STATUS_OK;
    name_heap names = {0};
    if (tree == VGG_HDF5_NOWHERE)
        return status; /* empty */
    VGG_TRY(read_names(at->file, heap, &names));
    VGG_TRY(walk_tree(at, &names, tree, -1));
cleanup:
    vgg_free(names.text);
    return status;
}

/* ---- objects ---- */

static clvgg_status push_group(vgg_hdf5 *file, const char *path, uint64_t header)
{
    vgg_hdf5_group group = {.header = header};
    VGG_PASS(keep_text(file, path, &group.path));
    VGG_GROW_PASS(file->groups, file->group_count, file->group_capacity, 64);
    file->groups[file->group_count++] = group;
    return CLVGG_STATUS_OK;
}

/* Goes into a group that isn't open above. */
static clvgg_status enter_group(walk *at, uint64_t header, uint64_t tree, uint64_t heap)
{
    for (int i = 0; i < at->depth; i++)
        VGG_CHECK(at->above[i] != header, CLVGG_STATUS_BAD_FILE, "%s: group \"%s\" contains itself",
                  at->file->name, at->path);
    VGG_CHECK(at->depth < DEEPEST, CLVGG_STATUS_BAD_FILE,
              "%s: group \"%s\" lies more than %d groups deep", at->file->name, at->path, DEEPEST);
    at->above[at->depth++] = header;
    VGG_PASS(push_group(at->file, at->path, header));
    VGG_PASS(walk_group(at, tree, heap));
    at->depth--;
    return CLVGG_STATUS_OK;
}

typedef struct kind {
    bool is_group, is_new; /* by its symbol table; by messages of newer groups */
    uint64_t tree, heap;
} kind;

static clvgg_status visit(void *user, const hdf5_message *message)
{
    kind *of = user;
    hdf5_bytes bytes = message->data;
    if (message->type == VGG_HDF5_SYMBOL_TABLE && bytes.left >= 16) {
        of->is_group = true;
        of->tree = vgg_hdf5_take(&bytes, 8);
        of->heap = vgg_hdf5_take(&bytes, 8);
    }
    of->is_new =
        of->is_new || message->type == VGG_HDF5_LINK_INFO || message->type == VGG_HDF5_LINK;
    return CLVGG_STATUS_OK;
}

static clvgg_status add_dataset(walk *at, uint64_t header)
{
    vgg_hdf5 *file = at->file;
    vgg_hdf5_dataset set = {.file = file};
    VGG_PASS(keep_text(file, at->path, &set.path));
    VGG_PASS(vgg_hdf5_describe(file, header, &set));
    VGG_GROW_PASS(file->datasets, file->count, file->capacity, 64);
    file->datasets[file->count++] = set;
    return CLVGG_STATUS_OK;
}

static clvgg_status walk_object(walk *at, uint64_t header)
{
    kind of = {0};
    VGG_PASS(vgg_hdf5_visit_messages(at->file, header, visit, &of));
    VGG_CHECK(!of.is_new, CLVGG_STATUS_UNSUPPORTED,
              "%s: group \"%s\" is of a newer layout of HDF5, which isn't read: write it without "
              "track_order and without links to other files",
              at->file->name, at->path);
    return of.is_group ? enter_group(at, header, of.tree, of.heap) : add_dataset(at, header);
}

/* ---- opening ---- */

/* The superblock: how wide addresses are, where the file ends, where its first group is. */
static clvgg_status read_superblock(vgg_hdf5 *file, uint64_t *root)
{
    unsigned char block[96] = {0};
    const uint64_t size = file->source.bytes;
    VGG_PASS(vgg_hdf5_fetch(file, 0, block, size < sizeof block ? (size_t)size : sizeof block));
    VGG_CHECK(memcmp(block, "\x89HDF\r\n\x1a\n", 8) == 0, CLVGG_STATUS_BAD_FILE,
              "%s: isn't an HDF5 file", file->name);
    VGG_CHECK(block[8] <= 1, CLVGG_STATUS_UNSUPPORTED, "%s: " VGG_HDF5_NEWER, file->name);
    const size_t more = block[8] == 1 ? 4 : 0; /* version 1 has a field more */
    hdf5_bytes bytes = {.at = block + 24 + more, .left = sizeof block - 24 - more};
    const uint64_t base = vgg_hdf5_take(&bytes, 8);
    vgg_hdf5_skip(&bytes, 8);
    const uint64_t end = vgg_hdf5_take(&bytes, 8);
    vgg_hdf5_skip(&bytes, 16);
    *root = vgg_hdf5_take(&bytes, 8);
    if (block[13] != 8 || block[14] != 8 || base != 0)
        return vgg_hdf5_fail(file, "its addresses aren't of 8 bytes, or don't begin at 0");
    VGG_CHECK(end <= size, CLVGG_STATUS_BAD_FILE,
              "%s: is cut short: it has %llu bytes, and had %llu", file->name,
              (unsigned long long)size, (unsigned long long)end);
    return CLVGG_STATUS_OK;
}

static clvgg_status name_groups(vgg_hdf5 *file)
{
    clvgg_status status = CLVGG_STATUS_OK;
    char **texts = NULL;
    size_t count = 0;
    for (size_t i = 0; i < file->group_count; i++) {
        VGG_TRY(vgg_hdf5_texts_at(file, file->groups[i].header, "name", &texts, &count));
        if (count == 1)
            VGG_TRY(keep_text(file, texts[0], &file->groups[i].name));
        vgg_hdf5_free_texts(texts, count);
        texts = NULL;
        count = 0;
    }
cleanup:
    vgg_hdf5_free_texts(texts, count);
    return status;
}

static clvgg_status walk_file(vgg_hdf5 *file)
{
    clvgg_status status = CLVGG_STATUS_OK;
    walk *at = NULL;
    uint64_t root = 0;
    VGG_TRY(read_superblock(file, &root));
    VGG_NEW(at, 1);
    at->file = file;
    VGG_TRY(walk_object(at, root));
    VGG_REQUIRE(file->group_count > 0, CLVGG_STATUS_BAD_FILE, "%s: has no groups", file->name);
    VGG_TRY(name_groups(file));
cleanup:
    vgg_free(at);
    return status;
}

clvgg_status vgg_hdf5_open(vgg_hdf5_source source, const char *name, vgg_hdf5 **out)
{
    vgg_hdf5 *file = NULL;
    *out = NULL;
    VGG_NEW_PASS(file, 1);
    file->source = source;
    file->name = name;
    const clvgg_status status = walk_file(file);
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
    vgg_hdf5_free_texts(file->texts, file->text_count);
    vgg_free(file->datasets);
    vgg_free(file->groups);
    vgg_free(file);
}
