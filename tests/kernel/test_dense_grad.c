/* kernel/test_dense_grad.c — every variant of a dense layer's gradients against double-precision
 * loops: on small integers exact, with the optimisers' square roots within a few roundings.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec/chain.h"
#include "support/device_fixture.h"
#include "support/guarded.h"
#include "support/must_run.h"
#include "support/networks.h"
#include "support/op_run.h"
#include "support/skip.h"

typedef struct grad_shape {
    int64_t inputs, outputs;
    int batch; /* of the plan */
    int count; /* of the run */
} grad_shape;

enum { SMALL_COUNT = 5 };
static const grad_shape shapes[] = {{1, 1, 1, 1},     {7, 5, 1, 1},      {65, 33, 3, 2},
                                    {29, 70, 2, 2},   {130, 31, 17, 17}, {100, 2, 8, 5},
                                    {57, 64, 40, 33}, {257, 100, 4, 3},  {512, 128, 33, 33},
                                    {1000, 10, 9, 1}, {25, 400, 4, 3},   {315, 65, 18, 17}};
enum { SHAPE_COUNT = sizeof shapes / sizeof *shapes };

static const int panels[] = {1, 4, 16, 32, 128};
enum { PANEL_COUNT = sizeof panels / sizeof *panels, RULE_COUNT = VGG_RULE_ADAMW + 1 };

/* Small dyadic numbers: SGD's steps with them are exact. */
static const float hyper[VGG_HYPER_COUNT] = {
    [VGG_HYPER_SCALE] = 0.5f,      [VGG_HYPER_LR] = 0.25f,      [VGG_HYPER_MOMENTUM] = 0.5f,
    [VGG_HYPER_DECAY] = 0.5f,      [VGG_HYPER_BETA2] = 0.75f,   [VGG_HYPER_BETA2_REST] = 0.25f,
    [VGG_HYPER_CORRECTION] = 1.5f, [VGG_HYPER_EPSILON] = 0.125f};

/* A case, canonical [outputs][inputs], and packed where it goes to the device. */
typedef struct grad_case {
    const vgg_grad_variant *variant;
    const grad_shape *shape;
    vgg_pack pack;
    vgg_update_rule rule;
    uint64_t max_allocation_bytes; /* 0: the device's */
    uint64_t max_launch_flops;     /* the same */
    float *x, *dy, *state[3];      /* w, m, v */
} grad_case;

static size_t weight_count(const grad_case *c)
{
    return (size_t)(c->shape->inputs * c->shape->outputs);
}

static int state_count(const grad_case *c)
{
    return c->variant->gradient == VGG_GRADIENT_DATA ? 1 : vgg_rule_is_adam(c->rule) ? 3 : 2;
}

static grad_case make_case(const vgg_grad_variant *variant, const grad_shape *s, int panel,
                           vgg_update_rule rule)
{
    grad_case c = {.variant = variant,
                   .shape = s,
                   .pack = {.rows = s->outputs,
                            .channels = s->inputs,
                            .spatial = 1,
                            .block = 1,
                            .panel = panel,
                            .splittable = true},
                   .rule = rule};
    const size_t x = (size_t)(s->count * s->inputs), dy = (size_t)(s->count * s->outputs);
    c.x = malloc(x * sizeof *c.x);
    c.dy = malloc(dy * sizeof *c.dy);
    fill_integers(c.x, x, 4, 1);
    fill_integers(c.dy, dy, 3, 2);
    for (int i = 0; i < 3; i++) {
        c.state[i] = malloc(weight_count(&c) * sizeof(float));
        fill_integers(c.state[i], weight_count(&c), 9, 3 + (uint32_t)i);
    }
    for (size_t i = 0; i < weight_count(&c); i++)
        c.state[2][i] = fabsf(c.state[2][i]); /* a square */
    return c;
}

static void free_case(grad_case *c)
{
    free(c->x);
    free(c->dy);
    for (int i = 0; i < 3; i++)
        free(c->state[i]);
}

/* Index of a canonical element in a buffer of packed rows. */
static size_t packed_index(const vgg_pack *pack, int64_t row, int64_t column)
{
    return (size_t)((row / pack->panel * pack->channels + column) * pack->panel +
                    row % pack->panel);
}

enum { MARKED = 19 }; /* words behind each piece that must survive */
static const uint32_t mark = 0x7FC0BEEF;

/* Values in packed pieces, zeros in the padding, marks behind. */
static void pack_state(const grad_case *c, const float *values, vgg_packed_weights *out)
{
    const vgg_pack *pack = &c->pack;
    const uint64_t limit = c->max_allocation_bytes != 0 ? c->max_allocation_bytes
                                                        : device.device->info.max_allocation_bytes;
    const int64_t count = vgg_pack_pieces(pack, limit);
    const int64_t panel_count = vgg_ceil_div(pack->rows, pack->panel);
    const int64_t rows = count == 1
                             ? pack->rows
                             : (int64_t)(limit / vgg_pack_bytes(pack, pack->panel)) * pack->panel;
    assert_true(count > 0 && count <= panel_count);
    *out = (vgg_packed_weights){.pieces = calloc((size_t)count, sizeof *out->pieces)};
    for (int64_t first = 0; first < pack->rows; first += rows) {
        vgg_weight_piece *piece = &out->pieces[out->piece_count++];
        *piece = (vgg_weight_piece){NULL, first, rows};
        if (rows > pack->rows - first)
            piece->rows = pack->rows - first;
        const size_t words = (size_t)vgg_pack_elements(pack, piece->rows);
        float *packed = calloc(words + MARKED, sizeof *packed);
        for (int64_t r = 0; r < piece->rows; r++)
            for (int64_t i = 0; i < pack->channels; i++)
                packed[packed_index(pack, r, i)] = values[(first + r) * pack->channels + i];
        for (size_t i = 0; i < MARKED; i++)
            memcpy(packed + words + i, &mark, sizeof mark);
        cl_int error = CL_SUCCESS;
        piece->memory =
            clCreateBuffer(device.device->context, CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR,
                           (words + MARKED) * sizeof *packed, packed, &error);
        assert_int_equal(error, CL_SUCCESS);
        free(packed);
    }
}

/* Back into canonical order; padding must be zero, marks as they were. */
static void unpack_state(const grad_case *c, vgg_packed_weights *state, float *values)
{
    const vgg_pack *pack = &c->pack;
    for (int p = 0; p < state->piece_count; p++) {
        const vgg_weight_piece *piece = &state->pieces[p];
        const size_t words = (size_t)vgg_pack_elements(pack, piece->rows);
        float *packed = malloc((words + MARKED) * sizeof *packed);
        assert_int_equal(clEnqueueReadBuffer(device.queue, piece->memory, CL_TRUE, 0,
                                             (words + MARKED) * sizeof *packed, packed, 0, NULL,
                                             NULL),
                         CL_SUCCESS);
        for (size_t i = 0; i < MARKED; i++)
            assert_memory_equal(packed + words + i, &mark, sizeof mark);
        const int64_t rows = vgg_ceil_div(piece->rows, pack->panel) * pack->panel;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t i = 0; i < pack->channels; i++) {
                const float v = packed[packed_index(pack, r, i)];
                if (r < piece->rows)
                    values[(piece->first_row + r) * pack->channels + i] = v;
                else if (v != 0.0f)
                    fail_msg("%s: padding row %lld isn't zero", c->variant->name, (long long)r);
            }
        free(packed);
        clReleaseMemObject(piece->memory);
    }
    free(state->pieces);
}

/* Runs the case; state becomes what the device made of it, dx [count][inputs] is filled. Returns
 * whether the device can. */
static bool run_case(grad_case *c, float *dx)
{
    vgg_chain chain = {.device = device.device};
    vgg_stage *stage = NULL;
    vgg_packed_weights state[3] = {{0}};
    double ms = 0;
    const grad_shape *s = c->shape;
    vgg_traits traits = test_traits(&device);
    if (c->max_launch_flops != 0)
        traits.max_launch_flops = c->max_launch_flops;
    const vgg_grad_problem problem = {c->variant->gradient, c->pack, s->batch, c->rule};
    must(vgg_chain_add(&chain, &stage));
    stage->is_gradient = true;
    const vgg_grad_op *op = &stage->gradient;
    const clvgg_status status = vgg_grad_configure(&stage->gradient, c->variant, &problem, &traits);
    if (status == CLVGG_STATUS_UNSUPPORTED) {
        vgg_chain_release(&chain);
        return false;
    }
    must(status);
    for (int i = 0; i < state_count(c); i++)
        pack_state(c, c->state[i], &state[i]);
    const size_t stride = (size_t)(s->batch * s->inputs), slices = stride * (size_t)op->slices;
    const size_t x_count = (size_t)(s->count * s->inputs);
    const vgg_grad_io io = stage->gradient_io = (vgg_grad_io){
        .x = guarded(&device, c->x, x_count),
        .dy = guarded(&device, c->dy, (size_t)(s->count * s->outputs)),
        .dx = guarded(&device, NULL, slices),
        .hyper = guarded(&device, hyper, VGG_HYPER_COUNT),
        .workspace = guarded(&device, NULL, (size_t)op->workspace_elements),
        .weights = &state[0],
        .moments = {&state[1], &state[2]},
    };
    must(vgg_chain_prepare(&chain));
    must(vgg_chain_run(&chain, device.queue, s->count, &ms));
    float *partial = malloc(slices * sizeof *partial);
    read_guarded(&device, io.dx, partial, slices);
    for (size_t i = 0; i < x_count; i++) {
        dx[i] = 0;
        for (size_t slice = 0; slice < (size_t)op->slices; slice++)
            dx[i] += partial[slice * stride + i];
    }
    free(partial);
    float *workspace = malloc((size_t)op->workspace_elements * sizeof *workspace);
    read_guarded(&device, io.workspace, workspace, (size_t)op->workspace_elements);
    free(workspace);
    for (int i = 0; i < state_count(c); i++)
        unpack_state(c, &state[i], c->state[i]);
    const vgg_buffer buffers[] = {io.x, io.dy, io.dx, io.hyper, io.workspace};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        clReleaseMemObject(buffers[i].memory);
    vgg_chain_release(&chain);
    return true;
}

static void check_data(const grad_case *c, const float *w, const float *dx)
{
    const grad_shape *s = c->shape;
    for (int64_t n = 0; n < s->count; n++)
        for (int64_t i = 0; i < s->inputs; i++) {
            double expected = 0;
            for (int64_t o = 0; o < s->outputs; o++)
                expected += (double)c->dy[n * s->outputs + o] * (double)w[o * s->inputs + i];
            if ((double)dx[n * s->inputs + i] != expected)
                fail_msg("%s, panel %d, %lldx%lld, image %lld, input %lld: %g expected, got %g",
                         c->variant->name, c->pack.panel, (long long)s->inputs,
                         (long long)s->outputs, (long long)n, (long long)i, expected,
                         (double)dx[n * s->inputs + i]);
        }
}

/* The rule in double. */
static void step(const grad_case *c, double g, double state[3])
{
    const double decay = hyper[VGG_HYPER_DECAY], momentum = hyper[VGG_HYPER_MOMENTUM];
    const double lr = hyper[VGG_HYPER_LR];
    g *= hyper[VGG_HYPER_SCALE];
    if (c->rule == VGG_RULE_ADAMW)
        state[0] *= decay;
    else
        g += decay * state[0];
    if (!vgg_rule_is_adam(c->rule)) {
        state[1] = momentum * state[1] + g;
        state[0] -= lr * (c->rule == VGG_RULE_NESTEROV ? g + momentum * state[1] : state[1]);
        return;
    }
    state[1] += momentum * (g - state[1]);
    state[2] = hyper[VGG_HYPER_BETA2] * state[2] + hyper[VGG_HYPER_BETA2_REST] * g * g;
    state[0] -=
        lr * state[1] / (sqrt(state[2]) * hyper[VGG_HYPER_CORRECTION] + hyper[VGG_HYPER_EPSILON]);
}

static void check_update(const grad_case *c, float *const before[3])
{
    const grad_shape *s = c->shape;
    const double tolerance = vgg_rule_is_adam(c->rule) ? 2e-6 : 0;
    for (int64_t at = 0; at < s->outputs * s->inputs; at++) {
        const int64_t o = at / s->inputs, i = at % s->inputs;
        double g = 0;
        for (int64_t n = 0; n < s->count; n++)
            g += (double)c->dy[n * s->outputs + o] * (double)c->x[n * s->inputs + i];
        double expected[3] = {before[0][at], before[1][at], before[2][at]};
        step(c, g, expected);
        for (int part = 0; part < state_count(c); part++) {
            const double off = fabs((double)c->state[part][at] - expected[part]);
            if (!(off <= tolerance * fmax(fabs(expected[part]), 1)))
                fail_msg("%s, rule %d, panel %d, %lldx%lld at %d, part %d (%lld, %lld): %.9g "
                         "expected, got %.9g",
                         c->variant->name, (int)c->rule, c->pack.panel, (long long)s->inputs,
                         (long long)s->outputs, s->count, part, (long long)o, (long long)i,
                         expected[part], (double)c->state[part][at]);
        }
    }
}

/* Runs and checks; returns whether the device could. Frees the case. */
static bool check_case(grad_case *c)
{
    float *before[3], *dx = malloc((size_t)(c->shape->count * c->shape->inputs) * sizeof *dx);
    for (int i = 0; i < 3; i++) {
        before[i] = malloc(weight_count(c) * sizeof(float));
        memcpy(before[i], c->state[i], weight_count(c) * sizeof(float));
    }
    const bool ran = run_case(c, dx);
    if (ran && c->variant->gradient == VGG_GRADIENT_DATA)
        check_data(c, before[0], dx);
    else if (ran)
        check_update(c, before);
    for (int i = 0; i < 3; i++)
        free(before[i]);
    free(dx);
    free_case(c);
    return ran;
}

static void every_variant_is_exact(void **state)
{
    (void)state;
    const int count = getenv("CLVGG_TEST_SMALL") != NULL ? SMALL_COUNT : SHAPE_COUNT;
    for (size_t v = 0; v < vgg_grad_variant_count; v++) {
        const vgg_grad_variant *variant = vgg_grad_variants[v];
        int ran = 0;
        for (int s = 0; s < count; s++)
            for (int p = 0; p < PANEL_COUNT; p++) {
                grad_case c =
                    make_case(variant, &shapes[s], panels[p], (vgg_update_rule)(p % RULE_COUNT));
                ran += check_case(&c);
            }
        print_message("%s: %d cases exact%s\n", variant->name, ran,
                      ran == 0 ? " (the device can't run it)" : "");
        must_run(&device, variant->name, CLVGG_STORAGE_F32, ran);
        if (variant->definition)
            assert_int_equal(ran, count * PANEL_COUNT);
    }
}

static void every_rule_is_exact(void **state)
{
    (void)state;
    for (size_t v = 0; v < vgg_grad_variant_count; v++)
        for (int rule = 0; rule < RULE_COUNT; rule++) {
            int ran = 0;
            for (int panel = 1; panel <= 32; panel *= 32) {
                grad_case c =
                    make_case(vgg_grad_variants[v], &shapes[4], panel, (vgg_update_rule)rule);
                ran += check_case(&c);
            }
            must_run(&device, vgg_grad_variants[v]->name, CLVGG_STORAGE_F32, ran);
        }
}

/* Pieces of one panel and of several; commands of few rows or images. */
static void weights_and_commands_are_split(void **state)
{
    test_skip_when("CLVGG_TEST_OCLGRIND", __func__); /* the same kernels, for minutes */
    (void)state;
    for (size_t v = 0; v < vgg_grad_variant_count; v++)
        for (int split = 1; split <= 3; split++) {
            int ran = 0;
            for (int panel = 1; panel <= 32; panel *= 32) {
                const grad_shape *s = &shapes[7]; /* 100 outputs */
                grad_case c = make_case(vgg_grad_variants[v], s, panel, VGG_RULE_SGD);
                const uint64_t panel_bytes = vgg_pack_bytes(&c.pack, panel);
                if (split < 3)
                    c.max_allocation_bytes = panel_bytes * (uint64_t)(split == 1 ? 1 : 64 / panel);
                if (split > 1)
                    c.max_launch_flops = panel_bytes * 3;
                ran += check_case(&c);
            }
            must_run(&device, vgg_grad_variants[v]->name, CLVGG_STORAGE_F32, ran);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_variant_is_exact),
        cmocka_unit_test(every_rule_is_exact),
        cmocka_unit_test(weights_and_commands_are_split),
    };
    return cmocka_run_group_tests(tests, device_setup, device_teardown);
}
