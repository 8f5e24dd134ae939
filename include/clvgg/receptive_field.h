/* clvgg/receptive_field.h — the part of an image that a unit of a layer depends on. */
#ifndef CLVGG_RECEPTIVE_FIELD_H
#define CLVGG_RECEPTIVE_FIELD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pixels, {height, width}. The unit at (y, x) of a map depends on rows [start[0] + y·stride[0],
 * start[0] + y·stride[0] + size[0]) and likewise columns, of which some may lie outside the image.
 * Stride 0 and the image's size: on all of it (dense layers, and poolings whose windows aren't
 * alike). */
typedef struct clvgg_receptive_field {
    int64_t size[2], stride[2], start[2];
} clvgg_receptive_field;

#ifdef __cplusplus
}
#endif
#endif
