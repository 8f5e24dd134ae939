/* vis/gradcam.c — see gradcam.h. */
#include "vis/gradcam.h"

#include <math.h>

#include "base/alloc.h"
#include "vis/class_score.h"
#include "vis/layer_choice.h"

struct clvgg_gradcam {
    vgg_forward *forward;       /* the logits, to choose the class by */
    clvgg_projector *projector; /* from the logits to the layer */
    const vgg_node *layer;
    size_t classes, maps, positions;
    float *gradients, *values; /* [maps][positions] */
    float *logits;             /* [classes] */
    float *weights;            /* [maps] */
    float *coarse, *map;       /* [positions], [height][width] */
};

void vgg_gradcam_combine(const float *gradients, const float *values, size_t channels,
                         size_t positions, float *weights, float *map)
{
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t p = 0; p < positions; p++)
            sum += (double)gradients[c * positions + p];
        weights[c] = (float)(sum / (double)positions);
    }
    for (size_t p = 0; p < positions; p++) {
        double sum = 0;
        for (size_t c = 0; c < channels; c++)
            sum += (double)weights[c] * (double)values[c * positions + p];
        map[p] = sum < 0 ? 0.0f : (float)sum; /* lets NaN through */
    }
}

/* Finds the two of `count` cells around place `at` of `length`, and returns the second's weight. */
static double neighbours(int at, int length, int count, int *first, int *second)
{
    const double place = fmax((at + 0.5) * count / length - 0.5, 0);
    *first = (int)place < count - 1 ? (int)place : count - 1;
    *second = *first + 1 < count ? *first + 1 : *first;
    return place - *first;
}

void vgg_gradcam_enlarge(const float *map, int rows, int columns, int height, int width,
                         float *enlarged)
{
    for (int y = 0; y < height; y++) {
        int top, bottom, left, right;
        const double down = neighbours(y, height, rows, &top, &bottom);
        for (int x = 0; x < width; x++) {
            const double across = neighbours(x, width, columns, &left, &right);
            const float *upper = map + (size_t)top * (size_t)columns,
                        *lower = map + (size_t)bottom * (size_t)columns;
            const double above = (1 - across) * (double)upper[left] + across * (double)upper[right];
            const double below = (1 - across) * (double)lower[left] + across * (double)lower[right];
            enlarged[(size_t)y * (size_t)width + (size_t)x] =
                (float)((1 - down) * above + down * below);
        }
    }
}

static clvgg_status make_buffers(clvgg_gradcam *gradcam, const vgg_graph *graph)
{
    const int64_t *input = graph->nodes[0].output.dims;
    VGG_NEW_PASS(gradcam->gradients, gradcam->maps * gradcam->positions);
    VGG_NEW_PASS(gradcam->values, gradcam->maps * gradcam->positions);
    VGG_NEW_PASS(gradcam->logits, gradcam->classes);
    VGG_NEW_PASS(gradcam->weights, gradcam->maps);
    VGG_NEW_PASS(gradcam->coarse, gradcam->positions);
    VGG_NEW_PASS(gradcam->map, (size_t)(input[1] * input[2]));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_gradcam_create(clvgg_device *device, clvgg_model *model,
                                const clvgg_gradcam_options *options, clvgg_gradcam **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_gradcam *gradcam = NULL;
    int logits, layer;
    VGG_NEW(gradcam, 1);
    VGG_TRY(vgg_forward_logits(model, &logits, &gradcam->classes));
    VGG_TRY(vgg_layer_choose(model->graph, options->layer, &layer));
    gradcam->layer = &model->graph->nodes[layer];
    const clvgg_shape *shape = &gradcam->layer->output;
    VGG_REQUIRE(shape->rank == 3, CLVGG_STATUS_INVALID_ARGUMENT,
                "'%s' has no maps: Grad-CAM needs a convolution or a layer behind one",
                gradcam->layer->name);
    gradcam->maps = (size_t)shape->dims[0];
    gradcam->positions = (size_t)(shape->dims[1] * shape->dims[2]);
    VGG_TRY(make_buffers(gradcam, model->graph));
    VGG_TRY(
        vgg_forward_create(device, model, &logits, 1, 1, &options->execution, &gradcam->forward));
    const clvgg_projector_options walk = {.struct_size = sizeof walk,
                                          .max_batch = 1,
                                          .mode = CLVGG_PROJECTION_GRADIENT,
                                          .to = gradcam->layer->name,
                                          .execution = options->execution};
    VGG_TRY(vgg_projector_create(device, model, logits, &walk, &gradcam->projector));
    VGG_GIVE(out, gradcam);
cleanup:
    vgg_gradcam_free(gradcam);
    return status;
}

void vgg_gradcam_free(clvgg_gradcam *gradcam)
{
    if (gradcam == NULL)
        return;
    vgg_forward_free(gradcam->forward);
    vgg_projector_free(gradcam->projector);
    vgg_free(gradcam->gradients);
    vgg_free(gradcam->values);
    vgg_free(gradcam->logits);
    vgg_free(gradcam->weights);
    vgg_free(gradcam->coarse);
    vgg_free(gradcam->map);
    vgg_free(gradcam);
}

const vgg_scope *vgg_gradcam_scope(const clvgg_gradcam *gradcam)
{
    return gradcam->forward->model->scope;
}

static clvgg_status choose_class(clvgg_gradcam *gradcam, const float *image, int64_t *class_index)
{
    VGG_CHECK(*class_index >= -1 && *class_index < (int64_t)gradcam->classes,
              CLVGG_STATUS_INVALID_ARGUMENT, "class %lld: the model has 0 ... %zu",
              (long long)*class_index, gradcam->classes - 1);
    if (*class_index < 0) {
        VGG_PASS(vgg_forward_run(gradcam->forward, 1, image));
        *class_index = vgg_class_most_probable(gradcam->forward->outputs[0], gradcam->classes);
    }
    VGG_CHECK(*class_index >= 0, CLVGG_STATUS_NON_FINITE,
              "the image has no most probable class: a logit is NaN");
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_gradcam_run(clvgg_gradcam *gradcam, const float *image, int64_t class_index,
                             clvgg_gradcam_map *result)
{
    const clvgg_shape *shape = &gradcam->layer->output;
    const int64_t *input = gradcam->forward->model->graph->nodes[0].output.dims;
    VGG_PASS(choose_class(gradcam, image, &class_index));
    const clvgg_seed seed = {.map = class_index, .position = -1};
    VGG_PASS(vgg_projector_run(gradcam->projector, 1, image, &seed, gradcam->gradients,
                               gradcam->logits, gradcam->values));
    vgg_gradcam_combine(gradcam->gradients, gradcam->values, gradcam->maps, gradcam->positions,
                        gradcam->weights, gradcam->coarse);
    const vgg_class_score score =
        vgg_class_score_of(gradcam->logits, gradcam->classes, (size_t)class_index);
    *result = (clvgg_gradcam_map){.struct_size = sizeof *result,
                                  .layer = gradcam->layer->name,
                                  .class_index = (size_t)class_index,
                                  .score = {score.probability, score.log_odds},
                                  .rows = (int)shape->dims[1],
                                  .columns = (int)shape->dims[2],
                                  .coarse = gradcam->coarse,
                                  .height = (int)input[1],
                                  .width = (int)input[2],
                                  .map = gradcam->map,
                                  .weight_count = (int64_t)gradcam->maps,
                                  .weights = gradcam->weights};
    vgg_gradcam_enlarge(gradcam->coarse, result->rows, result->columns, result->height,
                        result->width, gradcam->map);
    return CLVGG_STATUS_OK;
}
