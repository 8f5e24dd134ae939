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
    clvgg_top_layer *layers; /* [count] */
    int64_t **maps;          /* [count], of those that are drawn at random */
    size_t count;
} chosen;

static void free_chosen(chosen *c)
{
    for (size_t i = 0; i < c->count && c->maps != NULL; i++)
        vgg_free(c->maps[i]);
    vgg_free(c->maps);
    vgg_free(c->layers);
}

static bool add_layer(const cli_top_request *request, const clvgg_layer_info *info, chosen *c)
{
    clvgg_top_layer *layer = &c->layers[c->count];
    *layer = (clvgg_top_layer){.name = info->name};
    if (request->maps.kind == CLI_MAPS_LIST) {
        layer->maps = request->maps.maps;
        layer->map_count = request->maps.count;
    } else if (request->maps.kind == CLI_MAPS_RANDOM) {
        const size_t maps = (size_t)info->output.dims[0];
        int64_t *drawn = vgg_calloc(maps, sizeof *drawn);
        if (drawn == NULL)
            return false;
        layer->map_count =
            cli_maps_draw(request->seed, info->name, maps, request->maps.wanted, drawn);
        layer->maps = c->maps[c->count] = drawn;
    }
    c->count++;
    return true;
}

/* The layers asked for, or every convolution. */
static int choose_layers(cli_vis *vis, const cli_top_request *request, chosen *c)
{
    const size_t all = clvgg_model_layer_count(vis->run.model);
    const size_t room = request->layer_count > all ? request->layer_count : all;
    clvgg_layer_info info = {.struct_size = sizeof info};
    size_t index = 0;
    bool enough = true;
    c->layers = vgg_calloc(room, sizeof *c->layers);
    c->maps = vgg_calloc(room, sizeof *c->maps);
    if (c->layers == NULL || c->maps == NULL)
        return cli_fail(vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    for (size_t i = 0; i < request->layer_count && enough; i++) {
        const int exit_code = cli_vis_find_layer(vis, request->layers[i], &info, &index);
        if (exit_code != CLI_EXIT_OK)
            return exit_code;
        enough = add_layer(request, &info, c);
    }
    for (size_t i = 0; i < all && request->layer_count == 0 && enough; i++)
        if (clvgg_model_layer(vis->run.model, i, &info) == CLVGG_STATUS_OK &&
            strcmp(info.type, "conv2d") == 0)
            enough = add_layer(request, &info, c);
    if (!enough)
        return cli_fail(vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    if (c->count > 0)
        return CLI_EXIT_OK;
    cli_error(vis->cli, "the model has no convolution: name layers by --layer");
    return CLI_EXIT_USAGE;
}

static int make_search(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    chosen c = {0};
    int exit_code = choose_layers(vis, request, &c);
    if (exit_code == CLI_EXIT_OK) {
        clvgg_top_options options;
        clvgg_top_options_defaults(&options);
        options.layers = c.layers;
        options.layer_count = c.count;
        options.count = request->count;
        options.max_batch = vis->arguments->run.batch;
        options.execution = cli_run_execution(&vis->arguments->run);
        const clvgg_status status =
            clvgg_top_search_create(vis->run.device, vis->run.model, &options, &found->search);
        exit_code = status == CLVGG_STATUS_OK ? CLI_EXIT_OK : cli_fail(vis->cli, status);
    }
    free_chosen(&c);
    return exit_code;
}

/* ---- one pass over the photographs ---- */

typedef struct pass {
    clvgg_image_stream *stream;
    clvgg_stream_item *items;
    clvgg_top_rejected *rejected;
    float *input;
    size_t batch, done;
} pass;

static bool keep_file(cli_top_found *found, const char *path)
{
    if (found->file_count == found->file_capacity) {
        const size_t capacity = found->file_capacity > 0 ? 2 * found->file_capacity : 256;
        char **grown = vgg_realloc(found->files, capacity, sizeof *grown);
        if (grown == NULL)
            return false;
        found->files = grown;
        found->file_capacity = capacity;
    }
    found->files[found->file_count] = vgg_strdup(path);
    return found->files[found->file_count] != NULL && ++found->file_count > 0;
}

static void pass_over(cli_vis *vis, cli_top_found *found, const char *path, const char *words)
{
    vgg_progress_clear(&vis->run.progress);
    if (strncmp(words, path, strlen(path)) == 0)
        cli_error(vis->cli, "%s", words);
    else
        cli_error(vis->cli, "%s: %s", path, words);
    found->manifest.failed_count++;
}

/* Searches one delivery of the stream. *more is false at the end. */
static clvgg_status turn(cli_vis *vis, cli_top_found *found, pass *p, bool *more)
{
    size_t count = 0, ok_count = 0, rejected_count = 0;
    clvgg_status status =
        clvgg_image_stream_next(p->stream, p->input, p->items, 2 * p->batch, &count);
    for (size_t i = 0; i < count && status == CLVGG_STATUS_OK; i++) {
        if (p->items[i].status == CLVGG_STATUS_OUT_OF_MEMORY) /* no fault of the photograph's */
            status = vgg_fail(CLVGG_STATUS_OUT_OF_MEMORY, "%s", p->items[i].message);
        else if (p->items[i].status != CLVGG_STATUS_OK)
            pass_over(vis, found, p->items[i].path, p->items[i].message);
        else if (keep_file(found, p->items[i].path))
            ok_count++;
        else
            status = CLVGG_STATUS_OUT_OF_MEMORY;
    }
    if (status == CLVGG_STATUS_OK)
        status =
            clvgg_top_search_add(found->search, ok_count, p->input, p->rejected, &rejected_count);
    if (status != CLVGG_STATUS_OK)
        return status;
    for (size_t i = 0; i < rejected_count; i++) {
        char words[300];
        snprintf(words, sizeof words, "an activation of layer '%.200s', map %lld is not finite",
                 p->rejected[i].layer, (long long)p->rejected[i].map);
        pass_over(vis, found, found->files[p->rejected[i].image], words);
    }
    p->done += count;
    vgg_progress_update(&vis->run.progress, p->done);
    *more = count > 0 && cli_interrupt_signal() == 0;
    return CLVGG_STATUS_OK;
}

static clvgg_status look_at_all(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    const size_t elements = cli_run_input_elements(&vis->run);
    clvgg_image_stream_options options;
    clvgg_image_stream_options_defaults(&options);
    options.preprocess = vis->run.preprocess;
    options.max_batch = cli_run_batch(&vis->run, 0);
    options.memory_limit_bytes = vis->arguments->run.memory_limit_bytes;
    pass p = {.batch = (size_t)options.max_batch};
    p.items = vgg_calloc(2 * p.batch, sizeof *p.items);
    p.rejected = vgg_calloc(p.batch, sizeof *p.rejected);
    p.input = vgg_calloc(p.batch * elements, sizeof *p.input);
    clvgg_status status = p.items != NULL && p.rejected != NULL && p.input != NULL
                              ? CLVGG_STATUS_OK
                              : CLVGG_STATUS_OUT_OF_MEMORY;
    if (status == CLVGG_STATUS_OK)
        status = clvgg_image_stream_open(vis->run.runtime, request->paths, request->path_count,
                                         &options, &p.stream);
    if (status == CLVGG_STATUS_OK)
        cli_say_skipped(vis->cli, p.stream);
    if (status == CLVGG_STATUS_OK && !vis->arguments->run.quiet)
        vis->run.progress = vgg_progress_start(&vis->cli->err_style, "searching",
                                               clvgg_image_stream_count(p.stream));
    for (bool more = true; more && status == CLVGG_STATUS_OK;)
        status = turn(vis, found, &p, &more);
    vgg_progress_finish(&vis->run.progress);
    clvgg_image_stream_close(p.stream);
    vgg_free(p.items);
    vgg_free(p.rejected);
    vgg_free(p.input);
    return status;
}

int cli_top_find(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    const int exit_code = make_search(vis, request, found);
    if (exit_code != CLI_EXIT_OK)
        return exit_code;
    const clvgg_status status = look_at_all(vis, request, found);
    if (status != CLVGG_STATUS_OK)
        return cli_fail(vis->cli, status);
    if (cli_interrupt_signal() != 0)
        return CLI_EXIT_FAILED;
    found->manifest.image_count = found->file_count;
    if (found->file_count == 0) {
        cli_error(vis->cli, "none of the photographs can be read");
        return CLI_EXIT_FAILED;
    }
    const size_t failed = (size_t)found->manifest.failed_count;
    if (!cli_allowance_permits(&request->max_bad, failed, found->file_count + failed)) {
        cli_error(vis->cli, "%zu of %zu photographs can't be read, more than --max-bad allows",
                  failed, found->file_count + failed);
        return CLI_EXIT_FAILED;
    }
    if (found->file_count < (size_t)request->count && !vis->arguments->run.quiet)
        cli_note(vis->cli, "%zu photograph%s: fewer than the %d asked for of each map",
                 found->file_count, found->file_count == 1 ? "" : "s", request->count);
    const int listed = cli_top_list(vis, request, found);
    clvgg_top_search_free(found->search); /* its room is the projectors' */
    found->search = NULL;
    return listed;
}
