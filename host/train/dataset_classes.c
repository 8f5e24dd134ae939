/* train/dataset_classes.c — which class an image has: its folder's name, or the beginning of its
 * own. A data set with neither, or with both, is refused in words that say what to do. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "train/dataset_build.h"

/* The list as seen from the data set's folder. */
typedef struct view {
    const vgg_path_list *list;
    vgg_dataset_entry *entries;
    const char *root;
    size_t prefix; /* bytes before the path below the folder */
    size_t none;   /* index for "no such entry" */
} view;

static const char *name_at(const view *v, size_t index)
{
    return vgg_path_list_at(v->list, index) + v->prefix;
}

/* Length of the folder's name that a path begins with; 0 for what lies in the data set's folder. */
static size_t folder_length(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash != NULL ? (size_t)(slash - name) : 0;
}

/* Length of the class in a name like cat.0.jpg; 0 when there is none: 1.jpg, photo.png. */
static size_t class_length(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg"};
    const char *dot = strchr(name, '.');
    if (dot == NULL)
        return 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return 0;
    return (size_t)(dot - name);
}

/* The first image in the data set's folder itself (`inside` false) or in folders of it. */
static size_t first_image(const view *v, bool inside)
{
    for (size_t i = 0; i < v->list->count; i++)
        if (v->entries[i].problem == 0 && (folder_length(name_at(v, i)) > 0) == inside)
            return i;
    return v->none;
}

/* The data set's folder is an entry itself when it is empty or couldn't be read to its end. */
static clvgg_status check_root(const view *v)
{
    char reason[VGG_DATASET_REASON_BYTES];
    const int problem = v->entries[0].problem;
    if (name_at(v, 0)[0] != '\0')
        return CLVGG_STATUS_OK;
    vgg_dataset_reason(problem, reason);
    return vgg_fail(problem > 0 ? CLVGG_STATUS_IO : CLVGG_STATUS_BAD_FILE, "%s: %s", v->root,
                    reason);
}

static clvgg_status fail_without_images(const view *v)
{
    char reason[VGG_DATASET_REASON_BYTES];
    vgg_dataset_reason(v->entries[0].problem, reason);
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "%s: no image there (%s: %s)", v->root,
                    name_at(v, 0), reason);
}

/* Says whether a folder's name is that of a part of a data set ("train"), not of a class. */
static bool is_part_name(const char *name, size_t length)
{
    static const char *const parts[] = {"train", "training", "val",     "valid", "validation",
                                        "test",  "test1",    "testing", "eval",  "dev"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strlen(parts[i]) == length && strncasecmp(parts[i], name, length) == 0)
            return true;
    return false;
}

/* The first entry behind those of the folder that entry `index` lies in. */
static size_t folder_end(const view *v, size_t index)
{
    const char *name = name_at(v, index);
    const size_t length = folder_length(name) + 1;
    while (index < v->list->count && strncmp(name_at(v, index), name, length) == 0)
        index++;
    return index;
}

/* Fails where all folders are parts of a data set (X/train, X/val) and names them. The caller may
 * have options for both, or for one. */
static clvgg_status refuse_parts(const view *v)
{
    const char *train = NULL, *other = NULL;
    for (size_t i = 0; i < v->list->count; i++) {
        const char *name = name_at(v, i);
        const size_t length = folder_length(name);
        if (length == 0)
            continue;
        if (!is_part_name(name, length))
            return CLVGG_STATUS_OK;
        if (strncasecmp(name, "train", 5) == 0)
            train = name;
        else if (other == NULL || strncasecmp(name, "val", 3) == 0)
            other = name;
        i = folder_end(v, i) - 1;
    }
    if (train == NULL)
        return CLVGG_STATUS_OK;
    const char *slash = v->root[strlen(v->root) - 1] == '/' ? "" : "/";
    const int train_bytes = (int)folder_length(train);
    if (other == NULL || strncasecmp(other, "val", 3) != 0)
        return vgg_fail(CLVGG_STATUS_BAD_FILE,
                        "%s: '%.*s' is a part of a data set, not a class: "
                        "name a part, as %s%s%.*s",
                        v->root, train_bytes, train, v->root, slash, train_bytes, train);
    const int other_bytes = (int)folder_length(other);
    return vgg_fail(CLVGG_STATUS_BAD_FILE,
                    "%s: '%.*s' and '%.*s' are parts of a data set, not classes: train on "
                    "%s%s%.*s, validate or evaluate on %s%s%.*s",
                    v->root, train_bytes, train, other_bytes, other, v->root, slash, train_bytes,
                    train, v->root, slash, other_bytes, other);
}

/* A class without images can't be learned, and is rarely meant. */
static clvgg_status refuse_empty_class(const view *v)
{
    for (size_t i = 0, end; i < v->list->count; i = end) {
        const char *name = name_at(v, i);
        const size_t length = folder_length(name);
        end = i + 1;
        if (length == 0)
            continue;
        end = folder_end(v, i);
        size_t image = i;
        while (image < end && v->entries[image].problem != 0)
            image++;
        if (image < end)
            continue;
        char reason[VGG_DATASET_REASON_BYTES];
        vgg_dataset_reason(v->entries[i].problem, reason);
        return vgg_fail(CLVGG_STATUS_BAD_FILE,
                        "%s: class folder '%.*s' has no image (%s: %s): remove it or "
                        "put some there",
                        v->root, (int)length, name, name, reason);
    }
    return CLVGG_STATUS_OK;
}

/* Images whose name says no class are left out, unless that is all of them. */
static clvgg_status mark_without_class(const view *v)
{
    size_t with = 0, without = v->none;
    for (size_t i = 0; i < v->list->count; i++) {
        if (v->entries[i].problem != 0)
            continue;
        if (class_length(name_at(v, i)) > 0) {
            with++;
            continue;
        }
        v->entries[i].problem = VGG_DATASET_NO_CLASS;
        without = without == v->none ? i : without;
    }
    if (with > 0)
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_BAD_FILE,
                    "%s: neither a folder for each class nor names that begin with a class, as "
                    "cat.0.jpg: '%s' says none",
                    v->root, name_at(v, without));
}

typedef struct class_of {
    const char *name; /* [length], not terminated */
    size_t length, entry;
} class_of;

static int compare_classes(const void *a, const void *b)
{
    const class_of *x = a, *y = b;
    int order = memcmp(x->name, y->name, x->length < y->length ? x->length : y->length);
    if (order != 0)
        return order;
    return (x->length > y->length) - (x->length < y->length);
}

/* Numbers the classes of all images in the order of their names. */
static clvgg_status number_classes(const view *v, bool folders, vgg_dataset_files *files)
{
    clvgg_status status = CLVGG_STATUS_OK;
    class_of *images = NULL;
    size_t count = 0;
    VGG_NEW(images, v->list->count);
    for (size_t i = 0; i < v->list->count; i++) {
        const char *name = name_at(v, i);
        if (v->entries[i].problem == 0)
            images[count++] =
                (class_of){name, folders ? folder_length(name) : class_length(name), i};
    }
    qsort(images, count, sizeof *images, compare_classes);
    size_t classes = 0;
    for (size_t i = 0; i < count; i++)
        classes += i == 0 || compare_classes(&images[i - 1], &images[i]) != 0;
    VGG_NEW(files->class_names, classes);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || compare_classes(&images[i - 1], &images[i]) != 0) {
            files->class_names[files->class_count++] = files->words.length;
            vgg_text_append(&files->words, images[i].name, images[i].length);
            vgg_text_append(&files->words, "", 1);
        }
        v->entries[images[i].entry].class_index = (uint32_t)(files->class_count - 1);
    }
    VGG_REQUIRE(!files->words.failed, CLVGG_STATUS_OUT_OF_MEMORY, "out of memory for classes");
cleanup:
    vgg_free(images);
    return status;
}

clvgg_status vgg_dataset_find_classes(vgg_dataset_files *files, const vgg_path_list *list,
                                      vgg_dataset_entry *entries)
{
    const size_t root_bytes = strlen(files->root);
    const view v = {.list = list,
                    .entries = entries,
                    .root = files->root,
                    .prefix = root_bytes + (files->root[root_bytes - 1] != '/'),
                    .none = list->count};
    VGG_PASS(check_root(&v));
    const size_t beside = first_image(&v, false), inside = first_image(&v, true);
    if (beside == v.none && inside == v.none)
        return fail_without_images(&v);
    VGG_CHECK(beside == v.none || inside == v.none, CLVGG_STATUS_BAD_FILE,
              "%s: has images of its own (%s) beside folders with images (%s): either a folder "
              "for each class, or one folder of names like cat.0.jpg",
              v.root, name_at(&v, beside), name_at(&v, inside));
    if (inside != v.none) {
        VGG_PASS(refuse_parts(&v));
        VGG_PASS(refuse_empty_class(&v));
    } else {
        VGG_PASS(mark_without_class(&v));
    }
    return number_classes(&v, inside != v.none, files);
}
