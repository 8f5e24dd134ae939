/* api/api_class_map.c — implements clvgg/class_map.h. */
#include "api/scope.h"
#include "model/class_map.h"
#include "model/model.h"

clvgg_status clvgg_class_map_load(const clvgg_model *model, const char *path, clvgg_class_map **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(model, path);
    VGG_API_RETURN(model->scope, vgg_class_map_read(path, (const char *const *)model->labels,
                                                    model->class_count, out));
}

void clvgg_class_map_free(clvgg_class_map *map)
{
    vgg_class_map_free(map);
}

size_t clvgg_class_map_count(const clvgg_class_map *map)
{
    return map->group_count;
}

const char *clvgg_class_map_name(const clvgg_class_map *map, size_t group)
{
    return group < map->group_count ? map->names[group] : NULL;
}

size_t clvgg_class_map_size(const clvgg_class_map *map, size_t group)
{
    return group <= map->group_count ? map->first[group + 1] - map->first[group] : 0;
}

void clvgg_class_map_sum(const clvgg_class_map *map, const float *probabilities, float *groups,
                         float *other)
{
    vgg_class_map_sum(map, probabilities, groups, other);
}
