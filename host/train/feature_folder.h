/* train/feature_folder.h — the folder of feature files: owner, locks, size limit.
 *
 * Processes agree by locks on two bytes of a feature file, which end with the process: a process
 * that has the file open shares USE, so that no other removes it; one that adds records holds WRITE
 * alone.
 */
#ifndef VGG_TRAIN_FEATURE_FOLDER_H
#define VGG_TRAIN_FEATURE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef struct vgg_feature_folder {
    int descriptor;
    char *path; /* for messages */
    uint64_t limit_bytes;
} vgg_feature_folder;

enum { VGG_FEATURE_NAME = 64 + sizeof ".features" };

/* Opens a folder, and makes it and those above where they are missing, for this user alone. One
 * that other users may write to is refused: what they put there would be trained on. Errors: IO,
 * OUT_OF_MEMORY. */
clvgg_status vgg_feature_folder_open(const char *path, uint64_t limit_bytes,
                                     vgg_feature_folder *folder);
void vgg_feature_folder_close(vgg_feature_folder *folder);

/* "<64 hexadecimal digits>.features" */
void vgg_feature_folder_name(const uint8_t digest[32], char name[VGG_FEATURE_NAME]);
/* Opens the file of that name, empty if it is new, marks it as used now, and shares USE. Errors:
 * IO. */
clvgg_status vgg_feature_folder_take(const vgg_feature_folder *folder, const char *name,
                                     int *descriptor);
/* Removes a file's name, if the name still is the descriptor's: others who have it open keep it. */
void vgg_feature_folder_drop(const vgg_feature_folder *folder, const char *name, int descriptor);

/* Takes WRITE, or sets *locked to false where another has it. Errors: IO. */
clvgg_status vgg_feature_lock(const vgg_feature_folder *folder, int descriptor, bool *locked);
void vgg_feature_unlock(int descriptor);
/* Says whether no other descriptor, here or in another process, has the file open. */
bool vgg_feature_is_alone(int descriptor);
/* Takes USE alone, so that no other process opens the file meanwhile; false where others have it
 * open. vgg_feature_share() must follow. */
bool vgg_feature_take_alone(int descriptor);
void vgg_feature_share(int descriptor);

/* Bytes that can be added to the file `name`: by the limit and by the disk, other files that aren't
 * open anywhere counted as free. */
clvgg_status vgg_feature_folder_room(const vgg_feature_folder *folder, const char *name,
                                     uint64_t *bytes);
/* Fails unless there is that room. Errors: IO, with both numbers. */
clvgg_status vgg_feature_folder_require(const vgg_feature_folder *folder, const char *name,
                                        uint64_t bytes);
/* Makes that room: other files are removed, least recently used first, none that is open anywhere.
 * Errors: IO as above, before any is removed. */
clvgg_status vgg_feature_folder_reserve(const vgg_feature_folder *folder, const char *name,
                                        uint64_t bytes);

/* Calls `visit` for each file, the last used first, or with `remove` for each file that it removed,
 * none of which was open anywhere: for `clvgg cache`. A folder that isn't there is empty. Errors:
 * IO, OUT_OF_MEMORY. */
typedef void (*vgg_feature_visitor)(void *user, const char *name, uint64_t bytes, int64_t used);
clvgg_status vgg_feature_folder_visit(const char *path, bool remove, vgg_feature_visitor visit,
                                      void *user);

#endif
