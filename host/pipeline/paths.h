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
/* Problems that vgg_path_list_add_all() reports of entries that aren't files to try. */
#define VGG_PATH_HIDDEN (-2)  /* a name that begins with a dot */
#define VGG_PATH_AGAIN (-3)   /* a link to a folder that is walked by another path */
#define VGG_PATH_SPECIAL (-4) /* a pipe, a device */

/* Files passed over for their names. */
enum { VGG_ENDING_BYTES = 12, VGG_ENDINGS_MOST = 12 };
typedef struct vgg_path_skipped {
    size_t count; /* of files */
    size_t ending_count;
    struct {
        size_t count;
        char ending[VGG_ENDING_BYTES]; /* ".heic" */
    } endings[VGG_ENDINGS_MOST];
} vgg_path_skipped;

void vgg_path_skip(vgg_path_skipped *skipped, const char *name);
/* "9 .heic, 2 .txt, 1 other", fit for terminals. */
void vgg_path_skipped_words(const vgg_path_skipped *skipped, vgg_text *words);

typedef struct vgg_path_list {
    vgg_text text;
    vgg_path_entry *entries; /* [count] */
    size_t count, capacity;
    vgg_path_skipped skipped; /* by vgg_path_list_add() in folders; hidden files aren't counted */
} vgg_path_list;

/* Adds a file, or the images in a folder and its subfolders, bytewise sorted by whole path. Links
 * are followed, but each folder is walked once. What can't be opened becomes an entry with its
 * problem; only memory makes this fail. */
clvgg_status vgg_path_list_add(vgg_path_list *list, const char *path);
/* Adds every file below a folder, whatever its name, sorted likewise. What is hidden, can't be
 * read or isn't a file becomes an entry with its problem, not gone into; so do folders without any
 * entry. A folder that is such an entry has a slash behind its path, unless it is hidden or walked
 * by another path. */
clvgg_status vgg_path_list_add_all(vgg_path_list *list, const char *folder);
clvgg_status vgg_path_list_append(vgg_path_list *list, const char *path, int problem);
void vgg_path_list_drop_last(vgg_path_list *list);
/* Sorts entries [first, count) by path, bytewise. */
clvgg_status vgg_path_list_sort(vgg_path_list *list, size_t first);
/* Leaves `most` of the entries, evenly from the first on; all where they aren't more. */
void vgg_path_list_thin(vgg_path_list *list, size_t most);
const char *vgg_path_list_at(const vgg_path_list *list, size_t index);
/* Writes the message of an entry that is a problem. */
clvgg_status vgg_path_list_fail(const vgg_path_list *list, size_t index);
void vgg_path_list_free(vgg_path_list *list);

#endif
