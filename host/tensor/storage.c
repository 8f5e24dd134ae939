/* tensor/storage.c — the table of storages. */
#include "tensor/storage.h"

#include <string.h>

#include "base/status.h"

static const struct {
    const char *name;
    clvgg_dtype element;
    size_t bytes;
} storages[VGG_STORAGE_COUNT] = {[CLVGG_STORAGE_F32] = {"f32", CLVGG_DTYPE_F32, 4},
                                 [CLVGG_STORAGE_F16] = {"f16", CLVGG_DTYPE_F16, 2},
                                 [CLVGG_STORAGE_BF16] = {"bf16", CLVGG_DTYPE_BF16, 2},
                                 [CLVGG_STORAGE_INT8] = {"int8", CLVGG_DTYPE_F32, 1}};

const char *vgg_storage_name(clvgg_storage storage)
{
    return (unsigned)storage < VGG_STORAGE_COUNT ? storages[storage].name : NULL;
}

clvgg_status vgg_storage_parse(const char *name, clvgg_storage *storage)
{
    for (int i = 0; i < VGG_STORAGE_COUNT; i++)
        if (strcmp(name, storages[i].name) == 0) {
            *storage = (clvgg_storage)i;
            return CLVGG_STATUS_OK;
        }
    return vgg_fail(CLVGG_STATUS_INVALID_ARGUMENT, "storage of weights: needs one of %s, got '%s'",
                    CLVGG_STORAGE_NAMES, name);
}

size_t vgg_storage_bytes(clvgg_storage storage)
{
    return storages[storage].bytes;
}

clvgg_dtype vgg_storage_element(clvgg_storage storage)
{
    return storages[storage].element;
}
