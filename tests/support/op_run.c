/* support/op_run.c — an op between guards. */
#include "support/op_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ocl/matrix_unit.h"
#include "ocl/sub_group.h"
#include "ops/upload.h"
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
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
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

clvgg_status op_run(test_device *d, const op_case *c, float *y, int32_t *switches)
{
    vgg_op op;
    clvgg_status status =
        vgg_op_configure_chosen(&op, c->variant, &c->problem, &c->traits, &c->choice);
    if (status == CLVGG_STATUS_UNSUPPORTED)
        return status;
    require_ok(status);
    require_ok(vgg_op_build(&op, d->device));

    vgg_packed_weights weights = {0}, bias = {0};
    memory_input weight_values = {c->weights, c->dtype}, bias_values = {c->bias, CLVGG_DTYPE_F32};
    const vgg_tensor_input weight_input = {&weight_values, c->dtype, read_memory};
    const vgg_tensor_input bias_input = {&bias_values, CLVGG_DTYPE_F32, read_memory};
    const uint64_t max_allocation = d->device->info.max_allocation_bytes;
    d->device->info.max_allocation_bytes = c->traits.max_allocation_bytes;
    if (op.pack.panel != 0) {
        const int64_t padded = vgg_ceil_div(op.pack.rows, op.pack.panel) * op.pack.panel;
        require_ok(
            vgg_packed_weights_create(d->device, d->queue, &op.pack, &weight_input, &weights));
        require_ok(vgg_packed_bias_create(d->device, op.pack.rows, padded,
                                          c->bias != NULL ? &bias_input : NULL, &bias));
    }
    d->device->info.max_allocation_bytes = max_allocation;

    const int written = op.reads_full_batch ? c->problem.max_batch : c->count;
    float *input = calloc((size_t)written * vgg_shape_elements(&c->problem.input), sizeof *input);
    memcpy(input, c->x, (size_t)c->count * vgg_shape_elements(&c->problem.input) * sizeof *input);
    cl_int error = CL_SUCCESS;
    cl_mem workspace = op.workspace_elements == 0
                           ? NULL
                           : clCreateBuffer(d->device->context, CL_MEM_READ_WRITE,
                                            op.workspace_elements * sizeof(float), NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    cl_mem clblast_workspace =
        op.clblast_elements == 0
            ? NULL
            : clCreateBuffer(d->device->context, CL_MEM_READ_WRITE,
                             op.clblast_elements * sizeof(float), NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    const size_t words = (size_t)written * vgg_layout_elements(&c->problem.result, op.output_block);
    const vgg_op_io io = {
        .input = upload(d, input, &c->problem.input, written, op.input_block),
        .second = c->second != NULL
                      ? upload(d, c->second, &c->problem.second, c->count, op.second_block)
                      : (vgg_buffer){0},
        .output = guarded(d, NULL, words),
        .switches = switches != NULL ? guarded(d, NULL, words) : (vgg_buffer){0},
        .workspace = {workspace, 0},
        .clblast_workspace = clblast_workspace,
        .bias = {bias.piece_count > 0 ? bias.pieces[0].memory : NULL, 0},
        .weights = &weights,
    };
    free(input);

    vgg_launch launch = vgg_launch_begin(d->queue, false, 0, NULL);
    require_ok(vgg_op_enqueue(&op, &launch, &io, c->count));
    assert_int_equal(clFinish(d->queue), CL_SUCCESS);
    float *all = malloc((size_t)written * vgg_shape_elements(&c->problem.result) * sizeof *all);
    download(d, io.output, all, &c->problem.result, written, op.output_block);
    memcpy(y, all, (size_t)c->count * vgg_shape_elements(&c->problem.result) * sizeof *y);
    free(all);
    if (switches != NULL) {
        download(d, io.switches, switches, &c->problem.result, c->count, op.output_block);
        clReleaseMemObject(io.switches.memory);
    }

    clReleaseMemObject(io.input.memory);
    if (c->second != NULL)
        clReleaseMemObject(io.second.memory);
    clReleaseMemObject(io.output.memory);
    if (workspace != NULL)
        clReleaseMemObject(workspace);
    if (clblast_workspace != NULL)
        clReleaseMemObject(clblast_workspace);
    vgg_packed_weights_free(&weights);
    vgg_packed_weights_free(&bias);
    vgg_op_release(&op);
    return CLVGG_STATUS_OK;
}
