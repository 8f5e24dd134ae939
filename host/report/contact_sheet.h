/* report/contact_sheet.h — thumbnails in rows, each with what it is and what it was taken for. */
#ifndef VGG_REPORT_CONTACT_SHEET_H
#define VGG_REPORT_CONTACT_SHEET_H

#include <stddef.h>
#include <stdint.h>

#include "clvgg/status.h"

enum {
    VGG_CONTACT_COLUMNS = 6,
    VGG_CONTACT_MOST_CELLS = 48,
    VGG_CONTACT_WIDTH = 192, /* most pixels of a thumbnail */
    VGG_CONTACT_HEIGHT = 144
};

typedef struct vgg_contact_cell {
    const uint8_t *rgb; /* [height][width][3], at most VGG_CONTACT_WIDTH x _HEIGHT */
    int width, height;
    const char *file, *truth, *predicted; /* any bytes; of the file the last part of its path */
    double probability;                   /* of `predicted` */
} vgg_contact_cell;

/* Draws at most VGG_CONTACT_MOST_CELLS cells, row by row, below a title, into a .png or .svg, which
 * appears whole; with no cells the title alone. Errors: INVALID_ARGUMENT (the name), UNSUPPORTED
 * (built without Cairo), IO, OUT_OF_MEMORY. */
clvgg_status vgg_contact_sheet_write(const char *path, const char *title,
                                     const vgg_contact_cell *cells, size_t count);

#endif
