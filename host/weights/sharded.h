/* weights/sharded.h — the index of a network whose tensors lie in several files. */
#ifndef VGG_WEIGHTS_SHARDED_H
#define VGG_WEIGHTS_SHARDED_H

#ifdef CLVGG_HAVE_CJSON
#include <cjson/cJSON.h>

#include "weights/format.h"

/* Most files that one network is split into, and bytes of the index. */
enum { VGG_MOST_SHARDS = 256, VGG_LARGEST_SHARD_INDEX = 2 << 20 };

/* The index: which file holds which tensor. */
typedef struct vgg_shard_index {
    cJSON *root;
    const cJSON *map;   /* names of files by name of tensor */
    const char **files; /* each once, sorted */
    size_t file_count;
} vgg_shard_index;

/* Reads and checks it; files are names inside the index's folder. *out is zeroed before, and freed
 * by the caller on failure too. Errors: BAD_FILE, IO, OUT_OF_MEMORY. */
clvgg_status vgg_shard_index_read(const vgg_file *file, vgg_shard_index *out);
void vgg_shard_index_free(vgg_shard_index *index);
#endif

#endif
