/* train/feature_file.h — a file of checksummed records of one size.
 *
 *     4096 bytes        magic, version, sizes, the digest that the name has too, a checksum
 *     groups of 64:     64 heads of 64 bytes, then 64 × [feature_count] float16
 *     head              digest of the image, variation, view, checksums of values and of head
 *
 * Values are written first, then the head, which makes them a record: one that was cut short has
 * none, and its slot is free. Opening reads heads only. Whatever has a wrong checksum is no record.
 * Records never move: others may read while one process, which holds the lock, adds some.
 */
#ifndef VGG_TRAIN_FEATURE_FILE_H
#define VGG_TRAIN_FEATURE_FILE_H

#include <stdbool.h>

#include "train/feature_folder.h"
#include "train/feature_index.h"

typedef struct vgg_feature_file {
    vgg_feature_folder folder;
    char name[VGG_FEATURE_NAME];
    int descriptor;
    size_t record_bytes; /* of the values */
    vgg_feature_index index;
} vgg_feature_file;

/* Opens or makes the file for a digest, and reads its index. A damaged header makes an empty file
 * of it; those who have it open keep the old one. Errors: IO, OUT_OF_MEMORY. */
clvgg_status vgg_feature_file_open(const char *directory, uint64_t limit_bytes,
                                   const uint8_t digest[32], size_t feature_count,
                                   vgg_feature_file **out);
/* Accepts NULL. */
void vgg_feature_file_close(vgg_feature_file *file);
/* Average bytes of a record on disk, its head included. */
uint64_t vgg_feature_file_record_bytes(const vgg_feature_file *file);

/* Reads all heads anew. Records that were VERIFIED and are the same stay so. */
clvgg_status vgg_feature_file_load(vgg_feature_file *file);
/* The slot of a record to be written: its own, or a free one. vgg_feature_index_grow() before. */
uint32_t vgg_feature_file_assign(vgg_feature_file *file, const vgg_feature_id *id);
/* Writes a record into its slot. The index keeps its checksum; its state is the caller's to change.
 * Errors: IO. */
clvgg_status vgg_feature_file_write(vgg_feature_file *file, uint32_t slot, const vgg_feature_id *id,
                                    const uint16_t *values);
/* Reads a record, and says whether its checksum is right. Errors: IO. */
clvgg_status vgg_feature_file_read(const vgg_feature_file *file, uint32_t slot, uint16_t *values,
                                   bool *sound);
/* Frees the slots of records that are PRESENT: no call has asked for them. Must not be called while
 * other processes have the file open, which may be reading them; vgg_feature_file_load() must
 * follow. Errors: IO. */
clvgg_status vgg_feature_file_discard(vgg_feature_file *file);
/* Tells the system that these slots will be read. */
void vgg_feature_file_expect(const vgg_feature_file *file, uint32_t slot, uint32_t count);

#endif
