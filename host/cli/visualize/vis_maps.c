/* cli/visualize/vis_maps.c — see vis_maps.h. */
#include "cli/visualize/vis_maps.h"

#include <string.h>

#include "cli/closest.h"
#include "cli/interrupt.h"
#include "cli/value.h"
#include "report/format.h"

const char *cli_vis_label(const cli_vis *vis, size_t index)
{
    const char *label = clvgg_model_label(vis->run.model, index);
    return label != NULL ? label : "a class without a name";
}

/* Says whether `name` is the label, or one of the names that make it, with commas between. */
static bool is_named(const char *label, const char *name)
{
    const size_t length = strlen(name);
    if (strcmp(label, name) == 0)
        return true;
    for (const char *part = label; part != NULL && length > 0;) {
        part += strspn(part, " ");
        if (strncmp(part, name, length) == 0 && (part[length] == ',' || part[length] == '\0'))
            return true;
        part = strchr(part, ',');
        part = part != NULL ? part + 1 : NULL;
    }
    return false;
}

static void report_unknown_class(const cli_vis *vis, const char *name)
{
    enum { MOST_NAMES = 24 };
    const size_t count = clvgg_model_class_count(vis->run.model);
    cli_closest closest = {0};
    vgg_text text = {0};
    for (size_t i = 0; i < count; i++) {
        const char *label = cli_vis_label(vis, i);
        cli_closest_offer(&closest, name, label);
        if (i < MOST_NAMES)
            vgg_text_printf(&text, "%s%zu '%.60s'", i > 0 ? ", " : "", i, label);
    }
    if (count > MOST_NAMES)
        vgg_text_printf(&text, " ... %zu '%.60s'", count - 1, cli_vis_label(vis, count - 1));
    cli_error(vis->cli, "the model has no class '%s'%s%s%s. Its classes: %s", name,
              closest.name != NULL ? ": did you mean '" : "",
              closest.name != NULL ? closest.name : "", closest.name != NULL ? "'?" : "",
              text.failed || text.bytes == NULL ? "" : text.bytes);
    vgg_text_free(&text);
}

int cli_vis_find_class(cli_vis *vis, const char *name, int64_t *index)
{
    const size_t count = clvgg_model_class_count(vis->run.model);
    int number = 0;
    *index = -1;
    if (name == NULL)
        return CLI_EXIT_OK;
    for (size_t i = 0; i < count && *index < 0; i++)
        if (is_named(cli_vis_label(vis, i), name))
            *index = (int64_t)i;
    if (*index < 0 && cli_value_count(name, 0, (int)count - 1, &number))
        *index = number;
    if (*index >= 0)
        return CLI_EXIT_OK;
    report_unknown_class(vis, name);
    return CLI_EXIT_USAGE;
}

/* The last part of a path without its ending, as long as it is a name. */
static void name_of(const char *path, const char **begin, size_t *length)
{
    const char *slash = strrchr(path, '/');
    *begin = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(*begin, '.');
    *length = dot != NULL && dot > *begin ? (size_t)(dot - *begin) : strlen(*begin);
}

/* Paths before this one may have the same name: then a number makes it another. */
static void make_name(vgg_text *text, const char *const *paths, size_t index)
{
    const char *begin, *other;
    size_t length, other_length, same = 1;
    name_of(paths[index], &begin, &length);
    for (size_t i = 0; i < index; i++) {
        name_of(paths[i], &other, &other_length);
        same += other_length == length && memcmp(other, begin, length) == 0;
    }
    text->length = 0;
    vgg_text_append(text, begin, length);
    if (same > 1)
        vgg_text_printf(text, "-%zu", same);
}

static clvgg_status read_photograph(cli_vis *vis, cli_vis_photograph *photograph, uint8_t *rgb)
{
    const clvgg_preprocess *p = &vis->run.preprocess;
    clvgg_status status = clvgg_image_read(vis->run.runtime, photograph->path, &photograph->image);
    if (status == CLVGG_STATUS_OK)
        status = clvgg_image_prepare(photograph->image, p, photograph->input);
    if (status == CLVGG_STATUS_OK)
        vgg_pixels_photograph(photograph->input, p->height, p->width, p, rgb);
    photograph->pixels = (vgg_pixels){rgb, p->width, p->height};
    return status;
}

cli_vis_outcome cli_vis_stop(cli_vis *vis, clvgg_status status)
{
    vgg_progress_clear(&vis->run.progress);
    if (status != CLVGG_STATUS_CANCELLED) /* that is said at the end */
        cli_fail(vis->cli, status);
    if (vis->arguments->run.json)
        vgg_json_string(&vis->json, "error", clvgg_status_message());
    return CLI_VIS_STOPPED;
}

cli_vis_outcome cli_vis_pass_over(cli_vis *vis, const char *path, const char *words)
{
    vgg_progress_clear(&vis->run.progress);
    cli_error(vis->cli, "%s: %s", path, words);
    if (vis->arguments->run.json)
        vgg_json_string(&vis->json, "error", words);
    return CLI_VIS_PASSED_OVER;
}

static cli_vis_outcome visit(cli_vis *vis, cli_vis_photograph *photograph, uint8_t *rgb,
                             cli_vis_draw_fn draw, void *user)
{
    cli_vis_outcome outcome = CLI_VIS_PASSED_OVER;
    if (vis->arguments->run.json) {
        vgg_json_begin_object(&vis->json, NULL);
        vgg_json_string(&vis->json, "file", photograph->path);
    }
    clvgg_status status = read_photograph(vis, photograph, rgb);
    if (status == CLVGG_STATUS_OK)
        outcome = draw(vis, photograph, user);
    else
        cli_vis_stop(vis, status); /* this one alone */
    if (vis->arguments->run.json)
        vgg_json_end(&vis->json);
    clvgg_image_free(photograph->image);
    photograph->image = NULL;
    return outcome;
}

int cli_vis_each(cli_vis *vis, const char *const *paths, size_t count, cli_vis_draw_fn draw,
                 void *user)
{
    const size_t plane = (size_t)vis->run.preprocess.height * (size_t)vis->run.preprocess.width;
    vgg_text name = {0};
    float *input = vgg_calloc(cli_run_input_elements(&vis->run), sizeof *input);
    uint8_t *rgb = vgg_calloc(3 * plane, 1);
    int exit_code = CLI_EXIT_OK;
    bool more = input != NULL && rgb != NULL;
    if (!more)
        exit_code = cli_fail(vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
    for (size_t i = 0; more && i < count; i++) {
        make_name(&name, paths, i);
        if (name.failed) {
            exit_code = cli_fail(vis->cli, CLVGG_STATUS_OUT_OF_MEMORY);
            break;
        }
        const char *slash = strrchr(paths[i], '/');
        cli_vis_photograph photograph = {.path = paths[i],
                                         .file = slash != NULL ? slash + 1 : paths[i],
                                         .name = name.bytes,
                                         .index = i,
                                         .input = input};
        const cli_vis_outcome outcome = visit(vis, &photograph, rgb, draw, user);
        exit_code = outcome == CLI_VIS_DRAWN ? exit_code : CLI_EXIT_FAILED;
        more = outcome != CLI_VIS_STOPPED && cli_interrupt_signal() == 0;
    }
    vgg_text_free(&name);
    vgg_free(input);
    vgg_free(rgb);
    return exit_code;
}

void cli_vis_progress_begin(cli_vis *vis, const char *what, size_t total)
{
    vgg_progress_finish(&vis->run.progress);
    if (!vis->arguments->run.quiet)
        vis->run.progress = vgg_progress_start(&vis->cli->err_style, what, total);
    vis->run.result_count = 0;
}

int cli_vis_progress_step(void *user, size_t done, size_t total)
{
    cli_vis *vis = user;
    vgg_progress_update(&vis->run.progress, vis->run.result_count + done);
    if (done == total)
        vis->run.result_count += total;
    return cli_interrupt_signal() != 0;
}

void cli_vis_json_map(vgg_json *json, const char *key, const float *values, int rows, int columns)
{
    vgg_json_begin_array(json, key);
    for (int row = 0; row < rows; row++) {
        vgg_json_begin_array(json, NULL);
        for (int column = 0; column < columns; column++)
            vgg_json_number(json, NULL, (double)values[row * columns + column]);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

void cli_vis_json_class(cli_vis *vis, const char *key, size_t index)
{
    vgg_json_begin_object(&vis->json, key);
    vgg_json_integer(&vis->json, "index", (int64_t)index);
    vgg_json_string(&vis->json, "label", cli_vis_label(vis, index));
    vgg_json_end(&vis->json);
}

const char *cli_vis_figure_of(cli_vis *vis, const char *what, const char *name)
{
    vgg_text text = {0};
    vgg_text_printf(&text, "%s/%s", what, name);
    vis->scratch.failed |= text.failed; /* which is reported there */
    const char *path = cli_vis_figure_path(vis, text.bytes != NULL ? text.bytes : "");
    vgg_text_free(&text);
    return path;
}
