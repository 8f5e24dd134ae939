/* weights/format.h — what a reader fills in, and a row of the format table.
 *
 * A reader gets a vgg_weights with its file open, checks the header and fills slots and metadata;
 * weights.c builds the index by name, refuses doubled names and frees everything.
 */
#ifndef VGG_WEIGHTS_FORMAT_H
#define VGG_WEIGHTS_FORMAT_H

#include <stdbool.h>

#include "weights/weights.h"

enum { VGG_LARGEST_TENSOR_COUNT = 65536 };

typedef struct vgg_tensor_slot {
    vgg_tensor_entry entry;
    const char
        *foreign_dtype; /* its name, when it isn't a clvgg_dtype; then entry has a name only */
} vgg_tensor_slot;

struct vgg_weights {
    vgg_file *file;
    char *strings;          /* one block that all names, keys and values point into */
    vgg_tensor_slot *slots; /* those that can be read first, each part in file order */
    size_t slot_count, readable_count;
    const vgg_tensor_slot **by_name; /* all slots, sorted; made by weights.c */
    vgg_metadata_entry *metadata;
    size_t metadata_count;
};

typedef struct vgg_weights_format {
    const char *name;
    /* Says whether a file that begins with head[bytes] is of this format. */
    bool (*matches)(const unsigned char *head, size_t bytes);
    /* NULL: recognised, so that the message can say what the file is, but not read. */
    clvgg_status (*read)(vgg_weights *weights);
} vgg_weights_format;

bool vgg_safetensors_matches(const unsigned char *head, size_t bytes);
clvgg_status vgg_safetensors_read(vgg_weights *weights);

#endif
