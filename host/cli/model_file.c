/* cli/model_file.c — finding the default model, label and map files, and loading. */
#include "cli/model_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_CAPACITY = 4096 };

static void drop_last_part(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* `name` in `place`, a path from the running program's folder on. /proc names that folder without
 * links, so every ".." takes its last part off. */
static bool beside_program(const char *place, const char *name, char *path)
{
    char folder[PATH_CAPACITY];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    folder[length > 0 ? length : 0] = '\0';
    drop_last_part(folder);
    for (; strncmp(place, "../", 3) == 0; place += 3)
        drop_last_part(folder);
    return snprintf(path, PATH_CAPACITY, "%s/%s/%s", folder, place, name) < PATH_CAPACITY;
}

static const char INSTALLED[] = CLVGG_DATA_FROM_PROGRAM "/models";

/* The first readable `name` among: installed, from the program's folder on, so that both can move
 * together; beside the program, where a build folder has a link to the source tree's. */
static bool find_shipped(const char *name, char *path)
{
    return (beside_program(INSTALLED, name, path) && access(path, R_OK) == 0) ||
           (beside_program("models", name, path) && access(path, R_OK) == 0);
}

/* Says whether a model has as many classes as ImageNet and no labels. */
static bool wants_imagenet_labels(const clvgg_model *model, const clvgg_model_options *options)
{
    const char *first = clvgg_model_label(model, 0);
    return options->labels_path == NULL && clvgg_model_class_count(model) == 1000 &&
           (first == NULL || strcmp(first, "class 0") == 0);
}

clvgg_model *cli_load_model(cli_program *cli, clvgg_runtime *runtime, const char *path,
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
        beside_program(INSTALLED, "vgg16-catdog.safetensors", found);
        cli_error(cli,
                  "no model: the default one, which the package clvgg-data brings, isn't "
                  "there: %s; name a file by --model or CLVGG_MODEL",
                  found);
        *exit_code = CLI_EXIT_FAILED;
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
        *exit_code = cli_fail(cli, status);
    return model;
}

clvgg_class_map *cli_load_map(cli_program *cli, const clvgg_model *model, const char *path,
                              int *exit_code)
{
    char found[PATH_CAPACITY];
    clvgg_class_map *map = NULL;
    if (access(path, F_OK) != 0 && strchr(path, '/') == NULL && find_shipped(path, found))
        path = found;
    clvgg_status status = clvgg_class_map_load(model, path, &map);
    if (status != CLVGG_STATUS_OK)
        *exit_code = cli_fail(cli, status);
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
                                 const cli_extent *input_size, clvgg_model **out)
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

int cli_find_model(cli_program *cli, clvgg_runtime *runtime, const char *name,
                   const cli_extent *input_size, clvgg_model **model, bool *random_weights)
{
    int exit_code = CLI_EXIT_OK;
    if (name == NULL)
        name = cli->model;
    *random_weights = name == NULL || is_architecture(name);
    if (*random_weights) {
        clvgg_status status =
            build_random(runtime, name != NULL ? name : "vgg16", input_size, model);
        return status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(cli, status);
    }
    clvgg_model_options model_options;
    clvgg_model_options_defaults(&model_options);
    model_options.input_height = input_size->height;
    model_options.input_width = input_size->width;
    const char *labels = NULL;
    *model = cli_load_model(cli, runtime, name, &model_options, &labels, &exit_code);
    return exit_code;
}
