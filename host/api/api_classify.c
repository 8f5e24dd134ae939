/* api/api_classify.c — clvgg_classify_file(): the whole straight line in one call, made of the
 * other public calls; the shortest example of how they go together.
 */
#include <math.h>

#include "api/scope.h"
#include "base/alloc.h"
#include "clvgg/session.h"
#include "image/image.h"
#include "model/model.h"

/* The most probable class; NON_FINITE where a probability isn't a number. */
static clvgg_status best_class(const float *probabilities, size_t count, size_t *best,
                               const char *path)
{
    *best = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(probabilities[i]))
            return vgg_fail(CLVGG_STATUS_NON_FINITE,
                            "%s: the probability of class %zu is not a number", path, i);
        if (probabilities[i] > probabilities[*best])
            *best = i;
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status classify(clvgg_session *session, const clvgg_model *model,
                             const clvgg_image *image, const char *path, size_t *class_index,
                             float *probability)
{
    clvgg_status status = CLVGG_STATUS_OK;
    float *input = NULL, *output = NULL;
    const size_t classes = clvgg_model_class_count(model);
    clvgg_preprocess preprocess;
    clvgg_model_preprocess(model, &preprocess);
    VGG_NEW(input, vgg_preprocess_elements(&preprocess));
    VGG_NEW(output, classes);
    VGG_TRY(clvgg_image_prepare(image, &preprocess, input));
    VGG_TRY(clvgg_session_run(session, 1, input, &output));
    VGG_TRY(best_class(output, classes, class_index, path));
    *probability = output[*class_index];
cleanup:
    vgg_free(input);
    vgg_free(output);
    return status;
}

static clvgg_status classify_file(clvgg_runtime *runtime, const char *model_path,
                                  const char *image_path, size_t *class_index, float *probability)
{
    clvgg_status status = CLVGG_STATUS_OK;
    clvgg_image *image = NULL;
    clvgg_model *model = NULL;
    clvgg_device *device = NULL;
    clvgg_session *session = NULL;
    static const char *const prob[] = {"prob"};
    clvgg_session_options options;
    clvgg_session_options_defaults(&options);
    options.outputs = prob;
    VGG_TRY(clvgg_image_read(runtime, image_path, &image));
    VGG_TRY(clvgg_model_load(runtime, model_path, NULL, &model));
    VGG_TRY(vgg_model_require_photographs(model));
    VGG_TRY(clvgg_device_open(runtime, NULL, NULL, &device));
    VGG_TRY(clvgg_session_create(device, model, &options, &session));
    VGG_TRY(classify(session, model, image, image_path, class_index, probability));
cleanup:
    clvgg_session_free(session);
    clvgg_device_free(device);
    clvgg_model_free(model);
    clvgg_image_free(image);
    return status;
}

clvgg_status clvgg_classify_file(clvgg_runtime *runtime, const char *model_path,
                                 const char *image_path, size_t *class_index, float *probability)
{
    VGG_API_GIVEN(runtime, model_path, image_path, class_index, probability);
    VGG_API_RETURN(&runtime->scope,
                   classify_file(runtime, model_path, image_path, class_index, probability));
}
