/* api/api_storage.c — names of storages. */
#include "api/scope.h"
#include "clvgg/storage.h"
#include "tensor/storage.h"

const char *clvgg_storage_name(clvgg_storage storage)
{
    return vgg_storage_name(storage);
}

clvgg_status clvgg_storage_parse(const char *name, clvgg_storage *storage)
{
    VGG_API_GIVEN(name, storage);
    return vgg_storage_parse(name, storage);
}
