/* cli/info/info_text.c — `clvgg info` for people: facts, layers, memory plan. */
#include <stdio.h>
#include <string.h>

#include "cli/info/info.h"

#include "report/device.h"
#include "report/distrusted.h"
#include "report/format.h"
#include "report/model.h"
#include "report/table.h"

static void fact(vgg_text *text, const vgg_style *style, const char *name)
{
    vgg_text_printf(text, "%s%-14s%s ", vgg_style_dim(style), name, vgg_style_reset(style));
}

static void text_fact(vgg_text *text, const vgg_style *style, const char *name, const char *value)
{
    fact(text, style, name);
    vgg_text_name(text, "", value, "\n");
}

static void print_classes(vgg_text *text, const cli_info *info)
{
    enum { SHOWN = 5 };
    size_t count = clvgg_model_class_count(info->context.model);
    if (count == 0) {
        vgg_text_puts(text, "none: the model has no classifier\n");
        return;
    }
    vgg_text_puts(text, VGG_COUNT(count));
    vgg_text_puts(text, ": ");
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        vgg_text_name(text, i > 0 ? ", " : "", clvgg_model_label(info->context.model, i), "");
    }
    vgg_text_puts(text, count > SHOWN ? ", ..." : "");
    if (info->context.labels_path != NULL) {
        vgg_text_name(text, " (from ", info->context.labels_path, ")");
    }
    vgg_text_puts(text, "\n");
}

/* What the file is, and what isn't plain in how it was read. */
static void print_file(vgg_text *text, const vgg_style *style, const clvgg_model *model)
{
    text_fact(text, style, "format", clvgg_model_format(model));
    for (const char *line = clvgg_model_notes(model); *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        char words[256];
        snprintf(words, sizeof words, "%.*s", (int)length, line);
        text_fact(text, style, "note", words);
        line += length + (line[length] == '\n');
    }
}

static void print_facts(vgg_text *text, const vgg_style *style, const cli_info *info)
{
    const clvgg_model *model = info->context.model;
    clvgg_preprocess preprocess;
    clvgg_preprocess_defaults(&preprocess);
    clvgg_model_preprocess(model, &preprocess);
    text_fact(text, style, "model", clvgg_model_name(model));
    print_file(text, style, model);
    text_fact(text, style, "architecture", clvgg_model_architecture(model));
    fact(text, style, "classes");
    print_classes(text, info);
    text_fact(text, style, "parameters", VGG_COUNT(clvgg_model_parameter_count(model)));
    text_fact(text, style, "FLOPs an image", VGG_COUNT(clvgg_model_flops(model)));
    fact(text, style, "preprocessing");
    vgg_report_preprocess(text, &preprocess);
    vgg_text_printf(text, "\n%15s(", "");
    vgg_text_name(text, "", clvgg_model_preprocess_origin(model), ")\n");
    static const char *const origins[][2] = {{"clvgg.source", "source"},
                                             {"clvgg.head.source", "head"},
                                             {"clvgg.quantized", "quantised"}};
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        const char *value = clvgg_model_metadata(model, origins[i][0]);
        if (value != NULL)
            text_fact(text, style, origins[i][1], value);
    }
}

static void put_attributes(vgg_table *table, const clvgg_model *model,
                           const clvgg_layer_info *layer)
{
    clvgg_layer_info into = {.struct_size = sizeof into};
    vgg_text *cell = vgg_table_cell(table);
    vgg_text_terminal(cell, layer->attributes);
    if (layer->folds_into >= 0 &&
        clvgg_model_layer(model, (size_t)layer->folds_into, &into) == CLVGG_STATUS_OK)
        vgg_text_name(cell, ", folded into ", into.name, " to run");
    vgg_table_next(table);
}

static void print_layers(vgg_text *text, const vgg_style *style, const clvgg_model *model)
{
    static const vgg_column columns[] = {{"layer", false},  {"type", false},
                                         {"output", false}, {"parameters", true},
                                         {"FLOPs", true},   {"attributes", false}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < clvgg_model_layer_count(model); i++) {
        clvgg_layer_info layer = {.struct_size = sizeof layer};
        if (clvgg_model_layer(model, i, &layer) != CLVGG_STATUS_OK)
            continue;
        vgg_table_put(&table, layer.name);
        vgg_table_put(&table, layer.type);
        vgg_report_shape(vgg_table_cell(&table), &layer.output);
        vgg_table_next(&table);
        vgg_table_put(&table, layer.parameter_count > 0 ? VGG_COUNT(layer.parameter_count) : "");
        vgg_table_put(&table, layer.flops > 0 ? VGG_COUNT(layer.flops) : "");
        put_attributes(&table, model, &layer);
    }
    vgg_table_finish(&table, style, text);
}

static void print_memory(vgg_text *text, const vgg_style *style, const cli_info *info)
{
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_get_stats(info->session, &stats);
    fact(text, style, "device");
    vgg_report_device_name(text, &info->context.device_info);
    vgg_text_puts(text, "\n");
    fact(text, style, "memory");
    vgg_report_memory(text, &stats);
    vgg_text_printf(
        text, " for a batch of %d\n%15s(no plan can do with less than %s; unshared %s)\n",
        info->batch, "", VGG_SIZE(stats.arena_bound_bytes), VGG_SIZE(stats.unshared_bytes));
}

static void print_steps(vgg_text *text, const vgg_style *style, const clvgg_session *session)
{
    static const vgg_column columns[] = {{"step", false}, {"variant", false}, {"workspace", true}};
    vgg_table table = {.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < clvgg_session_step_count(session); i++) {
        clvgg_step_info step = {.struct_size = sizeof step};
        if (clvgg_session_step(session, i, &step) != CLVGG_STATUS_OK)
            continue;
        vgg_table_put(&table, step.layers);
        vgg_table_put(&table, step.variant);
        vgg_table_put(&table, step.workspace_bytes > 0 ? VGG_SIZE(step.workspace_bytes) : "");
    }
    vgg_table_finish(&table, style, text);
}

clvgg_status cli_info_print_text(const cli_info *info, const vgg_style *style, vgg_text *text)
{
    print_facts(text, style, info);
    vgg_text_puts(text, "\n");
    print_layers(text, style, info->context.model);
    if (info->session == NULL)
        return CLVGG_STATUS_OK;
    vgg_text_puts(text, "\n");
    print_memory(text, style, info);
    cli_info_print_weights(info->session, style, text);
    vgg_text_puts(text, "\n");
    print_steps(text, style, info->session);
    return vgg_report_distrusted(info->context.runtime, &info->context.device_info, text);
}
