/* vis/top_search.c — see top_search.h. */
#include "vis/top_search.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "pipeline/model_source.h"
#include "tensor/shape.h"

enum { DEFAULT_BATCH = 8 };

clvgg_status vgg_top_search_create(clvgg_device *device, clvgg_model *model,
                                   const clvgg_top_options *options, clvgg_top_search **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_top_search *search = NULL;
    *out = NULL;
    VGG_NEW(search, 1);
    vgg_model_retain(model);
    search->model = model;
    VGG_TRY(vgg_top_find_layers(search, options));
    VGG_TRY(vgg_top_build_graph(search));
    const vgg_parameter_source source = vgg_model_parameter_source(model);
    const vgg_plan_options plan = {
        .max_batch = options->max_batch > 0 ? options->max_batch : DEFAULT_BATCH,
        .outputs = search->peak_nodes,
        .output_count = (int)search->layer_count,
        .execution = options->execution,
    };
    VGG_TRY(vgg_runner_create(device, search->graph, &source, &plan, true, &search->runner));
    search->max_batch = search->runner->options.max_batch;
    VGG_NEW(search->outputs, search->layer_count);
    for (size_t i = 0; i < search->layer_count; i++) {
        vgg_top_layer *layer = &search->layers[i];
        VGG_NEW(layer->peaks, (size_t)search->max_batch * (size_t)layer->maps * 2);
        search->outputs[i] = layer->peaks;
    }
    VGG_GIVE(out, search);
cleanup:
    vgg_top_search_free(search);
    return status;
}

void vgg_top_search_free(clvgg_top_search *search)
{
    if (search == NULL)
        return;
    vgg_runner_free(search->runner);
    vgg_graph_free(search->graph);
    for (size_t i = 0; i < search->layer_count; i++) {
        vgg_free(search->layers[i].name);
        vgg_free(search->layers[i].list_of_map);
        vgg_free(search->layers[i].peaks);
        vgg_top_lists_free(&search->layers[i].lists);
    }
    vgg_free(search->layers);
    vgg_free(search->peak_nodes);
    vgg_free(search->outputs);
    vgg_model_free(search->model);
    vgg_free(search);
}

/* Says whether every map of the image has a finite peak, or which map hasn't. */
static bool is_finite(const clvgg_top_search *search, int row, clvgg_top_rejected *rejected)
{
    for (size_t i = 0; i < search->layer_count; i++) {
        const vgg_top_layer *layer = &search->layers[i];
        const float *peaks = layer->peaks + 2 * (int64_t)row * layer->maps;
        for (int64_t m = 0; m < layer->maps; m++)
            if (!isfinite(peaks[2 * m])) {
                *rejected = (clvgg_top_rejected){search->image_count, layer->name, m};
                return false;
            }
    }
    return true;
}

static void offer_row(clvgg_top_search *search, int row)
{
    for (size_t i = 0; i < search->layer_count; i++) {
        vgg_top_layer *layer = &search->layers[i];
        const float *peaks = layer->peaks + 2 * (int64_t)row * layer->maps;
        for (int64_t m = 0; m < layer->maps; m++) {
            const vgg_top_entry entry = {search->image_count, peaks[2 * m],
                                         (int32_t)peaks[2 * m + 1]};
            if (layer->list_of_map[m] >= 0 && (entry.value > 0.0f || !layer->rectified))
                vgg_top_lists_offer(&layer->lists, (size_t)layer->list_of_map[m], &entry);
        }
    }
}

clvgg_status vgg_top_search_add(clvgg_top_search *search, size_t count, const float *images,
                                clvgg_top_rejected *rejected, size_t *rejected_count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t elements = (size_t)vgg_shape_elements(&search->graph->nodes[0].output);
    size_t out = 0;
    int rows = 0;
    for (size_t first = 0; first < count; first += (size_t)rows) {
        const float *input = images + first * elements;
        rows = count - first < (size_t)search->max_batch ? (int)(count - first) : search->max_batch;
        VGG_TRY(vgg_runner_run(search->runner, rows, &input, search->outputs));
        for (int row = 0; row < rows; row++, search->image_count++) {
            clvgg_top_rejected bad;
            const bool finite = is_finite(search, row, &bad);
            VGG_REQUIRE(finite || rejected != NULL, CLVGG_STATUS_NON_FINITE,
                        "image %llu: an activation of layer '%s', map %lld is not finite",
                        (unsigned long long)bad.image, bad.layer, (long long)bad.map);
            if (finite)
                offer_row(search, row);
            else
                rejected[out++] = bad;
        }
    }
cleanup:
    if (rejected != NULL)
        *rejected_count = out;
    return status;
}

clvgg_status vgg_top_search_list(const clvgg_top_search *search, size_t layer, int64_t map,
                                 size_t *list)
{
    VGG_CHECK(layer < search->layer_count, CLVGG_STATUS_INVALID_ARGUMENT,
              "%zu layers are searched, there is no layer %zu", search->layer_count, layer);
    const vgg_top_layer *l = &search->layers[layer];
    VGG_CHECK(map >= 0 && map < l->maps && l->list_of_map[map] >= 0, CLVGG_STATUS_INVALID_ARGUMENT,
              "map %lld of layer '%s' isn't searched", (long long)map, l->name);
    *list = (size_t)l->list_of_map[map];
    return CLVGG_STATUS_OK;
}

typedef struct map_peak {
    int64_t map;
    bool fired;
    float value;
} map_peak;

static int by_peak(const void *left, const void *right)
{
    const map_peak *a = left, *b = right;
    if (a->fired != b->fired)
        return a->fired ? -1 : 1;
    if (a->fired && a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return a->map < b->map ? -1 : a->map > b->map;
}

clvgg_status vgg_top_search_strongest(const clvgg_top_search *search, size_t layer, size_t wanted,
                                      int64_t *maps, size_t *map_count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_top_layer *l = &search->layers[layer];
    map_peak *peaks = NULL;
    size_t count = 0;
    VGG_NEW(peaks, l->lists.count);
    for (int64_t m = 0; m < l->maps; m++)
        if (l->list_of_map[m] >= 0) {
            int used = 0;
            const vgg_top_entry *best =
                vgg_top_lists_at(&l->lists, (size_t)l->list_of_map[m], &used);
            peaks[count++] = (map_peak){m, used > 0, used > 0 ? best->value : 0.0f};
        }
    qsort(peaks, count, sizeof *peaks, by_peak);
    *map_count = count < wanted ? count : wanted;
    for (size_t i = 0; i < *map_count; i++)
        maps[i] = peaks[i].map;
cleanup:
    vgg_free(peaks);
    return status;
}
