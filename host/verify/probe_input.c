/* verify/probe_input.c — what an op under a probe reads. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "tensor/shape.h"
#include "verify/probing.h"

uint64_t vgg_probing_place(const clvgg_shape *shape, int block, const int64_t at[3])
{
    const clvgg_shape image = vgg_shape_as_image(shape);
    const int64_t pixel = at[1] * image.dims[2] + at[2], pixels = image.dims[1] * image.dims[2];
    return (uint64_t)((at[0] / block * pixels + pixel) * block + at[0] % block);
}

vgg_definition_image vgg_probing_image(const vgg_probing *p, const vgg_sample *sample)
{
    const uint64_t image = (uint64_t)sample->image;
    return (vgg_definition_image){p->x + image * p->plain_elements,
                                  p->second != NULL ? p->second + image * p->plain_second : NULL};
}

static float value_of(const vgg_probing *p, uint64_t bits)
{
    if (p->probe->whole_numbers)
        return p->signs ? (float)((int)(bits >> 32) % 4) : (float)(bits >> 62);
    const float value = (float)(2 * vgg_random_unit(bits) - 1);
    return value < 0 && !p->signs ? 0 : value;
}

/* `to` receives plain values of an image in a layout. */
static void lay_out(const clvgg_shape *shape, int block, const void *plain, void *to)
{
    const clvgg_shape image = vgg_shape_as_image(shape);
    const int64_t pixels = image.dims[1] * image.dims[2];
    const uint32_t *from = plain;
    uint32_t *values = to;
    for (int64_t c = 0; c < image.dims[0]; c++)
        for (int64_t i = 0; i < pixels; i++)
            values[(c / block * pixels + i) * block + c % block] = from[c * pixels + i];
}

static void make_second(vgg_probing *p, uint64_t image)
{
    const vgg_problem *problem = &p->op->problem;
    const vgg_layer *layer = vgg_layer_of(problem->node->type);
    uint32_t *second = p->second + image * p->plain_second;
    for (uint64_t i = 0; i < p->plain_second; i++) {
        const uint64_t bits =
            vgg_random_bits(vgg_random_bits(p->probe->seed + 1) ^ (image * p->plain_second + i));
        const float value = value_of(p, bits);
        if (layer->make_second != NULL)
            second[i] = (uint32_t)layer->make_second(problem->node, &problem->input, i, bits >> 1);
        else
            memcpy(&second[i], &value, sizeof value);
    }
    lay_out(&problem->second, p->op->second_block, second,
            p->second_input + image * p->second_elements);
}

void vgg_probing_make_inputs(vgg_probing *p)
{
    const vgg_problem *problem = &p->op->problem;
    for (uint64_t n = 0; n < (uint64_t)p->probe->images; n++) {
        float *x = p->x + n * p->plain_elements;
        for (uint64_t i = 0; i < p->plain_elements; i++)
            x[i] = value_of(
                p, vgg_random_bits(vgg_random_bits(p->probe->seed) ^ (n * p->plain_elements + i)));
        lay_out(&problem->input, p->op->input_block, x, p->input + n * p->input_elements);
        /* The definition gets what the chain quantises first. */
        for (uint64_t i = 0; i < p->plain_elements && problem->quantized != NULL; i++)
            x[i] = (float)vgg_quantized(problem->quantized, x[i]);
        if (p->second != NULL)
            make_second(p, n);
    }
}

static clvgg_status write(const vgg_probing *p, vgg_buffer to, uint64_t elements, const void *from)
{
    VGG_CL_PASS(clEnqueueWriteBuffer(
        p->probe->queue, to.memory, CL_TRUE, (size_t)to.offset * sizeof(float),
        (size_t)p->probe->images * (size_t)elements * sizeof(float), from, 0, NULL, NULL));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_probing_write_inputs(const vgg_probing *p)
{
    const vgg_op_io *io = &p->probe->stage->io;
    VGG_PASS(write(p, io->input, p->input_elements, p->input));
    return p->second != NULL ? write(p, io->second, p->second_elements, p->second_input)
                             : CLVGG_STATUS_OK;
}

/* An element of the input that the output's element at a sample reads. */
static vgg_sample read_by(const vgg_probing *p, const vgg_sample *sample)
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
    read.at[0] = read.at[0] < image.dims[0] ? read.at[0] : image.dims[0] - 1;
    return read;
}

void vgg_probing_put_nans(vgg_probing *p)
{
    enum { NANS = 8 };
    const clvgg_shape *shape = &p->op->problem.input;
    for (int i = 0; i < NANS; i++) {
        const int chosen = (int)((int64_t)p->samples.count * (2 * i + 1) / (2 * NANS));
        const vgg_sample nan = read_by(p, &p->samples.items[chosen]);
        const uint64_t image = (uint64_t)nan.image;
        p->x[image * p->plain_elements + vgg_probing_place(shape, 1, nan.at)] = NAN;
        p->input[image * p->input_elements + vgg_probing_place(shape, p->op->input_block, nan.at)] =
            NAN;
    }
}
