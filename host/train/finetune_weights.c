/* train/finetune_weights.c — where the new model's parameters come from and go to. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "tensor/dtype.h"
#include "train/finetune.h"

/* A layer's random first values: He et al. (2015) before a ReLU, Glorot & Bengio (2010) before
 * anything else, drawn by a counter, so that any part of them can be asked for. */
static void give_random(const clvgg_finetune *finetune, const vgg_chosen_layer *layer, bool last,
                        bool bias, uint64_t first, uint64_t count, float *values)
{
    char tensor[64];
    const clvgg_shape shape = bias ? (clvgg_shape){1, {layer->outputs}}
                                   : (clvgg_shape){2, {layer->outputs, layer->inputs}};
    vgg_layer_type type;
    const bool he = !last && vgg_layer_type_of_activation(layer->activation, &type) &&
                    vgg_layer_of(type)->activation->rectifies;
    const float scale =
        he ? 1.0f : (float)sqrt((double)layer->inputs / (double)(layer->inputs + layer->outputs));
    snprintf(tensor, sizeof tensor, "%s.%s", layer->name, bias ? "bias" : "weight");
    vgg_model_random_weights(finetune->options.seed, tensor, &shape, first, count, values);
    for (uint64_t i = 0; !he && i < count; i++)
        values[i] *= scale;
}

/* The base's values, converted. */
static clvgg_status give_kept(const clvgg_finetune *finetune, int layer, bool bias, uint64_t first,
                              uint64_t count, float *values)
{
    clvgg_status status = CLVGG_STATUS_OK;
    unsigned char *raw = NULL;
    const vgg_parameter *parameter =
        vgg_model_parameter(finetune->base, finetune->choice.base_nodes[layer], bias);
    if (parameter == NULL) { /* a layer without a bias gets one, of zeros */
        memset(values, 0, (size_t)count * sizeof *values);
        goto cleanup;
    }
    VGG_NEW(raw, (size_t)count * vgg_dtype_bytes(parameter->dtype));
    VGG_TRY(vgg_model_read_parameter(finetune->base, parameter, first, count, raw));
    vgg_to_f32(parameter->dtype, raw, (size_t)count, values);
cleanup:
    vgg_free(raw);
    return status;
}

clvgg_status vgg_finetune_initial(void *user, int layer, bool bias, uint64_t first, uint64_t count,
                                  float *values)
{
    const clvgg_finetune *finetune = user;
    const int index = finetune->choice.first_trained + layer;
    const vgg_chosen_layer *chosen = &finetune->choice.layers[index];
    if (chosen->kept) {
        const clvgg_status status = give_kept(finetune, index, bias, first, count, values);
        if (status == CLVGG_STATUS_OK && layer == 0 && !bias)
            vgg_scale_by_power(values, (size_t)count, finetune->scale_exponent);
        return status;
    }
    give_random(finetune, chosen, index == finetune->choice.layer_count - 1, bias, first, count,
                values);
    return CLVGG_STATUS_OK;
}

/* Values of a trained layer, of the epoch that is kept: the last one's are still on the device. */
static clvgg_status give_best(const clvgg_finetune *finetune, int layer, bool bias, uint64_t first,
                              uint64_t count, float *values)
{
    const float *kept = finetune->best_values[layer][bias];
    const bool ended = finetune->confusion != NULL;
    if (ended && finetune->options.keep == CLVGG_KEEP_LAST)
        return vgg_head_read(finetune->head, layer, bias, VGG_HEAD_VALUE, first, count, values);
    if (finetune->best != NULL)
        return vgg_checkpoint_read(finetune->best, &finetune->layers[layer], bias, VGG_HEAD_VALUE,
                                   first, count, values);
    VGG_CHECK(kept != NULL, CLVGG_STATUS_INVALID_ARGUMENT,
              "training has not come to an epoch that is kept");
    memcpy(values, kept + first, (size_t)count * sizeof *values);
    return CLVGG_STATUS_OK;
}

static clvgg_status give_best_to_head(void *user, int layer, bool bias, uint64_t first,
                                      uint64_t count, float *values)
{
    return give_best(user, layer, bias, first, count, values);
}

/* Gives trained values for the model, whose features aren't scaled. */
static clvgg_status give_trained(const clvgg_finetune *finetune, int layer, bool bias,
                                 uint64_t first, uint64_t count, float *values)
{
    const clvgg_status status = give_best(finetune, layer, bias, first, count, values);
    if (status == CLVGG_STATUS_OK && layer == 0 && !bias)
        vgg_scale_by_power(values, (size_t)count, -finetune->scale_exponent);
    return status;
}

clvgg_status vgg_finetune_tensor(void *user, const char *tensor, const clvgg_shape *shape,
                                 uint64_t first, uint64_t count, float *values)
{
    const clvgg_finetune *finetune = user;
    const vgg_head_choice *choice = &finetune->choice;
    const bool bias = shape->rank == 1;
    for (int i = 0; i < choice->layer_count; i++) {
        const vgg_chosen_layer *layer = &choice->layers[i];
        const size_t length = strlen(layer->name);
        if (strncmp(tensor, layer->name, length) != 0 || tensor[length] != '.')
            continue;
        if (!layer->frozen)
            return give_trained(finetune, i - choice->first_trained, bias, first, count, values);
        give_random(finetune, layer, i == choice->layer_count - 1, bias, first, count, values);
        return CLVGG_STATUS_OK;
    }
    return vgg_fail(CLVGG_STATUS_NOT_FOUND, "there is no tensor '%s' in this head", tensor);
}

vgg_checkpoint_layers vgg_finetune_layers(const clvgg_finetune *finetune, bool with_state)
{
    const int parts = !with_state ? 1 : finetune->options.optimizer == CLVGG_OPTIMIZER_SGD ? 2 : 3;
    return (vgg_checkpoint_layers){finetune->head, finetune->layers,
                                   finetune->head_options.layer_count, parts};
}

static clvgg_status copy_to_memory(clvgg_finetune *finetune)
{
    for (int i = 0; i < finetune->head_options.layer_count; i++)
        for (int bias = 0; bias < 2; bias++) {
            const vgg_head_layer *layer = &finetune->layers[i];
            const uint64_t count =
                (uint64_t)(bias ? layer->outputs : layer->outputs * layer->inputs);
            float **values = &finetune->best_values[i][bias];
            if (*values == NULL)
                VGG_NEW_PASS(*values, (size_t)count);
            VGG_PASS(vgg_head_read(finetune->head, i, bias, VGG_HEAD_VALUE, 0, count, *values));
        }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_finetune_keep_best(clvgg_finetune *finetune)
{
    const vgg_checkpoint_layers layers = vgg_finetune_layers(finetune, false);
    if (finetune->best_path == NULL)
        return copy_to_memory(finetune);
    return vgg_checkpoint_write(finetune->best_path, finetune->settings.bytes, &finetune->state,
                                &layers);
}

clvgg_status vgg_finetune_restore_best(clvgg_finetune *finetune)
{
    if (finetune->best == NULL && finetune->best_path != NULL)
        VGG_PASS(vgg_finetune_open_best(finetune, &finetune->best));
    for (int i = 0; i < finetune->head_options.layer_count; i++)
        for (int bias = 0; bias < 2; bias++)
            VGG_PASS(vgg_head_write(finetune->head, i, bias, VGG_HEAD_VALUE, give_best_to_head,
                                    finetune));
    return CLVGG_STATUS_OK;
}
