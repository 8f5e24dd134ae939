/* api/api_finetune.c — implements clvgg/finetune.h. */
#include "clvgg/finetune.h"

#include <math.h>

#include "api/scope.h"
#include "train/finetune.h"

void clvgg_finetune_options_defaults(clvgg_finetune_options *options)
{
    if (options != NULL)
        *options = (clvgg_finetune_options){.struct_size = sizeof *options,
                                            .epochs = 12,
                                            .batch = 32,
                                            .lr_schedule = CLVGG_LR_COSINE,
                                            .warmup_epochs = 0.5,
                                            .momentum = 0.9,
                                            .weight_decay = 5e-4,
                                            .dropout = 0.5,
                                            .seed = 1,
                                            .cache_limit_bytes = (uint64_t)20 << 30,
                                            .memory_limit_bytes = (uint64_t)1 << 30,
                                            .checkpoint_seconds = 300,
                                            .max_bad_share = 0.01,
                                            .max_bad_images = -1};
}

/* Checks the options that don't depend on the model. */
static clvgg_status check_options(const clvgg_finetune_options *options)
{
    VGG_API_REQUIRE(options->train == CLVGG_TRAIN_AUTO ||
                    (options->train >= CLVGG_TRAIN_FC6 && options->train <= CLVGG_TRAIN_FC8));
    VGG_API_REQUIRE(options->head_init >= CLVGG_HEAD_AUTO &&
                    options->head_init <= CLVGG_HEAD_FRESH);
    VGG_API_REQUIRE(!options->head_given || options->head_layers == 0 ||
                    (options->head[0] >= 1 && options->head[1] >= 1));
    VGG_API_REQUIRE(options->activation >= CLVGG_ACTIVATION_RELU &&
                    options->activation <= CLVGG_ACTIVATION_SIGMOID);
    VGG_API_REQUIRE(options->epochs >= 1 && options->epochs <= 100000);
    VGG_API_REQUIRE(options->batch >= 1 && options->batch <= 65536);
    VGG_API_REQUIRE(options->optimizer >= CLVGG_OPTIMIZER_SGD &&
                    options->optimizer <= CLVGG_OPTIMIZER_ADAMW);
    VGG_API_REQUIRE(isfinite(options->lr) && options->lr >= 0);
    VGG_API_REQUIRE(options->lr_schedule >= CLVGG_LR_CONSTANT &&
                    options->lr_schedule <= CLVGG_LR_COSINE);
    VGG_API_REQUIRE(isfinite(options->warmup_epochs) && options->warmup_epochs >= 0);
    VGG_API_REQUIRE(options->momentum >= 0 && options->momentum < 1);
    VGG_API_REQUIRE(isfinite(options->weight_decay) && options->weight_decay >= 0);
    VGG_API_REQUIRE(isfinite(options->clip_norm) && options->clip_norm >= 0);
    VGG_API_REQUIRE(options->dropout >= 0 && options->dropout < 1);
    VGG_API_REQUIRE(options->label_smoothing >= 0 && options->label_smoothing < 1);
    VGG_API_REQUIRE(options->augment <=
                    (CLVGG_AUGMENT_FLIP | CLVGG_AUGMENT_CROP | CLVGG_AUGMENT_COLOR));
    VGG_API_REQUIRE(options->views >= 0 && options->views <= 1000);
    VGG_API_REQUIRE(options->keep == CLVGG_KEEP_BEST || options->keep == CLVGG_KEEP_LAST);
    VGG_API_REQUIRE(options->patience >= 0);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_REQUIRE(options->patience == 0 || options->keep == CLVGG_KEEP_BEST);
    VGG_API_REQUIRE(options->checkpoint_seconds >= 0);
    VGG_API_REQUIRE(options->max_bad_share >= 0 && options->max_bad_share <= 1);
    return CLVGG_STATUS_OK;
}

clvgg_status clvgg_finetune_create(clvgg_device *device, clvgg_model *base,
                                   const clvgg_dataset *train, const clvgg_dataset *val,
                                   const clvgg_finetune_options *options, clvgg_finetune **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(device, base, train, val);
    VGG_API_OPTIONS(clvgg_finetune_options, options);
    VGG_PASS(check_options(options));
    VGG_API_RETURN(base->scope, vgg_finetune_create(device, base, train, val, options, out));
}

void clvgg_finetune_free(clvgg_finetune *finetune)
{
    vgg_finetune_free(finetune);
}

size_t clvgg_finetune_layer_count(const clvgg_finetune *finetune)
{
    return (size_t)finetune->choice.layer_count;
}

void clvgg_finetune_layer_at(const clvgg_finetune *finetune, size_t index,
                             clvgg_finetune_layer *layer)
{
    const vgg_chosen_layer *chosen = &finetune->choice.layers[index];
    *layer = (clvgg_finetune_layer){.struct_size = sizeof *layer,
                                    .name = chosen->name,
                                    .inputs = (int)chosen->inputs,
                                    .outputs = (int)chosen->outputs,
                                    .kept = chosen->kept,
                                    .frozen = chosen->frozen,
                                    .why = chosen->why};
}

void clvgg_finetune_get_plan(const clvgg_finetune *finetune, clvgg_finetune_plan *plan)
{
    const vgg_scope *previous = vgg_scope_enter(finetune->scope);
    vgg_finetune_get_plan(finetune, plan);
    vgg_scope_leave(previous);
}

clvgg_status clvgg_finetune_check(clvgg_finetune *finetune)
{
    VGG_API_REQUIRE(finetune != NULL);
    VGG_API_RETURN(finetune->scope, vgg_finetune_check(finetune));
}

const clvgg_dataset *clvgg_finetune_train(const clvgg_finetune *finetune)
{
    return finetune->train;
}

const clvgg_dataset *clvgg_finetune_val(const clvgg_finetune *finetune)
{
    return finetune->val;
}

size_t clvgg_finetune_left_out_count(const clvgg_finetune *finetune)
{
    return finetune->left_out_count;
}

void clvgg_finetune_left_out(const clvgg_finetune *finetune, size_t index, const char **path,
                             const char **reason)
{
    *path = finetune->left_out[index].path;
    *reason = finetune->left_out[index].reason;
}

clvgg_status clvgg_finetune_project(clvgg_finetune *finetune, double *features_seconds,
                                    double *epoch_seconds)
{
    VGG_API_GIVEN(finetune, features_seconds, epoch_seconds);
    VGG_API_RETURN(finetune->scope,
                   vgg_finetune_project(finetune, features_seconds, epoch_seconds));
}

clvgg_status clvgg_finetune_run(clvgg_finetune *finetune)
{
    VGG_API_REQUIRE(finetune != NULL);
    VGG_API_RETURN(finetune->scope, vgg_finetune_run(finetune));
}

size_t clvgg_finetune_epoch_count(const clvgg_finetune *finetune)
{
    return finetune->state.epoch_count;
}

void clvgg_finetune_epoch_at(const clvgg_finetune *finetune, size_t index,
                             clvgg_finetune_epoch *epoch)
{
    *epoch = finetune->state.epochs[index];
}

uint64_t clvgg_finetune_confusion(const clvgg_finetune *finetune, size_t truth, size_t predicted)
{
    const size_t classes = finetune->val->files->class_count;
    return finetune->confusion == NULL ? 0 : finetune->confusion[truth * classes + predicted];
}

clvgg_status clvgg_finetune_save(const clvgg_finetune *finetune, const char *path,
                                 clvgg_dtype dtype)
{
    VGG_API_GIVEN(finetune, path);
    VGG_API_REQUIRE(dtype >= CLVGG_DTYPE_F32 && dtype <= CLVGG_DTYPE_BF16);
    VGG_API_RETURN(finetune->scope, vgg_finetune_save(finetune, path, dtype));
}
