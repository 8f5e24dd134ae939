/* verify/probe.c — see probe.h.
 *
 * What an element may be off by: where the variant's sums are exact in any order, nothing if all
 * terms are whole numbers, else 8·√terms·2⁻²⁴ of the sum of its terms' sizes; where the variant has
 * an error bound, eight times that of the terms' sizes. These are far above what rounding does and
 * far below what a wrong element shows. Layers that are no sums: 1e-5 of the value, or of 0.01, a
 * pooling's 0.1. Where weights are rounded after their transform the bound is coarse, and 64/√terms
 * of it are allowed: errors of many terms cancel.
 */
#include "verify/probe.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "verify/samples.h"

static const double enough_ms = 500;    /* of repeats beyond the second run */
static const double patience_ms = 2000; /* of one run: NaN isn't tried on devices that are slower */

/* A probe under way. */
typedef struct probing {
    const vgg_probe *probe;
    const vgg_op *op;
    vgg_finding *finding;
    vgg_definition definition;
    vgg_samples samples;
    uint64_t input_elements, output_elements; /* of one image, in the op's layouts */
    uint64_t plain_elements;                  /* of one image of the input */
    bool signs;                               /* inputs may be below 0 */
    float *x;                                 /* [images], plain */
    float *input, *first, *again;             /* as they lie on the device */
    double run_ms;                            /* of the latest run */
} probing;

/* Where an element lies in a layout. */
static uint64_t place_of(const clvgg_shape *shape, int block, const int64_t at[3])
{
    const clvgg_shape image = vgg_shape_as_image(shape);
    const int64_t pixel = at[1] * image.dims[2] + at[2], pixels = image.dims[1] * image.dims[2];
    return (uint64_t)((at[0] / block * pixels + pixel) * block + at[0] % block);
}

/* ---- what goes in ---- */

static float value_at(const probing *p, uint64_t i)
{
    const uint64_t bits = vgg_random_bits(vgg_random_bits(p->probe->seed) ^ i);
    if (p->probe->whole_numbers)
        return p->signs ? (float)((int)(bits >> 32) % 4) : (float)(bits >> 62);
    const float value = (float)(2 * vgg_random_unit(bits) - 1);
    return value < 0 && !p->signs ? 0 : value;
}

static void make_input(probing *p)
{
    const clvgg_shape image = vgg_shape_as_image(&p->op->problem.input);
    const int64_t pixels = image.dims[1] * image.dims[2], block = p->op->input_block;
    for (int n = 0; n < p->probe->images; n++) {
        float *x = p->x + (uint64_t)n * p->plain_elements;
        float *input = p->input + (uint64_t)n * p->input_elements;
        for (uint64_t i = 0; i < p->plain_elements; i++)
            x[i] = value_at(p, (uint64_t)n * p->plain_elements + i);
        for (int64_t c = 0; c < image.dims[0]; c++)
            for (int64_t i = 0; i < pixels; i++)
                input[(c / block * pixels + i) * block + c % block] = x[c * pixels + i];
    }
}

static clvgg_status write_input(const probing *p)
{
    const vgg_buffer to = p->probe->stage->io.input;
    VGG_CL_PASS(
        clEnqueueWriteBuffer(p->probe->queue, to.memory, CL_TRUE, (size_t)to.offset * sizeof(float),
                             (size_t)p->probe->images * (size_t)p->input_elements * sizeof(float),
                             p->input, 0, NULL, NULL));
    return CLVGG_STATUS_OK;
}

/* ---- running ---- */

/* What isn't written must not look like what was right before. */
static clvgg_status run_into(probing *p, float *values)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const double start_ms = vgg_clock_ms();
    const vgg_buffer from = p->probe->stage->io.output;
    const float nothing = NAN;
    const size_t bytes = (size_t)p->probe->images * (size_t)p->output_elements * sizeof(float);
    vgg_launch launch = vgg_launch_begin(p->probe->queue, false, 0, NULL);
    VGG_CL(clEnqueueFillBuffer(p->probe->queue, from.memory, &nothing, sizeof nothing,
                               (size_t)from.offset * sizeof(float), bytes, 0, NULL, NULL));
    VGG_TRY(vgg_stage_enqueue(p->probe->stage, &launch, p->probe->images));
    VGG_CL(clEnqueueReadBuffer(p->probe->queue, from.memory, CL_TRUE,
                               (size_t)from.offset * sizeof(float), bytes, values, 0, NULL, NULL));
    p->run_ms = vgg_clock_ms() - start_ms;
cleanup:
    vgg_launch_abandon(&launch);
    return status;
}

/* ---- judging ---- */

static bool is_wrong(vgg_finding *finding, const char *format, ...) VGG_PRINTF(2, 3);
static bool is_wrong(vgg_finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (finding->right)
        vsnprintf(finding->words, sizeof finding->words, format, arguments);
    va_end(arguments);
    finding->right = false;
    return false;
}

/* "image 0, channel 3, row 0, column 17", or "image 0, feature 3". */
static const char *describe(const probing *p, const vgg_sample *sample, char text[96])
{
    const bool image = p->op->problem.result.rank == 3;
    int length = snprintf(text, 96, "image %d, %s %lld", sample->image,
                          image ? "channel" : "feature", (long long)sample->at[0]);
    if (image)
        snprintf(text + length, 96 - (size_t)length, ", row %lld, column %lld",
                 (long long)sample->at[1], (long long)sample->at[2]);
    return text;
}

static float answer_at(const probing *p, const float *answers, const vgg_sample *sample)
{
    return answers[(uint64_t)sample->image * p->output_elements +
                   place_of(&p->op->problem.result, p->op->output_block, sample->at)];
}

static const float *image_of(const probing *p, const vgg_sample *sample)
{
    return p->x + (uint64_t)sample->image * p->plain_elements;
}

/* The definition takes a sample's channel, unless it is that of the sample before. */
static clvgg_status take_channel_of(probing *p, int i)
{
    const vgg_sample *sample = &p->samples.items[i];
    if (i > 0 && sample->at[0] == p->samples.items[i - 1].at[0])
        return CLVGG_STATUS_OK;
    return vgg_definition_take_channel(&p->definition, sample->at[0]);
}

/* The part of its terms' sizes that a sum may be off by. */
static double allowed_part(const probing *p)
{
    const uint64_t terms = vgg_definition_terms(&p->op->problem);
    const double bound = vgg_op_error_bound(p->op);
    if (terms == 0)
        return 1e-5;
    if (bound == 0 && p->probe->whole_numbers && vgg_definition_is_products(&p->op->problem))
        return 0;
    const double root = sqrt((double)terms);
    const double rounded = bound > 1e-4 ? fmin(64 / root, 8) * bound : 8 * bound;
    return fmax(8 * root * 0x1p-24, rounded);
}

static clvgg_status judge_values(probing *p)
{
    const double part = allowed_part(p);
    const uint64_t terms = vgg_definition_terms(&p->op->problem);
    const bool sum = terms > 0;
    const vgg_node *node = p->op->problem.node;
    /* Means of values of both signs cancel. */
    const double least = node != NULL && vgg_layer_of(node->type)->window != NULL ? 0.1 : 0.01;
    double difference = 0, size = 0;
    char where[96];
    for (int i = 0; i < p->samples.count; i++) {
        const vgg_sample *sample = &p->samples.items[i];
        const float *x = image_of(p, sample);
        VGG_PASS(take_channel_of(p, i));
        const double expected = vgg_definition_element(&p->definition, x, sample->at);
        const double answer = (double)answer_at(p, p->first, sample);
        const double off = fabs(answer - expected);
        const double scale =
            sum ? vgg_definition_size(&p->definition, x, sample->at) : fmax(fabs(expected), least);
        /* Devices may take each term for 0 that is smaller than FLT_MIN. */
        const double allowed = part * scale + (double)(terms + 1) * (double)FLT_MIN;
        const double share = off / allowed;
        if (!(scale <= (double)FLT_MAX)) /* the network itself overflows there */
            continue;
        if (!(share <= 1))
            is_wrong(p->finding, "%s: %.9g, expected %.9g", describe(p, sample, where), answer,
                     expected);
        p->finding->largest =
            share > p->finding->largest || isnan(share) ? share : p->finding->largest;
        difference += off * off;
        size += expected * expected;
    }
    p->finding->samples = p->samples.count;
    p->finding->l2 = difference == 0 ? 0 : sqrt(difference / size);
    return CLVGG_STATUS_OK;
}

static void give_answers(const probing *p)
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

/* Kernels read whole vectors of channels: what is past the last must be zero. */
static void judge_padding(const probing *p)
{
    const clvgg_shape image = vgg_shape_as_image(&p->op->problem.result);
    const int64_t block = p->op->output_block;
    const int64_t channels = vgg_ceil_div(image.dims[0], block) * block;
    for (int n = 0; n < p->probe->images && p->finding->right; n++)
        for (int64_t c = image.dims[0]; c < channels; c++)
            for (int64_t i = 0; i < image.dims[1] * image.dims[2]; i++) {
                const vgg_sample sample = {n, {c, i / image.dims[2], i % image.dims[2]}};
                char where[96];
                if (!(answer_at(p, p->first, &sample) == 0)) {
                    is_wrong(p->finding, "%s: %.9g, past the last channel it must be 0",
                             describe(p, &sample, where), (double)answer_at(p, p->first, &sample));
                    return;
                }
            }
}

static clvgg_status judge_repeats(probing *p)
{
    const size_t bytes = (size_t)p->probe->images * (size_t)p->output_elements * sizeof(float);
    const double start_ms = vgg_clock_ms();
    for (int run = 1; run < p->probe->repeats && p->finding->right &&
                      (run == 1 || vgg_clock_ms() - start_ms < enough_ms);
         run++) {
        VGG_PASS(run_into(p, p->again));
        if (memcmp(p->first, p->again, bytes) != 0)
            is_wrong(p->finding, "two runs give different values");
    }
    return CLVGG_STATUS_OK;
}

/* ---- NaN ---- */

/* An element of the input that the output's element at a sample reads. */
static vgg_sample read_by(const probing *p, const vgg_sample *sample)
{
    const vgg_problem *problem = &p->op->problem;
    const clvgg_shape image = vgg_shape_as_image(&problem->input);
    vgg_sample read = *sample;
    const vgg_layer *layer = problem->node != NULL ? vgg_layer_of(problem->node->type) : NULL;
    if (layer == NULL)
        return read;
    if (layer->as_convolution != NULL) {
        const vgg_conv_attributes conv = vgg_problem_conv(problem);
        const int64_t channels = image.dims[0] / conv.groups;
        read.at[0] =
            sample->at[0] / (conv.out_channels / conv.groups) * channels + sample->at[0] % channels;
    }
    for (int axis = 0; axis < 2; axis++) {
        vgg_window window = {1, 1, 1, 0}, pool = {1, 1, 1, 0};
        int64_t *at = &read.at[1 + axis];
        if (problem->pool != NULL)
            vgg_layer_of(problem->pool->type)->window(problem->pool, &problem->output, axis, &pool);
        if (layer->window != NULL && !layer->window(problem->node, &problem->input, axis, &window))
            window = (vgg_window){1, 1, 1, 0}; /* adaptive: some window begins there */
        *at = *at * pool.stride - pool.pad;
        *at = (*at < 0 ? 0 : *at) * window.stride - window.pad;
        while (*at < 0)
            *at += window.dilation;
        *at = *at < image.dims[1 + axis] ? *at : image.dims[1 + axis] - 1;
    }
    return read;
}

/* Puts NaNs where some sampled elements read them: whatever the definition makes a NaN must be one.
 */
static clvgg_status judge_nan(probing *p)
{
    enum { NANS = 8 };
    char where[96];
    for (int i = 0; i < NANS; i++) {
        const int chosen = (int)((int64_t)p->samples.count * (2 * i + 1) / (2 * NANS));
        const vgg_sample nan = read_by(p, &p->samples.items[chosen]);
        p->x[(uint64_t)nan.image * p->plain_elements + place_of(&p->op->problem.input, 1, nan.at)] =
            p->input[(uint64_t)nan.image * p->input_elements +
                     place_of(&p->op->problem.input, p->op->input_block, nan.at)] = NAN;
    }
    VGG_PASS(write_input(p));
    VGG_PASS(run_into(p, p->again));
    for (int i = 0; i < p->samples.count && p->finding->right; i++) {
        const vgg_sample *sample = &p->samples.items[i];
        VGG_PASS(take_channel_of(p, i));
        const double expected =
            vgg_definition_element(&p->definition, image_of(p, sample), sample->at);
        const double answer = (double)answer_at(p, p->again, sample);
        if (isnan(expected) && !isnan(answer))
            is_wrong(p->finding, "%s: %.9g, a NaN of the input is swallowed",
                     describe(p, sample, where), answer);
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_probe_run(const vgg_probe *probe, vgg_finding *finding)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_op *op = &probe->stage->op;
    const size_t images = (size_t)probe->images;
    probing p = {.probe = probe,
                 .op = op,
                 .finding = finding,
                 .signs = vgg_definition_terms(&op->problem) == 0,
                 .input_elements = vgg_layout_elements(&op->problem.input, op->input_block),
                 .output_elements = vgg_layout_elements(&op->problem.result, op->output_block),
                 .plain_elements = vgg_shape_elements(&op->problem.input)};
    *finding = (vgg_finding){.right = true};
    VGG_NEW(p.x, images * (size_t)p.plain_elements);
    VGG_NEW(p.input, images * (size_t)p.input_elements);
    VGG_NEW(p.first, images * (size_t)p.output_elements);
    VGG_NEW(p.again, images * (size_t)p.output_elements);
    VGG_TRY(vgg_definition_open(&op->problem, &probe->parameters, &p.definition));
    VGG_TRY(vgg_samples_choose(&op->problem.result, probe->images, probe->channels, probe->samples,
                               probe->seed, &p.samples));
    make_input(&p);
    VGG_TRY(write_input(&p));
    VGG_TRY(run_into(&p, p.first));
    VGG_TRY(judge_values(&p));
    give_answers(&p);
    judge_padding(&p);
    VGG_TRY(judge_repeats(&p));
    if (finding->right && p.run_ms <= patience_ms)
        VGG_TRY(judge_nan(&p));
cleanup:
    vgg_samples_free(&p.samples);
    vgg_definition_close(&p.definition);
    vgg_free(p.again);
    vgg_free(p.first);
    vgg_free(p.input);
    vgg_free(p.x);
    return status;
}
