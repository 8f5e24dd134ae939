/* train/finetune_settings.c — everything that decides a run's result, a line each: what a
 * checkpoint must agree with to be gone on from.
 */
#include <inttypes.h>

#include "base/hash.h"
#include "base/sha256.h"
#include "train/finetune.h"

static void put_number(vgg_text *text, const char *name, double value)
{
    vgg_text_puts(text, name);
    vgg_text_puts(text, "=");
    vgg_text_json_number(text, value);
    vgg_text_puts(text, "\n");
}

static void put_hash(vgg_text *text, const char *name, const uint8_t digest[32])
{
    vgg_text_printf(text, "%s=", name);
    for (int i = 0; i < 16; i++)
        vgg_text_printf(text, "%02x", digest[i]);
    vgg_text_puts(text, "\n");
}

/* Content and class of each image, in order. */
static void put_dataset(vgg_text *text, const char *name, const clvgg_dataset *dataset)
{
    uint8_t digest[32];
    vgg_sha256 hash = vgg_sha256_begin();
    for (size_t i = 0; i < dataset->count; i++) {
        const vgg_dataset_image *image = vgg_dataset_image_at(dataset, i);
        const uint64_t class_index = image->class_index;
        vgg_sha256_add(&hash, image->digest, sizeof image->digest);
        vgg_sha256_add(&hash, &class_index, sizeof class_index);
    }
    vgg_sha256_end(&hash, digest);
    put_hash(text, name, digest);
}

static void put_layers(vgg_text *text, const vgg_head_choice *choice)
{
    static const char *const activations[] = {"relu", "tanh", "sigmoid"};
    for (int i = 0; i < choice->layer_count; i++) {
        const vgg_chosen_layer *layer = &choice->layers[i];
        vgg_text_printf(text, "%s=%" PRId64 " to %" PRId64, layer->name, layer->inputs,
                        layer->outputs);
        if (i < choice->layer_count - 1) {
            vgg_text_printf(text, " %s dropout ", activations[layer->activation]);
            vgg_text_json_number(text, (double)layer->dropout);
        }
        vgg_text_printf(text, "%s%s\n", layer->kept ? " kept" : " fresh",
                        layer->frozen ? " frozen" : "");
    }
}

static void put_options(vgg_text *text, const clvgg_finetune_options *options)
{
    static const char *const optimizers[] = {"sgd", "adam", "adamw"};
    static const char *const schedules[] = {"constant", "step", "cosine"};
    put_number(text, "epochs", options->epochs);
    put_number(text, "batch", options->batch);
    vgg_text_printf(text, "optimizer=%s%s\n", optimizers[options->optimizer],
                    options->nesterov ? " nesterov" : "");
    put_number(text, "lr", options->lr);
    vgg_text_printf(text, "lr-schedule=%s\n", schedules[options->lr_schedule]);
    put_number(text, "warmup", options->warmup_epochs);
    put_number(text, "momentum", options->momentum);
    put_number(text, "weight-decay", options->weight_decay);
    put_number(text, "clip-norm", options->clip_norm);
    put_number(text, "label-smoothing", options->label_smoothing);
    vgg_text_printf(text, "augment=%s%s%s\n", options->augment & CLVGG_AUGMENT_FLIP ? "flip " : "",
                    options->augment & CLVGG_AUGMENT_CROP ? "crop " : "",
                    options->augment & CLVGG_AUGMENT_COLOR ? "color" : "");
    put_number(text, "views", options->views);
    vgg_text_printf(text, "seed=%" PRIu64 "\n", options->seed);
    vgg_text_printf(text, "keep=%s\n", options->keep == CLVGG_KEEP_LAST ? "last" : "best");
    put_number(text, "patience", options->patience);
}

clvgg_status vgg_finetune_write_settings(clvgg_finetune *finetune, const uint8_t frozen[32])
{
    vgg_text *text = &finetune->settings;
    vgg_text_printf(text, "clvgg=%s\n", clvgg_version());
    put_dataset(text, "training images", finetune->train);
    put_dataset(text, "validation images", finetune->val);
    put_layers(text, &finetune->choice);
    put_options(text, &finetune->options);
    vgg_text_printf(text, "device=%s, %s, %s\n", finetune->device->info.name,
                    finetune->device->info.platform, finetune->device->info.driver_version);
    put_hash(text, "frozen layers and their kernels", frozen);
    if (text->failed)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    finetune->settings_length = text->length;
    finetune->fingerprint = vgg_hash_characters(VGG_HASH_START, text->bytes);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_finetune_settle_settings(clvgg_finetune *finetune)
{
    vgg_text *text = &finetune->settings;
    if (finetune->left_out_count == 0)
        return CLVGG_STATUS_OK;
    text->length = finetune->settings_length;
    vgg_text_printf(text, "left out=%zu photographs\n", finetune->left_out_count);
    put_dataset(text, "training images read", finetune->train);
    put_dataset(text, "validation images read", finetune->val);
    if (text->failed)
        return CLVGG_STATUS_OUT_OF_MEMORY;
    finetune->fingerprint = vgg_hash_characters(VGG_HASH_START, text->bytes);
    return CLVGG_STATUS_OK;
}
