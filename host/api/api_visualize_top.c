/* api/api_visualize_top.c — implements clvgg/visualize.h: the strongest activations. */
#include "api/scope.h"
#include "base/alloc.h"
#include "pipeline/feed.h"
#include "vis/top_search.h"

void clvgg_top_options_defaults(clvgg_top_options *options)
{
    if (options != NULL)
        *options = (clvgg_top_options){.struct_size = sizeof *options, .count = 9};
}

clvgg_status clvgg_top_search_create(clvgg_device *device, clvgg_model *model,
                                     const clvgg_top_options *options, clvgg_top_search **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(device, model);
    VGG_API_STRUCT(options);
    VGG_API_REQUIRE(options->layers != NULL);
    VGG_API_REQUIRE(options->layer_count >= 1 && options->layer_count <= 1000);
    VGG_API_REQUIRE(options->count >= 1 && options->count <= 1000);
    VGG_API_REQUIRE(options->max_batch >= 0 && options->max_batch <= 65536);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_RETURN(model->scope, vgg_top_search_create(device, model, options, out));
}

void clvgg_top_search_free(clvgg_top_search *search)
{
    vgg_top_search_free(search);
}

clvgg_status clvgg_top_search_add(clvgg_top_search *search, size_t count, const float *images,
                                  clvgg_top_rejected *rejected, size_t *rejected_count)
{
    VGG_API_REQUIRE(search != NULL);
    VGG_API_REQUIRE(count == 0 || images != NULL);
    VGG_API_REQUIRE((rejected != NULL) == (rejected_count != NULL));
    VGG_API_RETURN(search->model->scope,
                   vgg_top_search_add(search, count, images, rejected, rejected_count));
}

/* A stream on its way into a search. */
typedef struct adding {
    clvgg_top_search *search;
    clvgg_top_taken_fn taken;
    void *user;
    uint64_t first;               /* image of the batch */
    clvgg_top_rejected *rejected; /* [rejected_count] of the batch */
    size_t rejected_count, told;
} adding;

static clvgg_status add_batch(void *user, int count, const float *images)
{
    adding *a = user;
    a->first = a->search->image_count;
    a->told = 0;
    return vgg_top_search_add(a->search, (size_t)count, images, a->rejected, &a->rejected_count);
}

static clvgg_status tell(void *user, const clvgg_stream_item *item, int row)
{
    adding *a = user;
    const clvgg_top_rejected *rejected = NULL;
    if (row >= 0 && a->told < a->rejected_count &&
        a->rejected[a->told].image == a->first + (uint64_t)row)
        rejected = &a->rejected[a->told++];
    return a->taken(a->user, item, rejected);
}

static clvgg_status add_stream(clvgg_top_search *search, clvgg_image_stream *stream,
                               clvgg_top_taken_fn taken, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    adding a = {.search = search, .taken = taken, .user = user};
    const vgg_feed feed = {&a, add_batch, tell};
    VGG_NEW(a.rejected, vgg_stream_max_batch(stream));
    VGG_TRY(vgg_feed_all(stream, &search->graph->nodes[0].output, &feed, NULL));
cleanup:
    vgg_free(a.rejected);
    return status;
}

clvgg_status clvgg_top_search_add_stream(clvgg_top_search *search, clvgg_image_stream *stream,
                                         clvgg_top_taken_fn taken, void *user)
{
    VGG_API_GIVEN(search, stream, taken);
    VGG_API_RETURN(search->model->scope, add_stream(search, stream, taken, user));
}

uint64_t clvgg_top_search_image_count(const clvgg_top_search *search)
{
    return search->image_count;
}

size_t clvgg_top_search_layer_count(const clvgg_top_search *search)
{
    return search->layer_count;
}

clvgg_status clvgg_top_search_layer(const clvgg_top_search *search, size_t index,
                                    clvgg_top_layer_info *info)
{
    VGG_API_REQUIRE(search != NULL);
    VGG_API_STRUCT(info);
    VGG_API_REQUIRE(index < search->layer_count);
    const vgg_top_layer *layer = &search->layers[index];
    *info = (clvgg_top_layer_info){.struct_size = sizeof *info,
                                   .name = layer->name,
                                   .values = search->graph->nodes[layer->node].name,
                                   .maps = layer->maps,
                                   .height = layer->height,
                                   .width = layer->width,
                                   .chosen_count = layer->lists.count};
    return CLVGG_STATUS_OK;
}

clvgg_status clvgg_top_search_entries(const clvgg_top_search *search, size_t layer, int64_t map,
                                      clvgg_top_entry *entries, size_t *entry_count)
{
    VGG_API_GIVEN(search, entries, entry_count);
    size_t list = 0;
    int count = 0;
    VGG_PASS(vgg_top_search_list(search, layer, map, &list));
    const vgg_top_layer *l = &search->layers[layer];
    const vgg_top_entry *found = vgg_top_lists_at(&l->lists, list, &count);
    for (int i = 0; i < count; i++)
        entries[i] = (clvgg_top_entry){.image = found[i].image,
                                       .y = found[i].position / l->width,
                                       .x = found[i].position % l->width,
                                       .value = found[i].value};
    *entry_count = (size_t)count;
    return CLVGG_STATUS_OK;
}

clvgg_status clvgg_top_search_strongest(const clvgg_top_search *search, size_t layer, size_t wanted,
                                        int64_t *maps, size_t *map_count)
{
    VGG_API_REQUIRE(search != NULL);
    VGG_API_REQUIRE(layer < search->layer_count);
    VGG_API_REQUIRE(wanted == 0 || maps != NULL);
    VGG_API_REQUIRE(map_count != NULL);
    VGG_API_RETURN(search->model->scope,
                   vgg_top_search_strongest(search, layer, wanted, maps, map_count));
}
