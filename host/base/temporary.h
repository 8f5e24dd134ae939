/* base/temporary.h — files that are written beside the one that they will replace, and files that
 * never have a name.
 */
#ifndef VGG_BASE_TEMPORARY_H
#define VGG_BASE_TEMPORARY_H

#include <stdbool.h>
#include <stddef.h>

enum { VGG_TEMPORARY_EXTRA = 64 }; /* bytes that a temporary name has more, its end included */

/* Removes what killed writers of `target` have left, and creates a file in its folder, with the
 * mode that a new file gets. It is locked until the descriptor is closed, which is to be when it
 * has got its own name, or none any more. `path` is [capacity]. Returns a descriptor, or -1 with
 * errno. */
int vgg_temporary_create(const char *target, char *path, size_t capacity);
/* Removes a temporary file that a killed writer has left; one that is written stays. False when
 * there is none. */
bool vgg_temporary_remove_abandoned(const char *path);
/* Creates a file without a name, which is gone when it is closed, in /var/tmp or, if that can't be,
 * in /tmp, which often lies in memory. *folder is which it was, or the last that was tried. Returns
 * a descriptor, or -1 with errno. */
int vgg_temporary_create_nameless(const char **folder);

#endif
