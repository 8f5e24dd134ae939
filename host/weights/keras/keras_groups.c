/* weights/keras/keras_groups.c — which variables belong to a layer, and which layer it is. */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* ---- collecting ---- */

/* The last part of a path, and the length of what is before it. */
static const char *last_part(const char *path, size_t *before)
{
    const char *slash = strrchr(path, '/');
    *before = slash != NULL ? (size_t)(slash - path) : 0;
    return slash != NULL ? slash + 1 : path;
}

static bool is_optimizer(const char *path)
{
    return strncmp(path, "optimizer", 9) == 0 || strstr(path, "/optimizer") != NULL ||
           strncmp(path, "optimizer_weights", 17) == 0;
}

static keras_group *find_path(vgg_keras *keras, const char *path, size_t length)
{
    for (size_t i = keras->group_count; i-- > 0;)
        if (strncmp(keras->groups[i].path, path, length) == 0 &&
            keras->groups[i].path[length] == '\0')
            return &keras->groups[i];
    return NULL;
}

/* The group of a path's first bytes, made where there is none yet. */
static clvgg_status take_group(vgg_keras *keras, const char *path, size_t length, keras_group **out)
{
    *out = find_path(keras, path, length);
    if (*out != NULL)
        return CLVGG_STATUS_OK;
    VGG_GROW_PASS(keras->groups, keras->group_count, keras->group_capacity, 64);
    *out = &keras->groups[keras->group_count];
    **out = (keras_group){.rank = SIZE_MAX};
    (*out)->path = vgg_strndup(path, length);
    VGG_PASS(VGG_MADE((*out)->path));
    keras->group_count++;
    return CLVGG_STATUS_OK;
}

static clvgg_status add_variable(vgg_keras *keras, const vgg_hdf5_dataset *set)
{
    size_t length, before;
    keras_group *group;
    const char *name = last_part(set->path, &length);
    if (is_optimizer(set->path))
        return CLVGG_STATUS_OK;
    const bool numbered = length >= 4 && strncmp(set->path + length - 4, "vars", 4) == 0 &&
                          (length == 4 || set->path[length - 5] == '/');
    before = !numbered ? length : length > 4 ? length - 5 : 0;
    VGG_PASS(take_group(keras, set->path, before, &group));
    size_t at = (size_t)group->count;
    if (numbered) {
        char *end;
        at = strtoul(name, &end, 10);
        VGG_CHECK(isdigit((unsigned char)name[0]) && *end == '\0', CLVGG_STATUS_BAD_FILE,
                  "variable \"%s\" has no number", set->path);
    }
    group->numbered = numbered;
    if (at >= VGG_KERAS_MOST_VARIABLES)
        return CLVGG_STATUS_OK; /* of a layer that isn't supported anyway */
    VGG_CHECK(group->variables[at] == NULL, CLVGG_STATUS_BAD_FILE, "there are two variables \"%s\"",
              set->path);
    group->variables[at] = set;
    group->count = (int)at >= group->count ? (int)at + 1 : group->count;
    return CLVGG_STATUS_OK;
}

/* Layers' names: the attribute of `vars`, or the last part of the path. */
static void name_groups(vgg_keras *keras, const vgg_hdf5 *file)
{
    for (size_t i = 0; i < file->group_count; i++) {
        const vgg_hdf5_group *of = &file->groups[i];
        size_t before;
        if (of->name == NULL || strcmp(last_part(of->path, &before), "vars") != 0)
            continue;
        keras_group *group = find_path(keras, of->path, before);
        if (group != NULL && group->numbered)
            group->name = of->name;
    }
}

/* The first part of a path that is in the list of layers tells where its layer stands. */
static size_t rank_of(const vgg_keras *keras, const char *path)
{
    for (size_t i = 0; i < keras->layer_count; i++) {
        const char *name = keras->layer_names[i], *at = path;
        const size_t length = strlen(name);
        if (strncmp(at, "model_weights/", 14) == 0)
            at += 14;
        if (length > 0 && strncmp(at, name, length) == 0 && (at[length] == '/' || !at[length]))
            return i;
    }
    return SIZE_MAX;
}

clvgg_status vgg_keras_collect(vgg_keras *keras)
{
    for (size_t f = 0; f < keras->file_count; f++)
        for (size_t i = 0; i < keras->files[f].hdf5->count; i++)
            VGG_PASS(add_variable(keras, &keras->files[f].hdf5->datasets[i]));
    for (size_t f = 0; f < keras->file_count; f++)
        name_groups(keras, keras->files[f].hdf5);
    for (size_t i = 0; i < keras->group_count; i++) {
        keras_group *group = &keras->groups[i];
        size_t before;
        if (!group->numbered)
            group->name = last_part(group->path, &before);
        group->rank = rank_of(keras, group->path);
    }
    return CLVGG_STATUS_OK;
}

/* ---- order ---- */

int vgg_keras_compare_paths(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            char *a_end, *b_end;
            const unsigned long left = strtoul(a, &a_end, 10), right = strtoul(b, &b_end, 10);
            if (left != right)
                return left < right ? -1 : 1;
            a = a_end;
            b = b_end;
            continue;
        }
        /* A name ends before its counted fellows: conv2d, conv2d_1. */
        const int left = *a == '/' ? 1 : (unsigned char)*a;
        const int right = *b == '/' ? 1 : (unsigned char)*b;
        if (left != right)
            return left - right;
        a++;
        b++;
    }
    return 0;
}

static int compare_groups(const void *a, const void *b)
{
    const keras_group *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return vgg_keras_compare_paths(left->path, right->path);
}

void vgg_keras_sort(vgg_keras *keras)
{
    if (keras->group_count > 0)
        qsort(keras->groups, keras->group_count, sizeof *keras->groups, compare_groups);
}

/* ---- look-up ---- */

static bool has_part(const char *path, const char *part)
{
    const size_t length = strlen(part);
    while (length > 0 && path != NULL) {
        if (strncmp(path, part, length) == 0 && (path[length] == '/' || path[length] == '\0'))
            return true;
        path = strchr(path, '/');
        path = path != NULL ? path + 1 : NULL;
    }
    return false;
}

/* Keras 2.12 and 2.13 have another word for `layers`. */
static bool is_path_of(const char *path, const char *wanted)
{
    static const char other[] = "_layer_checkpoint_dependencies";
    while (*path != '\0' && *path == *wanted) {
        path++;
        wanted++;
        if (strncmp(path, other, sizeof other - 1) == 0 && strncmp(wanted, "layers", 6) == 0) {
            path += sizeof other - 1;
            wanted += 6;
        }
    }
    return *path == *wanted;
}

static bool fits_path(const keras_group *group, const keras_step *step)
{
    static const char other[] = "_layer_checkpoint_dependencies";
    const bool older = strncmp(group->path, other, sizeof other - 1) == 0;
    return group->numbered && (group->name == NULL || strcmp(group->name, step->name) == 0) &&
           is_path_of(group->path + (older ? sizeof other - 1 : 0), step->path + (older ? 6 : 0));
}

/* How well a group's name is the step's: 0 not at all, 3 best. */
static int fits_name(const keras_group *group, const keras_step *step)
{
    if (group->name != NULL && strcmp(group->name, step->name) == 0)
        return step->model[0] == '\0' || has_part(group->path, step->model) ? 3 : 2;
    return !group->numbered && has_part(group->path, step->name) ? 1 : 0;
}

clvgg_status vgg_keras_find_group(vgg_keras *keras, const keras_step *step, keras_group **out)
{
    int best = 0, equal = 0;
    *out = NULL;
    for (size_t i = 0; i < keras->group_count; i++) {
        keras_group *group = &keras->groups[i];
        const int fits = group->taken ? 0 : fits_path(group, step) ? 4 : fits_name(group, step);
        equal = fits > best ? 1 : equal + (fits == best);
        if (fits > best)
            *out = group;
        best = fits > best ? fits : best;
    }
    VGG_CHECK(best > 0, CLVGG_STATUS_BAD_FILE, "layer '%s' (%s): its variables aren't in the file",
              step->name, step->class_name);
    VGG_CHECK(equal == 1, CLVGG_STATUS_UNSUPPORTED,
              "layer '%s' (%s): several groups of variables could be its, '%s' is one", step->name,
              step->class_name, (*out)->path);
    (*out)->taken = true;
    return CLVGG_STATUS_OK;
}

/* ---- variables ---- */

static bool is_named(const char *path, const char *word)
{
    size_t before;
    return strstr(last_part(path, &before), word) != NULL;
}

/* Gamma and beta, where there are any, then mean and variance. */
static const vgg_hdf5_dataset *norm_variable(const keras_bound *bound, int position)
{
    static const char *const words[] = {"gamma", "beta", "mean", "var"};
    const keras_group *group = bound->group;
    const int before_mean = bound->has_scale + bound->has_center;
    if ((position == VGG_WEIGHT && !bound->has_scale) ||
        (position == VGG_BIAS && !bound->has_center))
        return NULL;
    if (group->numbered) {
        const int at = position == VGG_WEIGHT ? 0
                       : position == VGG_BIAS ? bound->has_scale
                                              : before_mean + position - VGG_MEAN;
        return group->variables[at];
    }
    for (int i = 0; i < group->count; i++)
        if (is_named(group->variables[i]->path, words[position]) ||
            (position == VGG_VARIANCE && is_named(group->variables[i]->path, "running_std")))
            return group->variables[i];
    return NULL;
}

const vgg_hdf5_dataset *vgg_keras_variable(const keras_bound *bound, bool is_norm, int position)
{
    const keras_group *group = bound->group;
    if (is_norm)
        return norm_variable(bound, position);
    if (group->numbered)
        return position < VGG_KERAS_MOST_VARIABLES ? group->variables[position] : NULL;
    for (int i = 0; i < group->count; i++)
        if ((group->variables[i]->shape.rank > 1) == (position == VGG_WEIGHT))
            return group->variables[i];
    return NULL;
}
#endif
