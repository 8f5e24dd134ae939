/* clvgg/cache.h — what clvgg keeps between processes: programs as the driver compiled them, results
 * of tuning (clvgg/tune.h), and large weights packed for a CPU.
 *
 * The file that clvgg_runtime_options.cache_path names, made with its folder when something is
 * first kept: when a device is freed, after its programs ran, or when a chain of layers was tuned.
 * Any number of processes share it. It is never needed: a locked, damaged or unwritable file costs
 * time, not a result. Because it holds code, a file or folder that belongs to another user, that
 * others may write to, or that is a symbolic link is not used. At most 256 MiB; what goes unused
 * longest is dropped.
 *
 * Packed weights are files of their own in the folder "packed" beside it, written when the last
 * session that uses them is freed, at most 2 GiB, under the same rules. They belong to the model's
 * files as they were, told by place, size and times and by a part of the values, and are checked as
 * they are read: what is damaged, or of another model, device or version, is packed anew.
 */
#ifndef CLVGG_CACHE_H
#define CLVGG_CACHE_H

#include <stdint.h>

#include "clvgg/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clvgg_cache_entry {
    size_t struct_size;
    const char *kind;    /* "program", "tuning", "check" (clvgg/verify.h), "packed"; "features" */
    const char *name;    /* of a program: its .cl file; of a result: the layers; of a packed weight:
                            it; else the file */
    const char *options; /* of the compiler; of a result: the batch */
    const char *device;  /* device and driver in words */
    uint64_t bytes;
    int64_t last_use; /* the day's start, in seconds since 1970 */
} clvgg_cache_entry;

/* The strings are valid during the call, which must not call clvgg. */
typedef void (*clvgg_cache_visit_fn)(void *user, const clvgg_cache_entry *entry);

/* Calls `visit` for each entry, the last used first, then for packed weights; never for a runtime without a cache or a file
 * that isn't there. Errors: IO (the file can't be used, and why), UNSUPPORTED (clvgg was built
 * without SQLite). */
CLVGG_API clvgg_status clvgg_cache_list(clvgg_runtime *runtime, clvgg_cache_visit_fn visit,
                                        void *user);
/* Drops all entries. Errors: as above. */
CLVGG_API clvgg_status clvgg_cache_clear(clvgg_runtime *runtime);

/* Features of photographs are kept apart, in a folder (clvgg_finetune_options.cache_dir): calls
 * `visit` for each file there, the last used first, its options and device "". Never where there is
 * no such folder. Errors: IO, OUT_OF_MEMORY. */
CLVGG_API clvgg_status clvgg_cache_list_features(clvgg_runtime *runtime, const char *folder,
                                                 clvgg_cache_visit_fn visit, void *user);
/* Removes the files that no process uses, and calls `visit` for each of them. Errors: as above. */
CLVGG_API clvgg_status clvgg_cache_clear_features(clvgg_runtime *runtime, const char *folder,
                                                  clvgg_cache_visit_fn visit, void *user);

#ifdef __cplusplus
}
#endif
#endif
