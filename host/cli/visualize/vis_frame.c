/* cli/visualize/vis_frame.c — what subverbs of `clvgg visualize` ask their frame for:
 * names of files, layers, photographs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/closest.h"
#include "cli/visualize/visualize.h"
#include "report/format.h"

static const char *const endings[] = {".png", ".svg", ".pdf"};

/* Makes the folders of a path, up to its last slash. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

/* Says whether a name may have this byte: a URL needs no escape for it, or it is a slash. UTF-8
 * isn't allowed, since names of layers and photographs can hold anything. */
static bool is_plain(char c)
{
    return strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./", c) != NULL;
}

/* "OUT/", `folder`, the first `length` bytes of `name`, `ending`. */
static const char *make_path(cli_vis *vis, vgg_text *path, const char *folder, const char *name,
                             size_t length, const char *ending)
{
    path->length = 0;
    vgg_text_printf(path, "%s/", vis->arguments->out);
    const size_t begin = path->length;
    vgg_text_puts(path, folder);
    vgg_text_append(path, name, length);
    vgg_text_puts(path, ending);
    if (path->failed) {
        cli_error(vis->cli, "out of memory");
        return NULL;
    }
    for (char *c = path->bytes + begin; *c != '\0'; c++)
        *c = is_plain(*c) ? *c : '_';
    if (make_folders(path->bytes))
        return path->bytes;
    cli_error(vis->cli, "%s: its folder can't be made: %s", path->bytes, strerror(errno));
    return NULL;
}

const char *cli_vis_path(cli_vis *vis, const char *name)
{
    return make_path(vis, &vis->scratch, "", name, strlen(name), "");
}

const char *cli_vis_figure_path(cli_vis *vis, const char *name)
{
    return make_path(vis, &vis->scratch, "", name, strlen(name), endings[vis->arguments->format]);
}

const char *cli_vis_sheet_path(cli_vis *vis, const char *figure)
{
    const size_t ending = strlen(endings[vis->arguments->format]);
    return make_path(vis, &vis->sheet, "page/", figure, strlen(figure) - ending, ".png");
}

void cli_vis_wrote(cli_vis *vis, const char *path)
{
    vgg_text_append(&vis->files, path, strlen(path) + 1);
    vis->file_count++;
    if (vis->arguments->run.json || vis->arguments->run.quiet)
        return;
    vgg_text_terminal(&vis->cli->out.text, path);
    vgg_text_puts(&vis->cli->out.text, "\n");
    vgg_progress_clear(&vis->run.progress);
    vgg_out_flush(&vis->cli->out);
}

/* Names of all layers, in lines that fit. */
static void list_layers(const cli_vis *vis, vgg_text *text)
{
    enum { COLUMNS = 96 };
    const size_t count = clvgg_model_layer_count(vis->run.model);
    size_t column = COLUMNS;
    for (size_t i = 0; i < count; i++) {
        clvgg_layer_info layer = {.struct_size = sizeof layer};
        if (clvgg_model_layer(vis->run.model, i, &layer) != CLVGG_STATUS_OK)
            continue;
        const size_t length = strlen(layer.name) + 1;
        vgg_text_puts(text, column + length > COLUMNS ? "\n  " : " ");
        column = column + length > COLUMNS ? 2 + length : column + length;
        vgg_text_terminal(text, layer.name);
    }
}

/* "logits" is the last dense layer, unless a layer has that name. */
static bool find_logits(const cli_vis *vis, clvgg_layer_info *info, size_t *index)
{
    for (size_t i = clvgg_model_layer_count(vis->run.model); i > 0; i--)
        if (clvgg_model_layer(vis->run.model, i - 1, info) == CLVGG_STATUS_OK &&
            strcmp(info->type, "dense") == 0) {
            *index = i - 1;
            return true;
        }
    return false;
}

int cli_vis_find_layer(cli_vis *vis, const char *name, clvgg_layer_info *info, size_t *index)
{
    cli_closest closest = {0};
    const size_t count = clvgg_model_layer_count(vis->run.model);
    for (size_t i = 0; i < count; i++) {
        *info = (clvgg_layer_info){.struct_size = sizeof *info};
        const clvgg_status status = clvgg_model_layer(vis->run.model, i, info);
        if (status != CLVGG_STATUS_OK)
            return cli_fail(vis->cli, status);
        if (strcmp(info->name, name) == 0) {
            *index = i;
            return CLI_EXIT_OK;
        }
        cli_closest_offer(&closest, name, info->name);
    }
    if (strcmp(name, "logits") == 0 && find_logits(vis, info, index))
        return CLI_EXIT_OK;
    vgg_text layers = {0};
    list_layers(vis, &layers);
    cli_error(vis->cli, "the model has no layer '%s'%s%s%s Its layers:%s", name,
              closest.name != NULL ? ": did you mean '" : "",
              closest.name != NULL ? closest.name : "", closest.name != NULL ? "'?" : ".",
              layers.failed || layers.bytes == NULL ? "" : layers.bytes);
    vgg_text_free(&layers);
    return CLI_EXIT_USAGE;
}

/* Says whether this run has written a file whose path begins so. */
static bool has_written(const cli_vis *vis, const char *begin)
{
    const char *name = vis->files.bytes;
    for (size_t i = 0; i < vis->file_count && !vis->files.failed; i++, name += strlen(name) + 1)
        if (strncmp(name, begin, strlen(begin)) == 0)
            return true;
    return false;
}

void cli_vis_image_folder(cli_vis *vis, const char *what, const char *path, char *folder,
                          size_t capacity)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    const int length = dot != NULL && dot > name ? (int)(dot - name) : (int)strlen(name);
    char inside[512];
    int written = snprintf(folder, capacity, "%s/%.*s", what, length, name);
    for (int again = 2; again < 100000; again++) {
        snprintf(inside, sizeof inside, "%s/", folder);
        const char *begin = cli_vis_path(vis, inside);
        if (begin == NULL || !has_written(vis, begin))
            return;
        if (written >= 0 && (size_t)written < capacity)
            snprintf(folder + written, capacity - (size_t)written, "-%d", again);
    }
}

bool cli_vis_split_names(const cli_list *list, const char ***names, size_t *count)
{
    size_t room = 0, bytes = 0;
    *count = 0;
    for (size_t i = 0; i < list->count; i++) {
        bytes += strlen(list->items[i]) + 1;
        room++;
        for (const char *c = list->items[i]; *c != '\0'; c++)
            room += *c == ',';
    }
    *names = vgg_calloc(room * sizeof **names + bytes + 1, 1);
    if (*names == NULL)
        return false;
    char *text = (char *)(*names + room);
    for (size_t i = 0; i < list->count; i++) {
        for (char *part = strcpy(text, list->items[i]), *end = part; end != NULL; part = end + 1) {
            end = strchr(part, ',');
            if (end != NULL)
                *end = '\0';
            size_t same = 0;
            while (same < *count && strcmp((*names)[same], part) != 0)
                same++;
            if (same == *count)
                (*names)[(*count)++] = part;
            if (end == NULL)
                break;
        }
        text += strlen(list->items[i]) + 1;
    }
    return true;
}

clvgg_status cli_vis_read_input(cli_vis *vis, const char *path, float *input)
{
    clvgg_image *image = NULL;
    clvgg_status status = clvgg_image_read(vis->run.runtime, path, &image);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_image_prepare(image, &vis->run.preprocess, input);
    clvgg_image_free(image);
    return status;
}
