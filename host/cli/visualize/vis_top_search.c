/* cli/visualize/vis_top_search.c — all photographs through the network once: which of
 * them, and where, make each map fire most. */
#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/value.h"
#include "cli/visualize/vis_maps.h"
#include "cli/visualize/vis_top.h"

/* ---- the search ---- */

typedef struct chosen {
    const cli_top_request *request;
    clvgg_top_layer *layers; /* [count] */
    int64_t **maps;          /* [count], of those that are drawn at random */
    size_t count;
} chosen;

static void free_chosen(chosen *c)
{
    for (size_t i = 0; i < c->count && c->maps != NULL; i++)
        vgg_memory_free(c->maps[i]);
    vgg_memory_free(c->maps);
    vgg_memory_free(c->layers);
}

static clvgg_status add_layer(void *user, size_t index, const clvgg_layer_info *info)
{
    chosen *c = user;
    const cli_map_choice *wanted = &c->request->maps;
    const size_t at = c->count++, maps = (size_t)info->output.dims[0];
    clvgg_top_layer *layer = &c->layers[at];
    (void)index;
    layer->name = info->name;
    if (wanted->kind == CLI_MAPS_LIST) {
        layer->maps = wanted->maps;
        layer->map_count = wanted->count;
    } else if (wanted->kind == CLI_MAPS_RANDOM) {
        VGG_MEMORY_NEW_PASS(c->maps[at], maps, "maps drawn at random");
        layer->maps = c->maps[at];
        layer->map_count =
            cli_maps_draw(c->request->seed, info->name, maps, wanted->wanted, c->maps[at]);
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status make_search(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const cli_context *context = &vis->context;
    const size_t all = clvgg_model_layer_count(context->model), named = request->layers.count;
    chosen c = {.request = request};
    clvgg_top_options options;
    clvgg_top_options_defaults(&options);
    VGG_MEMORY_NEW(c.layers, named > all ? named : all, "the layers that are searched");
    VGG_MEMORY_NEW(c.maps, named > all ? named : all, "the maps that are searched");
    VGG_TRY(cli_vis_each_layer(vis, &request->layers, add_layer, &c));
    options.layers = c.layers;
    options.layer_count = c.count;
    options.count = request->count;
    options.max_batch = vis->arguments->execution.batch;
    options.execution = cli_execution(&vis->arguments->execution);
    VGG_TRY(clvgg_top_search_create(context->device, context->model, &options, &found->search));
cleanup:
    free_chosen(&c);
    return status;
}

/* ---- one pass over the photographs ---- */

typedef struct pass {
    cli_vis *vis;
    cli_top_found *found;
    size_t done;
} pass;

static clvgg_status keep_file(cli_top_found *found, const char *path)
{
    if (found->file_count == found->file_capacity) {
        const size_t capacity = found->file_capacity > 0 ? 2 * found->file_capacity : 256;
        VGG_MEMORY_GROW_PASS(found->files, capacity, "the names of the photographs");
        found->file_capacity = capacity;
    }
    VGG_MEMORY_COPY_PASS(found->files[found->file_count], path, "the name of a photograph");
    found->file_count++;
    return CLVGG_STATUS_OK;
}

static void pass_over(cli_vis *vis, cli_top_found *found, const char *path, const char *words)
{
    vgg_progress_clear(&vis->progress);
    if (strncmp(words, path, strlen(path)) == 0)
        cli_error(vis->cli, "%s", words);
    else
        cli_error(vis->cli, "%s: %s", path, words);
    found->manifest.failed_count++;
}

static clvgg_status note_photograph(void *user, const clvgg_stream_item *item,
                                    const clvgg_top_rejected *rejected)
{
    pass *p = user;
    VGG_CHECK(item->status != CLVGG_STATUS_OUT_OF_MEMORY, CLVGG_STATUS_OUT_OF_MEMORY, "%s",
              item->message); /* no fault of the photograph's */
    if (item->status == CLVGG_STATUS_OK)
        VGG_PASS(keep_file(p->found, item->path));
    else
        pass_over(p->vis, p->found, item->path, item->message);
    if (rejected != NULL) {
        char words[300];
        snprintf(words, sizeof words, "an activation of layer '%.200s', map %lld is not finite",
                 rejected->layer, (long long)rejected->map);
        pass_over(p->vis, p->found, item->path, words);
    }
    vgg_progress_update(&p->vis->progress, ++p->done);
    VGG_CHECK(cli_interrupt_signal() == 0, CLVGG_STATUS_CANCELLED, "interrupted");
    return CLVGG_STATUS_OK;
}

static clvgg_status look_at_all(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const cli_execution_arguments *execution = &vis->arguments->execution;
    const size_t elements = cli_context_input_elements(&vis->context);
    const size_t classes = clvgg_model_class_count(vis->context.model);
    clvgg_image_stream_options options;
    clvgg_image_stream_options_defaults(&options);
    options.preprocess = vis->context.preprocess;
    options.max_batch = cli_execution_batch(execution, elements + 2 * classes, 0);
    options.memory_limit_bytes = execution->memory_limit_bytes;
    clvgg_image_stream *stream = NULL;
    pass p = {.vis = vis, .found = found};
    VGG_TRY(clvgg_image_stream_open(vis->context.runtime, request->paths.items,
                                    request->paths.count, &options, &stream));
    cli_say_skipped(vis->cli, stream);
    cli_vis_progress_begin(vis, "searching", clvgg_image_stream_count(stream));
    VGG_TRY(clvgg_top_search_add_stream(found->search, stream, note_photograph, &p));
cleanup:
    vgg_progress_finish(&vis->progress);
    clvgg_image_stream_close(stream);
    return status;
}

clvgg_status cli_top_find(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    clvgg_status status = CLVGG_STATUS_OK;
    VGG_TRY(make_search(vis, request, found));
    VGG_TRY(look_at_all(vis, request, found));
    const size_t failed = (size_t)found->manifest.failed_count;
    found->manifest.image_count = found->file_count;
    VGG_REQUIRE(cli_interrupt_signal() == 0, CLVGG_STATUS_CANCELLED, "interrupted");
    VGG_REQUIRE(found->file_count > 0, CLVGG_STATUS_NOT_FOUND,
                "none of the photographs can be read");
    VGG_REQUIRE(cli_allowance_permits(&request->max_bad, failed, found->file_count + failed),
                CLVGG_STATUS_BAD_FILE,
                "%zu of %zu photographs can't be read, more than --max-bad allows", failed,
                found->file_count + failed);
    if (found->file_count < (size_t)request->count && !vis->arguments->context.quiet)
        cli_note(vis->cli, "%zu photograph%s: fewer than the %d asked for of each map",
                 found->file_count, found->file_count == 1 ? "" : "s", request->count);
    VGG_TRY(cli_top_list(vis, request, found));
cleanup:
    clvgg_top_search_free(found->search); /* its room is the projectors' */
    found->search = NULL;
    return status;
}

/* ---- what is asked for ---- */

clvgg_status cli_top_check_maps(cli_program *cli, const char *which)
{
    cli_map_choice choice;
    const clvgg_status status = cli_map_choice_parse(which, &choice);
    cli_map_choice_free(&choice);
    cli->misused = status == CLVGG_STATUS_INVALID_ARGUMENT;
    return status;
}

clvgg_status cli_top_request_read(cli_vis *vis, const cli_list *layers, const char *which,
                                  cli_top_request *request)
{
    VGG_PASS(cli_vis_photographs(vis, &request->paths));
    VGG_PASS(cli_vis_split_names(layers, &request->layers));
    return cli_map_choice_parse(which, &request->maps);
}

void cli_top_request_free(cli_top_request *request)
{
    cli_map_choice_free(&request->maps);
    vgg_memory_free(request->layers.items);
    vgg_memory_free(request->paths.items);
}
