/* report/vis_pixels.h — from a network's numbers to pixels that can be looked at.
 *
 * Needs neither Cairo nor memory of its own: callers give the room.
 */
#ifndef VGG_REPORT_VIS_PIXELS_H
#define VGG_REPORT_VIS_PIXELS_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/image.h"

/* A picture, row by row from the top left, RGB. Owned by the code that made it. */
typedef struct vgg_pixels {
    const uint8_t *rgb; /* [height][width][3]; NULL: no picture */
    int width, height;
} vgg_pixels;

/* Colours that the colour-blind tell apart, and that stay in order in grey. */
typedef enum vgg_colours {
    VGG_COLOURS_SEQUENTIAL, /* viridis: dark violet over green to yellow; for values of one sign */
    VGG_COLOURS_DIVERGING,  /* blue over near-white to red (Moreland's); for signed values, the
                               middle  of the range should be 0 */
    VGG_COLOURS_GREY,       /* black to white */
    VGG_COLOURS_CLASSES     /* values are whole numbers 0, 1 …: eight distinct colours, then over
                               again (Okabe & Ito 2008) */
} vgg_colours;

/* The colour of `value` in a range from `low` to `high`; values outside take the ends', NaN and an
 * empty range the low end's. */
void vgg_colour(vgg_colours colours, double low, double high, double value, uint8_t rgb[3]);

/* Values [count] as colours [count][3]. */
void vgg_pixels_colour(const float *values, size_t count, vgg_colours colours, double low,
                       double high, uint8_t *rgb);

/* A signed picture such as a projection or a filter, `values` [channels][height][width], as RGB
 * with its own contrast: 0 is middle grey, and the size that 1 % of the values exceed takes the
 * ends (black, white). All zero: middle grey. Colours are kept: three channels share one scale; one
 * channel is grey. Takes channels and order of `preprocess`. */
void vgg_pixels_signed(const float *values, int height, int width,
                       const clvgg_preprocess *preprocess, uint8_t *rgb);
/* Makes a picture in which the smallest value is black and the greatest white: for filters of few
 * pixels. */
void vgg_pixels_stretched(const float *values, int height, int width,
                          const clvgg_preprocess *preprocess, uint8_t *rgb);

/* The photograph that an input of the network, [channels][height][width], was prepared from, as far
 * as it was kept by resizing and cropping. Takes channels, order, scale, mean and std of
 * `preprocess`. */
void vgg_pixels_photograph(const float *values, int height, int width,
                           const clvgg_preprocess *preprocess, uint8_t *rgb);

/* Rows [y0, y1) and columns [x0, x1) of `from`, which may lie outside: there it is middle grey.
 * `rgb` is [y1 - y0][x1 - x0][3]. */
void vgg_pixels_crop(const vgg_pixels *from, int64_t x0, int64_t y0, int64_t x1, int64_t y1,
                     uint8_t *rgb);

#endif
