/* pipeline/paths.h — which files a stream delivers: paths given, folders walked.
 *
 * Tens of thousands of paths lie in one block of text, with 16 bytes beside each.
 */
#ifndef VGG_PIPELINE_PATHS_H
#define VGG_PIPELINE_PATHS_H

#include <stddef.h>

#include "base/status.h"
#include "base/text.h"

typedef struct vgg_path_entry {
    size_t offset; /* into the text, which has a NUL behind each path */
    int problem;   /* 0: a file to try; VGG_PATH_NO_IMAGES; else errno of a folder */
} vgg_path_entry;

#define VGG_PATH_NO_IMAGES (-1)

typedef struct vgg_path_list {
    vgg_text text;
    vgg_path_entry *entries; /* [count] */
    size_t count, capacity;
} vgg_path_list;

/* Adds a file, or the images in a folder and its subfolders, bytewise sorted by whole path. Links
 * are followed, but not back into a folder that is being walked. What can't be opened becomes an
 * entry with its problem; only memory makes this fail. */
clvgg_status vgg_path_list_add(vgg_path_list *list, const char *path);
const char *vgg_path_list_at(const vgg_path_list *list, size_t index);
/* Writes the message of an entry that is a problem. */
clvgg_status vgg_path_list_fail(const vgg_path_list *list, size_t index);
void vgg_path_list_free(vgg_path_list *list);

#endif
