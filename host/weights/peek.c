/* weights/peek.c — see peek.h. */
#include "weights/peek.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

size_t vgg_peek(const char *path, void *head, size_t capacity)
{
    /* A pipe would wait for somebody who writes into it. */
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    ssize_t bytes = 0;
    if (file < 0)
        return 0;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
        bytes = read(file, head, capacity);
    close(file);
    return bytes > 0 ? (size_t)bytes : 0;
}
