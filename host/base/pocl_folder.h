/* base/pocl_folder.h — the folder that PoCL compiles in, and without which it offers no device. */
#ifndef VGG_BASE_POCL_FOLDER_H
#define VGG_BASE_POCL_FOLDER_H

#include <stdbool.h>

#include "base/text.h"

/* Values of the environment variables of these names (in upper case); each may be NULL. */
typedef struct vgg_pocl_environment {
    const char *pocl_cache_dir, *xdg_cache_home, *home;
} vgg_pocl_environment;

/* Appends where the folder is. Returns whether this user can write there, or make it. */
bool vgg_pocl_folder(const vgg_pocl_environment *environment, vgg_text *path);

#endif
