/* train/finetune.c — decides what a fine-tuning will do, and that it can be done. */
#include "train/finetune.h"

#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "model/quantize.h"
#include "plan/execution.h"

enum { FROZEN_BATCH = 16 };

/* ---- options ---- */

static clvgg_status copy_options(clvgg_finetune *finetune, const clvgg_finetune_options *options)
{
    clvgg_finetune_options *own = &finetune->options;
    *own = *options;
    own->cache_dir = own->run_dir = own->resume = NULL;
    VGG_PASS(vgg_execution_copy(&options->execution, &own->execution));
    if (options->cache_dir != NULL)
        VGG_DUP_PASS(own->cache_dir, options->cache_dir);
    if (options->run_dir != NULL)
        VGG_DUP_PASS(own->run_dir, options->run_dir);
    if (options->resume != NULL)
        VGG_DUP_PASS(own->resume, options->resume);
    if (own->lr <= 0)
        own->lr = own->optimizer == CLVGG_OPTIMIZER_SGD ? 0.001 : 0.0001;
    if (own->views <= 0)
        own->views = own->augment != 0 ? 4 : 1;
    VGG_CHECK(own->augment != 0 || own->views == 1, CLVGG_STATUS_INVALID_ARGUMENT,
              "%d views without augmentation would all be the same", own->views);
    return CLVGG_STATUS_OK;
}

/* ---- the new model ---- */

static clvgg_status make_model(clvgg_finetune *finetune)
{
    const vgg_head_choice *choice = &finetune->choice;
    vgg_model_head head = {.hidden_count = choice->layer_count - 1,
                           .class_count = finetune->train->files->class_count,
                           .labels = finetune->classes,
                           .source = vgg_finetune_tensor,
                           .source_user = finetune};
    for (int i = 0; i < choice->layer_count; i++) {
        const vgg_chosen_layer *layer = &choice->layers[i];
        head.inherited[i] = layer->kept && layer->frozen;
        if (i == head.hidden_count)
            break;
        head.widths[i] = layer->outputs;
        VGG_CHECK(vgg_layer_type_of_activation(layer->activation, &head.activations[i]),
                  CLVGG_STATUS_INVALID_ARGUMENT, "there is no activation %d",
                  (int)layer->activation);
        head.dropout[i] = layer->dropout;
    }
    return vgg_model_with_head(finetune->base, &head, &finetune->model);
}

/* Fills in the head's layers, those that train, and finds the layer before, whose values are the
 * features. */
static clvgg_status part_layers(clvgg_finetune *finetune)
{
    const vgg_head_choice *choice = &finetune->choice;
    const clvgg_finetune_options *options = &finetune->options;
    int nodes[3], count;
    VGG_PASS(vgg_model_head_nodes(finetune->model, nodes, &count));
    for (int i = choice->first_trained; i < choice->layer_count; i++) {
        const vgg_chosen_layer *layer = &choice->layers[i];
        finetune->layers[i - choice->first_trained] =
            (vgg_head_layer){.name = layer->name,
                             .inputs = layer->inputs,
                             .outputs = layer->outputs,
                             .activation = layer->activation,
                             .dropout = i < choice->layer_count - 1 ? layer->dropout : 0};
    }
    finetune->head_options =
        (vgg_head_options){.layers = finetune->layers,
                           .layer_count = choice->layer_count - choice->first_trained,
                           .max_batch = options->batch,
                           .optimizer = options->optimizer,
                           .nesterov = options->nesterov != 0,
                           .label_smoothing = (float)options->label_smoothing,
                           .seed = options->seed};
    VGG_PASS(vgg_head_measure(finetune->device, &finetune->head_options, &finetune->head_bytes));
    const int input = finetune->model->graph->nodes[nodes[choice->first_trained]].inputs[0];
    return vgg_frozen_init(&finetune->frozen, finetune->device, finetune->model, input,
                           FROZEN_BATCH, &options->execution);
}

/* The name of the layer whose values the features are: not of a dropout or flatten behind it. */
static const char *feature_name(const clvgg_finetune *finetune)
{
    const vgg_graph *graph = finetune->model->graph;
    int node = finetune->frozen.node;
    while (vgg_layer_of(graph->nodes[node].type)->alias)
        node = graph->nodes[node].inputs[0];
    return graph->nodes[node].name;
}

/* ---- features ---- */

static clvgg_status open_features(clvgg_finetune *finetune, const uint8_t digest[32])
{
    const clvgg_finetune_options *options = &finetune->options;
    vgg_features_options features = {
        .source = {&finetune->frozen, vgg_frozen_compute},
        .unreadable = {finetune, vgg_finetune_leave_out},
        .source_batch = finetune->frozen.batch,
        .input_count = finetune->frozen.input_count,
        .feature_count = finetune->frozen.feature_count,
        .layer = feature_name(finetune),
        .preprocess = finetune->model->preprocess,
        .augment = options->augment,
        .view_seed = options->seed,
        .directory = options->cache_dir,
        .cache_limit_bytes = options->cache_limit_bytes,
        .memory_limit_bytes = options->memory_limit_bytes,
        .threads = finetune->device->runtime->threads,
    };
    memcpy(features.digest, digest, sizeof features.digest);
    VGG_PASS(vgg_features_open(&features, &finetune->features));
    return vgg_finetune_list_items(finetune);
}

/* Bytes that missing features take on the disk. */
static uint64_t missing_bytes(const clvgg_finetune *finetune)
{
    if (finetune->options.cache_dir == NULL)
        return 0;
    const size_t present =
        vgg_features_present(finetune->features, finetune->items, finetune->item_count);
    return (finetune->item_count - present) * vgg_features_record_bytes(finetune->features);
}

/* ---- training ---- */

uint64_t vgg_finetune_steps_an_epoch(const clvgg_finetune *finetune)
{
    const uint64_t images = finetune->train->count;
    const uint64_t batch = (uint64_t)finetune->options.batch;
    return (images + batch - 1) / batch;
}

static void plan_schedule(clvgg_finetune *finetune)
{
    const clvgg_finetune_options *options = &finetune->options;
    const uint64_t steps = vgg_finetune_steps_an_epoch(finetune);
    const uint64_t total = steps * (uint64_t)options->epochs;
    uint64_t warmup = (uint64_t)(options->warmup_epochs * (double)steps);
    if (warmup >= total)
        warmup = total - 1;
    finetune->schedule = (vgg_schedule){options->lr_schedule, options->lr, warmup, total};
}

clvgg_status vgg_finetune_settle(clvgg_finetune *finetune)
{
    VGG_PASS(vgg_finetune_settle_data(finetune));
    plan_schedule(finetune);
    VGG_PASS(vgg_finetune_settle_settings(finetune));
    return vgg_finetune_describe(finetune);
}

/* ---- life ---- */

static clvgg_status set_up(clvgg_finetune *finetune)
{
    uint8_t digest[32];
    const size_t classes = finetune->train->files->class_count;
    VGG_PASS(vgg_model_require_photographs(finetune->base));
    VGG_PASS(vgg_finetune_check_data(finetune->train, finetune->val));
    VGG_PASS(vgg_finetune_watch_data(finetune));
    VGG_NEW_PASS(finetune->classes, classes);
    for (size_t i = 0; i < classes; i++)
        finetune->classes[i] = vgg_dataset_class_name(finetune->train, i);
    VGG_PASS(vgg_head_choose(finetune->base, finetune->classes, classes, &finetune->options,
                             &finetune->choice));
    VGG_PASS(make_model(finetune));
    VGG_PASS(part_layers(finetune));
    plan_schedule(finetune);
    VGG_PASS(vgg_frozen_digest(&finetune->frozen, digest));
    VGG_PASS(vgg_finetune_write_settings(finetune, digest));
    VGG_PASS(vgg_finetune_read_checkpoint(finetune));
    VGG_PASS(open_features(finetune, digest));
    return vgg_features_require_room(finetune->features, finetune->items, finetune->item_count);
}

clvgg_status vgg_finetune_create(clvgg_device *device, clvgg_model *base,
                                 const clvgg_dataset *train, const clvgg_dataset *val,
                                 const clvgg_finetune_options *options, clvgg_finetune **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_finetune *finetune = NULL;
    *out = NULL;
    VGG_TRY(vgg_model_require_float(base, "fine-tuned"));
    VGG_NEW(finetune, 1);
    finetune->scope = base->scope;
    vgg_device_retain(device);
    finetune->device = device;
    vgg_model_retain(base);
    finetune->base = base;
    finetune->train = vgg_dataset_retain(train);
    finetune->val = vgg_dataset_retain(val);
    VGG_TRY(copy_options(finetune, options));
    VGG_TRY(set_up(finetune));
    VGG_GIVE(out, finetune);
cleanup:
    vgg_finetune_free(finetune);
    return status;
}

void vgg_finetune_free(clvgg_finetune *finetune)
{
    if (finetune == NULL)
        return;
    vgg_head_free(finetune->head);
    vgg_features_close(finetune->features); /* its threads use the frozen plan */
    vgg_frozen_stop(&finetune->frozen);
    vgg_checkpoint_close(finetune->resumed);
    vgg_checkpoint_close(finetune->best);
    for (int i = 0; i < 3; i++)
        for (int bias = 0; bias < 2; bias++)
            vgg_free(finetune->best_values[i][bias]);
    vgg_free(finetune->confusion);
    vgg_free(finetune->state.epochs);
    vgg_free(finetune->best_path);
    vgg_free(finetune->last_path);
    vgg_finetune_forget_data(finetune);
    vgg_text_free(&finetune->settings);
    vgg_model_free(finetune->model);
    vgg_free(finetune->classes);
    vgg_execution_free(&finetune->options.execution);
    vgg_free((char *)finetune->options.cache_dir);
    vgg_free((char *)finetune->options.run_dir);
    vgg_free((char *)finetune->options.resume);
    vgg_model_free(finetune->base);
    vgg_device_release(finetune->device);
    vgg_free(finetune);
}

void vgg_finetune_get_plan(const clvgg_finetune *finetune, clvgg_finetune_plan *plan)
{
    uint64_t room = UINT64_MAX, parameters = 0;
    if (vgg_features_room(finetune->features, &room) != CLVGG_STATUS_OK)
        room = 0;
    for (int i = 0; i < finetune->head_options.layer_count; i++)
        parameters += (uint64_t)(finetune->layers[i].outputs * (finetune->layers[i].inputs + 1));
    *plan = (clvgg_finetune_plan){
        .struct_size = sizeof *plan,
        .features = feature_name(finetune),
        .feature_count = finetune->frozen.feature_count,
        .train_images = finetune->train->count,
        .val_images = finetune->val->count,
        .views = finetune->options.views,
        .feature_images = finetune->item_count,
        .cached_images =
            vgg_features_present(finetune->features, finetune->items, finetune->item_count),
        .cache_bytes = missing_bytes(finetune),
        .free_disk_bytes = room,
        .trained_parameters = parameters,
        .frozen_device_bytes = finetune->frozen.device_bytes,
        .head_device_bytes = finetune->head_bytes,
        .host_buffer_bytes = vgg_features_buffer_bytes(finetune->features),
        .steps_an_epoch = vgg_finetune_steps_an_epoch(finetune),
        .epochs = finetune->options.epochs,
        .first_epoch = finetune->state.epoch,
        .trained_classes = (int)finetune->train->files->class_count,
        .fingerprint = finetune->fingerprint,
    };
}

clvgg_status vgg_finetune_save(const clvgg_finetune *finetune, const char *path, clvgg_dtype dtype)
{
    VGG_CHECK(finetune->confusion != NULL, CLVGG_STATUS_INVALID_ARGUMENT,
              "there is no model yet: training hasn't come to its end");
    return vgg_model_save(finetune->model, path, dtype);
}
