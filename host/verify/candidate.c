/* verify/candidate.c — see candidate.h. */
#include "verify/candidate.h"

#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"
#include "verify/guard.h"
#include "verify/made_up.h"
#include "verify/rounded.h"

/* ---- made-up parameters ---- */

static clvgg_status read_channel(void *user, int parameter, int64_t k, uint64_t count,
                                 float *values)
{
    for (uint64_t i = 0; i < count; i++)
        values[i] = vgg_made_up(parameter, (uint64_t)k * count + i);
    vgg_round_as_packed(user, parameter, (size_t)count, values);
    return CLVGG_STATUS_OK;
}

/* The `user` of a vgg_tensor_input. */
typedef struct made_up {
    const vgg_op *op;
    int parameter;
    clvgg_dtype dtype; /* which holds the values exactly */
} made_up;

/* The place, in order, of element i of a weight that lies turned (ops/upload.h). */
static uint64_t place_in_order(const vgg_op *op, uint64_t i)
{
    const uint64_t inner = vgg_op_weight_inner(op), rows = (uint64_t)op->pack.rows;
    const uint64_t columns = (uint64_t)(op->pack.channels * op->pack.spatial);
    const uint64_t at = i / rows;
    return i % rows * columns + at % inner * (columns / inner) + at / inner;
}

/* A value as ops want it: of layers that scale and shift, the scale or the shift. */
static float value_of(const made_up *from, uint64_t i)
{
    const vgg_node *node = from->op->problem.node;
    const vgg_layer *layer = vgg_layer_of(node->type);
    double channel[VGG_VARIANCE + 1] = {0};
    if (layer->scale_and_shift == NULL)
        return vgg_made_up(from->parameter, i);
    for (int p = 0; p <= VGG_VARIANCE; p++)
        if (vgg_node_has_parameter(node, p))
            channel[p] = (double)vgg_made_up(p, i);
    const vgg_scale_and_shift affine = layer->scale_and_shift(node, channel);
    return (float)(from->parameter == VGG_WEIGHT ? affine.scale : affine.shift);
}

static clvgg_status read_values(void *user, uint64_t first, uint64_t count, void *data)
{
    const made_up *from = user;
    const bool turned = from->parameter == VGG_WEIGHT && vgg_op_weight_inner(from->op) != 0;
    const size_t bytes = vgg_dtype_bytes(from->dtype);
    for (uint64_t i = 0; i < count; i++) {
        const float value =
            value_of(from, turned ? place_in_order(from->op, first + i) : first + i);
        vgg_from_f32(from->dtype, &value, 1, (char *)data + i * bytes);
    }
    return CLVGG_STATUS_OK;
}

static clvgg_status pack(const vgg_reference *reference, vgg_stage *stage)
{
    const vgg_problem *problem = &stage->op.problem;
    const vgg_node *node = problem->node;
    if (stage->op.pack.panel == 0)
        return CLVGG_STATUS_OK;
    made_up weight = {&stage->op, VGG_WEIGHT, problem->weight_dtype};
    made_up bias = {&stage->op, VGG_BIAS, CLVGG_DTYPE_F32};
    const vgg_tensor_input weights = {&weight, weight.dtype, read_values};
    const vgg_tensor_input biases = {&bias, CLVGG_DTYPE_F32, read_values};
    const bool has_bias =
        vgg_node_has_parameter(node, VGG_BIAS) || vgg_layer_of(node->type)->scale_and_shift != NULL;
    return vgg_stage_pack(stage, reference->device, reference->queue, &weights,
                          has_bias ? &biases : NULL);
}

/* ---- between guards ---- */

enum { INPUT, SECOND, OUTPUT, SIDE, WORKSPACE, GUARDED };

/* Says whether an op writes a second output where it is given one. */
static bool has_side(const vgg_problem *problem)
{
    const vgg_layer *layer = problem->node != NULL ? vgg_layer_of(problem->node->type) : NULL;
    return layer != NULL && layer->has_side != NULL && layer->has_side(problem->node);
}

static clvgg_status guard(const vgg_reference *reference, vgg_stage *stage,
                          vgg_guarded guarded[GUARDED])
{
    const vgg_op *op = &stage->op;
    const uint64_t batch = (uint64_t)op->problem.max_batch;
    const vgg_problem *problem = &op->problem;
    const uint64_t output = batch * vgg_layout_elements(&problem->result, op->output_block);
    const uint64_t elements[GUARDED] = {
        [INPUT] = batch * vgg_layout_elements(&problem->input, op->input_block),
        [SECOND] = problem->second.rank > 0
                       ? batch * vgg_layout_elements(&problem->second, op->second_block)
                       : 0,
        [OUTPUT] = output,
        [SIDE] = has_side(problem) ? output : 0,
        [WORKSPACE] = op->workspace_elements};
    for (int i = 0; i < GUARDED; i++)
        VGG_PASS(vgg_guarded_create(reference->device, reference->queue, elements[i], &guarded[i]));
    stage->io.input = guarded[INPUT].buffer;
    stage->io.second = guarded[SECOND].buffer;
    stage->io.output = guarded[OUTPUT].buffer;
    stage->io.switches = guarded[SIDE].buffer;
    stage->io.workspace = guarded[WORKSPACE].buffer;
    return CLVGG_STATUS_OK;
}

static clvgg_status check_guards(const vgg_reference *reference, const vgg_guarded *guarded,
                                 vgg_finding *finding)
{
    static const char *const names[GUARDED] = {"input", "second input", "output", "switches",
                                               "workspace"};
    for (int i = 0; i < GUARDED && finding->right; i++) {
        VGG_PASS(vgg_guarded_check(&guarded[i], reference->queue, &finding->right));
        if (!finding->right)
            snprintf(finding->words, sizeof finding->words, "it writes outside its %s", names[i]);
    }
    return CLVGG_STATUS_OK;
}

/* ---- the whole output ---- */

/* What the layer's value, by the reference, is behind the op's ReLU and pooling. */
static double expected_at(const vgg_reference *reference, const vgg_problem *problem, int64_t plane,
                          int64_t row, int64_t column)
{
    const clvgg_shape image = vgg_shape_as_image(&problem->output);
    const int64_t side = problem->pool != NULL ? 2 : 1; /* the only pooling that ops take along */
    double largest = -INFINITY;
    for (int64_t i = 0; i < side * side; i++) {
        const double value =
            (double)
                reference->values[(plane * image.dims[1] + row * side + i / side) * image.dims[2] +
                                  column * side + i % side];
        largest = value > largest ? value : largest;
    }
    return problem->relu ? vgg_layer_relu.activation->value(largest) : largest;
}

/* One wrong element among millions shows in the whole output's relative error. */
static void judge_all(const vgg_reference *reference, const vgg_op *op, const float *answers,
                      vgg_candidate_finding *found)
{
    const clvgg_shape image = vgg_shape_as_image(&op->problem.result);
    const int64_t planes = op->problem.max_batch * image.dims[0];
    double difference = 0, size = 0;
    for (int64_t p = 0; p < planes; p++)
        for (int64_t y = 0; y < image.dims[1]; y++)
            for (int64_t x = 0; x < image.dims[2]; x++) {
                const double expected = expected_at(reference, &op->problem, p, y, x);
                const double off = (double)*answers++ - expected;
                difference += off * off;
                size += expected * expected;
            }
    found->l2 = difference == 0 ? 0 : sqrt(difference / size);
    if (found->finding.right && !(found->l2 <= found->bound)) {
        found->finding.right = false;
        snprintf(found->finding.words, sizeof found->finding.words,
                 "relative error %.3g of the whole output, at most %.3g", found->l2, found->bound);
    }
}

/* A bound is measured on normal inputs; of whole numbers above 0 sums cancel more. What rounding
 * weights costs is known better: three times what it was seen to. */
static double bound_of(const vgg_op *op)
{
    if (op->problem.quantized != NULL) /* exact sums, which then are scaled */
        return 1e-6;
    const double bound = vgg_probe_bound(op, true);
    return !vgg_definition_is_products(&op->problem) ? 1e-5
           : bound > VGG_PROBE_COARSE                ? 1.75 * bound
                                                     : 4 * bound;
}

clvgg_status vgg_candidate_run(const vgg_reference *reference, const vgg_op *op, float *answers,
                               vgg_candidate_finding *found)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_chain chain = {.device = reference->device};
    vgg_guarded guarded[GUARDED] = {{.elements = 0}};
    vgg_stage *stage = NULL;
    float *own = NULL;
    *found = (vgg_candidate_finding){.bound = bound_of(op)};
    if (answers == NULL)
        VGG_NEW(own,
                (size_t)op->problem.max_batch * (size_t)vgg_shape_elements(&op->problem.result));
    VGG_TRY(vgg_chain_add(&chain, &stage));
    stage->op = *op;
    VGG_TRY(guard(reference, stage, guarded));
    VGG_TRY(vgg_chain_prepare(&chain));
    VGG_TRY(pack(reference, stage));
    const vgg_probe probe = {.stage = stage,
                             .queue = reference->queue,
                             .images = op->problem.max_batch,
                             .repeats = reference->repeats,
                             .samples = reference->samples,
                             .channels = INT32_MAX,
                             .whole_numbers = true,
                             .seed = 2,
                             .parameters = {&stage->op, read_channel},
                             .answers = answers != NULL ? answers : own};
    VGG_TRY(vgg_probe_run(&probe, &found->finding));
    VGG_TRY(check_guards(reference, guarded, &found->finding));
    found->l2 = found->finding.l2;
    /* The reference is of the input as it is. */
    if (reference->values != NULL && op->problem.quantized == NULL)
        judge_all(reference, op, probe.answers, found);
cleanup:
    vgg_chain_release(&chain);
    for (int i = 0; i < GUARDED; i++)
        vgg_guarded_free(&guarded[i]);
    vgg_free(own);
    return status;
}
