/* cli/context.c — from arguments to an open device and a model with its preprocessing. */
#include "cli/context.h"

#include <string.h>

#include "cli/closest.h"
#include "cli/shipped.h"
#include "report/clock.h"
#include "report/format.h"
#include "report/model.h"

clvgg_status cli_context_begin(cli_context *context, cli_program *cli,
                               const cli_context_arguments *arguments)
{
    context->cli = cli;
    context->arguments = arguments;
    context->start_ms = vgg_report_now_ms();
    cli->silent = arguments->quiet;
    cli->no_cache = arguments->no_cache;
    cli->no_verify = cli->no_verify || arguments->no_verify;
    return cli_runtime(cli, &context->runtime);
}

/* ---- the model ---- */

/* Says whether a model has as many classes as ImageNet and no labels. */
static bool wants_imagenet_labels(const clvgg_model *model, const clvgg_model_options *options)
{
    const char *first = clvgg_model_label(model, 0);
    return options->labels_path == NULL && clvgg_model_class_count(model) == 1000 &&
           (first == NULL || strcmp(first, "class 0") == 0);
}

/* Loads it again, with ImageNet's labels. */
static clvgg_status load_labelled(cli_context *context, const char *path,
                                  clvgg_model_options *options, const char *labels)
{
    const bool silent = context->cli->silent;
    options->labels_path = labels;
    context->labels_path = "imagenet-1k.txt";
    clvgg_model_free(context->model);
    context->model = NULL;
    context->cli->silent = true; /* its warnings have been printed */
    const clvgg_status status = clvgg_model_load(context->runtime, path, options, &context->model);
    context->cli->silent = silent;
    return status;
}

clvgg_status cli_context_load_model(cli_context *context)
{
    const cli_context_arguments *arguments = context->arguments;
    char found[CLI_SHIPPED_PATH], labels[CLI_SHIPPED_PATH];
    const char *path = arguments->model != NULL ? arguments->model : context->cli->model;
    clvgg_model_options options;
    clvgg_model_options_defaults(&options);
    options.input_height = arguments->input_size.height;
    options.input_width = arguments->input_size.width;
    options.labels_path = context->labels_path = arguments->labels;
    options.keep_batch_norm = context->keep_batch_norm;
    if (path == NULL) {
        path = found;
        VGG_CHECK(cli_find_shipped("vgg16-catdog.safetensors", found), CLVGG_STATUS_NOT_FOUND,
                  "no model: the default one, which the package clvgg-data brings, isn't there: "
                  "%s; name a file by --model or CLVGG_MODEL",
                  found);
    }
    VGG_PASS(clvgg_model_load(context->runtime, path, &options, &context->model));
    if (wants_imagenet_labels(context->model, &options) &&
        cli_find_shipped("imagenet-1k.txt", labels))
        VGG_PASS(load_labelled(context, path, &options, labels));
    return CLVGG_STATUS_OK;
}

clvgg_status cli_context_check_classifier(const cli_context *context)
{
    const char *name = clvgg_model_name(context->model);
    return clvgg_model_class_count(context->model) > 0
               ? CLVGG_STATUS_OK
               : vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                          "%s has no classifier: train one for your classes with 'clvgg finetune "
                          "--model %s --data DIR --output FILE'",
                          name, name);
}

clvgg_status cli_context_keep_model(const cli_context *context, const char *option,
                                    const char *path)
{
    const bool replaces = path != NULL && (clvgg_model_reads(context->model, path) ||
                                           cli_replaces(path, context->arguments->labels));
    return replaces ? cli_misuse(context->cli, "%s would replace '%s', which is to be read", option,
                                 path)
                    : CLVGG_STATUS_OK;
}

static bool is_architecture(const char *name)
{
    static const char *const names[] = {"vgg11", "vgg13", "vgg16", "vgg19"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

clvgg_status cli_context_find_model(cli_context *context)
{
    static uint64_t seed = 1;
    const cli_extent *size = &context->arguments->input_size;
    const char *name =
        context->arguments->model != NULL ? context->arguments->model : context->cli->model;
    context->random_weights = name == NULL || is_architecture(name);
    if (!context->random_weights)
        return cli_context_load_model(context);
    clvgg_model_description description;
    clvgg_model_description_defaults(&description);
    description.architecture = name != NULL ? name : "vgg16";
    if (size->height > 0) {
        description.input_height = description.preprocess.height = size->height;
        description.input_width = description.preprocess.width = size->width;
        description.preprocess.resize_short = 0; /* in proportion */
    }
    description.source = clvgg_model_random_weights;
    description.source_user = &seed;
    return clvgg_model_build(context->runtime, &description, &context->model);
}

clvgg_status cli_context_load_map(const cli_context *context, const char *path,
                                  clvgg_class_map **map)
{
    char found[CLI_SHIPPED_PATH];
    return clvgg_class_map_load(context->model, cli_file_or_shipped(path, found), map);
}

/* ---- the device ---- */

clvgg_status cli_context_open_device(cli_context *context)
{
    const char *spec =
        context->arguments->device != NULL ? context->arguments->device : context->cli->device;
    clvgg_device_options options;
    clvgg_device_options_defaults(&options);
    options.compute_units = (uint32_t)context->arguments->compute_units;
    VGG_PASS(clvgg_device_open(context->runtime, spec, &options, &context->device));
    context->device_info.struct_size = sizeof context->device_info;
    return clvgg_device_get_info(context->device, &context->device_info);
}

/* ---- preprocessing ---- */

/* Takes the values of --mean or --std: as many as the model's input has channels. */
static clvgg_status take_values(const cli_context *context, const char *option,
                                const cli_values *given, float values[3])
{
    const int channels = context->preprocess.channels;
    VGG_CHECK(given->count == 0 || given->count == channels, CLVGG_STATUS_INVALID_ARGUMENT,
              "--%s has %d value%s, %s has %d channel%s", option, given->count,
              given->count == 1 ? "" : "s", clvgg_model_name(context->model), channels,
              channels == 1 ? "" : "s");
    memcpy(values, given->values, (size_t)given->count * sizeof *values);
    return CLVGG_STATUS_OK;
}

clvgg_status cli_context_settle_preprocess(cli_context *context)
{
    const cli_context_arguments *arguments = context->arguments;
    clvgg_preprocess *preprocess = &context->preprocess;
    clvgg_preprocess_defaults(preprocess);
    clvgg_model_preprocess(context->model, preprocess);
    const clvgg_preprocess before = *preprocess;
    if (context->stated != NULL)
        *preprocess = *context->stated;
    if (arguments->input_size.height > 0) {
        preprocess->height = arguments->input_size.height;
        preprocess->width = arguments->input_size.width;
        preprocess->resize_short = 0; /* in proportion */
    }
    if (arguments->resize_mode >= 0)
        preprocess->mode = (clvgg_resize_mode)arguments->resize_mode;
    if (arguments->resize_short > 0)
        preprocess->resize_short = arguments->resize_short;
    VGG_CHECK(arguments->channels < 0 || preprocess->channels == 3, CLVGG_STATUS_INVALID_ARGUMENT,
              "--channels orders three, %s has %d", clvgg_model_name(context->model),
              preprocess->channels);
    if (arguments->channels >= 0)
        preprocess->order = (clvgg_channel_order)arguments->channels;
    if (arguments->scale > 0)
        preprocess->scale = arguments->scale;
    VGG_PASS(take_values(context, "mean", &arguments->mean, preprocess->mean));
    VGG_PASS(take_values(context, "std", &arguments->std, preprocess->std));
    const bool stated = context->stated != NULL || arguments->resize_mode >= 0 ||
                        arguments->resize_short > 0 || arguments->channels >= 0 ||
                        arguments->scale > 0 || arguments->mean.count > 0 ||
                        arguments->std.count > 0;
    context->preprocess_origin = memcmp(&before, preprocess, sizeof before) != 0
                                     ? "changed by options"
                                 : stated ? "stated by options"
                                          : clvgg_model_preprocess_origin(context->model);
    return CLVGG_STATUS_OK;
}

clvgg_status cli_context_check_photographs(const cli_context *context)
{
    return vgg_report_takes_photographs(&context->preprocess)
               ? CLVGG_STATUS_OK
               : vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                          "%s: takes %d channels; a photograph gives 3, or 1 in grey ('clvgg run "
                          "--input' gives it arrays)",
                          clvgg_model_name(context->model), context->preprocess.channels);
}

size_t cli_context_input_elements(const cli_context *context)
{
    const clvgg_preprocess *p = &context->preprocess;
    return (size_t)p->channels * (size_t)p->height * (size_t)p->width;
}

void cli_context_close(cli_context *context)
{
    vgg_message_hold(); /* a failure's, which is printed behind this */
    clvgg_device_free(context->device);
    clvgg_model_free(context->model);
    if (context->cli != NULL)
        cli_runtime_free(context->cli, context->runtime);
    vgg_message_release();
}

/* ---- layers ---- */

/* Appends the names of all layers, in lines that fit, and finds the nearest. */
static void list_layers(const clvgg_model *model, const char *name, cli_closest *closest,
                        vgg_text *text)
{
    enum { COLUMNS = 96 };
    const size_t count = clvgg_model_layer_count(model);
    size_t column = COLUMNS;
    for (size_t i = 0; i < count; i++) {
        clvgg_layer_info layer = {.struct_size = sizeof layer};
        if (clvgg_model_layer(model, i, &layer) != CLVGG_STATUS_OK)
            continue;
        const size_t length = strlen(layer.name) + 1;
        vgg_text_puts(text, column + length > COLUMNS ? "\n  " : " ");
        column = column + length > COLUMNS ? 2 + length : column + length;
        vgg_text_terminal(text, layer.name);
        cli_closest_offer(closest, name, layer.name);
    }
}

static clvgg_status refuse_layer(const clvgg_model *model, const char *name)
{
    cli_closest closest = {0};
    vgg_text layers = {0};
    list_layers(model, name, &closest, &layers);
    return cli_closest_refuse(&closest, "layer", "layers", name, &layers);
}

clvgg_status cli_context_find_layer(const cli_context *context, const char *name,
                                    clvgg_layer_info *info, size_t *index)
{
    if (clvgg_model_find_layer(context->model, name, index) != CLVGG_STATUS_OK)
        return refuse_layer(context->model, name);
    *info = (clvgg_layer_info){.struct_size = sizeof *info};
    return clvgg_model_layer(context->model, *index, info);
}

clvgg_execution cli_execution(const cli_execution_arguments *arguments)
{
    return (clvgg_execution){.gemm = (clvgg_gemm)arguments->gemm,
                             .variants = arguments->variants.items,
                             .variant_count = arguments->variants.count,
                             .storage = arguments->storage,
                             .memory_limit_bytes = arguments->memory_limit_bytes};
}

int cli_execution_batch(const cli_execution_arguments *arguments, uint64_t host_elements,
                        size_t image_count)
{
    enum { DEFAULT_BATCH = 8 };
    uint64_t batch = arguments->batch > 0 ? (uint64_t)arguments->batch : DEFAULT_BATCH;
    if (image_count > 0 && batch > image_count)
        batch = image_count;
    if (arguments->memory_limit_bytes > 0) {
        const uint64_t fit = arguments->memory_limit_bytes / (sizeof(float) * host_elements);
        batch = batch > fit ? fit : batch;
    }
    return batch > 0 ? (int)batch : 1;
}
