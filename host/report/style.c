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

const char *vgg_style_bold(const vgg_style *style)
{
    return style->colour ? "\033[1m" : "";
}

const char *vgg_style_dim(const vgg_style *style)
{
    return style->colour ? "\033[2m" : "";
}

const char *vgg_style_green(const vgg_style *style)
{
    return style->colour ? "\033[32m" : "";
}

const char *vgg_style_red(const vgg_style *style)
{
    return style->colour ? "\033[31m" : "";
}

const char *vgg_style_reset(const vgg_style *style)
{
    return style->colour ? "\033[0m" : "";
}
