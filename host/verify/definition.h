/* verify/definition.h — elements of what a chain of layers gives, by their definitions on the host:
 * what a device's answers are held against.
 *
 *     vgg_definition definition;
 *     VGG_TRY(vgg_definition_open(&op->problem, &parameters, &definition));
 *     VGG_TRY(vgg_definition_take_channel(&definition, k));       // reads the channel's parameters
 *     value = vgg_definition_element(&definition, &image, (int64_t[3]){k, row, column});
 *     vgg_definition_close(&definition);
 *
 * The layers' rows say what an element is (graph/layer.h).
 */
#ifndef VGG_VERIFY_DEFINITION_H
#define VGG_VERIFY_DEFINITION_H

#include "graph/layer.h"
#include "ops/op.h"

/* Where parameters of a chain's first layer come from: what belongs to output channel k of each, as
 * `count` float32 values. */
typedef struct vgg_channel_source {
    void *user;
    clvgg_status (*read)(void *user, int parameter, int64_t k, uint64_t count, float *values);
} vgg_channel_source;

typedef struct vgg_definition {
    const vgg_problem *problem;
    const vgg_channel_source *source;
    float *rows[VGG_VARIANCE + 1];  /* of the channel that was taken; NULL: not there */
    float *sizes[VGG_VARIANCE + 1]; /* likewise, such that no two terms cancel */
    uint64_t row_elements[VGG_VARIANCE + 1];
    float *plane; /* the pooling's input in that channel, where its window is */
} vgg_definition;

/* One image of what a chain reads, plain layout. */
typedef struct vgg_definition_image {
    const float *x;
    const void *second; /* of a layer with two inputs; else NULL */
} vgg_definition_image;

/* Says whether a problem's layers have a definition. */
bool vgg_definition_exists(const vgg_problem *problem);
/* A conversion of layouts, which has no layer, is defined as the identity. The problem and the
 * source must outlive the definition. Errors: OUT_OF_MEMORY. */
clvgg_status vgg_definition_open(const vgg_problem *problem, const vgg_channel_source *source,
                                 vgg_definition *definition);
void vgg_definition_close(vgg_definition *definition);
/* Reads the parameters of output channel `k`. Errors: the source's. */
clvgg_status vgg_definition_take_channel(vgg_definition *definition, int64_t k);
/* The element at `at` of the whole chain's output, whose channel was taken. */
double vgg_definition_element(const vgg_definition *definition, const vgg_definition_image *image,
                              const int64_t at[3]);
/* The same of what the layer writes beside it (graph/layer.h). */
int32_t vgg_definition_side_element(const vgg_definition *definition,
                                    const vgg_definition_image *image, const int64_t at[3]);
/* Says whether an element is a sum of products alone, which is exact where all terms are whole
 * numbers that are small enough. */
bool vgg_definition_is_products(const vgg_problem *problem);
/* Terms of the sum that an element is, its bias among them; 0 where it is none. */
uint64_t vgg_definition_terms(const vgg_problem *problem);
/* The sum of these terms' absolute values, by which rounding errors are bounded; a pooling's is the
 * largest of its window. The image must have no value below 0. */
double vgg_definition_size(const vgg_definition *definition, const vgg_definition_image *image,
                           const int64_t at[3]);

#endif
