/* report/vis_manifest.c — manifest.json: one line an activation. */
#include "report/vis_manifest.h"

#include "report/json.h"
#include "report/text_file.h"

static void put_unit(vgg_json *json, const char *layer, int64_t map, size_t rank,
                     const vgg_manifest_unit *unit)
{
    vgg_json_begin_object(json, NULL);
    vgg_json_string(json, "layer", layer);
    vgg_json_integer(json, "map", map);
    vgg_json_integer(json, "rank", (int64_t)rank);
    vgg_json_string(json, "file", unit->file);
    vgg_json_integer(json, "y", unit->y);
    vgg_json_integer(json, "x", unit->x);
    vgg_json_number(json, "value", unit->value);
    vgg_json_integers(json, "box", unit->box, 4);
    vgg_json_end(json);
}

static void put_silent(vgg_json *json, const vgg_manifest_layer *layer)
{
    for (size_t i = 0; i < layer->silent_count; i++) {
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "layer", layer->layer);
        vgg_json_integer(json, "map", layer->silent[i]);
        vgg_json_bool(json, "dead", true);
        vgg_json_end(json);
    }
}

clvgg_status vgg_manifest_write(const vgg_manifest *manifest, const char *path)
{
    vgg_text text = {0};
    vgg_json json = {.text = &text};
    vgg_json_begin_array(&json, NULL);
    for (size_t l = 0; l < manifest->count; l++)
        for (size_t m = 0; m < manifest->layers[l].count; m++) {
            const vgg_manifest_map *map = &manifest->layers[l].maps[m];
            for (size_t u = 0; u < map->unit_count; u++)
                put_unit(&json, manifest->layers[l].layer, map->map, u + 1, &map->units[u]);
        }
    for (size_t l = 0; l < manifest->count; l++)
        put_silent(&json, &manifest->layers[l]);
    vgg_json_end(&json);
    const clvgg_status status = vgg_text_save(&text, path, "the manifest");
    vgg_text_free(&text);
    return status;
}
