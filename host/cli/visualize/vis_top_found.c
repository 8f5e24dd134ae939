/* cli/visualize/vis_top_found.c — what a search found, as the manifest and the figures
 * have it. */
#include <stdlib.h>
#include <string.h>

#include "cli/visualize/vis_top.h"

void cli_top_free(cli_top_found *found)
{
    for (size_t l = 0; l < found->manifest.count; l++) {
        const vgg_manifest_layer *layer = &found->manifest.layers[l];
        for (size_t m = 0; m < layer->count; m++) {
            for (size_t u = 0; u < layer->maps[m].unit_count; u++) {
                for (size_t i = 0; i < VGG_MANIFEST_MODES; i++)
                    vgg_memory_free((char *)layer->maps[m].units[u].projections[i]);
                vgg_memory_free((char *)layer->maps[m].units[u].patch);
            }
            vgg_memory_free((vgg_manifest_unit *)layer->maps[m].units);
        }
        vgg_memory_free((vgg_manifest_map *)layer->maps);
        vgg_memory_free((int64_t *)layer->silent);
        for (size_t i = 0; i < VGG_MANIFEST_MODES; i++)
            vgg_memory_free((char *)layer->figures[i]);
        vgg_memory_free((char *)layer->layer);
    }
    vgg_memory_free((vgg_manifest_layer *)found->manifest.layers);
    for (size_t i = 0; i < found->file_count; i++)
        vgg_memory_free(found->files[i]);
    vgg_memory_free(found->files);
    vgg_memory_free(found->fields);
    vgg_memory_free(found->widths);
    clvgg_top_search_free(found->search);
    *found = (cli_top_found){0};
}

static clvgg_status fill_map(const cli_vis *vis, const cli_top_found *found, size_t layer,
                             int64_t map, clvgg_top_entry *entries, vgg_manifest_map *out)
{
    const clvgg_preprocess *p = &vis->context.preprocess;
    vgg_manifest_unit *units = NULL;
    size_t count = 0;
    *out = (vgg_manifest_map){.map = map};
    VGG_PASS(clvgg_top_search_entries(found->search, layer, map, entries, &count));
    if (count == 0)
        return CLVGG_STATUS_OK;
    VGG_MEMORY_NEW_PASS(units, count, "the units of a map");
    for (size_t i = 0; i < count; i++) {
        units[i] = (vgg_manifest_unit){.file = found->files[entries[i].image],
                                       .y = entries[i].y,
                                       .x = entries[i].x,
                                       .value = (double)entries[i].value};
        cli_top_box(&found->fields[layer], entries[i].y, entries[i].x, p->height, p->width,
                    units[i].box);
    }
    out->units = units;
    out->unit_count = count;
    return CLVGG_STATUS_OK;
}

static int ascending(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

/* The maps that are shown, in the order to be shown: `maps` holds all that were searched, the
 * strongest first, and receives them. */
static size_t choose_shown(const cli_top_request *request, int64_t *maps, size_t count)
{
    switch (request->maps.kind) {
    case CLI_MAPS_STRONGEST:
        return count < request->maps.wanted ? count : request->maps.wanted;
    case CLI_MAPS_LIST: /* as many as were searched */
        memcpy(maps, request->maps.maps, count * sizeof *maps);
        return count;
    default:
        qsort(maps, count, sizeof *maps, ascending);
        return count;
    }
}

/* `maps` and `entries` are scratch, for all maps and for request->count entries. */
static clvgg_status fill_layer(const cli_vis *vis, const cli_top_request *request,
                               cli_top_found *found, size_t index, size_t chosen_count,
                               int64_t *maps, clvgg_top_entry *entries)
{
    vgg_manifest_layer *out = (vgg_manifest_layer *)&found->manifest.layers[index];
    int64_t *silent = NULL;
    vgg_manifest_map *filled = NULL;
    size_t count = 0, used = 0;
    VGG_PASS(clvgg_top_search_strongest(found->search, index, chosen_count, maps, &count));
    VGG_MEMORY_NEW_PASS(silent, count, "the silent maps");
    out->silent = silent;
    for (size_t i = 0; i < count; i++) {
        VGG_PASS(clvgg_top_search_entries(found->search, index, maps[i], entries, &used));
        if (used == 0)
            silent[out->silent_count++] = maps[i];
    }
    qsort(silent, out->silent_count, sizeof *silent, ascending);
    const size_t shown = choose_shown(request, maps, count);
    VGG_MEMORY_NEW_PASS(filled, shown, "the maps of a layer");
    out->maps = filled;
    for (size_t i = 0; i < shown; i++) {
        out->count = i + 1;
        VGG_PASS(fill_map(vis, found, index, maps[i], entries, &filled[i]));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status list_layer(const cli_vis *vis, const cli_top_request *request,
                               cli_top_found *found, size_t index, clvgg_top_entry *entries)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_manifest_layer *out = (vgg_manifest_layer *)&found->manifest.layers[index];
    clvgg_receptive_field *field = &found->fields[index];
    int64_t *maps = NULL;
    clvgg_top_layer_info info = {.struct_size = sizeof info};
    VGG_TRY(clvgg_top_search_layer(found->search, index, &info));
    VGG_TRY(clvgg_model_receptive_field(vis->context.model, info.name, field));
    *out =
        (vgg_manifest_layer){.map_count = info.maps, .size = {field->size[0], field->size[1]}};
    VGG_MEMORY_COPY(out->layer, info.name, "the name of a layer");
    found->manifest.count = index + 1; /* even half listed it is shown, but never without a name */
    found->widths[index] = info.width;
    VGG_MEMORY_NEW(maps, (size_t)info.maps, "the maps of a layer");
    VGG_TRY(fill_layer(vis, request, found, index, info.chosen_count, maps, entries));
cleanup:
    vgg_memory_free(maps);
    return status;
}

clvgg_status cli_top_list(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const size_t count = clvgg_top_search_layer_count(found->search);
    clvgg_top_entry *entries = NULL;
    VGG_MEMORY_NEW(entries, (size_t)request->count, "the strongest activations of a map");
    VGG_MEMORY_NEW(found->fields, count, "the layers' receptive fields");
    VGG_MEMORY_NEW(found->widths, count, "the widths of the layers' maps");
    VGG_MEMORY_NEW(found->manifest.layers, count, "the layers of the manifest");
    for (size_t i = 0; i < count; i++)
        VGG_TRY(list_layer(vis, request, found, i, entries));
cleanup:
    vgg_memory_free(entries);
    return status;
}
