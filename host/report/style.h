/* report/style.h — what an output stream can show: colours, line drawing, its width. */
#ifndef VGG_REPORT_STYLE_H
#define VGG_REPORT_STYLE_H

#include <stdbool.h>

typedef struct vgg_style {
    bool terminal; /* a person is looking */
    bool colour;   /* a terminal, and the person didn't ask for none */
    bool unicode;  /* a terminal whose locale is UTF-8 */
    int columns;   /* width of the terminal; 100 where there is none */
} vgg_style;

vgg_style vgg_style_of(int fd, bool no_colour);
/* The width now: people resize. */
int vgg_style_columns(int fd);

/* Escape sequences, "" without colours. */
const char *vgg_style_bold(const vgg_style *style);
const char *vgg_style_dim(const vgg_style *style);
const char *vgg_style_green(const vgg_style *style);
const char *vgg_style_red(const vgg_style *style);
const char *vgg_style_reset(const vgg_style *style);

#endif
