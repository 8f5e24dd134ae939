/* api/api_visualize_maps.c — implements section 3 of clvgg/visualize.h: occlusion, invariance,
 * Grad-CAM. */
#include "api/scope.h"
#include "model/model.h"
#include "vis/gradcam.h"
#include "vis/invariance.h"
#include "vis/occlusion.h"

void clvgg_occlusion_options_defaults(clvgg_occlusion_options *options)
{
    if (options != NULL)
        *options = (clvgg_occlusion_options){.struct_size = sizeof *options};
}

clvgg_status clvgg_occlusion_create(clvgg_device *device, clvgg_model *model,
                                    const clvgg_occlusion_options *options, clvgg_occlusion **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(device, model);
    VGG_API_OPTIONS(clvgg_occlusion_options, options);
    VGG_API_REQUIRE(options->size >= 0);
    VGG_API_REQUIRE(options->stride >= 0);
    VGG_API_REQUIRE(options->max_batch >= 0 && options->max_batch <= 65536);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_REQUIRE(options->fill == CLVGG_FILL_MEAN || options->fill == CLVGG_FILL_GREY);
    VGG_API_RETURN(model->scope, vgg_occlusion_create(device, model, options, out));
}

void clvgg_occlusion_free(clvgg_occlusion *occlusion)
{
    vgg_occlusion_free(occlusion);
}

size_t clvgg_occlusion_places(const clvgg_occlusion *occlusion)
{
    return vgg_occlusion_places(occlusion);
}

int64_t clvgg_occlusion_map_count(const clvgg_occlusion *occlusion)
{
    return vgg_occlusion_map_count(occlusion);
}

clvgg_status clvgg_occlusion_run(clvgg_occlusion *occlusion, const float *image,
                                 int64_t class_index, int64_t map, clvgg_occlusion_map *result)
{
    VGG_API_GIVEN(occlusion, image);
    VGG_API_STRUCT(result);
    VGG_API_RETURN(vgg_occlusion_scope(occlusion),
                   vgg_occlusion_run(occlusion, image, class_index, map, result));
}

static int is_transform(clvgg_transform transform)
{
    return transform >= CLVGG_TRANSFORM_TRANSLATION && transform <= CLVGG_TRANSFORM_ROTATION;
}

static int is_surround(clvgg_fill fill)
{
    return fill == CLVGG_FILL_MEAN || fill == CLVGG_FILL_EDGE;
}

clvgg_status clvgg_image_prepare_transformed(const clvgg_image *image,
                                             const clvgg_preprocess *preprocess,
                                             clvgg_transform transform, double amount,
                                             clvgg_fill fill, float *data)
{
    VGG_API_GIVEN(image, preprocess, data);
    VGG_API_REQUIRE(is_transform(transform));
    VGG_API_REQUIRE(is_surround(fill));
    VGG_PASS(vgg_preprocess_check(preprocess));
    VGG_API_RETURN(image->scope,
                   vgg_invariance_prepare(image, preprocess, transform, amount, fill, data));
}

void clvgg_invariance_options_defaults(clvgg_invariance_options *options)
{
    if (options != NULL)
        *options =
            (clvgg_invariance_options){.struct_size = sizeof *options, .fill = CLVGG_FILL_EDGE};
}

clvgg_status clvgg_invariance_create(clvgg_device *device, clvgg_model *model,
                                     const clvgg_invariance_options *options,
                                     clvgg_invariance **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(device, model);
    VGG_API_OPTIONS(clvgg_invariance_options, options);
    VGG_API_REQUIRE(
        options->layers == NULL ||
        (options->layer_count >= 1 && options->layer_count <= VGG_INVARIANCE_MOST_LAYERS));
    VGG_API_REQUIRE(options->max_batch >= 0 && options->max_batch <= 65536);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_REQUIRE(is_surround(options->fill));
    VGG_API_RETURN(model->scope, vgg_invariance_create(device, model, options, out));
}

void clvgg_invariance_free(clvgg_invariance *invariance)
{
    vgg_invariance_free(invariance);
}

size_t clvgg_invariance_layer_count(const clvgg_invariance *invariance)
{
    return vgg_invariance_layer_count(invariance);
}

const char *clvgg_invariance_layer(const clvgg_invariance *invariance, size_t index)
{
    return index < vgg_invariance_layer_count(invariance) ? vgg_invariance_layer(invariance, index)
                                                          : NULL;
}

clvgg_status clvgg_invariance_run(clvgg_invariance *invariance, const clvgg_image *image,
                                  clvgg_transform transform, const double *amounts,
                                  size_t amount_count, int64_t class_index,
                                  clvgg_invariance_curve *curve)
{
    VGG_API_GIVEN(invariance, image);
    VGG_API_REQUIRE(is_transform(transform));
    VGG_API_REQUIRE(amounts != NULL || amount_count == 0);
    VGG_API_STRUCT(curve);
    VGG_API_RETURN(vgg_invariance_scope(invariance),
                   vgg_invariance_run(invariance, image, transform, amounts, amount_count,
                                      class_index, curve));
}

void clvgg_gradcam_options_defaults(clvgg_gradcam_options *options)
{
    if (options != NULL)
        *options = (clvgg_gradcam_options){.struct_size = sizeof *options};
}

clvgg_status clvgg_gradcam_create(clvgg_device *device, clvgg_model *model,
                                  const clvgg_gradcam_options *options, clvgg_gradcam **out)
{
    VGG_API_OUT(out);
    VGG_API_GIVEN(device, model);
    VGG_API_OPTIONS(clvgg_gradcam_options, options);
    VGG_API_REQUIRE_EXECUTION(options->execution);
    VGG_API_RETURN(model->scope, vgg_gradcam_create(device, model, options, out));
}

void clvgg_gradcam_free(clvgg_gradcam *gradcam)
{
    vgg_gradcam_free(gradcam);
}

clvgg_status clvgg_gradcam_run(clvgg_gradcam *gradcam, const float *image, int64_t class_index,
                               clvgg_gradcam_map *result)
{
    VGG_API_GIVEN(gradcam, image);
    VGG_API_STRUCT(result);
    VGG_API_RETURN(vgg_gradcam_scope(gradcam),
                   vgg_gradcam_run(gradcam, image, class_index, result));
}
