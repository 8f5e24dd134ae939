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
                    vgg_free((char *)layer->maps[m].units[u].projections[i]);
                vgg_free((char *)layer->maps[m].units[u].patch);
            }
            vgg_free((vgg_manifest_unit *)layer->maps[m].units);
        }
        vgg_free((vgg_manifest_map *)layer->maps);
        vgg_free((int64_t *)layer->silent);
        for (size_t i = 0; i < VGG_MANIFEST_MODES; i++)
            vgg_free((char *)layer->figures[i]);
        vgg_free((char *)layer->layer);
    }
    vgg_free((vgg_manifest_layer *)found->manifest.layers);
    for (size_t i = 0; i < found->file_count; i++)
        vgg_free(found->files[i]);
    vgg_free(found->files);
    vgg_free(found->fields);
    vgg_free(found->widths);
    clvgg_top_search_free(found->search);
    *found = (cli_top_found){0};
}

static clvgg_status fill_map(const cli_vis *vis, const cli_top_found *found, size_t layer,
                             int64_t map, clvgg_top_entry *entries, vgg_manifest_map *out)
{
    size_t count = 0;
    clvgg_status status = clvgg_top_search_entries(found->search, layer, map, entries, &count);
    *out = (vgg_manifest_map){.map = map};
    if (status != CLVGG_STATUS_OK || count == 0)
        return status;
    vgg_manifest_unit *units = vgg_calloc(count, sizeof *units);
    if (units == NULL)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    for (size_t i = 0; i < count; i++) {
        units[i] = (vgg_manifest_unit){.file = found->files[entries[i].image],
                                       .y = entries[i].y,
                                       .x = entries[i].x,
                                       .value = (double)entries[i].value};
        cli_top_box(&found->fields[layer], entries[i].y, entries[i].x, vis->run.preprocess.height,
                    vis->run.preprocess.width, units[i].box);
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
                               cli_top_found *found, size_t index, const clvgg_top_layer_info *info,
                               int64_t *maps, clvgg_top_entry *entries)
{
    vgg_manifest_layer *out = (vgg_manifest_layer *)&found->manifest.layers[index];
    size_t count = 0, used = 0;
    clvgg_status status =
        clvgg_top_search_strongest(found->search, index, info->chosen_count, maps, &count);
    if (status != CLVGG_STATUS_OK)
        return status;
    int64_t *silent = vgg_calloc(count, sizeof *silent);
    out->silent = silent;
    if (silent == NULL)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    for (size_t i = 0; i < count && status == CLVGG_STATUS_OK; i++) {
        status = clvgg_top_search_entries(found->search, index, maps[i], entries, &used);
        if (status == CLVGG_STATUS_OK && used == 0)
            silent[out->silent_count++] = maps[i];
    }
    qsort(silent, out->silent_count, sizeof *silent, ascending);
    const size_t shown = choose_shown(request, maps, count);
    vgg_manifest_map *filled = vgg_calloc(shown, sizeof *filled);
    out->maps = filled;
    if (filled == NULL)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    for (size_t i = 0; i < shown && status == CLVGG_STATUS_OK; i++) {
        status = fill_map(vis, found, index, maps[i], entries, &filled[i]);
        out->count = i + 1;
    }
    return status;
}

static clvgg_status list_layer(const cli_vis *vis, const cli_top_request *request,
                               cli_top_found *found, size_t index, clvgg_top_entry *entries)
{
    vgg_manifest_layer *out = (vgg_manifest_layer *)&found->manifest.layers[index];
    clvgg_receptive_field *field = &found->fields[index];
    clvgg_top_layer_info info = {.struct_size = sizeof info};
    clvgg_status status = clvgg_top_search_layer(found->search, index, &info);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_model_receptive_field(vis->run.model, info.name, field);
    if (status != CLVGG_STATUS_OK)
        return status;
    *out = (vgg_manifest_layer){.layer = vgg_strdup(info.name),
                                .map_count = info.maps,
                                .size = {field->size[0], field->size[1]}};
    found->widths[index] = info.width;
    int64_t *maps = vgg_calloc((size_t)info.maps, sizeof *maps);
    status = maps != NULL && out->layer != NULL
                 ? fill_layer(vis, request, found, index, &info, maps, entries)
                 : CLVGG_STATUS_OUT_OF_MEMORY;
    vgg_free(maps);
    return status;
}

int cli_top_list(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    const size_t count = clvgg_top_search_layer_count(found->search);
    clvgg_top_entry *entries = vgg_calloc((size_t)request->count, sizeof *entries);
    clvgg_status status = CLVGG_STATUS_OK;
    found->fields = vgg_calloc(count, sizeof *found->fields);
    found->widths = vgg_calloc(count, sizeof *found->widths);
    found->manifest.layers = vgg_calloc(count, sizeof *found->manifest.layers);
    if (entries == NULL || found->fields == NULL || found->widths == NULL ||
        found->manifest.layers == NULL)
        status = CLVGG_STATUS_OUT_OF_MEMORY;
    for (size_t i = 0; i < count && status == CLVGG_STATUS_OK; i++) {
        found->manifest.count = i + 1;
        status = list_layer(vis, request, found, i, entries);
    }
    vgg_free(entries);
    return status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(vis->cli, status);
}
