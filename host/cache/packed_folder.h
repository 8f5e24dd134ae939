/* cache/packed_folder.h — the folder of packed weights (packed_file.h): its limit, its list. */
#ifndef VGG_CACHE_PACKED_FOLDER_H
#define VGG_CACHE_PACKED_FOLDER_H

#include "cache/cache.h"

#define VGG_PACKED_ENDING ".packed"
#define VGG_PACKED_KIND "packed" /* of a key */
/* Of all files together. */
#define VGG_PACKED_LIMIT_BYTES ((uint64_t)2 << 30)

/* Makes the folder, where the one above is there; false where that can't be. */
bool vgg_packed_folder_make(const char *folder);
/* Removes files that went unused longest, and what killed writers left, until `bytes` more are
 * within the limit. False where they can't be, or where they would leave the disk nearly full. */
bool vgg_packed_folder_make_room(const char *folder, uint64_t limit_bytes, uint64_t bytes);

/* Calls `visit` for each file, the last used first; one whose head is damaged has the file's name.
 * With `remove`, for each that it removed. A folder that isn't there, or NULL, is empty. Errors:
 * IO, OUT_OF_MEMORY. */
clvgg_status vgg_packed_folder_visit(const char *folder, bool remove, vgg_cache_visitor visit,
                                     void *user);

#endif
