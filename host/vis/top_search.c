/* vis/top_search.c — see top_search.h. */
#include "vis/top_search.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "pipeline/model_source.h"
#include "plan/execution.h"

/* Makes the plan, with half the batch where the device's memory is short. */
static clvgg_status make_plan(clvgg_top_search *search)
{
    const vgg_parameter_source source = vgg_model_parameter_source(search->model);
    for (;;) {
        const clvgg_status status = vgg_plan_create(search->device, search->graph, &source,
                                                    &search->options, &search->plan);
        if (status != CLVGG_STATUS_OUT_OF_DEVICE_MEMORY || search->options.max_batch == 1)
            return status;
        search->options.max_batch /= 2;
        vgg_log(CLVGG_LOG_WARNING, "device memory is short: %s; trying batches of %d",
                vgg_message(), search->options.max_batch);
    }
}

enum { DEFAULT_BATCH = 8 };

static clvgg_status set_options(clvgg_top_search *search, const clvgg_top_options *options)
{
    clvgg_status status = CLVGG_STATUS_OK;
    search->options = (vgg_plan_options){
        .max_batch = options->max_batch > 0 ? options->max_batch : DEFAULT_BATCH,
        .outputs = search->peak_nodes,
        .output_count = (int)search->layer_count,
    };
    VGG_TRY(vgg_execution_copy(&options->execution, &search->options.execution));
cleanup:
    return status;
}

clvgg_status vgg_top_search_create(clvgg_device *device, clvgg_model *model,
                                   const clvgg_top_options *options, clvgg_top_search **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_top_search *search = NULL;
    *out = NULL;
    VGG_NEW(search, 1);
    vgg_device_retain(device);
    search->device = device;
    vgg_model_retain(model);
    search->model = model;
    VGG_TRY(vgg_top_find_layers(search, options));
    VGG_TRY(vgg_top_build_graph(search));
    VGG_TRY(set_options(search, options));
    VGG_TRY(make_plan(search));
    VGG_NEW(search->outputs, search->layer_count);
    for (size_t i = 0; i < search->layer_count; i++) {
        vgg_top_layer *layer = &search->layers[i];
        VGG_NEW(layer->peaks, (size_t)search->options.max_batch * (size_t)layer->maps * 2);
        search->outputs[i] = layer->peaks;
    }
    *out = search;
    search = NULL;
cleanup:
    vgg_top_search_free(search);
    return status;
}

void vgg_top_search_free(clvgg_top_search *search)
{
    if (search == NULL)
        return;
    vgg_plan_free(search->plan);
    vgg_graph_free(search->graph);
    for (size_t i = 0; i < search->layer_count; i++) {
        vgg_free(search->layers[i].name);
        vgg_free(search->layers[i].list_of_map);
        vgg_free(search->layers[i].peaks);
        vgg_top_lists_free(&search->layers[i].lists);
    }
    vgg_execution_free(&search->options.execution);
    vgg_free(search->layers);
    vgg_free(search->peak_nodes);
    vgg_free(search->outputs);
    vgg_model_free(search->model);
    vgg_device_release(search->device);
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

/* Runs the plan once, again with a smaller batch where the device's memory is short. */
static clvgg_status run(clvgg_top_search *search, size_t left, const float *images, int *done)
{
    for (;;) {
        const int most = search->options.max_batch;
        *done = left < (size_t)most ? (int)left : most;
        const clvgg_status status = vgg_plan_run(search->plan, *done, images, search->outputs);
        if (status != CLVGG_STATUS_OUT_OF_DEVICE_MEMORY || most == 1)
            return status;
        vgg_plan_free(search->plan);
        search->plan = NULL;
        search->options.max_batch /= 2;
        const clvgg_status made = make_plan(search);
        if (made != CLVGG_STATUS_OK)
            return made;
    }
}

clvgg_status vgg_top_search_add(clvgg_top_search *search, size_t count, const float *images,
                                clvgg_top_rejected *rejected, size_t *rejected_count)
{
    clvgg_status status = CLVGG_STATUS_OK;
    size_t out = 0;
    int rows = 0;
    VGG_REQUIRE(search->plan != NULL, CLVGG_STATUS_OUT_OF_DEVICE_MEMORY,
                "an earlier call left the search without memory on the device");
    const size_t elements = (size_t)vgg_plan_input_elements(search->plan);
    for (size_t first = 0; first < count; first += (size_t)rows) {
        VGG_TRY(run(search, count - first, images + first * elements, &rows));
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
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_REQUIRE(layer < search->layer_count, CLVGG_STATUS_INVALID_ARGUMENT,
                "%zu layers are searched, there is no layer %zu", search->layer_count, layer);
    const vgg_top_layer *l = &search->layers[layer];
    VGG_REQUIRE(map >= 0 && map < l->maps && l->list_of_map[map] >= 0,
                CLVGG_STATUS_INVALID_ARGUMENT, "map %lld of layer '%s' isn't searched",
                (long long)map, l->name);
    *list = (size_t)l->list_of_map[map];
cleanup:
    return status;
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
