/* vis/occlusion.c — see occlusion.h. */
#include "vis/occlusion.h"

#include <string.h>

#include "base/alloc.h"
#include "vis/class_score.h"
#include "vis/layer_choice.h"

enum { LOGITS, LAYER, OUTPUTS };

struct clvgg_occlusion {
    vgg_forward *forward;
    clvgg_visualize_progress_fn progress;
    void *user;
    const char *layer; /* of the model */
    int64_t maps, map_size;
    size_t classes;
    vgg_occlusion_axis down, across;
    int channels;
    float hidden[3]; /* the square's value, a channel each */
    float *images;   /* [max_batch][input] */
    float *probability, *log_odds, *activation;
    int32_t *predicted;
};

vgg_occlusion_axis vgg_occlusion_axis_of(int length, int size, int stride)
{
    vgg_occlusion_axis axis = {.length = length, .size = size, .stride = stride};
    axis.count = (length - 1) / stride + 1;
    axis.first = -((axis.count * stride - length) / 2);
    return axis;
}

/* Half of a number, rounded down. */
static int half(int number)
{
    return number >= 0 ? number / 2 : -((1 - number) / 2);
}

void vgg_occlusion_axis_at(const vgg_occlusion_axis *axis, int cell, int *begin, int *end)
{
    const int from = axis->first + cell * axis->stride + half(axis->stride - axis->size);
    const int to = from + axis->size;
    *begin = from > 0 ? from : 0;
    *end = to < axis->length ? to : axis->length;
}

static clvgg_status choose_squares(clvgg_occlusion *occlusion, const clvgg_model *model,
                                   const clvgg_occlusion_options *options)
{
    const int64_t *input = model->graph->nodes[0].output.dims;
    const int height = (int)input[1], width = (int)input[2];
    const int shorter = height < width ? height : width;
    int size = options->size > 0 ? options->size : (shorter + 2) / 5;
    int stride = options->stride > 0 ? options->stride : shorter / 28;
    size = size > 0 ? size : 1;
    stride = stride > 0 ? stride : 1;
    VGG_CHECK(size <= shorter, CLVGG_STATUS_INVALID_ARGUMENT,
              "a square of %d pixels is larger than the image of %d x %d", size, width, height);
    VGG_CHECK(stride <= shorter, CLVGG_STATUS_INVALID_ARGUMENT,
              "a stride of %d pixels is larger than the image of %d x %d", stride, width, height);
    occlusion->down = vgg_occlusion_axis_of(height, size, stride);
    occlusion->across = vgg_occlusion_axis_of(width, size, stride);
    return CLVGG_STATUS_OK;
}

/* MEAN is 0 after preparation. */
static clvgg_status choose_hidden(clvgg_occlusion *occlusion, const clvgg_model *model,
                                  const clvgg_occlusion_options *options)
{
    const clvgg_preprocess *p =
        options->preprocess != NULL ? options->preprocess : &model->preprocess;
    VGG_PASS(vgg_model_require_photographs(model));
    VGG_CHECK(p->channels == model->preprocess.channels, CLVGG_STATUS_INVALID_ARGUMENT,
              "images are prepared with %d channels, the model takes %d", p->channels,
              model->preprocess.channels);
    occlusion->channels = p->channels;
    for (int c = 0; c < p->channels && options->fill == CLVGG_FILL_GREY; c++)
        occlusion->hidden[c] = (127.5f * p->scale - p->mean[c]) / p->std[c];
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_occlusion_create(clvgg_device *device, clvgg_model *model,
                                  const clvgg_occlusion_options *options, clvgg_occlusion **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_occlusion *occlusion = NULL;
    int nodes[OUTPUTS];
    VGG_NEW(occlusion, 1);
    occlusion->progress = options->progress;
    occlusion->user = options->user;
    VGG_TRY(choose_squares(occlusion, model, options));
    VGG_TRY(choose_hidden(occlusion, model, options));
    VGG_TRY(vgg_forward_logits(model, &nodes[LOGITS], &occlusion->classes));
    VGG_TRY(vgg_layer_choose(model->graph, options->layer, &nodes[LAYER]));
    const vgg_node *layer = &model->graph->nodes[nodes[LAYER]];
    occlusion->layer = layer->name;
    occlusion->maps = layer->output.dims[0];
    occlusion->map_size =
        layer->output.rank == 3 ? layer->output.dims[1] * layer->output.dims[2] : 1;
    VGG_TRY(vgg_forward_create(device, model, nodes, OUTPUTS, options->max_batch,
                               &options->execution, &occlusion->forward));
    const size_t cells = vgg_occlusion_places(occlusion);
    VGG_NEW(occlusion->images,
            (size_t)occlusion->forward->max_batch * occlusion->forward->input_elements);
    VGG_NEW(occlusion->probability, cells);
    VGG_NEW(occlusion->log_odds, cells);
    VGG_NEW(occlusion->activation, cells);
    VGG_NEW(occlusion->predicted, cells);
    VGG_GIVE(out, occlusion);
cleanup:
    vgg_occlusion_free(occlusion);
    return status;
}

void vgg_occlusion_free(clvgg_occlusion *occlusion)
{
    if (occlusion == NULL)
        return;
    vgg_forward_free(occlusion->forward);
    vgg_free(occlusion->images);
    vgg_free(occlusion->probability);
    vgg_free(occlusion->log_odds);
    vgg_free(occlusion->activation);
    vgg_free(occlusion->predicted);
    vgg_free(occlusion);
}

size_t vgg_occlusion_places(const clvgg_occlusion *occlusion)
{
    return (size_t)occlusion->down.count * (size_t)occlusion->across.count;
}

int64_t vgg_occlusion_map_count(const clvgg_occlusion *occlusion)
{
    return occlusion->maps;
}

const vgg_scope *vgg_occlusion_scope(const clvgg_occlusion *occlusion)
{
    return occlusion->forward->model->scope;
}

/* The sum of a map of image `row` of the batch. */
static double sum_map(const clvgg_occlusion *occlusion, int row, int64_t map)
{
    const vgg_forward *forward = occlusion->forward;
    const float *values = forward->outputs[LAYER] + (size_t)row * forward->elements[LAYER] +
                          map * occlusion->map_size;
    double sum = 0;
    for (int64_t i = 0; i < occlusion->map_size; i++)
        sum += (double)values[i];
    return sum;
}

/* The image as it is: which class and map the rest is about. */
static clvgg_status look_at_whole(clvgg_occlusion *occlusion, const float *image,
                                  int64_t class_index, int64_t map, clvgg_occlusion_map *result)
{
    const float *logits = occlusion->forward->outputs[LOGITS];
    VGG_CHECK(class_index >= -1 && class_index < (int64_t)occlusion->classes,
              CLVGG_STATUS_INVALID_ARGUMENT, "class %lld: the model has 0 ... %zu",
              (long long)class_index, occlusion->classes - 1);
    VGG_CHECK(map >= -1 && map < occlusion->maps, CLVGG_STATUS_INVALID_ARGUMENT,
              "map %lld of %s: it has 0 ... %lld", (long long)map, occlusion->layer,
              (long long)occlusion->maps - 1);
    VGG_PASS(vgg_forward_run(occlusion->forward, 1, image));
    if (class_index < 0)
        class_index = vgg_class_most_probable(logits, occlusion->classes);
    VGG_CHECK(class_index >= 0, CLVGG_STATUS_NON_FINITE,
              "the image has no most probable class: a logit is NaN");
    if (map < 0) {
        map = 0;
        for (int64_t i = 1; i < occlusion->maps; i++)
            if (sum_map(occlusion, 0, i) > sum_map(occlusion, 0, map))
                map = i;
    }
    const vgg_class_score score =
        vgg_class_score_of(logits, occlusion->classes, (size_t)class_index);
    result->class_index = (size_t)class_index;
    result->map = map;
    result->unoccluded = (clvgg_class_score){score.probability, score.log_odds};
    result->unoccluded_activation = sum_map(occlusion, 0, map);
    return CLVGG_STATUS_OK;
}

/* The image with the square of a cell on it, as row `row` of the batch. */
static void hide(clvgg_occlusion *occlusion, const float *image, int cell, int row)
{
    const vgg_occlusion_axis *down = &occlusion->down, *across = &occlusion->across;
    const size_t elements = occlusion->forward->input_elements;
    float *to = occlusion->images + (size_t)row * elements;
    int top, bottom, left, right;
    vgg_occlusion_axis_at(down, cell / across->count, &top, &bottom);
    vgg_occlusion_axis_at(across, cell % across->count, &left, &right);
    memcpy(to, image, elements * sizeof *to);
    for (int c = 0; c < occlusion->channels;
         c++, to += (size_t)down->length * (size_t)across->length)
        for (int y = top; y < bottom; y++)
            for (int x = left; x < right; x++)
                to[(size_t)y * (size_t)across->length + (size_t)x] = occlusion->hidden[c];
}

static void note(clvgg_occlusion *occlusion, const clvgg_occlusion_map *result, int cell, int row)
{
    const float *logits =
        occlusion->forward->outputs[LOGITS] + (size_t)row * occlusion->forward->elements[LOGITS];
    const vgg_class_score score =
        vgg_class_score_of(logits, occlusion->classes, result->class_index);
    occlusion->probability[cell] = (float)score.probability;
    occlusion->log_odds[cell] = (float)score.log_odds;
    occlusion->activation[cell] = (float)sum_map(occlusion, row, result->map);
    occlusion->predicted[cell] = vgg_class_most_probable(logits, occlusion->classes);
}

clvgg_status vgg_occlusion_run(clvgg_occlusion *occlusion, const float *image, int64_t class_index,
                               int64_t map, clvgg_occlusion_map *result)
{
    const vgg_occlusion_axis *down = &occlusion->down, *across = &occlusion->across;
    const int cells = down->count * across->count;
    VGG_PASS(look_at_whole(occlusion, image, class_index, map, result));
    for (int done = 0; done < cells;) {
        const int left = cells - done, most = occlusion->forward->max_batch;
        const int some = left < most ? left : most;
        for (int row = 0; row < some; row++)
            hide(occlusion, image, done + row, row);
        VGG_PASS(vgg_forward_run(occlusion->forward, some, occlusion->images));
        for (int row = 0; row < some; row++)
            note(occlusion, result, done + row, row);
        done += some;
        VGG_CHECK(occlusion->progress == NULL ||
                      occlusion->progress(occlusion->user, (size_t)done, (size_t)cells) == 0,
                  CLVGG_STATUS_CANCELLED, "occlusion: stopped after %d of %d places", done, cells);
    }
    result->rows = down->count;
    result->columns = across->count;
    result->size = down->size;
    result->stride = down->stride;
    result->top = down->first;
    result->left = across->first;
    result->layer = occlusion->layer;
    result->probability = occlusion->probability;
    result->log_odds = occlusion->log_odds;
    result->activation = occlusion->activation;
    result->predicted = occlusion->predicted;
    return CLVGG_STATUS_OK;
}
