/* plan/plan_select.c — which layers one step computes; by which variant, plan_choose.c says.
 *
 * Walks the needed layers in order. A convolution or dense layer takes its ReLU along, and a
 * pooling behind that where the variant can, unless another reader wants the value in between
 * (another layer, or the caller). Conversions between layouts become steps of their own, made at
 * most once a value and layout. Aliases (dropout, flatten) are names for their input's value; a
 * pooling's switches are written by the pooling. A node whose value no other node reads is computed
 * right after the value that it reads.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/layer.h"
#include "plan/plan_choose.h"
#include "tensor/shape.h"

/* State of a node during selection. */
typedef struct node_state {
    bool needed, retained;
    int consumers; /* needed nodes that read it */
    int root;      /* node whose value this is (dropout and flatten share their input's) */
    bool computed; /* by the chain of an earlier node */
} node_state;

typedef struct selection {
    vgg_plan *plan;
    const vgg_parameter_source *source; /* NULL: of a plan that stays without */
    const vgg_plan_options *options;
    node_state *nodes;
    vgg_chooser chooser;
} selection;

static const vgg_node *node_at(const selection *s, int index)
{
    return &s->plan->graph->nodes[index];
}

static const vgg_layer *layer_at(const selection *s, int index)
{
    return vgg_layer_of(node_at(s, index)->type);
}

/* Marks what the outputs need, counts readers, resolves aliases. */
static void mark_needed(selection *s)
{
    for (int i = 0; i < s->options->output_count; i++)
        s->nodes[s->options->outputs[i]].needed = true;
    for (int i = s->plan->graph->count - 1; i > 0; i--)
        for (int k = 0; s->nodes[i].needed && k < node_at(s, i)->input_count; k++)
            s->nodes[node_at(s, i)->inputs[k]].needed = true;
    for (int i = 0; i < s->plan->graph->count; i++) {
        const vgg_node *node = node_at(s, i);
        s->nodes[i].root = layer_at(s, i)->alias ? s->nodes[node->inputs[0]].root : i;
        for (int k = 0; s->nodes[i].needed && k < node->input_count; k++)
            s->nodes[node->inputs[k]].consumers++;
    }
    for (int i = 0; i < s->options->output_count; i++)
        s->nodes[s->nodes[s->options->outputs[i]].root].retained = true;
}

static clvgg_status add_tensor(vgg_plan *plan, int node, int block, uint64_t elements, int *out)
{
    VGG_GROW_PASS(plan->tensors, plan->tensor_count, plan->tensor_capacity, 32);
    *out = plan->tensor_count++;
    plan->tensors[*out] = (vgg_plan_tensor){.node = node,
                                            .block = block,
                                            .elements = elements,
                                            .first_step = plan->step_count,
                                            .last_step = plan->step_count};
    return CLVGG_STATUS_OK;
}

/* Kernels index one image with 32 bits, images with 64. */
static clvgg_status check_index_range(const vgg_plan *plan, int node, uint64_t image_elements)
{
    if (image_elements <= INT32_MAX)
        return CLVGG_STATUS_OK;
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "layer '%s' has %llu values an image, kernels index at most 2^31 - 1",
                    plan->graph->nodes[node].name, (unsigned long long)image_elements);
}

/* Adds a step that reads tensor `input` and writes a new tensor; lengthens the input's life. */
static clvgg_status add_step(vgg_plan *plan, const vgg_op *op, int first_node, int last_node,
                             int input, vgg_plan_step **out)
{
    VGG_GROW_PASS(plan->steps, plan->step_count, plan->step_capacity, 32);
    const uint64_t batch = (uint64_t)plan->max_batch;
    int output = -1, workspace = -1;
    vgg_stage *stage = NULL;
    VGG_PASS(check_index_range(plan, last_node,
                               vgg_layout_elements(&op->problem.result, op->output_block)));
    plan->tensors[input].last_step = plan->step_count;
    VGG_PASS(add_tensor(plan, last_node, op->output_block,
                        batch * vgg_layout_elements(&op->problem.result, op->output_block),
                        &output));
    if (op->workspace_elements > 0)
        VGG_PASS(add_tensor(plan, -1, 1, op->workspace_elements, &workspace));
    VGG_PASS(vgg_chain_add(&plan->chain, &stage));
    stage->op = *op;
    *out = &plan->steps[plan->step_count++];
    **out = (vgg_plan_step){.stage = stage,
                            .first_node = first_node,
                            .last_node = last_node,
                            .input = input,
                            .output = output,
                            .workspace = workspace,
                            .second = -1,
                            .switches = -1};
    return CLVGG_STATUS_OK;
}

/* A tensor that holds a node's value, in layout `block` if there is one (block 0: any). */
static int find_tensor(const selection *s, int node, int block)
{
    const int root = s->nodes[node].root;
    for (int t = s->plan->tensor_count - 1; t >= 0; t--)
        if (s->plan->tensors[t].node == root && (block == 0 || s->plan->tensors[t].block == block))
            return t;
    return -1;
}

static clvgg_status select_chain(selection *s, int index);

/* Quantised values are computed when they are asked for: the layers that read them may quantise
 * what comes before themselves. */
static bool waits(const selection *s, int node)
{
    return layer_at(s, node)->quantizes;
}

/* Finds a tensor with a node's value in layout `block`, or adds a step that converts one. */
static clvgg_status require_tensor(selection *s, int node, int block, int *out)
{
    const int value = s->nodes[node].root;
    if (waits(s, value) && find_tensor(s, value, 0) < 0)
        VGG_PASS(select_chain(s, value));
    *out = find_tensor(s, node, block);
    if (*out < 0) {
        const int root = s->nodes[node].root, from = find_tensor(s, root, 0);
        vgg_op op;
        vgg_plan_step *step = NULL;
        VGG_PASS(vgg_op_configure_layout(&op, &node_at(s, root)->output,
                                         s->plan->tensors[from].block, block, s->plan->max_batch));
        VGG_PASS(vgg_chooser_check_trust(&s->chooser, &op));
        VGG_PASS(add_step(s->plan, &op, root, root, from, &step));
        snprintf(step->stage->name, sizeof step->stage->name, "%s (layout)",
                 node_at(s, root)->name);
        *out = step->output;
    }
    return CLVGG_STATUS_OK;
}

/* The one needed reader of a node's value when nothing else reads that value, or −1. */
static int sole_reader(const selection *s, int node)
{
    if (s->nodes[node].retained || s->nodes[node].consumers != 1)
        return -1;
    for (int i = node + 1; i < s->plan->graph->count; i++)
        if (s->nodes[i].needed && node_at(s, i)->inputs[0] == node)
            return i;
    return -1;
}

/* The one needed reader of a node's value, if an op may fuse it in the role `as`; or −1. */
static int fusable_reader(const selection *s, int node, int as)
{
    const int reader = as != 0 ? sole_reader(s, node) : -1;
    return reader >= 0 && layer_at(s, reader)->fused_as == as ? reader : -1;
}

/* Finds the longest chain from `index` on: its ReLU and pooling, where they exist and may be
 * fused. */
static vgg_problem describe_chain(const selection *s, int index, int *relu, int *pool)
{
    const vgg_node *node = node_at(s, index);
    const int fuses = vgg_layer_of(node->type)->fuses;
    /* A flattened image is features in CHW order, which blocks of channels would not give. */
    const bool flattened = node_at(s, node->inputs[0])->output.rank == 1;
    const int read = s->nodes[node->inputs[0]].root;
    const bool quantized = waits(s, read);
    const int tensor = find_tensor(s, quantized ? node_at(s, read)->inputs[0] : read, 0);
    const bool weights = s->source != NULL && vgg_node_has_parameter(node, VGG_WEIGHT);
    *relu = fusable_reader(s, index, fuses & VGG_FUSED_RELU);
    *pool = fusable_reader(s, *relu >= 0 ? *relu : index, fuses & VGG_FUSED_POOL);
    return (vgg_problem){
        .node = node,
        .input = node_at(s, node->inputs[0])->output,
        .output = node->output,
        .input_block = flattened ? 1 : s->plan->tensors[tensor].block,
        .second = node->input_count > 1 ? node_at(s, node->inputs[1])->output : (clvgg_shape){0},
        .relu = *relu >= 0,
        .result = node->output,
        .max_batch = s->plan->max_batch,
        .storage = s->options->execution.storage,
        .quantized = quantized ? &node_at(s, read)->attributes.quantize : NULL,
        .weight_dtype =
            weights ? s->source->dtype(s->source->user, index, VGG_WEIGHT) : CLVGG_DTYPE_F32,
        .weight_inner = weights ? s->source->inner(s->source->user, index) : 0};
}

/* Adds the tensor of the switches of a step's pooling, where a layer reads them. */
static clvgg_status add_switches(selection *s, vgg_plan_step *step)
{
    for (int i = step->last_node + 1; i < s->plan->graph->count; i++) {
        if (!s->nodes[i].needed || !layer_at(s, i)->side_output ||
            node_at(s, i)->inputs[0] != step->last_node)
            continue;
        const vgg_plan_tensor values = s->plan->tensors[step->output];
        VGG_PASS(add_tensor(s->plan, i, values.block, values.elements, &step->switches));
        s->plan->tensors[step->switches].first_step = values.first_step;
        s->nodes[i].computed = true;
    }
    return CLVGG_STATUS_OK;
}

/* Adds the step of the chain that begins at node `index`. */
static clvgg_status select_chain(selection *s, int index)
{
    const vgg_node *node = node_at(s, index);
    int relu = -1, pool = -1, input = -1, second = -1;
    vgg_plan_step *step = NULL;
    vgg_op op;
    vgg_problem problem = describe_chain(s, index, &relu, &pool);
    const vgg_node *poolable = pool >= 0 ? node_at(s, pool) : NULL;
    vgg_chosen how;
    VGG_PASS(vgg_prefixed(vgg_choose(&s->chooser, &problem, poolable, &op, &how), "layer '%s'",
                          node->name));
    if (problem.pool == NULL)
        pool = -1;
    if (relu >= 0 && !problem.relu)
        relu = pool = -1, poolable = NULL;
    const int value = s->nodes[node->inputs[0]].root;
    VGG_PASS(require_tensor(s, op.problem.quantized != NULL ? node_at(s, value)->inputs[0] : value,
                            op.input_block, &input));
    if (node->input_count > 1)
        VGG_PASS(require_tensor(s, node->inputs[1], op.second_block, &second));
    const int last = pool >= 0 ? pool : relu >= 0 ? relu : index;
    VGG_PASS(add_step(s->plan, &op, index, last, input, &step));
    step->tuned = how.tuned;
    step->forced = how.forced;
    step->poolable = poolable;
    step->second = second;
    if (second >= 0)
        s->plan->tensors[second].last_step = s->plan->step_count - 1;
    if (last == index)
        VGG_PASS(add_switches(s, step));
    snprintf(step->stage->name, sizeof step->stage->name, "%s%s%s%s%s", node->name,
             relu >= 0 ? "+" : "", relu >= 0 ? node_at(s, relu)->name : "", pool >= 0 ? "+" : "",
             pool >= 0 ? node_at(s, pool)->name : "");
    for (int i = index + 1; i <= last; i++)
        s->nodes[i].computed = s->nodes[i].computed || i == relu || i == pool;
    return CLVGG_STATUS_OK;
}

/* Adds the chain at `index`, and right behind it the layers that read its value and have no readers
 * themselves: the value is still in the cache then, and its memory is free sooner. */
static clvgg_status select_with_leaves(selection *s, int index)
{
    VGG_PASS(select_chain(s, index));
    const int last = s->plan->steps[s->plan->step_count - 1].last_node;
    for (int i = last + 1; i < s->plan->graph->count; i++) {
        if (!s->nodes[i].needed || s->nodes[i].computed || s->nodes[i].consumers > 0 ||
            node_at(s, i)->inputs[0] != last || node_at(s, i)->input_count > 1 ||
            layer_at(s, i)->alias)
            continue;
        VGG_PASS(select_chain(s, i));
        s->nodes[i].computed = true;
    }
    return CLVGG_STATUS_OK;
}

/* Tensors of all input nodes, node 0's first. */
static clvgg_status add_inputs(vgg_plan *plan)
{
    VGG_NEW_PASS(plan->inputs, (size_t)plan->graph->count);
    for (int i = 0; i < plan->graph->count; i++) {
        const vgg_node *node = &plan->graph->nodes[i];
        const uint64_t elements = vgg_layout_elements(&node->output, 1);
        if (node->input_count > 0)
            continue;
        VGG_PASS(check_index_range(plan, i, elements));
        VGG_PASS(add_tensor(plan, i, 1, (uint64_t)plan->max_batch * elements,
                            &plan->inputs[plan->input_count++]));
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_plan_select(vgg_plan *plan, const vgg_parameter_source *source,
                             const vgg_plan_options *options)
{
    clvgg_status status = CLVGG_STATUS_OK;
    selection s = {.plan = plan, .source = source, .options = options};
    VGG_TRY(vgg_chooser_open(plan, options, &s.chooser));
    VGG_NEW(s.nodes, (size_t)plan->graph->count);
    mark_needed(&s);
    VGG_TRY(add_inputs(plan));
    for (int i = 1; i < plan->graph->count; i++)
        if (s.nodes[i].needed && !s.nodes[i].computed && !layer_at(&s, i)->alias && !waits(&s, i) &&
            node_at(&s, i)->input_count > 0)
            VGG_TRY(select_with_leaves(&s, i));
    VGG_NEW(plan->outputs, (size_t)options->output_count);
    VGG_NEW(plan->output_shapes, (size_t)options->output_count);
    for (int i = 0; i < options->output_count; i++) {
        plan->output_shapes[i] = node_at(&s, options->outputs[i])->output;
        VGG_TRY(require_tensor(&s, options->outputs[i], 1, &plan->outputs[i]));
    }
    plan->output_count = options->output_count;
    for (int i = 0; i < options->output_count; i++)
        plan->tensors[plan->outputs[i]].last_step = plan->step_count;
cleanup:
    vgg_chooser_close(&s.chooser);
    vgg_free(s.nodes);
    return status;
}
