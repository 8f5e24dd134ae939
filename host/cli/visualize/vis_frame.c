/* cli/visualize/vis_frame.c — what subverbs of `clvgg visualize` ask their frame for:
 * names of files, layers, photographs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/interrupt.h"
#include "cli/visualize/visualize.h"
#include "report/format.h"

static const char *const endings[] = {".png", ".svg", ".pdf"};

int cli_vis_make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const int error = mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : errno;
        *slash = '/';
        if (error != 0)
            return error;
    }
    return 0;
}

/* Says whether a name may have this byte: a URL needs no escape for it, or it is a slash. UTF-8
 * isn't allowed, since names of layers and photographs can hold anything. */
static bool is_plain(char c)
{
    return strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./", c) != NULL;
}

/* "OUT/", `folder`, the first `length` bytes of `name`, `ending`. */
static clvgg_status make_path(const cli_vis *vis, vgg_text *path, const char *folder,
                              const char *name, size_t length, const char *ending,
                              const char **made)
{
    path->length = 0;
    vgg_text_printf(path, "%s/", vis->arguments->out);
    const size_t begin = path->length;
    vgg_text_puts(path, folder);
    vgg_text_append(path, name, length);
    vgg_text_puts(path, ending);
    VGG_PASS(vgg_text_check(path, "a figure's path"));
    for (char *c = path->bytes + begin; *c != '\0'; c++)
        *c = is_plain(*c) ? *c : '_';
    *made = path->bytes;
    VGG_PASS(cli_context_keep_model(&vis->context, "--out", path->bytes));
    const int error = cli_vis_make_folders(path->bytes);
    VGG_CHECK(error == 0, CLVGG_STATUS_IO, "%s: its folder can't be made: %s", path->bytes,
              strerror(error));
    return CLVGG_STATUS_OK;
}

clvgg_status cli_vis_path(cli_vis *vis, const char *name, const char **path)
{
    return make_path(vis, &vis->scratch, "", name, strlen(name), "", path);
}

clvgg_status cli_vis_figure_path(cli_vis *vis, const char *name, const char **path)
{
    const char *ending = endings[vis->arguments->format];
    return make_path(vis, &vis->scratch, "", name, strlen(name), ending, path);
}

clvgg_status cli_vis_sheet_path(cli_vis *vis, const char *figure, const char **path)
{
    const size_t length = strlen(figure) - strlen(endings[vis->arguments->format]);
    return make_path(vis, &vis->sheet, "page/", figure, length, ".png", path);
}

void cli_vis_wrote(cli_vis *vis, const char *path)
{
    vgg_text_append(&vis->files, path, strlen(path) + 1);
    vis->file_count++;
    if (vis->arguments->json || vis->arguments->context.quiet)
        return;
    vgg_text_name(&vis->cli->out.text, "", path, "\n");
    vgg_progress_clear(&vis->progress);
    vgg_out_flush(&vis->cli->out);
}

void cli_vis_progress_begin(cli_vis *vis, const char *what, size_t total)
{
    vgg_progress_finish(&vis->progress);
    if (!vis->arguments->context.quiet)
        vis->progress = vgg_progress_start(&vis->cli->err_style, what, total);
    vis->progress_done = 0;
}

int cli_vis_progress_step(void *user, size_t done, size_t total)
{
    cli_vis *vis = user;
    vgg_progress_update(&vis->progress, vis->progress_done + done);
    if (done == total)
        vis->progress_done += total;
    return cli_interrupt_signal() != 0;
}

bool cli_vis_is_convolution(const clvgg_model *model, size_t index, clvgg_layer_info *layer)
{
    clvgg_layer_info other = {.struct_size = sizeof other};
    if (clvgg_model_layer(model, index, layer) != CLVGG_STATUS_OK)
        return false;
    if (layer->folds_into >= 0)
        return clvgg_model_layer(model, (size_t)layer->folds_into, &other) == CLVGG_STATUS_OK &&
               strcmp(other.type, "conv2d") == 0;
    for (size_t i = index + 1; i < clvgg_model_layer_count(model); i++)
        if (clvgg_model_layer(model, i, &other) == CLVGG_STATUS_OK &&
            other.folds_into == (int)index)
            return false;
    return strcmp(layer->type, "conv2d") == 0;
}

clvgg_status cli_vis_each_layer(const cli_vis *vis, const cli_list *names, cli_vis_add_layer_fn add,
                                void *user)
{
    const clvgg_model *model = vis->context.model;
    clvgg_layer_info layer = {.struct_size = sizeof layer};
    size_t index = 0, count = 0;
    for (; count < names->count; count++) {
        VGG_PASS(cli_context_find_layer(&vis->context, names->items[count], &layer, &index));
        VGG_PASS(add(user, index, &layer));
    }
    for (size_t i = 0; names->count == 0 && i < clvgg_model_layer_count(model); i++)
        if (cli_vis_is_convolution(model, i, &layer)) {
            VGG_PASS(add(user, i, &layer));
            count++;
        }
    VGG_CHECK(count > 0, CLVGG_STATUS_INVALID_ARGUMENT,
              "the model has no convolution: name layers by --layer");
    return CLVGG_STATUS_OK;
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

const char *cli_vis_file_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

size_t cli_vis_stem_length(const char *file)
{
    const char *dot = strrchr(file, '.');
    return dot != NULL && dot > file ? (size_t)(dot - file) : strlen(file);
}

clvgg_status cli_vis_image_folder(cli_vis *vis, const char *what, const char *path, char *folder,
                                  size_t capacity)
{
    const char *name = cli_vis_file_of(path), *begin = NULL;
    char inside[512];
    const int written =
        snprintf(folder, capacity, "%s/%.*s", what, (int)cli_vis_stem_length(name), name);
    for (int again = 2; again < 100000; again++) {
        snprintf(inside, sizeof inside, "%s/", folder);
        VGG_PASS(cli_vis_path(vis, inside, &begin));
        if (!has_written(vis, begin))
            break;
        if (written >= 0 && (size_t)written < capacity)
            snprintf(folder + written, capacity - (size_t)written, "-%d", again);
    }
    return CLVGG_STATUS_OK;
}

clvgg_status cli_vis_split_names(const cli_list *list, cli_list *names)
{
    size_t room = 0, bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        bytes += strlen(list->items[i]) + 1;
        room++;
        for (const char *c = list->items[i]; *c != '\0'; c++)
            room += *c == ',';
    }
    VGG_MEMORY_NEW_PASS(names->items, room + bytes / sizeof *names->items + 1,
                        "the names of layers");
    char *text = (char *)(names->items + room);
    for (size_t i = 0; i < list->count; i++) {
        for (char *part = strcpy(text, list->items[i]), *end = part; end != NULL; part = end + 1) {
            end = strchr(part, ',');
            if (end != NULL)
                *end = '\0';
            size_t same = 0;
            while (same < names->count && strcmp(names->items[same], part) != 0)
                same++;
            if (same == names->count)
                names->items[names->count++] = part;
            if (end == NULL)
                break;
        }
        text += strlen(list->items[i]) + 1;
    }
    return CLVGG_STATUS_OK;
}

clvgg_status cli_vis_photographs(const cli_vis *vis, cli_list *paths)
{
    const cli_list *images = &vis->arguments->images;
    const cli_operands *operands = &vis->arguments->paths;
    VGG_MEMORY_NEW_PASS(paths->items, images->count + operands->count, "the list of photographs");
    for (size_t i = 0; i < images->count; i++)
        paths->items[paths->count++] = images->items[i];
    for (size_t i = 0; i < operands->count; i++)
        paths->items[paths->count++] = operands->items[i];
    return CLVGG_STATUS_OK;
}

clvgg_status cli_vis_read_input(cli_vis *vis, const char *path, float *input)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_image *image = NULL;
    VGG_TRY(clvgg_image_read(vis->context.runtime, path, &image));
    VGG_TRY(clvgg_image_prepare(image, &vis->context.preprocess, input));
cleanup:
    clvgg_image_free(image);
    return status;
}
