/* tests/fuzz/fuzz_class_map.c — any bytes as groups of classes: refused, or groups that share the
 * classes out. */
#include "fuzz/input_file.h"
#include "model/class_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const labels[] = {"a", "b", "b", "c", "1", "", "a b", "\xFF"};
    enum { CLASSES = sizeof labels / sizeof *labels };
    static const float ones[CLASSES] = {1, 1, 1, 1, 1, 1, 1, 1};
    clvgg_class_map *map;
    if (vgg_class_map_read(fuzz_input_file(data, size), labels, CLASSES, &map) != CLVGG_STATUS_OK)
        return 0;
    float groups[CLASSES], sum;
    if (map->group_count < 1 || map->group_count > CLASSES)
        abort();
    vgg_class_map_sum(map, ones, groups, &sum);
    for (size_t g = 0; g < map->group_count; g++) {
        if (groups[g] < 1 || map->names[g][0] == '\0')
            abort();
        sum += groups[g];
    }
    if (sum != (float)CLASSES)
        abort();
    vgg_class_map_free(map);
    return 0;
}
