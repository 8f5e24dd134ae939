/* pipeline/paths_walk.h — goes through a folder and those below it, each once. Private to paths.c.
 */
#ifndef VGG_PIPELINE_PATHS_WALK_H
#define VGG_PIPELINE_PATHS_WALK_H

#include <stdbool.h>

#include "pipeline/paths.h"

/* Appends what is below `folder` in no order; `every`: as vgg_path_list_add_all() has it, else as
 * vgg_path_list_add(). */
clvgg_status vgg_paths_walk(vgg_path_list *list, const char *folder, bool every);

#endif
