/* report/out.c — writing text to a file descriptor, whole or with the reason why not. */
#include "report/out.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* Returns 0 or errno. */
static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written >= 0) {
            bytes += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) { /* another process made the terminal or pipe non-blocking */
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

bool vgg_out_flush(vgg_out *out)
{
    if (out->error == 0 && out->text.failed)
        out->error = ENOMEM;
    if (out->error == 0)
        out->error = write_all(out->fd, out->text.bytes, out->text.length);
    out->text.length = 0;
    return out->error == 0;
}

int vgg_out_close(vgg_out *out)
{
    vgg_out_flush(out);
    if (close(out->fd) != 0 && out->error == 0) /* network file systems report a full disk here */
        out->error = errno;
    vgg_text_free(&out->text);
    return out->error;
}
