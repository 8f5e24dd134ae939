/* api/api_cache.c — implements clvgg/cache.h. */
#include "clvgg/cache.h"

#include "api/scope.h"
#include "cache/cache.h"
#include "train/feature_folder.h"

typedef struct visit_call {
    clvgg_cache_visit_fn visit;
    void *user;
} visit_call;

static void visit_record(void *user, const vgg_cache_record *record)
{
    const visit_call *call = user;
    const int64_t seconds_a_day = 86400;
    const clvgg_cache_entry entry = {.struct_size = sizeof entry,
                                     .kind = record->key.kind,
                                     .name = record->key.name,
                                     .options = record->key.options,
                                     .device = record->key.device,
                                     .bytes = record->bytes,
                                     .last_use = record->used_day * seconds_a_day};
    call->visit(call->user, &entry);
}

clvgg_status clvgg_cache_list(clvgg_runtime *runtime, clvgg_cache_visit_fn visit, void *user)
{
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_REQUIRE(visit != NULL);
    visit_call call = {visit, user};
    VGG_API_RETURN(&runtime->scope, vgg_cache_visit(runtime->cache, visit_record, &call));
}

clvgg_status clvgg_cache_clear(clvgg_runtime *runtime)
{
    VGG_API_REQUIRE(runtime != NULL);
    VGG_API_RETURN(&runtime->scope, vgg_cache_clear(runtime->cache));
}

static void visit_features(void *user, const char *name, uint64_t bytes, int64_t used)
{
    const visit_call *call = user;
    const clvgg_cache_entry entry = {.struct_size = sizeof entry,
                                     .kind = "features",
                                     .name = name,
                                     .options = "",
                                     .device = "",
                                     .bytes = bytes,
                                     .last_use = used};
    call->visit(call->user, &entry);
}

clvgg_status clvgg_cache_list_features(clvgg_runtime *runtime, const char *folder,
                                       clvgg_cache_visit_fn visit, void *user)
{
    VGG_API_GIVEN(runtime, folder);
    VGG_API_REQUIRE(visit != NULL);
    visit_call call = {visit, user};
    VGG_API_RETURN(&runtime->scope, vgg_feature_folder_visit(folder, false, visit_features, &call));
}

clvgg_status clvgg_cache_clear_features(clvgg_runtime *runtime, const char *folder,
                                        clvgg_cache_visit_fn visit, void *user)
{
    VGG_API_GIVEN(runtime, folder);
    VGG_API_REQUIRE(visit != NULL);
    visit_call call = {visit, user};
    VGG_API_RETURN(&runtime->scope, vgg_feature_folder_visit(folder, true, visit_features, &call));
}
