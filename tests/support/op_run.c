/* support/op_run.c — an op between guards. */
#include "support/op_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "exec/chain.h"
#include "ocl/byte_products.h"
#include "ocl/matrix_unit.h"
#include "ocl/sub_group.h"
#include "support/guarded.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

void to_blocked(const void *plain, void *blocked, int64_t n, int64_t c, int64_t pixels, int block)
{
    const int64_t blocks = (c + block - 1) / block;
    const uint32_t *from = plain;
    uint32_t *to = blocked;
    memset(to, 0, (size_t)(n * blocks * pixels * block) * sizeof *to);
    for (int64_t i = 0; i < n * c * pixels; i++) {
        const int64_t p = i % pixels, channel = i / pixels % c, image = i / pixels / c;
        to[((image * blocks + channel / block) * pixels + p) * block + channel % block] = from[i];
    }
}

void from_blocked(const void *blocked, void *plain, int64_t n, int64_t c, int64_t pixels, int block)
{
    const int64_t blocks = (c + block - 1) / block;
    const uint32_t *from = blocked;
    uint32_t *to = plain;
    for (int64_t i = 0; i < n * c * pixels; i++) {
        const int64_t p = i % pixels, channel = i / pixels % c, image = i / pixels / c;
        to[i] = from[((image * blocks + channel / block) * pixels + p) * block + channel % block];
    }
}

vgg_traits test_traits(const test_device *device)
{
    vgg_traits traits = vgg_traits_of(&device->device->info);
    traits.queue = device->queue;
    assert_int_equal(vgg_matrix_unit_check(device->device, &traits.amx), CLVGG_STATUS_OK);
    assert_int_equal(vgg_byte_products_check(device->device, &traits.byte_products), CLVGG_STATUS_OK);
    assert_int_equal(vgg_sub_group_check(device->device, &traits.sub_groups), CLVGG_STATUS_OK);
    if (getenv("CLVGG_TEST_VECTOR_WIDTH") != NULL)
        traits.vector_width = atoi(getenv("CLVGG_TEST_VECTOR_WIDTH"));
    return traits;
}

bool tuning_step(const vgg_variant *variant, int step, vgg_choice *choice)
{
    const bool brief = getenv("CLVGG_TEST_SMALL") != NULL;
    *choice = (vgg_choice){{0}};
    for (int t = 0; variant->tunables != NULL && variant->tunables[t].name != NULL; t++) {
        const int *values = variant->tunables[t].values;
        for (int i = 0; i < VGG_TUNABLE_VALUES && values[i] != 0; i++) {
            const bool last = i + 1 == VGG_TUNABLE_VALUES || values[i + 1] == 0;
            if (brief && i > 0 && !last)
                continue;
            if (step-- == 0) {
                choice->values[t] = values[i];
                return true;
            }
        }
    }
    return false;
}

const char *choice_text(const vgg_variant *variant, const vgg_choice *choice)
{
    static char text[256];
    text[0] = '\0';
    for (int t = 0; variant->tunables != NULL && variant->tunables[t].name != NULL; t++)
        if (choice->values[t] != 0)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s=%d",
                     text[0] != '\0' ? " " : "", variant->tunables[t].name, choice->values[t]);
    return text;
}

static uint32_t next_random(uint32_t *state)
{
    return vgg_random_next(state) >> 8;
}

void fill_integers(float *values, size_t count, int range, uint32_t seed)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)((int)(next_random(&seed) % (uint32_t)(2 * range + 1)) - range);
}

void fill_normal(float *values, size_t count, double deviation, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        double sum = 0.0;
        for (int j = 0; j < 12; j++)
            sum += next_random(&seed) / 16777216.0;
        values[i] = (float)((sum - 6.0) * deviation);
    }
}

typedef struct memory_input {
    const float *values;
    clvgg_dtype dtype;
} memory_input;

static clvgg_status read_memory(void *user, uint64_t first, uint64_t count, void *data)
{
    const memory_input *input = user;
    vgg_from_f32(input->dtype, input->values + first, (size_t)count, data);
    return CLVGG_STATUS_OK;
}

static void require_ok(clvgg_status status)
{
    if (status != CLVGG_STATUS_OK)
        print_error("%s: %s\n", clvgg_status_name(status), clvgg_status_message());
    assert_int_equal(status, CLVGG_STATUS_OK);
}

/* Values of a tensor between layouts, guarded: in on the way to the device, out on the way back. */
static vgg_buffer upload(test_device *d, const void *plain, const clvgg_shape *shape, int count,
                         int block)
{
    const clvgg_shape image = vgg_shape_as_image(shape);
    const size_t words = (size_t)count * (size_t)vgg_layout_elements(shape, block);
    uint32_t *blocked = malloc(words * sizeof *blocked);
    to_blocked(plain, blocked, count, image.dims[0], image.dims[1] * image.dims[2], block);
    const vgg_buffer buffer = guarded(d, blocked, words);
    free(blocked);
    return buffer;
}

static void download(test_device *d, vgg_buffer buffer, void *plain, const clvgg_shape *shape,
                     int count, int block)
{
    const clvgg_shape image = vgg_shape_as_image(shape);
    const size_t words = (size_t)count * (size_t)vgg_layout_elements(shape, block);
    uint32_t *blocked = malloc(words * sizeof *blocked);
    read_guarded(d, buffer, blocked, words);
    from_blocked(blocked, plain, count, image.dims[0], image.dims[1] * image.dims[2], block);
    free(blocked);
}

/* The weights, in pieces as large as the case's device allows. */
static void pack(test_device *d, const op_case *c, vgg_stage *stage)
{
    memory_input weight_values = {c->weights, c->dtype}, bias_values = {c->bias, CLVGG_DTYPE_F32};
    const vgg_tensor_input weights = {&weight_values, c->dtype, read_memory};
    const vgg_tensor_input bias = {&bias_values, CLVGG_DTYPE_F32, read_memory};
    const uint64_t max_allocation = d->device->info.max_allocation_bytes;
    d->device->info.max_allocation_bytes = c->traits.max_allocation_bytes;
    require_ok(
        vgg_stage_pack(stage, d->device, d->queue, &weights, c->bias != NULL ? &bias : NULL));
    d->device->info.max_allocation_bytes = max_allocation;
}

static void release(vgg_buffer buffer)
{
    if (buffer.memory != NULL)
        clReleaseMemObject(buffer.memory);
}

clvgg_status op_run(test_device *d, const op_case *c, float *y, int32_t *switches)
{
    vgg_chain chain = {.device = d->device};
    vgg_stage *stage = NULL;
    double ms = 0;
    require_ok(vgg_chain_add(&chain, &stage));
    const vgg_op *op = &stage->op;
    const vgg_problem *problem = &c->problem;
    const clvgg_status status =
        vgg_op_configure_chosen(&stage->op, c->variant, problem, &c->traits, &c->choice);
    if (status == CLVGG_STATUS_UNSUPPORTED) {
        vgg_chain_release(&chain);
        return status;
    }
    require_ok(status);

    const int written = op->reads_full_batch ? problem->max_batch : c->count;
    const size_t inputs = vgg_shape_elements(&problem->input);
    const size_t results = vgg_shape_elements(&problem->result);
    float *input = calloc((size_t)written * inputs, sizeof *input);
    memcpy(input, c->x, (size_t)c->count * inputs * sizeof *input);
    stage->io.input = upload(d, input, &problem->input, written, op->input_block);
    free(input);
    if (c->second != NULL)
        stage->io.second = upload(d, c->second, &problem->second, c->count, op->second_block);
    const size_t words = (size_t)written * vgg_layout_elements(&problem->result, op->output_block);
    stage->io.output = guarded(d, NULL, words);
    if (switches != NULL)
        stage->io.switches = guarded(d, NULL, words);
    require_ok(vgg_chain_prepare(&chain));
    pack(d, c, stage);
    require_ok(vgg_chain_run(&chain, d->queue, c->count, &ms));

    float *all = malloc((size_t)written * results * sizeof *all);
    download(d, stage->io.output, all, &problem->result, written, op->output_block);
    memcpy(y, all, (size_t)c->count * results * sizeof *y);
    free(all);
    if (switches != NULL)
        download(d, stage->io.switches, switches, &problem->result, c->count, op->output_block);
    release(stage->io.input);
    release(stage->io.second);
    release(stage->io.output);
    release(stage->io.switches);
    vgg_chain_release(&chain);
    return CLVGG_STATUS_OK;
}
