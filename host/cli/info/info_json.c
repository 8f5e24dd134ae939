/* cli/info/info_json.c — `clvgg info --json`: one object. */
#include <stdio.h>
#include <string.h>

#include "cli/info/info.h"
#include "report/device.h"
#include "report/distrusted.h"
#include "report/model.h"

/* Metadata that says where a model is from; absent keys are left out. */
static void print_provenance(vgg_json *json, const clvgg_model *model)
{
    static const char *const keys[] = {"source", "licence", "license", "head.source",
                                       "head.license"};
    vgg_json_begin_object(json, "provenance");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char key[32];
        snprintf(key, sizeof key, "clvgg.%s", keys[i]);
        const char *value = clvgg_model_metadata(model, key);
        if (value != NULL)
            vgg_json_string(json, keys[i], value);
    }
    vgg_json_end(json);
}

/* What isn't plain in how the file was read. */
static void print_notes(vgg_json *json, const clvgg_model *model)
{
    vgg_json_begin_array(json, "notes");
    for (const char *line = clvgg_model_notes(model); *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        char words[256];
        snprintf(words, sizeof words, "%.*s", (int)length, line);
        vgg_json_string(json, NULL, words);
        line += length + (line[length] == '\n');
    }
    vgg_json_end(json);
}

static void print_layers(vgg_json *json, const clvgg_model *model)
{
    vgg_json_begin_array(json, "layers");
    for (size_t i = 0; i < clvgg_model_layer_count(model); i++) {
        clvgg_layer_info layer = {.struct_size = sizeof layer}, input = layer;
        if (clvgg_model_layer(model, i, &layer) != CLVGG_STATUS_OK)
            continue;
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "name", layer.name);
        vgg_json_string(json, "type", layer.type);
        if (layer.input >= 0 &&
            clvgg_model_layer(model, (size_t)layer.input, &input) == CLVGG_STATUS_OK)
            vgg_json_string(json, "input", input.name);
        vgg_json_integers(json, "shape", layer.output.dims, (size_t)layer.output.rank);
        vgg_json_bytes(json, "parameters", layer.parameter_count);
        vgg_json_bytes(json, "flops", layer.flops);
        vgg_json_string(json, "attributes", layer.attributes);
        if (layer.folds_into >= 0 &&
            clvgg_model_layer(model, (size_t)layer.folds_into, &input) == CLVGG_STATUS_OK)
            vgg_json_string(json, "folded_into", input.name);
        vgg_json_end(json);
    }
    vgg_json_end(json);
}

static clvgg_status print_plan(vgg_json *json, const cli_info *info)
{
    clvgg_session_stats stats = {.struct_size = sizeof stats};
    clvgg_session_get_stats(info->session, &stats);
    vgg_report_device_json(json, "device", &info->context.device_info);
    vgg_json_begin_object(json, "plan");
    vgg_json_integer(json, "batch", info->batch);
    vgg_report_fingerprint_json(json, stats.fingerprint);
    vgg_report_memory_json(json, &stats);
    cli_info_weights_json(info->session, json);
    vgg_json_end(json);
    vgg_json_begin_array(json, "steps");
    for (size_t i = 0; i < clvgg_session_step_count(info->session); i++) {
        clvgg_step_info step = {.struct_size = sizeof step};
        if (clvgg_session_step(info->session, i, &step) != CLVGG_STATUS_OK)
            continue;
        vgg_json_begin_object(json, NULL);
        vgg_json_string(json, "layers", step.layers);
        vgg_json_string(json, "variant", step.variant);
        vgg_json_bytes(json, "flops", step.flops);
        vgg_json_bytes(json, "workspace_bytes", step.workspace_bytes);
        vgg_json_end(json);
    }
    vgg_json_end(json);
    vgg_json_begin_array(json, "not_used");
    VGG_PASS(vgg_report_distrusted_json(info->context.runtime, &info->context.device_info, json));
    vgg_json_end(json);
    return CLVGG_STATUS_OK;
}

clvgg_status cli_info_print_json(const cli_info *info, vgg_text *text)
{
    const clvgg_model *model = info->context.model;
    vgg_json json;
    clvgg_preprocess preprocess;
    clvgg_preprocess_defaults(&preprocess);
    clvgg_model_preprocess(model, &preprocess);
    vgg_json_begin(&json, text);
    vgg_json_string(&json, "model", clvgg_model_name(model));
    vgg_json_string(&json, "format", clvgg_model_format(model));
    print_notes(&json, model);
    vgg_json_string(&json, "architecture", clvgg_model_architecture(model));
    vgg_json_bytes(&json, "parameters", clvgg_model_parameter_count(model));
    vgg_json_bytes(&json, "flops", clvgg_model_flops(model));
    vgg_report_preprocess_json(&json, "preprocess", &preprocess,
                               clvgg_model_preprocess_origin(model));
    print_provenance(&json, model);
    vgg_json_begin_array(&json, "classes");
    for (size_t i = 0; i < clvgg_model_class_count(model); i++)
        vgg_json_string(&json, NULL, clvgg_model_label(model, i));
    vgg_json_end(&json);
    print_layers(&json, model);
    if (info->session != NULL)
        VGG_PASS(print_plan(&json, info));
    vgg_json_end(&json);
    return CLVGG_STATUS_OK;
}
