/* weights/keras/keras_input.c — the network of a configuration: its input, then layer by layer. */
#include "weights/keras/keras.h"

#ifdef VGG_KERAS_IS_READ
#include <string.h>

/* ---- the input ---- */

static const cJSON *shape_of(const cJSON *config)
{
    static const char *const members[] = {"batch_shape", "batch_input_shape", "build_input_shape"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const cJSON *shape = cJSON_GetObjectItemCaseSensitive(config, members[i]);
        if (cJSON_IsArray(shape))
            return shape;
    }
    return NULL;
}

/* The extent at a position of [batch, …], 0 where it is open. */
static int64_t extent_at(const cJSON *shape, int index)
{
    const cJSON *item = cJSON_GetArrayItem(shape, index);
    const double value = cJSON_IsNumber(item) ? item->valuedouble : 0;
    return value >= 1 && value <= 65536 ? (int64_t)value : 0;
}

static clvgg_status create_graph(keras_build *build)
{
    const vgg_keras *keras = build->keras;
    const cJSON *shape = shape_of(keras->steps[0].config);
    if (shape == NULL)
        shape = shape_of(cJSON_GetObjectItemCaseSensitive(keras->config, "config"));
    VGG_CHECK(cJSON_GetArraySize(shape) == 4, CLVGG_STATUS_UNSUPPORTED,
              "the input of its model isn't a picture of height, width and channels");
    for (size_t i = 0; i < keras->step_count; i++) {
        const char *format = vgg_keras_text(keras->steps[i].config, "data_format");
        if (strcmp(keras->steps[i].class_name, "Flatten") == 0 || format == NULL)
            continue;
        build->channels_first = strcmp(format, "channels_first") == 0;
        break;
    }
    const int first = build->channels_first ? 2 : 1;
    int64_t channels = extent_at(shape, build->channels_first ? 1 : 3);
    int64_t height = extent_at(shape, first), width = extent_at(shape, first + 1);
    VGG_CHECK(channels > 0, CLVGG_STATUS_UNSUPPORTED,
              "the input of its model has no number of channels");
    if (height == 0 || width == 0)
        vgg_weights_note(keras->weights,
                         "the model takes pictures of any size: 224 x 224 are taken");
    return vgg_graph_create(channels, height > 0 ? height : 224, width > 0 ? width : 224,
                            &build->graph);
}

clvgg_status vgg_keras_build_steps(keras_build *build)
{
    const vgg_keras *keras = build->keras;
    VGG_PASS(create_graph(build));
    for (size_t i = 0; i < keras->step_count; i++) {
        const keras_step *step = &keras->steps[i];
        const char *format = vgg_keras_text(step->config, "data_format");
        VGG_CHECK(format == NULL || strcmp(step->class_name, "Flatten") == 0 ||
                      (strcmp(format, "channels_first") == 0) == build->channels_first,
                  CLVGG_STATUS_UNSUPPORTED,
                  "layer '%s' (%s): its data_format isn't that of the layers in front of it",
                  step->name, step->class_name);
        VGG_PASS(vgg_keras_add_step(build, step));
    }
    VGG_CHECK(!build->padded, CLVGG_STATUS_UNSUPPORTED, "its last layer is a ZeroPadding2D");
    /* What a classifier gives without a softmax are logits. */
    const vgg_node *last = &build->graph->nodes[build->graph->count - 1];
    return last->type == VGG_LAYER_DENSE ? vgg_keras_add(build, "prob", VGG_LAYER_SOFTMAX, NULL)
                                         : CLVGG_STATUS_OK;
}
#endif
