/* weights/peek.h — a look at the file beside one, to say which format it is of. */
#ifndef VGG_WEIGHTS_PEEK_H
#define VGG_WEIGHTS_PEEK_H

#include <stddef.h>

/* Reads up to `capacity` first bytes of a file; 0: there is none, it is empty, or no regular file.
 * Takes no memory and writes no message. */
size_t vgg_peek(const char *path, void *head, size_t capacity);

#endif
