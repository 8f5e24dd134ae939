/* verify/gradient.c — see gradient.h. */
#include "verify/gradient.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "exec/chain.h"
#include "ops/upload.h"
#include "verify/guard.h"
#include "verify/made_up.h"
#include "verify/samples.h"

/* What is looked at of a large layer. */
enum { PANELS = 16, SAMPLES = 1024 };

/* What vgg_made_up() makes up: weights, both moments (the second above 0), inputs, signals. */
enum { WEIGHT = VGG_WEIGHT, MOMENT1 = VGG_BIAS, MOMENT2 = VGG_VARIANCE, STATES = 3 };
static const int states[STATES] = {WEIGHT, MOMENT1, MOMENT2};
enum { INPUTS = 11, SIGNALS };

enum { X, DY, DX, HYPER, WORKSPACE, GUARDED };

/* Small dyadic numbers: steps of SGD with them are exact. */
static const float hyper[VGG_HYPER_COUNT] = {
    [VGG_HYPER_SCALE] = 0.5f,      [VGG_HYPER_LR] = 0.25f,      [VGG_HYPER_MOMENTUM] = 0.5f,
    [VGG_HYPER_DECAY] = 0.5f,      [VGG_HYPER_BETA2] = 0.75f,   [VGG_HYPER_BETA2_REST] = 0.25f,
    [VGG_HYPER_CORRECTION] = 1.5f, [VGG_HYPER_EPSILON] = 0.125f};

typedef struct checking {
    clvgg_device *device;
    cl_command_queue queue;
    const vgg_grad_op *op;
    vgg_finding *finding;
    vgg_chain chain;
    vgg_stage *stage;
    vgg_uploader *uploader;
    vgg_packed_weights parts[STATES];
    vgg_guarded guarded[GUARDED];
    float *x, *dy;        /* [batch][inputs], [batch][outputs] */
    float *first, *again; /* of two runs: dx [slices][batch][inputs], or a panel of each part */
    uint64_t panel_elements;
    double difference, size; /* sums of squares, of what was looked at */
} checking;

static bool is_update(const checking *c)
{
    return c->op->problem.gradient == VGG_GRADIENT_UPDATE;
}

static int part_count(const checking *c)
{
    return !is_update(c) ? 1 : vgg_rule_is_adam(c->op->problem.rule) ? 3 : 2;
}

/* ---- what goes in ---- */

static clvgg_status read_part(void *user, uint64_t first, uint64_t count, void *data)
{
    float *values = data;
    for (uint64_t i = 0; i < count; i++)
        values[i] = vgg_made_up(*(const int *)user, first + i);
    return CLVGG_STATUS_OK;
}

/* Weights and moments as they are before an update. */
static clvgg_status write_parts(checking *c)
{
    for (int i = 0; i < part_count(c); i++) {
        const vgg_tensor_input input = {(void *)(uintptr_t)&states[i], CLVGG_DTYPE_F32, read_part};
        VGG_PASS(vgg_upload_into(c->uploader, &c->op->problem.pack, &input, 0, &c->parts[i]));
        VGG_PASS(vgg_packed_weights_wait(&c->parts[i]));
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status write(const checking *c, int which, const float *values, uint64_t count)
{
    const vgg_buffer to = c->guarded[which].buffer;
    VGG_CL_PASS(clEnqueueWriteBuffer(c->queue, to.memory, CL_TRUE,
                                     (size_t)to.offset * sizeof(float),
                                     (size_t)count * sizeof(float), values, 0, NULL, NULL));
    return CLVGG_STATUS_OK;
}

static clvgg_status make(checking *c)
{
    const vgg_pack *pack = &c->op->problem.pack;
    const uint64_t batch = (uint64_t)c->op->problem.max_batch;
    const uint64_t inputs = batch * (uint64_t)pack->channels,
                   outputs = batch * (uint64_t)pack->rows;
    const uint64_t elements[GUARDED] = {[X] = is_update(c) ? inputs : 0,
                                        [DY] = outputs,
                                        [DX] = is_update(c) ? 0 : (uint64_t)c->op->slices * inputs,
                                        [HYPER] = is_update(c) ? VGG_HYPER_COUNT : 0,
                                        [WORKSPACE] = c->op->workspace_elements};
    VGG_NEW_PASS(c->x, (size_t)inputs);
    VGG_NEW_PASS(c->dy, (size_t)outputs);
    for (uint64_t i = 0; i < inputs; i++)
        c->x[i] = fabsf(vgg_made_up(INPUTS, i));
    for (uint64_t i = 0; i < outputs; i++)
        c->dy[i] = vgg_made_up(SIGNALS, i);
    for (int i = 0; i < GUARDED; i++)
        VGG_PASS(vgg_guarded_create(c->device, c->queue, elements[i], &c->guarded[i]));
    VGG_PASS(write(c, DY, c->dy, outputs));
    if (is_update(c)) {
        VGG_PASS(write(c, X, c->x, inputs));
        VGG_PASS(write(c, HYPER, hyper, VGG_HYPER_COUNT));
    }
    for (int i = 0; i < part_count(c); i++)
        VGG_PASS(vgg_packed_weights_allocate(c->device, pack, &c->parts[i]));
    VGG_PASS(vgg_uploader_create(c->device, c->queue, &c->uploader));
    c->panel_elements = vgg_pack_elements(pack, pack->panel);
    const size_t kept = (size_t)(is_update(c) ? STATES * c->panel_elements * PANELS : elements[DX]);
    VGG_NEW_PASS(c->first, kept);
    VGG_NEW_PASS(c->again, kept);
    return CLVGG_STATUS_OK;
}

static clvgg_status ready(checking *c)
{
    VGG_PASS(vgg_chain_add(&c->chain, &c->stage));
    c->stage->is_gradient = true;
    c->stage->gradient = *c->op;
    c->stage->gradient_io = (vgg_grad_io){.x = c->guarded[X].buffer,
                                          .dy = c->guarded[DY].buffer,
                                          .dx = c->guarded[DX].buffer,
                                          .hyper = c->guarded[HYPER].buffer,
                                          .workspace = c->guarded[WORKSPACE].buffer,
                                          .weights = &c->parts[WEIGHT],
                                          .moments = {&c->parts[1], &c->parts[2]}};
    return vgg_chain_prepare(&c->chain);
}

/* ---- a run ---- */

/* Panels that are looked at: all, or the first, the last and some between. */
static int64_t panel_count(const checking *c)
{
    const int64_t all = vgg_ceil_div(c->op->problem.pack.rows, c->op->problem.pack.panel);
    return all < PANELS ? all : PANELS;
}

static int64_t panel_at(const checking *c, int64_t i)
{
    const int64_t all = vgg_ceil_div(c->op->problem.pack.rows, c->op->problem.pack.panel);
    return all <= PANELS ? i : i * (all - 1) / (PANELS - 1);
}

/* Reads a panel of a part from the piece that it is in. */
static clvgg_status read_panel(const checking *c, const vgg_packed_weights *part, int64_t panel,
                               float *values)
{
    const vgg_pack *pack = &c->op->problem.pack;
    int piece = 0;
    while (piece + 1 < part->piece_count &&
           part->pieces[piece + 1].first_row <= panel * pack->panel)
        piece++;
    const int64_t row = panel * pack->panel - part->pieces[piece].first_row;
    VGG_CL_PASS(clEnqueueReadBuffer(c->queue, part->pieces[piece].memory, CL_TRUE,
                                    (size_t)vgg_pack_elements(pack, row) * sizeof(float),
                                    (size_t)c->panel_elements * sizeof(float), values, 0, NULL,
                                    NULL));
    return CLVGG_STATUS_OK;
}

static clvgg_status run_into(checking *c, float *values)
{
    double ms = 0;
    VGG_PASS(write_parts(c));
    VGG_PASS(vgg_chain_run(&c->chain, c->queue, c->op->problem.max_batch, &ms));
    if (!is_update(c)) {
        const vgg_buffer dx = c->guarded[DX].buffer;
        VGG_CL_PASS(clEnqueueReadBuffer(
            c->queue, dx.memory, CL_TRUE, (size_t)dx.offset * sizeof(float),
            (size_t)c->guarded[DX].elements * sizeof(float), values, 0, NULL, NULL));
        return CLVGG_STATUS_OK;
    }
    for (int64_t i = 0; i < panel_count(c); i++)
        for (int part = 0; part < part_count(c); part++, values += c->panel_elements)
            VGG_PASS(read_panel(c, &c->parts[part], panel_at(c, i), values));
    return CLVGG_STATUS_OK;
}

static size_t kept_bytes(const checking *c)
{
    return sizeof(float) *
           (size_t)(is_update(c) ? (uint64_t)(panel_count(c) * part_count(c)) * c->panel_elements
                                 : c->guarded[DX].elements);
}

/* ---- judging ---- */

static void wrong(checking *c, const char *what, int64_t at, int64_t input, double value,
                  double expected)
{
    if (c->finding->right)
        snprintf(c->finding->words, sizeof c->finding->words,
                 "%s %lld, input %lld: %.9g, expected %.9g", what, (long long)at, (long long)input,
                 value, expected);
    c->finding->right = false;
}

/* An optimiser's step in double: state becomes what it is behind it. */
static void step(vgg_update_rule rule, double g, double state[STATES])
{
    const double decay = (double)hyper[VGG_HYPER_DECAY];
    const double momentum = (double)hyper[VGG_HYPER_MOMENTUM];
    const double lr = (double)hyper[VGG_HYPER_LR];
    g *= (double)hyper[VGG_HYPER_SCALE];
    if (rule == VGG_RULE_ADAMW)
        state[0] *= decay;
    else
        g += decay * state[0];
    if (!vgg_rule_is_adam(rule)) {
        state[1] = momentum * state[1] + g;
        state[0] -= lr * (rule == VGG_RULE_NESTEROV ? g + momentum * state[1] : state[1]);
        return;
    }
    state[1] += momentum * (g - state[1]);
    state[2] =
        (double)hyper[VGG_HYPER_BETA2] * state[2] + (double)hyper[VGG_HYPER_BETA2_REST] * g * g;
    state[0] -=
        lr * state[1] /
        (sqrt(state[2]) * (double)hyper[VGG_HYPER_CORRECTION] + (double)hyper[VGG_HYPER_EPSILON]);
}

/* One weight with its moments, `values` being panels of each part. */
static void judge_weight(checking *c, int64_t row, int64_t input, const float *values)
{
    static const char *const names[STATES] = {"output", "first moment of output",
                                              "second moment of output"};
    const vgg_grad_problem *problem = &c->op->problem;
    const vgg_pack *pack = &problem->pack;
    const uint64_t canonical = (uint64_t)(row * pack->channels + input);
    const uint64_t at = (uint64_t)(input * pack->panel + row % pack->panel);
    const double tolerance = vgg_rule_is_adam(problem->rule) ? 4e-6 : 0;
    double g = 0, expected[STATES];
    for (int64_t n = 0; n < problem->max_batch; n++)
        g += (double)c->dy[n * pack->rows + row] * (double)c->x[n * pack->channels + input];
    for (int part = 0; part < STATES; part++)
        expected[part] = (double)vgg_made_up(states[part], canonical);
    step(problem->rule, g, expected);
    for (int part = 0; part < part_count(c); part++) {
        const double value = (double)values[(uint64_t)part * c->panel_elements + at];
        const double off = fabs(value - expected[part]);
        if (!(off <= tolerance * fmax(fabs(expected[part]), 1)))
            wrong(c, names[part], row, input, value, expected[part]);
        c->difference += off * off;
        c->size += expected[part] * expected[part];
        if (off > 0)
            c->finding->largest =
                fmax(c->finding->largest, tolerance > 0 ? off / tolerance : INFINITY);
    }
    c->finding->samples++;
}

/* Rows past the last must stay zero: forward kernels read them. */
static void judge_update(checking *c)
{
    const vgg_pack *pack = &c->op->problem.pack;
    const float *values = c->first;
    for (int64_t i = 0; i < panel_count(c);
         i++, values += (uint64_t)part_count(c) * c->panel_elements)
        for (int64_t input = 0; input < pack->channels; input++)
            for (int64_t lane = 0; lane < pack->panel; lane++) {
                const int64_t row = panel_at(c, i) * pack->panel + lane;
                if (row < pack->rows)
                    judge_weight(c, row, input, values);
                else if (values[input * pack->panel + lane] != 0)
                    wrong(c, "past the last output", row, input,
                          (double)values[input * pack->panel + lane], 0);
            }
}

static clvgg_status judge_data(checking *c)
{
    const vgg_pack *pack = &c->op->problem.pack;
    const clvgg_shape shape = {1, {pack->channels}};
    const uint64_t stride = (uint64_t)(c->op->problem.max_batch * pack->channels);
    vgg_samples samples;
    VGG_PASS(vgg_samples_choose(&shape, c->op->problem.max_batch, 0, SAMPLES, 3, &samples));
    for (int i = 0; i < samples.count; i++) {
        const int64_t image = samples.items[i].image, input = samples.items[i].at[0];
        double expected = 0, value = 0;
        for (int64_t o = 0; o < pack->rows; o++)
            expected += (double)c->dy[image * pack->rows + o] *
                        (double)vgg_made_up(WEIGHT, (uint64_t)(o * pack->channels + input));
        for (int slice = 0; slice < c->op->slices; slice++)
            value +=
                (double)
                    c->first[(uint64_t)slice * stride + (uint64_t)(image * pack->channels + input)];
        c->difference += (value - expected) * (value - expected);
        c->size += expected * expected;
        if (value != expected)
            wrong(c, "image", image, input, value, expected);
    }
    c->finding->samples = samples.count;
    vgg_samples_free(&samples);
    return CLVGG_STATUS_OK;
}

static clvgg_status judge(checking *c)
{
    static const char *const names[GUARDED] = {"inputs", "signal", "gradient", "hyperparameters",
                                               "workspace"};
    if (is_update(c))
        judge_update(c);
    else
        VGG_PASS(judge_data(c));
    c->finding->l2 = c->difference == 0 ? 0 : sqrt(c->difference / c->size);
    if (c->finding->right && memcmp(c->first, c->again, kept_bytes(c)) != 0) {
        c->finding->right = false;
        snprintf(c->finding->words, sizeof c->finding->words, "two runs give different values");
    }
    for (int i = 0; i < GUARDED && c->finding->right; i++) {
        VGG_PASS(vgg_guarded_check(&c->guarded[i], c->queue, &c->finding->right));
        if (!c->finding->right)
            snprintf(c->finding->words, sizeof c->finding->words, "it writes outside its %s",
                     names[i]);
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_gradient_check(clvgg_device *device, cl_command_queue queue, const vgg_grad_op *op,
                                vgg_finding *finding)
{
    clvgg_status status = CLVGG_STATUS_OK;
    checking c = {.device = device,
                  .queue = queue,
                  .op = op,
                  .finding = finding,
                  .chain = {.device = device}};
    *finding = (vgg_finding){.right = true};
    VGG_TRY(make(&c));
    VGG_TRY(ready(&c));
    VGG_TRY(run_into(&c, c.first));
    VGG_TRY(run_into(&c, c.again));
    VGG_TRY(judge(&c));
cleanup:
    vgg_uploader_free(c.uploader);
    vgg_chain_release(&c.chain);
    for (int i = 0; i < STATES; i++)
        vgg_packed_weights_free(&c.parts[i]);
    for (int i = 0; i < GUARDED; i++)
        vgg_guarded_free(&c.guarded[i]);
    vgg_free(c.again);
    vgg_free(c.first);
    vgg_free(c.dy);
    vgg_free(c.x);
    return status;
}
