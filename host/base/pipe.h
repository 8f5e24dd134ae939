/* base/pipe.h — reading what a pipe delivers. */
#ifndef VGG_BASE_PIPE_H
#define VGG_BASE_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

bool vgg_pipe_is_at(const char *path);
/* All that its writers have to say, waiting for them; else as vgg_file_read_all(). */
clvgg_status vgg_pipe_read_all(const char *path, uint64_t limit_bytes, unsigned char **data,
                               size_t *size);

#endif
