/* cache/packed_file.h — packed weights between processes: a file a weight, in a folder beside the
 * cache's file.
 *
 * Such a file is never needed: whatever is wrong with one is a miss, and it is removed. A key says
 * what the values were made from and how; the file has it whole, and a checksum of each piece of
 * the values, which are looked at behind the copy that was read: who writes to the file meanwhile,
 * or cuts it short, changes nothing that was found right. No file is mapped.
 */
#ifndef VGG_CACHE_PACKED_FILE_H
#define VGG_CACHE_PACKED_FILE_H

#include "cache/cache.h"

/* Reads `bytes` of values, on so many threads. False, with anything in `data`: there is no file of
 * this key that is whole. The folder may be NULL: a cache that keeps none. */
bool vgg_packed_read(const char *folder, const vgg_cache_key *key, int threads, void *data,
                     uint64_t bytes);
/* Keeps values, unless a file of that key and size is there: beside other files up to the limit,
 * for which those that went unused longest are removed. Where that can't be, none is kept. */
void vgg_packed_write(const char *folder, uint64_t limit_bytes, const vgg_cache_key *key,
                      const void *data, uint64_t bytes);

/* Reads a file's key from its head; false where that is damaged. Strings of `key` point into *text,
 * which is freed by vgg_free(). */
bool vgg_packed_read_key(const char *path, vgg_cache_key *key, char **text);

#endif
