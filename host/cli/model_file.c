/* cli/model_file.c — finding the default model, label and map files, and loading. */
#include "cli/model_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_CAPACITY = 4096 };

/* The folder above that of the running program: PREFIX of PREFIX/bin/clvgg, or the source tree of
 * its build/clvgg. "" when unknown. */
static void program_parent(char *folder)
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_CAPACITY - 1);
    folder[length > 0 ? length : 0] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(folder, '/');
        if (slash != NULL)
            *slash = '\0';
    }
}

/* The first readable `name` among: installed beside the program, in the source tree, installed
 * where CMake was told. */
static bool find_shipped(const char *name, char *path)
{
    char parent[PATH_CAPACITY];
    program_parent(parent);
    const struct {
        const char *root, *folder;
    } places[] = {
        {parent, "/share/clvgg/models"}, {parent, "/models"}, {CLVGG_DATA_DIR, "/models"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int length =
            snprintf(path, PATH_CAPACITY, "%s%s/%s", places[i].root, places[i].folder, name);
        if (length < PATH_CAPACITY && access(path, R_OK) == 0)
            return true;
    }
    return false;
}

/* Whether a model knows nothing about ImageNet's classes but their number. */
static bool wants_imagenet_labels(const clvgg_model *model, const clvgg_model_options *options)
{
    const char *first = clvgg_model_label(model, 0);
    return options->labels_path == NULL && clvgg_model_class_count(model) == 1000 &&
           (first == NULL || strcmp(first, "class 0") == 0);
}

clvgg_model *vgg_cli_load_model(vgg_cli *cli, clvgg_runtime *runtime, const char *path,
                                const clvgg_model_options *options, const char **labels_path,
                                int *exit_code)
{
    char found[PATH_CAPACITY];
    clvgg_model *model = NULL;
    *labels_path = options->labels_path;
    if (path == NULL)
        path = cli->model;
    if (path == NULL && find_shipped("vgg16-catdog.safetensors", found))
        path = found;
    if (path == NULL) {
        vgg_cli_error(cli,
                      "no model: the default one isn't in %s/models; name a file by --model "
                      "or CLVGG_MODEL",
                      CLVGG_DATA_DIR);
        *exit_code = VGG_EXIT_FAILED;
        return NULL;
    }
    clvgg_status status = clvgg_model_load(runtime, path, options, &model);
    char labels[PATH_CAPACITY];
    if (status == CLVGG_STATUS_OK && wants_imagenet_labels(model, options) &&
        find_shipped("imagenet-1k.txt", labels)) {
        clvgg_model_options with_labels = *options;
        with_labels.labels_path = labels;
        *labels_path = "imagenet-1k.txt";
        clvgg_model_free(model);
        bool silent = cli->silent;
        cli->silent = true; /* its warnings have been printed */
        status = clvgg_model_load(runtime, path, &with_labels, &model);
        cli->silent = silent;
    }
    if (status != CLVGG_STATUS_OK)
        *exit_code = vgg_cli_fail(cli, status);
    return model;
}

clvgg_class_map *vgg_cli_load_map(vgg_cli *cli, const clvgg_model *model, const char *path,
                                  int *exit_code)
{
    char found[PATH_CAPACITY];
    clvgg_class_map *map = NULL;
    if (access(path, F_OK) != 0 && strchr(path, '/') == NULL && find_shipped(path, found))
        path = found;
    clvgg_status status = clvgg_class_map_load(model, path, &map);
    if (status != CLVGG_STATUS_OK)
        *exit_code = vgg_cli_fail(cli, status);
    return map;
}

static bool is_architecture(const char *name)
{
    static const char *const names[] = {"vgg11", "vgg13", "vgg16", "vgg19"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static clvgg_status build_random(clvgg_runtime *runtime, const char *architecture,
                                 const vgg_extent *input_size, clvgg_model **out)
{
    static uint64_t seed = 1;
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    description.architecture = architecture;
    if (input_size->height > 0) {
        description.input_height = description.preprocess.height = input_size->height;
        description.input_width = description.preprocess.width = input_size->width;
        description.preprocess.resize_short = 0; /* in proportion */
    }
    description.source = clvgg_model_random_weights;
    description.source_user = &seed;
    return clvgg_model_build(runtime, &description, out);
}

int vgg_cli_find_model(vgg_cli *cli, clvgg_runtime *runtime, const char *name,
                       const vgg_extent *input_size, clvgg_model **model, bool *random_weights)
{
    int exit_code = VGG_EXIT_OK;
    if (name == NULL)
        name = cli->model;
    *random_weights = name == NULL || is_architecture(name);
    if (*random_weights) {
        clvgg_status status =
            build_random(runtime, name != NULL ? name : "vgg16", input_size, model);
        return status == CLVGG_STATUS_OK ? VGG_EXIT_OK : vgg_cli_fail(cli, status);
    }
    clvgg_model_options model_options;
    clvgg_model_options_defaults(&model_options);
    model_options.input_height = input_size->height;
    model_options.input_width = input_size->width;
    const char *labels = NULL;
    *model = vgg_cli_load_model(cli, runtime, name, &model_options, &labels, &exit_code);
    return exit_code;
}
