/* weights/safetensors/safetensors.h — shared by the reader and the writer of safetensors.
 *
 * A file is: length of the header (8 bytes, little-endian), the header (JSON, see
 * safetensors_scan.c), the tensors' bytes without gaps. Offsets count from the end of the header.
 */
#ifndef VGG_WEIGHTS_SAFETENSORS_H
#define VGG_WEIGHTS_SAFETENSORS_H

#include <stddef.h>

#include "base/status.h"

#define VGG_SAFETENSORS_METADATA "__metadata__"

enum {
    VGG_SAFETENSORS_PREFIX_BYTES = 8,
    VGG_SAFETENSORS_LARGEST_HEADER = 100 * 1000 * 1000,
};

/* Checks that text[0…length), followed by a NUL, can be a header and is worth parsing. The message
 * doesn't name the file. Error: BAD_FILE. */
clvgg_status vgg_safetensors_scan(const char *text, size_t length);

#endif
