/* cli/model_file.h — which model a verb works on. */
#ifndef CLI_MODEL_FILE_H
#define CLI_MODEL_FILE_H

#include "cli/options.h"
#include "clvgg/class_map.h"
#include "clvgg/model.h"

/* Loads `path`; NULL: CLVGG_MODEL, else the default model (installed, or beside the build tree).
 * A model of ImageNet's 1,000 classes that brings no labels gets those of imagenet-1k.txt, when it
 * is found beside the default model; *labels_path then says so. Failures have been reported;
 * *exit_code is set. */
clvgg_model *cli_load_model(cli_program *cli, clvgg_runtime *runtime, const char *path,
                            const clvgg_model_options *options, const char **labels_path,
                            int *exit_code);
/* Reads the groups of --map for `model`: `path`, or where there is no such file and no slash in it,
 * the file of that name that is installed beside the default model. Failures have been reported;
 * *exit_code is set. */
clvgg_class_map *cli_load_map(cli_program *cli, const clvgg_model *model, const char *path,
                              int *exit_code);
/* Finds the model of a verb that doesn't need trained weights: `name` (NULL: CLVGG_MODEL, else
 * vgg16) is a file, or an architecture with random weights. Returns an exit code; failures have
 * been reported. */
int cli_find_model(cli_program *cli, clvgg_runtime *runtime, const char *name,
                   const cli_extent *input_size, clvgg_model **model, bool *random_weights);

#endif
