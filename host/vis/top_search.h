/* vis/top_search.h — the strongest activations of every chosen map of all chosen layers, in one
 * pass over the images.
 *
 * Behind each chosen layer's ReLU the network gets a map_peak layer, which says each map's largest
 * value and where it is: all that comes back from the device. The lists lie on the host.
 */
#ifndef VGG_VIS_TOP_SEARCH_H
#define VGG_VIS_TOP_SEARCH_H

#include "clvgg/visualize.h"
#include "model/model.h"
#include "pipeline/runner.h"
#include "vis/top_list.h"

typedef struct vgg_top_layer {
    char *name;     /* as it was given */
    int node;       /* whose values are compared */
    bool rectified; /* they are never below 0, and 0 is no activation */
    int64_t maps, height, width;
    int32_t *list_of_map; /* [maps]; −1: not searched */
    vgg_top_lists lists;
    float *peaks; /* [batch][maps][2] of the latest batch */
} vgg_top_layer;

struct clvgg_top_search {
    clvgg_model *model; /* retained */
    vgg_graph *graph;   /* the model's up to the deepest chosen layer, with map_peak layers */
    vgg_runner *runner;
    int max_batch; /* that the peaks have room for */
    vgg_top_layer *layers;
    size_t layer_count;
    int *peak_nodes; /* [layer_count] in the graph */
    float **outputs; /* [layer_count], the layers' peaks */
    uint64_t image_count;
};

clvgg_status vgg_top_search_create(clvgg_device *device, clvgg_model *model,
                                   const clvgg_top_options *options, clvgg_top_search **out);
void vgg_top_search_free(clvgg_top_search *search);
clvgg_status vgg_top_search_add(clvgg_top_search *search, size_t count, const float *images,
                                clvgg_top_rejected *rejected, size_t *rejected_count);
/* The list of a map, or an error that says which maps are searched. */
clvgg_status vgg_top_search_list(const clvgg_top_search *search, size_t layer, int64_t map,
                                 size_t *list);
clvgg_status vgg_top_search_strongest(const clvgg_top_search *search, size_t layer, size_t wanted,
                                      int64_t *maps, size_t *map_count);

/* Passes of vgg_top_search_create(), in top_graph.c: finds and describes the chosen layers, and
 * makes the graph. */
clvgg_status vgg_top_find_layers(clvgg_top_search *search, const clvgg_top_options *options);
clvgg_status vgg_top_build_graph(clvgg_top_search *search);

#endif
