/* report/out.h — text on its way to a file descriptor.
 *
 * Everything the program prints is built in `text` and leaves by vgg_out_flush(), so that a closed
 * pipe or a full disk is noticed where it happens, with its errno. Never used by the library.
 */
#ifndef VGG_REPORT_OUT_H
#define VGG_REPORT_OUT_H

#include "base/text.h"

typedef struct vgg_out {
    int fd;
    vgg_text text; /* waiting to be written */
    int error;     /* errno of the first failure; later text is dropped */
} vgg_out;

/* Writes what waits, over EINTR and short writes. False once anything failed. */
bool vgg_out_flush(vgg_out *out);
/* Flushes, closes the descriptor and frees. Returns errno of the first failure, 0 when none. */
int vgg_out_close(vgg_out *out);

#endif
