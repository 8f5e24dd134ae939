/* verify/probe_judge.c — what an op under a probe may be off by, and whether it is.
 *
 * Where the variant's sums are exact in any order, nothing if all terms are whole numbers, else
 * 8·√terms·2⁻²⁴ of the sum of its terms' sizes; where the variant has an error bound, eight times
 * that of the terms' sizes. These are far above what rounding does and far below what a wrong
 * element shows. Layers that are no sums: 1e-5 of the value, or of 0.01, a pooling's and what has
 * two inputs 0.1. Where weights are rounded after their transform the bound is coarse, and
 * 36/√terms of it are allowed: errors of many terms cancel. That is three times what was measured,
 * of VGG16's own weights and of made-up ones, with two runtimes of CPUs alike.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "tensor/shape.h"
#include "verify/probing.h"

void vgg_probing_wrong(vgg_finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (finding->right)
        vsnprintf(finding->words, sizeof finding->words, format, arguments);
    va_end(arguments);
    finding->right = false;
}

/* "image 0, channel 3, row 0, column 17", or "image 0, feature 3". */
static const char *describe(const vgg_probing *p, const vgg_sample *sample, char text[96])
{
    const bool image = p->op->problem.result.rank == 3;
    int length = snprintf(text, 96, "image %d, %s %lld", sample->image,
                          image ? "channel" : "feature", (long long)sample->at[0]);
    if (image)
        snprintf(text + length, 96 - (size_t)length, ", row %lld, column %lld",
                 (long long)sample->at[1], (long long)sample->at[2]);
    return text;
}

/* Where a sample lies in an output as the device has it. */
static uint64_t answer_place(const vgg_probing *p, const vgg_sample *sample)
{
    return (uint64_t)sample->image * p->output_elements +
           vgg_probing_place(&p->op->problem.result, p->op->output_block, sample->at);
}

static float answer_at(const vgg_probing *p, const float *answers, const vgg_sample *sample)
{
    return answers[answer_place(p, sample)];
}

/* The definition takes a sample's channel, unless it is that of the sample before. */
static clvgg_status take_channel_of(vgg_probing *p, int i)
{
    const vgg_sample *sample = &p->samples.items[i];
    if (i > 0 && sample->at[0] == p->samples.items[i - 1].at[0])
        return CLVGG_STATUS_OK;
    return vgg_definition_take_channel(&p->definition, sample->at[0]);
}

/* F(2x2) takes halves and quarters of sums of weights: of whole ones those are stored as they are.
 */
double vgg_probe_bound(const vgg_op *op, bool whole_numbers)
{
    return whole_numbers && op->pack.winograd == 2 ? op->variant->error_bound
                                                   : vgg_op_error_bound(op);
}

/* The part of its terms' sizes that a sum may be off by. */
static double allowed_part(const vgg_probing *p)
{
    const uint64_t terms = vgg_definition_terms(&p->op->problem);
    const double bound = vgg_probe_bound(p->op, p->probe->whole_numbers);
    if (terms == 0)
        return 1e-5;
    if (bound == 0 && p->probe->whole_numbers && vgg_definition_is_products(&p->op->problem) &&
        p->op->problem.quantized == NULL)
        return 0;
    const double root = sqrt((double)terms);
    const double rounded = bound > VGG_PROBE_COARSE ? fmin(36 / root, 8) * bound : 8 * bound;
    return fmax(8 * root * 0x1p-24, rounded);
}

/* What an error is measured by at least, where a value isn't measured by its terms: those of values
 * of both signs cancel. */
static double least_scale(const vgg_problem *problem)
{
    const vgg_layer *layer = problem->node != NULL ? vgg_layer_of(problem->node->type) : NULL;
    return layer != NULL && (layer->window != NULL || layer->further_inputs > 0) ? 0.1 : 0.01;
}

static void judge_side(const vgg_probing *p, const vgg_sample *sample)
{
    const vgg_definition_image image = vgg_probing_image(p, sample);
    const int32_t expected = vgg_definition_side_element(&p->definition, &image, sample->at);
    const int32_t answer = p->side[answer_place(p, sample)];
    char where[96];
    if (answer != expected)
        vgg_probing_wrong(p->finding, "%s: switch %d, expected %d", describe(p, sample, where),
                          (int)answer, (int)expected);
}

clvgg_status vgg_probing_judge_values(vgg_probing *p)
{
    const double part = allowed_part(p), least = least_scale(&p->op->problem);
    const uint64_t terms = vgg_definition_terms(&p->op->problem);
    double difference = 0, size = 0;
    char where[96];
    for (int i = 0; i < p->samples.count; i++) {
        const vgg_sample *sample = &p->samples.items[i];
        const vgg_definition_image image = vgg_probing_image(p, sample);
        VGG_PASS(take_channel_of(p, i));
        const double expected = vgg_definition_element(&p->definition, &image, sample->at);
        const double answer = (double)answer_at(p, p->first, sample);
        const double off = fabs(answer - expected);
        const double scale = terms > 0 ? vgg_definition_size(&p->definition, &image, sample->at)
                                       : fmax(fabs(expected), least);
        /* Devices may take each term for 0 that is smaller than FLT_MIN. */
        const double allowed = part * scale + (double)(terms + 1) * (double)FLT_MIN;
        const double share = off / allowed;
        if (!(scale <= (double)FLT_MAX)) /* the network itself overflows there */
            continue;
        if (!(share <= 1))
            vgg_probing_wrong(p->finding, "%s: %.9g, expected %.9g", describe(p, sample, where),
                              answer, expected);
        if (p->side != NULL)
            judge_side(p, sample);
        p->finding->largest =
            share > p->finding->largest || isnan(share) ? share : p->finding->largest;
        difference += off * off;
        size += expected * expected;
    }
    p->finding->samples = p->samples.count;
    p->finding->l2 = difference == 0 ? 0 : sqrt(difference / size);
    return CLVGG_STATUS_OK;
}

void vgg_probing_give_answers(const vgg_probing *p)
{
    const clvgg_shape image = vgg_shape_as_image(&p->op->problem.result);
    const uint64_t elements = vgg_shape_elements(&image);
    for (uint64_t i = 0; p->probe->answers != NULL && i < elements * (uint64_t)p->probe->images;
         i++) {
        const int64_t at = (int64_t)(i % elements), pixels = image.dims[1] * image.dims[2];
        const vgg_sample sample = {(int)(i / elements),
                                   {at / pixels, at % pixels / image.dims[2], at % image.dims[2]}};
        p->probe->answers[i] = answer_at(p, p->first, &sample);
    }
}

void vgg_probing_judge_padding(const vgg_probing *p)
{
    const clvgg_shape image = vgg_shape_as_image(&p->op->problem.result);
    const int64_t block = p->op->output_block;
    const int64_t channels = vgg_ceil_div(image.dims[0], block) * block;
    char where[96];
    for (int n = 0; n < p->probe->images && p->finding->right; n++)
        for (int64_t c = image.dims[0]; c < channels; c++)
            for (int64_t i = 0; i < image.dims[1] * image.dims[2]; i++) {
                const vgg_sample sample = {n, {c, i / image.dims[2], i % image.dims[2]}};
                const double answer = (double)answer_at(p, p->first, &sample);
                if (!(answer == 0))
                    vgg_probing_wrong(p->finding, "%s: %.9g, past the last channel it must be 0",
                                      describe(p, &sample, where), answer);
            }
}

clvgg_status vgg_probing_judge_nans(vgg_probing *p)
{
    char where[96];
    for (int i = 0; i < p->samples.count && p->finding->right; i++) {
        const vgg_sample *sample = &p->samples.items[i];
        const vgg_definition_image image = vgg_probing_image(p, sample);
        VGG_PASS(take_channel_of(p, i));
        const double expected = vgg_definition_element(&p->definition, &image, sample->at);
        const double answer = (double)answer_at(p, p->again, sample);
        if (isnan(expected) && !isnan(answer))
            vgg_probing_wrong(p->finding, "%s: %.9g, a NaN of the input is swallowed",
                              describe(p, sample, where), answer);
    }
    return CLVGG_STATUS_OK;
}
