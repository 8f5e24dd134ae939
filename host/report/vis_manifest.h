/* report/vis_manifest.h — what a search for the strongest activations found: for manifest.json and
 * for the report, which show the same.
 *
 * Its size is layers × maps × nine, whatever the number of images. All strings are the maker's.
 */
#ifndef VGG_REPORT_VIS_MANIFEST_H
#define VGG_REPORT_VIS_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A layer's units are projected back in one way, or in two. */
enum { VGG_MANIFEST_MODES = 2 };

/* One activation, with its pictures. */
typedef struct vgg_manifest_unit {
    const char *file; /* of the photograph, as it was named */
    int64_t y, x;     /* position in the layer's map */
    double value;     /* after ReLU */
    int64_t box[4];   /* x0, y0, x1, y1: half-open, clipped, in the prepared image */
    const char *projections[VGG_MANIFEST_MODES], *patch; /* PNG files of it, relative to the report;
                                                            NULL: none */
} vgg_manifest_unit;

typedef struct vgg_manifest_map {
    int64_t map;
    const vgg_manifest_unit *units; /* the strongest first */
    size_t unit_count;              /* 0: it never fired on these images */
} vgg_manifest_map;

typedef struct vgg_manifest_layer {
    const char *layer;
    const char *modes[VGG_MANIFEST_MODES]; /* "deconv", "guided" …; the one shown first comes first;
                                              static */
    size_t mode_count;
    const char *figures[VGG_MANIFEST_MODES]; /* files of the layer's figures, relative to the
                                                report; NULL: none */
    int64_t map_count;                       /* that the layer has */
    int64_t size[2];                         /* height and width that one unit sees, in pixels */
    const vgg_manifest_map *maps;            /* that were chosen, in the order to be shown */
    size_t count;
    const int64_t *silent; /* [silent_count] those among all searched maps that never fired */
    size_t silent_count;
} vgg_manifest_layer;

typedef struct vgg_manifest {
    const vgg_manifest_layer *layers; /* in the order of the network */
    size_t count;
    uint64_t image_count;  /* that were looked at */
    uint64_t failed_count; /* that couldn't be read */
} vgg_manifest;

/* Writes a list of {"layer", "map", "rank", "file", "y", "x", "value", "box": [x0, y0, x1, y1]}, in
 * the manifest's order, ranks from 1; behind them, for each silent map, {"layer", "map", "dead":
 * true}. The file appears whole or not at all. Errors: IO, OUT_OF_MEMORY. */
clvgg_status vgg_manifest_write(const vgg_manifest *manifest, const char *path);

#endif
