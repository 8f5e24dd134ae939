/* cli/visualize/vis_maps.c — see vis_maps.h. */
#include "cli/visualize/vis_maps.h"

#include <string.h>

#include "cli/closest.h"
#include "cli/interrupt.h"
#include "cli/value.h"

const char *cli_vis_label(const cli_vis *vis, size_t index)
{
    const char *label = clvgg_model_label(vis->context.model, index);
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

static clvgg_status refuse_class(const cli_vis *vis, const char *name)
{
    enum { MOST_NAMES = 24 };
    const size_t count = clvgg_model_class_count(vis->context.model);
    cli_closest closest = {0};
    vgg_text text = {0};
    for (size_t i = 0; i < count; i++) {
        const char *label = cli_vis_label(vis, i);
        cli_closest_offer(&closest, name, label);
        if (i < MOST_NAMES)
            vgg_text_printf(&text, "%s %zu '%.60s'", i > 0 ? "," : "", i, label);
    }
    if (count > MOST_NAMES)
        vgg_text_printf(&text, " ... %zu '%.60s'", count - 1, cli_vis_label(vis, count - 1));
    return cli_closest_refuse(&closest, "class", "classes", name, &text);
}

clvgg_status cli_vis_find_class(const cli_vis *vis, const char *name, int64_t *index)
{
    const size_t count = clvgg_model_class_count(vis->context.model);
    int number = 0;
    *index = -1;
    VGG_PASS(cli_context_check_classifier(&vis->context));
    if (name == NULL)
        return CLVGG_STATUS_OK;
    for (size_t i = 0; i < count && *index < 0; i++)
        if (is_named(cli_vis_label(vis, i), name))
            *index = (int64_t)i;
    if (*index < 0 && cli_value_count(name, 0, (int)count - 1, &number))
        *index = number;
    return *index >= 0 ? CLVGG_STATUS_OK : refuse_class(vis, name);
}

/* Paths before this one may have the same name: then a number makes it another. */
static clvgg_status make_name(vgg_text *text, const char *const *paths, size_t index)
{
    const char *file = cli_vis_file_of(paths[index]);
    const size_t length = cli_vis_stem_length(file);
    size_t same = 1;
    for (size_t i = 0; i < index; i++) {
        const char *other = cli_vis_file_of(paths[i]);
        same += cli_vis_stem_length(other) == length && memcmp(other, file, length) == 0;
    }
    text->length = 0;
    vgg_text_append(text, file, length);
    if (same > 1)
        vgg_text_printf(text, "-%zu", same);
    return vgg_text_check(text, "the name of a photograph's figure");
}

static clvgg_status read_photograph(cli_vis *vis, cli_vis_photograph *photograph, uint8_t *rgb)
{
    const clvgg_preprocess *p = &vis->context.preprocess;
    VGG_PASS(clvgg_image_read(vis->context.runtime, photograph->path, &photograph->image));
    VGG_PASS(clvgg_image_prepare(photograph->image, p, photograph->input));
    vgg_pixels_photograph(photograph->input, p->height, p->width, p, rgb);
    photograph->pixels = (vgg_pixels){rgb, p->width, p->height};
    return CLVGG_STATUS_OK;
}

void cli_vis_pass_over(cli_vis *vis, const char *path, const char *words)
{
    cli_vis_fail(vis, vgg_fail(CLVGG_STATUS_NON_FINITE, "%s: %s", path, words));
    if (vis->arguments->json)
        vgg_json_string(&vis->json, "error", words);
}

static clvgg_status visit(cli_vis *vis, cli_vis_photograph *photograph, uint8_t *rgb,
                          cli_vis_draw_fn draw, void *user)
{
    const bool json = vis->arguments->json;
    clvgg_status status = CLVGG_STATUS_OK;
    if (json) {
        vgg_json_begin_object(&vis->json, NULL);
        vgg_json_string(&vis->json, "file", photograph->path);
    }
    const clvgg_status read = read_photograph(vis, photograph, rgb);
    if (read == CLVGG_STATUS_OK)
        status = draw(vis, photograph, user);
    if (json && (read != CLVGG_STATUS_OK || status != CLVGG_STATUS_OK))
        vgg_json_string(&vis->json, "error", vgg_message());
    cli_vis_fail(vis, read); /* this one alone */
    if (json)
        vgg_json_end(&vis->json);
    clvgg_image_free(photograph->image);
    photograph->image = NULL;
    return status;
}

clvgg_status cli_vis_each(cli_vis *vis, const cli_operands *paths, cli_vis_draw_fn draw, void *user)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const clvgg_preprocess *p = &vis->context.preprocess;
    vgg_text name = {0};
    float *input = NULL;
    uint8_t *rgb = NULL;
    VGG_MEMORY_NEW(input, cli_context_input_elements(&vis->context), "a photograph's input");
    VGG_MEMORY_NEW(rgb, 3 * (size_t)p->height * (size_t)p->width, "a photograph's pixels");
    for (size_t i = 0; i < paths->count && (i == 0 || cli_interrupt_signal() == 0); i++) {
        VGG_TRY(make_name(&name, paths->items, i));
        cli_vis_photograph photograph = {.path = paths->items[i],
                                         .file = cli_vis_file_of(paths->items[i]),
                                         .name = name.bytes,
                                         .index = i,
                                         .input = input};
        VGG_TRY(visit(vis, &photograph, rgb, draw, user));
    }
cleanup:
    vgg_text_free(&name);
    vgg_memory_free(input);
    vgg_memory_free(rgb);
    return status;
}

void cli_vis_begin_array(cli_vis *vis, const char *key)
{
    if (vis->arguments->json)
        vgg_json_begin_array(&vis->json, key);
}

void cli_vis_end_array(cli_vis *vis)
{
    if (vis->arguments->json)
        vgg_json_end(&vis->json);
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

clvgg_status cli_vis_figure_of(cli_vis *vis, const char *what, const char *name, const char **path)
{
    vgg_text text = {0};
    vgg_text_printf(&text, "%s/%s", what, name);
    clvgg_status status = vgg_text_check(&text, "a figure's path");
    if (status == CLVGG_STATUS_OK)
        status = cli_vis_figure_path(vis, text.bytes, path);
    vgg_text_free(&text);
    return status;
}
