/* weights/keras/keras_layers.c — layers of a Keras configuration as nodes of ours, a function for
 * each class. What isn't in the table is refused by name.
 */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <stdio.h>
#include <string.h>

#include "graph/layer.h"

clvgg_status vgg_keras_fail(const keras_step *step, const char *what)
{
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED, "layer '%s' (%s): %s", step->name, step->class_name,
                    what);
}

/* ---- padding ---- */

static bool is_same(const keras_step *step)
{
    const char *padding = vgg_keras_text(step->config, "padding");
    return padding != NULL && strcmp(padding, "same") == 0;
}

/* Keras's "same": the output is ⌈in / stride⌉, and what has to be added is halved, with the odd one
 * behind. */
static void pad_same(const keras_build *build, const int64_t kernel[2], const int64_t stride[2],
                     const int64_t dilation[2], int64_t pad[4])
{
    for (int axis = 0; axis < 2; axis++) {
        const int64_t extent = vgg_keras_shape(build)->dims[1 + axis];
        const int64_t reach = (kernel[axis] - 1) * dilation[axis] + 1;
        const int64_t out = (extent + stride[axis] - 1) / stride[axis];
        const int64_t total = (out - 1) * stride[axis] + reach - extent;
        if (total > 0) {
            pad[axis] += total / 2;
            pad[axis + 2] += total - total / 2;
        }
    }
}

static clvgg_status check_padding(const keras_step *step)
{
    const char *padding = vgg_keras_text(step->config, "padding");
    if (padding == NULL || (strcmp(padding, "same") != 0 && strcmp(padding, "valid") != 0))
        return vgg_keras_fail(step, "its padding is neither \"same\" nor \"valid\"");
    return CLVGG_STATUS_OK;
}

/* ---- activations ---- */

/* The name of a function: "relu", or {"class_name": "ReLU"}, {"config": "relu"}. */
static const char *activation_of(const cJSON *config)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, "activation");
    if (item == NULL || cJSON_IsNull(item))
        return NULL;
    const char *name = cJSON_IsString(item) ? item->valuestring : vgg_keras_text(item, "config");
    return name != NULL ? name : "of a class";
}

static clvgg_status add_inline_activation(keras_build *build, const keras_step *step)
{
    char name[VGG_MAX_NAME_LENGTH + 1];
    const char *activation = activation_of(step->config);
    snprintf(name, sizeof name, "%.200s_%.32s", step->name, activation != NULL ? activation : "");
    return vgg_keras_add_activation(build, step->name, name, activation);
}

static clvgg_status activation(keras_build *build, const keras_step *step)
{
    return vgg_keras_add_activation(build, step->name, step->name, activation_of(step->config));
}

static double number_of(const cJSON *config, const char *member, double missing)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, member);
    return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

static clvgg_status relu(keras_build *build, const keras_step *step)
{
    const cJSON *most = cJSON_GetObjectItemCaseSensitive(step->config, "max_value");
    if ((most != NULL && !cJSON_IsNull(most)) ||
        number_of(step->config, "negative_slope", 0) != 0 ||
        number_of(step->config, "threshold", 0) != 0)
        return vgg_keras_fail(step, "its max_value, negative_slope or threshold isn't supported");
    return vgg_keras_add(build, step->name, VGG_LAYER_RELU, NULL);
}

static clvgg_status softmax(keras_build *build, const keras_step *step)
{
    return vgg_keras_add(build, step->name, VGG_LAYER_SOFTMAX, NULL);
}

/* ---- layers with variables ---- */

static clvgg_status bound_of(keras_build *build, const keras_step *step, keras_bound *bound)
{
    *bound = (keras_bound){0};
    return vgg_keras_find_group(build->keras, step, &bound->group);
}

static clvgg_status conv2d(keras_build *build, const keras_step *step)
{
    vgg_conv_attributes conv = {.dilation = {1, 1}, .stride = {1, 1}};
    const double filters = number_of(step->config, "filters", 0);
    keras_bound bound;
    if (!(filters >= 1 && filters <= 1 << 24) ||
        !vgg_keras_pair(step->config, "kernel_size", conv.kernel) || conv.kernel[0] < 1 ||
        conv.kernel[1] < 1)
        return vgg_keras_fail(step, "it has no filters or kernel_size");
    if (!vgg_keras_pair(step->config, "strides", conv.stride) || conv.stride[0] < 1 ||
        conv.stride[1] < 1)
        return vgg_keras_fail(step, "its strides can't be read");
    if (cJSON_GetObjectItemCaseSensitive(step->config, "dilation_rate") != NULL &&
        (!vgg_keras_pair(step->config, "dilation_rate", conv.dilation) || conv.dilation[0] < 1 ||
         conv.dilation[1] < 1))
        return vgg_keras_fail(step, "its dilation_rate can't be read");
    VGG_PASS(check_padding(step));
    conv.out_channels = (int64_t)filters;
    conv.groups = (int64_t)number_of(step->config, "groups", 1);
    conv.bias = vgg_keras_flag(step->config, "use_bias", true);
    if (vgg_keras_shape(build)->rank != 3)
        return vgg_keras_fail(step, "what is in front of it is flat");
    if (is_same(step) && build->padded)
        return vgg_keras_fail(
            step, "it pads by itself what ZeroPadding2D has padded, which isn't supported");
    memcpy(conv.pad, build->pad, sizeof conv.pad);
    if (is_same(step))
        pad_same(build, conv.kernel, conv.stride, conv.dilation, conv.pad);
    VGG_PASS(bound_of(build, step, &bound));
    VGG_PASS(vgg_keras_add_bound(build, step->name, VGG_LAYER_CONV2D,
                                 &(vgg_attributes){.conv = conv}, bound));
    memset(build->pad, 0, sizeof build->pad);
    build->padded = false;
    return add_inline_activation(build, step);
}

static clvgg_status dense(keras_build *build, const keras_step *step)
{
    const double units = number_of(step->config, "units", 0);
    const vgg_attributes attributes = {
        .dense = {units >= 1 && units <= 1 << 30 ? (int64_t)units : 0,
                  vgg_keras_flag(step->config, "use_bias", true)}};
    keras_bound bound;
    const clvgg_shape shape = *vgg_keras_shape(build);
    const cJSON *rank = cJSON_GetObjectItemCaseSensitive(step->config, "lora_rank");
    if (rank != NULL && !cJSON_IsNull(rank))
        return vgg_keras_fail(step, "its kernel has a LoRA part, which isn't read");
    if (shape.rank == 3 && shape.dims[1] * shape.dims[2] == 1)
        VGG_PASS(vgg_keras_add_flatten(build, "flatten", false));
    else if (shape.rank == 3)
        return vgg_keras_fail(
            step, "a dense layer over each place of a map isn't supported: flatten it first");
    VGG_PASS(bound_of(build, step, &bound));
    VGG_PASS(vgg_keras_add_bound(build, step->name, VGG_LAYER_DENSE, &attributes, bound));
    return add_inline_activation(build, step);
}

static clvgg_status batch_norm(keras_build *build, const keras_step *step)
{
    const cJSON *axis = cJSON_GetObjectItemCaseSensitive(step->config, "axis");
    keras_bound bound;
    if (cJSON_IsArray(axis) && cJSON_GetArraySize(axis) == 1)
        axis = axis->child; /* Keras 2 */
    const double along = cJSON_IsNumber(axis) ? axis->valuedouble : -1;
    const bool image = vgg_keras_shape(build)->rank == 3;
    const bool right = !image                  ? along == -1 || along == 1
                       : build->channels_first ? along == 1 || along == -3
                                               : along == -1 || along == 3;
    if (!right)
        return vgg_keras_fail(step, "its axis isn't the channels'");
    VGG_PASS(bound_of(build, step, &bound));
    bound.has_scale = vgg_keras_flag(step->config, "scale", true);
    bound.has_center = vgg_keras_flag(step->config, "center", true);
    const vgg_attributes attributes = {
        .batch_norm = {(float)number_of(step->config, "epsilon", 1e-3),
                       bound.has_scale || bound.has_center}};
    return vgg_keras_add_bound(build, step->name, VGG_LAYER_BATCH_NORM, &attributes, bound);
}

/* ---- layers without ---- */

static clvgg_status pool(keras_build *build, const keras_step *step)
{
    vgg_pool_attributes pool = {0};
    const cJSON *strides = cJSON_GetObjectItemCaseSensitive(step->config, "strides");
    if (!vgg_keras_pair(step->config, "pool_size", pool.kernel) || pool.kernel[0] < 1 ||
        pool.kernel[1] < 1)
        return vgg_keras_fail(step, "its pool_size can't be read");
    if (strides == NULL || cJSON_IsNull(strides))
        memcpy(pool.stride, pool.kernel, sizeof pool.stride);
    else if (!vgg_keras_pair(step->config, "strides", pool.stride) || pool.stride[0] < 1 ||
             pool.stride[1] < 1)
        return vgg_keras_fail(step, "its strides can't be read");
    VGG_PASS(check_padding(step));
    if (vgg_keras_shape(build)->rank != 3)
        return vgg_keras_fail(step, "what is in front of it is flat");
    if (is_same(step))
        pad_same(build, pool.kernel, pool.stride, (const int64_t[]){1, 1}, pool.pad);
    return vgg_keras_add(build, step->name,
                         strcmp(step->class_name, "MaxPooling2D") == 0 ? VGG_LAYER_MAX_POOL
                                                                       : VGG_LAYER_AVG_POOL,
                         &(vgg_attributes){.pool = pool});
}

static clvgg_status global_pool(keras_build *build, const keras_step *step)
{
    return vgg_keras_add_global_pool(build, step->name,
                                     strcmp(step->class_name, "GlobalMaxPooling2D") == 0,
                                     vgg_keras_flag(step->config, "keepdims", false));
}

/* A Flatten that knows that channels are first moves them last before it flattens. */
static clvgg_status flatten(keras_build *build, const keras_step *step)
{
    const char *format = vgg_keras_text(step->config, "data_format");
    const bool first = format != NULL && strcmp(format, "channels_first") == 0;
    if (first && !build->channels_first)
        return vgg_keras_fail(step, "its data_format isn't that of the layers in front of it");
    return vgg_keras_add_flatten(build, step->name, first || !build->channels_first);
}

static clvgg_status dropout(keras_build *build, const keras_step *step)
{
    const vgg_attributes attributes = {.dropout_rate = (float)number_of(step->config, "rate", 0.5)};
    return vgg_keras_add(build, step->name, VGG_LAYER_DROPOUT, &attributes);
}

static clvgg_status zero_padding(keras_build *build, const keras_step *step)
{
    const cJSON *padding = cJSON_GetObjectItemCaseSensitive(step->config, "padding");
    int64_t sides[2][2];
    bool read = cJSON_IsArray(padding) && cJSON_GetArraySize(padding) == 2 && !build->padded;
    for (int axis = 0; read && axis < 2; axis++)
        read = vgg_keras_pair_of(cJSON_GetArrayItem(padding, axis), sides[axis]);
    if (!read)
        return vgg_keras_fail(step, "its padding can't be read, or follows another");
    for (int axis = 0; axis < 2; axis++) {
        build->pad[axis] = sides[axis][0];
        build->pad[axis + 2] = sides[axis][1];
    }
    build->padded = true;
    return CLVGG_STATUS_OK;
}

/* Does nothing to a picture that isn't trained with. */
static clvgg_status nothing(keras_build *build, const keras_step *step)
{
    (void)build, (void)step;
    return CLVGG_STATUS_OK;
}

static const struct {
    const char *class_name;
    clvgg_status (*add)(keras_build *build, const keras_step *step);
} classes[] = {
    {"InputLayer", nothing},
    {"Conv2D", conv2d},
    {"Dense", dense},
    {"BatchNormalization", batch_norm},
    {"MaxPooling2D", pool},
    {"AveragePooling2D", pool},
    {"GlobalAveragePooling2D", global_pool},
    {"GlobalMaxPooling2D", global_pool},
    {"Flatten", flatten},
    {"Activation", activation},
    {"ReLU", relu},
    {"Softmax", softmax},
    {"Dropout", dropout},
    {"ZeroPadding2D", zero_padding},
    {"Rescaling", vgg_keras_rescaling},
    {"Normalization", vgg_keras_normalization},
    {"SpatialDropout2D", nothing},
    {"GaussianNoise", nothing},
    {"GaussianDropout", nothing},
    {"ActivityRegularization", nothing},
    {"RandomFlip", nothing},
    {"RandomRotation", nothing},
    {"RandomZoom", nothing},
    {"RandomTranslation", nothing},
    {"RandomContrast", nothing},
    {"RandomBrightness", nothing},
};

clvgg_status vgg_keras_add_step(keras_build *build, const keras_step *step)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(classes[i].class_name, step->class_name) == 0)
            return classes[i].add(build, step);
    return vgg_keras_fail(step, "layers of this class aren't supported");
}

#endif
