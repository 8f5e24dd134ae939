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
    int problem;   /* 0: a file to try; VGG_PATH_…; else errno of a folder */
} vgg_path_entry;

#define VGG_PATH_NO_IMAGES (-1) /* a folder without any */
/* What vgg_path_list_add_all() says of others. */
#define VGG_PATH_HIDDEN (-2)  /* a name that begins with a dot */
#define VGG_PATH_LOOP (-3)    /* a link back to a folder around it */
#define VGG_PATH_SPECIAL (-4) /* a pipe, a device */

typedef struct vgg_path_list {
    vgg_text text;
    vgg_path_entry *entries; /* [count] */
    size_t count, capacity;
} vgg_path_list;

/* Adds a file, or the images in a folder and its subfolders, bytewise sorted by whole path. Links
 * are followed, but not back into a folder that is being walked. What can't be opened becomes an
 * entry with its problem; only memory makes this fail. */
clvgg_status vgg_path_list_add(vgg_path_list *list, const char *path);
/* Adds every file below a folder, whatever its name, sorted likewise. What is hidden, can't be
 * read or isn't a file becomes an entry with its problem, not gone into; so do folders without any
 * entry. A folder that is such an entry has a slash behind its path, unless it is hidden or a link
 * back. */
clvgg_status vgg_path_list_add_all(vgg_path_list *list, const char *folder);
const char *vgg_path_list_at(const vgg_path_list *list, size_t index);
/* Writes the message of an entry that is a problem. */
clvgg_status vgg_path_list_fail(const vgg_path_list *list, size_t index);
void vgg_path_list_free(vgg_path_list *list);

#endif
