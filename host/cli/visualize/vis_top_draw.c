/* cli/visualize/vis_top_draw.c — units projected back to pixels beside what caused them,
 * a page of 16 maps at a time: memory doesn't depend on how many maps are drawn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/visualize/vis_top.h"
#include "report/vis_figure.h"

enum { MAPS_A_PAGE = 16 };

/* A unit to project; its place in the page's pictures. */
typedef struct job {
    vgg_manifest_unit *unit;
    int64_t map;
    size_t rank, place;
} job;

/* A layer at work. */
typedef struct drawing {
    cli_vis *vis;
    const cli_top_request *request;
    cli_top_found *found;
    const vgg_manifest_layer *layer;
    size_t way; /* of the layer's modes */
    clvgg_projection mode;
    clvgg_projector *projector;
    int64_t width; /* of a map */
    int batch;
    size_t elements; /* of an input */
    /* One batch of jobs. */
    float *inputs, *projected, *part;
    clvgg_seed *seeds;
    const job **pending;
    int pending_count;
    /* One page. */
    const vgg_manifest_map *maps;
    size_t map_count, job_count;
    job *jobs;                         /* by file */
    vgg_pixels *projections, *patches; /* [job_count] by map and rank */
    size_t done;                       /* units of all layers */
} drawing;

/* ---- pictures of one unit ---- */

/* Writes a picture of its own; *relative receives its path below the output folder. */
static clvgg_status write_picture(drawing *d, const job *j, const char *what,
                                  const vgg_pixels *pixels, const char **relative)
{
    const char *path = NULL;
    char name[400];
    snprintf(name, sizeof name, "top/%.200s/map-%lld-%zu-%s.png", d->layer->layer,
             (long long)j->map, j->rank, what);
    VGG_PASS(cli_vis_path(d->vis, name, &path));
    VGG_MEMORY_COPY_PASS(*relative, path + strlen(d->vis->arguments->out) + 1, "a picture's path");
    return clvgg_image_write_png(d->vis->context.runtime, path, pixels->width, pixels->height,
                                 pixels->rgb);
}

static clvgg_status finish_job(drawing *d, const job *j, const float *input, const float *projected)
{
    vgg_pixels *projection = &d->projections[j->place], *patch = &d->patches[j->place];
    const clvgg_preprocess *preprocess = &d->vis->context.preprocess;
    const clvgg_receptive_field *field = &d->found->fields[d->layer - d->found->manifest.layers];
    VGG_PASS(cli_top_pixels(projected, preprocess, field, j->unit, true, d->part, projection));
    VGG_PASS(cli_top_pixels(input, preprocess, field, j->unit, false, d->part, patch));
    if (d->request->pictures)
        VGG_PASS(write_picture(d, j, cli_projection_name(d->mode), projection,
                               &j->unit->projections[d->way]));
    if (d->request->pictures && d->way == 0)
        VGG_PASS(write_picture(d, j, "patch", patch, &j->unit->patch));
    return CLVGG_STATUS_OK;
}

static clvgg_status flush(drawing *d)
{
    clvgg_status status = CLVGG_STATUS_OK;
    if (d->pending_count == 0)
        return status;
    VGG_TRY(clvgg_projector_run(d->projector, d->pending_count, d->inputs, d->seeds, d->projected,
                                NULL, NULL));
    for (int i = 0; i < d->pending_count; i++)
        VGG_TRY(finish_job(d, d->pending[i], d->inputs + (size_t)i * d->elements,
                           d->projected + (size_t)i * d->elements));
    d->done += (size_t)d->pending_count;
    vgg_progress_update(&d->vis->progress, d->done);
cleanup:
    d->pending_count = 0;
    return status;
}

static clvgg_status add_job(drawing *d, const job *j, const float *input)
{
    const size_t at = (size_t)d->pending_count;
    memcpy(d->inputs + at * d->elements, input, d->elements * sizeof *input);
    d->seeds[at] = (clvgg_seed){.map = j->map, .position = j->unit->y * d->width + j->unit->x};
    d->pending[at] = j;
    d->pending_count++;
    return d->pending_count == d->batch ? flush(d) : CLVGG_STATUS_OK;
}

/* ---- a page ---- */

static int by_file(const void *left, const void *right)
{
    const job *a = left, *b = right;
    const int order = a->unit->file == b->unit->file ? 0 : strcmp(a->unit->file, b->unit->file);
    return order != 0 ? order : a->place < b->place ? -1 : a->place > b->place;
}

static clvgg_status list_jobs(drawing *d)
{
    size_t count = 0;
    for (size_t m = 0; m < d->map_count; m++)
        count += d->maps[m].unit_count;
    VGG_MEMORY_NEW_PASS(d->jobs, count + 1, "the units of a page");
    VGG_MEMORY_NEW_PASS(d->projections, count + 1, "the projections of a page");
    VGG_MEMORY_NEW_PASS(d->patches, count + 1, "the patches of a page");
    for (size_t m = 0; m < d->map_count; m++)
        for (size_t u = 0; u < d->maps[m].unit_count; u++, d->job_count++)
            d->jobs[d->job_count] = (job){.unit = (vgg_manifest_unit *)&d->maps[m].units[u],
                                          .map = d->maps[m].map,
                                          .rank = u + 1,
                                          .place = d->job_count};
    qsort(d->jobs, d->job_count, sizeof *d->jobs, by_file);
    return CLVGG_STATUS_OK;
}

/* The photographs again, each once, in the order of the jobs. */
static clvgg_status open_photographs(drawing *d, const char **paths, clvgg_image_stream **stream)
{
    size_t count = 0;
    for (size_t i = 0; i < d->job_count; i++)
        if (count == 0 || strcmp(paths[count - 1], d->jobs[i].unit->file) != 0)
            paths[count++] = d->jobs[i].unit->file;
    clvgg_image_stream_options options;
    clvgg_image_stream_options_defaults(&options);
    options.preprocess = d->vis->context.preprocess;
    options.max_batch = 1;
    options.memory_limit_bytes = d->vis->arguments->execution.memory_limit_bytes;
    return clvgg_image_stream_open(d->vis->context.runtime, paths, count, &options, stream);
}

/* Projects the units of a page. A photograph that can't be read any more has no pictures. */
static clvgg_status project_page(drawing *d, clvgg_image_stream *stream, float *input)
{
    size_t count = 1, next = 0;
    while (cli_interrupt_signal() == 0) {
        clvgg_stream_item item;
        VGG_PASS(clvgg_image_stream_next(stream, input, &item, 1, &count));
        if (count == 0)
            break;
        const bool good = item.status == CLVGG_STATUS_OK;
        if (!good)
            cli_vis_fail(d->vis, vgg_fail(CLVGG_STATUS_BAD_FILE, "%s", item.message));
        while (next < d->job_count && strcmp(d->jobs[next].unit->file, item.path) < 0)
            next++;
        for (; next < d->job_count && strcmp(d->jobs[next].unit->file, item.path) == 0; next++)
            if (good)
                VGG_PASS(add_job(d, &d->jobs[next], input));
    }
    return flush(d);
}

static void describe(const drawing *d, size_t first, char title[300], char subtitle[400])
{
    const vgg_manifest_layer *layer = d->layer;
    const unsigned long long looked_at = d->found->manifest.image_count;
    snprintf(title, 300, "%.200s: strongest activations", layer->layer);
    int length = snprintf(
        subtitle, 400, "%llu photograph%s \xC2\xB7 a unit sees %lld \xC3\x97 %lld pixels",
        looked_at, looked_at == 1 ? "" : "s", (long long)layer->size[0], (long long)layer->size[1]);
    if (layer->count > MAPS_A_PAGE)
        length +=
            snprintf(subtitle + length, 400 - (size_t)length, " \xC2\xB7 maps %zu to %zu of %zu",
                     first + 1, first + d->map_count, layer->count);
    if (layer->silent_count > 0)
        snprintf(subtitle + length, 400 - (size_t)length, " \xC2\xB7 %zu %s never fired",
                 layer->silent_count, layer->silent_count == 1 ? "map" : "maps");
}

static clvgg_status draw_page(drawing *d, size_t first, const char *path)
{
    char title[300], subtitle[400], captions[MAPS_A_PAGE][40];
    vgg_nine nines[MAPS_A_PAGE];
    size_t place = 0;
    for (size_t m = 0; m < d->map_count; m++) {
        const size_t units = d->maps[m].unit_count;
        snprintf(captions[m], sizeof captions[m], "map %lld%s", (long long)d->maps[m].map,
                 units == 0 ? ": silent" : "");
        nines[m] = (vgg_nine){.caption = captions[m],
                              .projections = d->projections + place,
                              .patches = d->patches + place,
                              .count = units < VGG_FIGURE_NINE ? units : VGG_FIGURE_NINE};
        place += units;
    }
    describe(d, first, title, subtitle);
    return vgg_figure_nines(path, &(vgg_nines){.title = title,
                                               .subtitle = subtitle,
                                               .left_title = cli_projection_title(d->mode),
                                               .right_title = "patches",
                                               .maps = nines,
                                               .count = d->map_count});
}

static void free_page(drawing *d)
{
    for (size_t i = 0; i < d->job_count && d->patches != NULL; i++) {
        vgg_memory_free((uint8_t *)d->projections[i].rgb);
        vgg_memory_free((uint8_t *)d->patches[i].rgb);
    }
    vgg_memory_free(d->projections);
    vgg_memory_free(d->patches);
    vgg_memory_free(d->jobs);
    d->projections = d->patches = NULL;
    d->jobs = NULL;
    d->job_count = 0;
}

static clvgg_status page(drawing *d, size_t first, const char *path)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_image_stream *stream = NULL;
    const char **paths = NULL;
    float *input = NULL;
    d->maps = d->layer->maps + first;
    d->map_count = d->layer->count - first < MAPS_A_PAGE ? d->layer->count - first : MAPS_A_PAGE;
    VGG_TRY(list_jobs(d));
    VGG_MEMORY_NEW(paths, d->job_count + 1, "the photographs of a page");
    VGG_MEMORY_NEW(input, d->elements, "a photograph's input");
    if (d->job_count > 0) {
        VGG_TRY(open_photographs(d, paths, &stream));
        VGG_TRY(project_page(d, stream, input));
    }
    if (cli_interrupt_signal() == 0)
        VGG_TRY(draw_page(d, first, path));
cleanup:
    clvgg_image_stream_close(stream);
    vgg_memory_free(paths);
    vgg_memory_free(input);
    free_page(d);
    return status;
}

/* ---- a layer ---- */

/* On CPUs a batch of an image a core: walks back keep much of the forward pass in memory. */
static int choose_batch(const cli_vis *vis)
{
    enum { LEAST = 2, MOST = 8 };
    const unsigned units = vis->context.device_info.compute_units;
    if (vis->arguments->execution.batch > 0)
        return vis->arguments->execution.batch;
    return vis->context.device_info.type != CLVGG_DEVICE_CPU || units > MOST ? MOST
           : units < LEAST                                                   ? LEAST
                                                                             : (int)units;
}

static clvgg_status start_layer(drawing *d)
{
    const cli_context *context = &d->vis->context;
    clvgg_projector_options options;
    clvgg_projector_options_defaults(&options);
    options.mode = d->mode;
    options.execution.storage = d->vis->arguments->execution.storage;
    options.max_batch = d->batch = choose_batch(d->vis);
    VGG_PASS(clvgg_projector_create(context->device, context->model, d->layer->layer, &options,
                                    &d->projector));
    const size_t batch = (size_t)d->batch;
    VGG_MEMORY_NEW_PASS(d->inputs, batch * d->elements, "a batch of inputs");
    VGG_MEMORY_NEW_PASS(d->projected, batch * d->elements, "a batch of projections");
    VGG_MEMORY_NEW_PASS(d->part, d->elements, "a part of a projection");
    VGG_MEMORY_NEW_PASS(d->seeds, batch, "a batch of units");
    VGG_MEMORY_NEW_PASS(d->pending, batch, "a batch of units");
    return CLVGG_STATUS_OK;
}

static void end_layer(drawing *d)
{
    clvgg_projector_free(d->projector);
    vgg_memory_free(d->inputs);
    vgg_memory_free(d->projected);
    vgg_memory_free(d->part);
    vgg_memory_free(d->seeds);
    vgg_memory_free(d->pending);
    d->projector = NULL;
    d->inputs = d->projected = d->part = NULL;
    d->seeds = NULL;
    d->pending = NULL;
    d->pending_count = 0;
}

/* Draws the page that begins with map `first` and notes its file. */
static clvgg_status draw_file(drawing *d, vgg_manifest_layer *layer, size_t first)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const char *made = NULL;
    char *path = NULL, name[300], number[24] = "";
    if (first > 0)
        snprintf(number, sizeof number, "-%zu", first / MAPS_A_PAGE + 1);
    snprintf(name, sizeof name, "top/%.200s%s%s%s", layer->layer, d->way > 0 ? "-" : "",
             d->way > 0 ? cli_projection_name(d->mode) : "", number);
    VGG_TRY(cli_vis_figure_path(d->vis, name, &made));
    VGG_MEMORY_COPY(path, made, "a figure's path"); /* pictures have paths too */
    VGG_TRY(page(d, first, path));
    if (cli_interrupt_signal() != 0)
        goto cleanup;
    cli_vis_wrote(d->vis, path);
    if (layer->figures[d->way] == NULL)
        VGG_MEMORY_COPY(layer->figures[d->way], path + strlen(d->vis->arguments->out) + 1,
                        "a figure's path");
cleanup:
    vgg_memory_free(path);
    return status;
}

/* A layer from which nothing can be projected back is reported; the others go on. */
static clvgg_status draw_layer(drawing *d, vgg_manifest_layer *layer)
{
    clvgg_status status = start_layer(d);
    if (status == CLVGG_STATUS_UNSUPPORTED) {
        cli_vis_fail(d->vis, status);
        status = CLVGG_STATUS_OK;
        goto cleanup;
    }
    VGG_TRY(status);
    for (size_t first = 0; first < layer->count && cli_interrupt_signal() == 0;
         first += MAPS_A_PAGE)
        VGG_TRY(draw_file(d, layer, first));
cleanup:
    end_layer(d);
    return status;
}

/* Every layer, in each way that was asked for. */
static clvgg_status draw_layers(drawing *d)
{
    const vgg_manifest *manifest = &d->found->manifest;
    for (size_t l = 0; l < manifest->count; l++) {
        vgg_manifest_layer *layer = (vgg_manifest_layer *)&manifest->layers[l];
        clvgg_projection modes[VGG_MANIFEST_MODES];
        const size_t ways = cli_top_modes_of(d->request->mode, &d->found->fields[l], modes);
        d->layer = layer;
        d->width = d->found->widths[l];
        for (d->way = 0; d->way < ways; d->way++) {
            d->mode = modes[d->way];
            layer->modes[layer->mode_count++] = cli_projection_name(d->mode);
            if (cli_interrupt_signal() == 0)
                VGG_PASS(draw_layer(d, layer));
        }
    }
    return CLVGG_STATUS_OK;
}

clvgg_status cli_top_draw_found(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    const vgg_manifest *manifest = &found->manifest;
    drawing d = {.vis = vis,
                 .request = request,
                 .found = found,
                 .elements = cli_context_input_elements(&vis->context)};
    size_t total = 0;
    for (size_t l = 0; l < manifest->count; l++)
        for (size_t m = 0; m < manifest->layers[l].count; m++)
            total += manifest->layers[l].maps[m].unit_count;
    cli_vis_progress_begin(vis, "projecting", request->mode == CLI_TOP_BOTH ? 2 * total : total);
    const clvgg_status status = draw_layers(&d);
    vgg_progress_finish(&vis->progress);
    return status;
}

clvgg_status cli_top_draw(cli_vis *vis, const cli_top_request *request, cli_top_found *found)
{
    const char *path = NULL;
    VGG_PASS(cli_vis_path(vis, "manifest.json", &path)); /* one to be kept is named first */
    VGG_PASS(cli_top_find(vis, request, found));
    VGG_PASS(cli_vis_path(vis, "manifest.json", &path));
    VGG_PASS(vgg_manifest_write(&found->manifest, path));
    cli_vis_wrote(vis, path);
    return cli_top_draw_found(vis, request, found);
}
