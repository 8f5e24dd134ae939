/* vis/invariance.c — see invariance.h. Output 0 of the forward pass is the logits. */
#include "vis/invariance.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "image/warp.h"
#include "vis/class_score.h"
#include "vis/layer_choice.h"

struct clvgg_invariance {
    vgg_forward *forward;
    clvgg_preprocess preprocess;
    clvgg_fill fill;
    clvgg_visualize_progress_fn progress;
    void *user;
    size_t classes, layer_count;
    float *images;                               /* [max_batch][input] */
    float *original[VGG_INVARIANCE_MOST_LAYERS]; /* features of the photograph as it is */
};

clvgg_status vgg_invariance_prepare(const clvgg_image *image, const clvgg_preprocess *preprocess,
                                    clvgg_transform transform, double amount, clvgg_fill fill,
                                    float *data)
{
    const vgg_warp warp = {.down = transform == CLVGG_TRANSFORM_TRANSLATION ? amount : 0,
                           .scale = transform == CLVGG_TRANSFORM_SCALE ? amount : 1,
                           .turn = transform == CLVGG_TRANSFORM_ROTATION ? amount : 0,
                           .edge = fill == CLVGG_FILL_EDGE};
    return vgg_image_prepare_warped(image, preprocess, &warp, data);
}

/* The logits, then the layers, at nodes[0 … *count). */
static clvgg_status choose_nodes(const clvgg_model *model, const clvgg_invariance_options *options,
                                 int *nodes, int *count, size_t *classes)
{
    VGG_PASS(vgg_forward_logits(model, &nodes[0], classes));
    *count = 1;
    if (options->layers == NULL) {
        nodes[(*count)++] = vgg_layer_first_stage(model->graph);
        nodes[(*count)++] = vgg_layer_last_features(model->graph);
    } else {
        for (size_t i = 0; i < options->layer_count; i++) {
            VGG_CHECK(options->layers[i] != NULL, CLVGG_STATUS_INVALID_ARGUMENT,
                      "layer %zu has no name", i);
            VGG_PASS(vgg_layer_choose(model->graph, options->layers[i], &nodes[(*count)++]));
        }
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status take_preprocess(clvgg_invariance *invariance, const clvgg_model *model,
                                    const clvgg_preprocess *preprocess)
{
    const int64_t *input = model->graph->nodes[0].output.dims;
    invariance->preprocess = preprocess != NULL ? *preprocess : model->preprocess;
    const clvgg_preprocess *p = &invariance->preprocess;
    VGG_PASS(vgg_preprocess_check(p));
    VGG_CHECK(input[0] == p->channels && input[1] == p->height && input[2] == p->width,
              CLVGG_STATUS_INVALID_ARGUMENT,
              "images are prepared as %d x %d x %d, the model's input is %lld x %lld x %lld",
              p->channels, p->height, p->width, (long long)input[0], (long long)input[1],
              (long long)input[2]);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_invariance_create(clvgg_device *device, clvgg_model *model,
                                   const clvgg_invariance_options *options, clvgg_invariance **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_invariance *invariance = NULL;
    int nodes[VGG_FORWARD_MOST_OUTPUTS], count = 0;
    VGG_NEW(invariance, 1);
    invariance->fill = options->fill;
    invariance->progress = options->progress;
    invariance->user = options->user;
    VGG_TRY(take_preprocess(invariance, model, options->preprocess));
    VGG_TRY(choose_nodes(model, options, nodes, &count, &invariance->classes));
    invariance->layer_count = (size_t)count - 1;
    VGG_TRY(vgg_forward_create(device, model, nodes, count, options->max_batch, &options->execution,
                               &invariance->forward));
    const vgg_forward *forward = invariance->forward;
    VGG_NEW(invariance->images, (size_t)forward->max_batch * forward->input_elements);
    for (size_t i = 0; i < invariance->layer_count; i++)
        VGG_NEW(invariance->original[i], forward->elements[i + 1]);
    VGG_GIVE(out, invariance);
cleanup:
    vgg_invariance_free(invariance);
    return status;
}

void vgg_invariance_free(clvgg_invariance *invariance)
{
    if (invariance == NULL)
        return;
    vgg_forward_free(invariance->forward);
    vgg_free(invariance->images);
    for (size_t i = 0; i < invariance->layer_count; i++)
        vgg_free(invariance->original[i]);
    vgg_free(invariance);
}

size_t vgg_invariance_layer_count(const clvgg_invariance *invariance)
{
    return invariance->layer_count;
}

const char *vgg_invariance_layer(const clvgg_invariance *invariance, size_t index)
{
    const vgg_forward *forward = invariance->forward;
    return forward->model->graph->nodes[forward->nodes[index + 1]].name;
}

const vgg_scope *vgg_invariance_scope(const clvgg_invariance *invariance)
{
    return invariance->forward->model->scope;
}

/* ‖a − b‖; b NULL is the origin. */
static double distance(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = (double)a[i] - (b != NULL ? (double)b[i] : 0);
        sum += difference * difference;
    }
    return sqrt(sum);
}

static clvgg_class_score score_of(const clvgg_invariance *invariance, int row, size_t class_index)
{
    const vgg_class_score score =
        vgg_class_score_of(invariance->forward->outputs[0] + (size_t)row * invariance->classes,
                           invariance->classes, class_index);
    return (clvgg_class_score){score.probability, score.log_odds};
}

/* The photograph as it is: what the others are compared with. */
static clvgg_status look_at_original(clvgg_invariance *invariance, const clvgg_image *image,
                                     int64_t class_index, clvgg_invariance_curve *curve)
{
    vgg_forward *forward = invariance->forward;
    VGG_CHECK(class_index >= -1 && class_index < (int64_t)invariance->classes,
              CLVGG_STATUS_INVALID_ARGUMENT, "class %lld: the model has 0 ... %zu",
              (long long)class_index, invariance->classes - 1);
    VGG_PASS(vgg_image_prepare(image, &invariance->preprocess, invariance->images));
    VGG_PASS(vgg_forward_run(forward, 1, invariance->images));
    if (class_index < 0)
        class_index = vgg_class_most_probable(forward->outputs[0], invariance->classes);
    VGG_CHECK(class_index >= 0, CLVGG_STATUS_NON_FINITE,
              "the photograph has no most probable class: a logit is NaN");
    curve->class_index = (size_t)class_index;
    curve->original = score_of(invariance, 0, curve->class_index);
    for (size_t i = 0; i < invariance->layer_count; i++) {
        const size_t elements = forward->elements[i + 1];
        memcpy(invariance->original[i], forward->outputs[i + 1], elements * sizeof(float));
        if (curve->norms != NULL)
            curve->norms[i] = distance(forward->outputs[i + 1], NULL, elements);
    }
    return CLVGG_STATUS_OK;
}

/* Notes the results of row `row` of the batch in the curve, at amount `at` of `amount_count`. */
static void note(const clvgg_invariance *invariance, int row, size_t at, size_t amount_count,
                 clvgg_invariance_curve *curve)
{
    const vgg_forward *forward = invariance->forward;
    if (curve->scores != NULL)
        curve->scores[at] = score_of(invariance, row, curve->class_index);
    for (size_t i = 0; i < invariance->layer_count && curve->distances != NULL; i++) {
        const size_t elements = forward->elements[i + 1];
        curve->distances[i * amount_count + at] = distance(
            forward->outputs[i + 1] + (size_t)row * elements, invariance->original[i], elements);
    }
}

clvgg_status vgg_invariance_run(clvgg_invariance *invariance, const clvgg_image *image,
                                clvgg_transform transform, const double *amounts,
                                size_t amount_count, int64_t class_index,
                                clvgg_invariance_curve *curve)
{
    vgg_forward *forward = invariance->forward;
    VGG_PASS(look_at_original(invariance, image, class_index, curve));
    for (size_t done = 0; done < amount_count;) {
        const size_t left = amount_count - done, most = (size_t)forward->max_batch;
        const size_t some = left < most ? left : most;
        for (size_t row = 0; row < some; row++)
            VGG_PASS(vgg_invariance_prepare(image, &invariance->preprocess, transform,
                                            amounts[done + row], invariance->fill,
                                            invariance->images + row * forward->input_elements));
        VGG_PASS(vgg_forward_run(forward, (int)some, invariance->images));
        for (size_t row = 0; row < some; row++)
            note(invariance, (int)row, done + row, amount_count, curve);
        done += some;
        VGG_CHECK(invariance->progress == NULL ||
                      invariance->progress(invariance->user, done, amount_count) == 0,
                  CLVGG_STATUS_CANCELLED, "invariance: stopped after %zu of %zu images", done,
                  amount_count);
    }
    return CLVGG_STATUS_OK;
}
