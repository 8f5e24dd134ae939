/* weights/keras/keras_preprocess.c — what is done to pixels in front of the network: by the model's
 * own first layer, or as Keras's VGGs were trained.
 */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <math.h>
#include <string.h>

#include "base/text.h"

/* scale · x + offset of pixels, which becomes preprocessing. */
clvgg_status vgg_keras_rescaling(keras_build *build, const keras_step *step)
{
    const cJSON *offset = cJSON_GetObjectItemCaseSensitive(step->config, "offset");
    const cJSON *scale = cJSON_GetObjectItemCaseSensitive(step->config, "scale");
    if (build->graph->count != 1 || build->has_preprocessing)
        return vgg_keras_fail(step, "it is supported as the first layer alone");
    if (!cJSON_IsNumber(scale) || !(scale->valuedouble > 0) || isinf((float)scale->valuedouble))
        return vgg_keras_fail(step, "its scale isn't one positive number");
    for (int c = 0; c < 3; c++) {
        const cJSON *own = cJSON_IsArray(offset) ? cJSON_GetArrayItem(offset, c) : offset;
        if (own != NULL && !cJSON_IsNumber(own))
            return vgg_keras_fail(step, "its offset isn't a number, or one for each channel");
        build->offset[c] = own != NULL ? (float)own->valuedouble : 0.0f;
        build->deviation[c] = 1.0f;
    }
    build->scale = (float)scale->valuedouble;
    build->has_preprocessing = true;
    return CLVGG_STATUS_OK;
}

/* Three numbers of a layer: in its configuration, or its variable at a position. */
static clvgg_status read_three(keras_build *build, const keras_step *step, const char *member,
                               int position, float values[3])
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(step->config, member);
    keras_group *group = NULL;
    while (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 1)
        item = item->child; /* [[[1, 2, 3]]] */
    if (cJSON_IsNumber(item) || cJSON_GetArraySize(item) == 3) {
        for (int c = 0; c < 3; c++) {
            const cJSON *own = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, c) : item;
            values[c] = cJSON_IsNumber(own) ? (float)own->valuedouble : NAN;
        }
        return CLVGG_STATUS_OK;
    }
    VGG_PASS(vgg_keras_find_group(build->keras, step, &group));
    group->taken = false; /* for the other variable */
    const vgg_hdf5_dataset *set = group->numbered ? group->variables[position] : NULL;
    for (int i = 0; !group->numbered && i < group->count; i++) {
        const char *name = strrchr(group->variables[i]->path, '/');
        if (name != NULL && strncmp(name + 1, member, strlen(member)) == 0)
            set = group->variables[i];
    }
    if (set == NULL || set->foreign != NULL || set->is_double || set->dtype != CLVGG_DTYPE_F32 ||
        set->shape.rank != 1 || set->shape.dims[0] != 3)
        return vgg_keras_fail(step, "its mean and variance aren't three numbers of float32 each");
    return vgg_hdf5_read(set, 0, values, 3 * sizeof *values);
}

/* (x − mean) / √variance of pixels, which becomes preprocessing too. */
clvgg_status vgg_keras_normalization(keras_build *build, const keras_step *step)
{
    float mean[3], variance[3];
    if (build->graph->count != 1 || build->has_preprocessing ||
        vgg_keras_flag(step->config, "invert", false))
        return vgg_keras_fail(step, "it is supported as the first layer alone");
    VGG_PASS(read_three(build, step, "mean", 0, mean));
    VGG_PASS(read_three(build, step, "variance", 1, variance));
    for (int c = 0; c < 3; c++) {
        if (!isfinite(mean[c]) || !(variance[c] > 0) || isinf(variance[c]))
            return vgg_keras_fail(step,
                                  "its means aren't numbers, or its variances aren't positive");
        build->offset[c] = -mean[c];
        build->deviation[c] = sqrtf(variance[c]);
    }
    build->scale = 1.0f;
    build->has_preprocessing = true;
    return CLVGG_STATUS_OK;
}

/* Preprocessing: the file's own layer, or what Keras's VGGs were trained with. */
clvgg_status vgg_keras_state_preprocessing(const keras_build *build, bool is_vgg)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_weights *weights = build->keras->weights;
    const int64_t *input = build->graph->nodes[0].output.dims;
    const float *deviation = build->deviation;
    vgg_text text = {0};
    if (input[0] != 3 || (!is_vgg && !build->has_preprocessing))
        return status;
    if (build->has_preprocessing) {
        vgg_text_puts(&text, "{\"channels\": \"RGB\", \"scale\": ");
        vgg_text_json_number(&text, (double)build->scale);
        for (int c = 0; c < 3; c++) {
            vgg_text_puts(&text, c == 0 ? ", \"mean\": [" : ", ");
            vgg_text_json_number(&text, -(double)build->offset[c]);
        }
        for (int c = 0; c < 3; c++) {
            vgg_text_puts(&text, c == 0 ? "], \"std\": [" : ", ");
            vgg_text_json_number(&text, (double)deviation[c]);
        }
        weights->preprocess_origin = "the model's own first layer";
    } else {
        vgg_text_puts(&text, "{\"channels\": \"BGR\", \"scale\": 1, \"mean\": [103.939, 116.779, "
                             "123.68], \"std\": [1, 1, 1");
        weights->preprocess_origin = "Keras's VGG16, from the file's format";
    }
    vgg_text_printf(&text, "], \"crop\": [%lld, %lld], \"mode\": \"squash\"}", (long long)input[1],
                    (long long)input[2]);
    VGG_TRY(vgg_text_check(&text, "preprocessing"));
    VGG_TRY(vgg_weights_state(weights, "clvgg.preprocess", vgg_text_string(&text)));
    vgg_weights_note(weights, "pictures are squashed to the input's size, as Keras does, but by "
                              "antialiased bilinear interpolation, which Keras doesn't");
cleanup:
    vgg_text_free(&text);
    return status;
}
#endif
