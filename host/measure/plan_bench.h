/* measure/plan_bench.h — plans checked against their layers' definition, then timed. */
#ifndef VGG_MEASURE_PLAN_BENCH_H
#define VGG_MEASURE_PLAN_BENCH_H

#include "measure/record.h"
#include "plan/plan.h"

/* Rules for plans ("*=conv_direct" …) by which each layer is computed as it is defined. With INT8
 * those are the quantised ones alone: float32 layers stay as they are chosen, because a last bit that
 * differs before a rounding decides it differently, and from layer to layer that grows until it is as
 * large as what quantising costs. */
typedef struct vgg_definition_rules {
    char texts[2 * VGG_LAYER_TYPE_COUNT][64];
    const char *rules[2 * VGG_LAYER_TYPE_COUNT];
    size_t count;
} vgg_definition_rules;
void vgg_definition_rules_list(clvgg_storage storage, vgg_definition_rules *out);

/* An image, and what a network makes of it. */
typedef struct vgg_plan_bench {
    size_t input_elements, output_elements;
    float *image;      /* [input_elements] of noise */
    double *reference; /* [output_elements] of the plan's first output */
} vgg_plan_bench;

/* The reference is what `definition`, a plan made by vgg_definition_rules, computes; or `values`,
 * [output_elements]. The caller closes the bench even where these fail. */
clvgg_status vgg_plan_bench_define(vgg_plan_bench *bench, vgg_plan *definition);
clvgg_status vgg_plan_bench_take(vgg_plan_bench *bench, size_t input_elements,
                                 size_t output_elements, const double *values);
void vgg_plan_bench_close(vgg_plan_bench *bench);

/* A relative L2 above this is wrong: see clvgg_bench_error_limit(). */
double vgg_bench_error_limit(clvgg_storage storage);
/* Does the work of clvgg_bench_run() on a plan for batches of result->batch, all images being the
 * reference's; with how->steps each step is timed too, and has the median in its stage. `record` is
 * empty before. */
clvgg_status vgg_plan_bench_run(const vgg_plan_bench *bench, vgg_plan *plan,
                                const vgg_bench_how *how, vgg_bench_record *record,
                                clvgg_bench_result *result);

#endif
