/* report/style.c — asking a file descriptor what it is. */
#define _DEFAULT_SOURCE /* struct winsize */
#include "report/style.h"

#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

vgg_style vgg_style_of(int fd, bool no_colour)
{
    vgg_style style = {.terminal = isatty(fd) == 1};
    style.colour = style.terminal && !no_colour;
    style.unicode = style.terminal && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    style.columns = vgg_style_columns(fd);
    return style;
}

int vgg_style_columns(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 100;
}

#define DEFINE_ESCAPE(name, sequence)                                                              \
    const char *vgg_style_##name(const vgg_style *style)                                           \
    {                                                                                              \
        return style->colour ? sequence : "";                                                      \
    }
DEFINE_ESCAPE(bold, "\033[1m")
DEFINE_ESCAPE(dim, "\033[2m")
DEFINE_ESCAPE(green, "\033[32m")
DEFINE_ESCAPE(red, "\033[31m")
DEFINE_ESCAPE(reset, "\033[0m")
