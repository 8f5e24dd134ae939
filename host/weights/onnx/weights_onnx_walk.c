/* weights/onnx/weights_onnx_walk.c — from an ONNX model's input to its output, one operator after
 * the other: what each takes in is what the one before gives.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "weights/onnx/weights_onnx.h"

#define ROW(name) {#name, vgg_onnx_##name},
static const struct {
    const char *name;
    vgg_onnx_operator run;
} operators[] = {VGG_ONNX_OPERATORS(ROW)};

static vgg_onnx_operator find_operator(const char *name)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].name, name) == 0)
            return operators[i].run;
    return NULL;
}

/* ---- for operators ---- */

const clvgg_shape *vgg_onnx_shape(const vgg_onnx_walk *walk)
{
    return &walk->graph->nodes[walk->graph->count - 1].output;
}

int vgg_onnx_axis(const vgg_onnx_walk *walk, int axis)
{
    int at = 0;
    while (walk->order[at] != axis)
        at++;
    return at;
}

clvgg_status vgg_onnx_check_image(const vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    if (walk->rank != 4)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED, "is behind the flattening");
    for (int i = 0; i < 4; i++)
        if (walk->order[i] != i)
            return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                                 "its input's axes aren't batch, channels, height and width");
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_add(vgg_onnx_walk *walk, vgg_layer_type type,
                          const vgg_attributes *attributes, vgg_onnx_layer **layer)
{
    char name[32];
    const size_t index = (size_t)walk->graph->count;
    VGG_CHECK(index < VGG_ONNX_MOST_LAYERS, CLVGG_STATUS_UNSUPPORTED, "has more than %d layers",
              VGG_ONNX_MOST_LAYERS);
    snprintf(name, sizeof name, "layer %zu", index); /* until all are known */
    const clvgg_status status =
        vgg_graph_add(walk->graph, name, type, attributes, walk->graph->count - 1, NULL);
    if (status != CLVGG_STATUS_OK && status != CLVGG_STATUS_OUT_OF_MEMORY && walk->node != NULL)
        vgg_message_prefix("node '%.200s' (%.64s)", vgg_onnx_name(walk->node),
                           vgg_onnx_text(walk->node->op_type));
    VGG_PASS(status);
    VGG_GROW_PASS(walk->layers, index, walk->layer_capacity, 64);
    *layer = &walk->layers[index];
    memset(*layer, 0, sizeof **layer);
    return CLVGG_STATUS_OK;
}

vgg_onnx_layer *vgg_onnx_last(vgg_onnx_walk *walk, vgg_layer_type type)
{
    const int last = walk->graph->count - 1;
    return walk->graph->nodes[last].type == type ? &walk->layers[last] : NULL;
}

/* ---- the path ---- */

static bool is_output(const vgg_onnx *onnx, const char *name)
{
    for (size_t i = 0; i < onnx->graph->n_output; i++)
        if (strcmp(vgg_onnx_text(onnx->graph->output[i]->name), name) == 0)
            return true;
    return false;
}

clvgg_status vgg_onnx_next(const vgg_onnx *onnx, const char *value, const VggOnnx__Node **out)
{
    size_t count;
    const vgg_onnx_edge *edges = vgg_onnx_find(&onnx->consumers, value, &count);
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        const VggOnnx__Node *node = onnx->graph->node[edges[i].node];
        const char *kind = vgg_onnx_text(node->op_type);
        if (strcmp(kind, "Shape") == 0 || strcmp(kind, "Size") == 0)
            continue;
        if (*out == node && strcmp(kind, "If") == 0)
            continue; /* both of its branches take the value */
        if (*out != NULL)
            return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                                 "the network branches here: '%.200s' goes to another node too; "
                                 "networks of one path are read",
                                 value);
        *out = node;
    }
    VGG_CHECK(*out != NULL || is_output(onnx, value), CLVGG_STATUS_UNSUPPORTED,
              "the path from the input ends at '%.200s', which is no output of the model", value);
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_record(vgg_onnx_walk *walk, const char *name, int rank, const int64_t *dims)
{
    VGG_GROW_PASS(walk->steps, walk->step_count, walk->step_capacity, 64);
    vgg_onnx_step *step = &walk->steps[walk->step_count++];
    *step = (vgg_onnx_step){.name = name, .rank = rank};
    memcpy(step->dims, dims, (size_t)rank * sizeof *dims);
    return CLVGG_STATUS_OK;
}

static clvgg_status record_step(vgg_onnx_walk *walk)
{
    const clvgg_shape *shape = vgg_onnx_shape(walk);
    int64_t dims[4];
    for (int i = 0; i < walk->rank; i++) {
        const int axis = walk->rank == 4 ? walk->order[i] : i;
        dims[i] = axis == 0 ? VGG_ONNX_BATCH : shape->dims[axis - 1];
    }
    return vgg_onnx_record(walk, walk->value, walk->rank, dims);
}

static clvgg_status run_node(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    const char *kind = vgg_onnx_text(node->op_type), *domain = vgg_onnx_text(node->domain);
    const vgg_onnx_operator run =
        domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0 ? find_operator(kind) : NULL;
    const bool renames = run == vgg_onnx_Identity || run == vgg_onnx_Cast;
    if (run == NULL)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "no layer does what this operator does%s%.64s",
                             domain[0] != '\0' ? ", of domain " : "", domain);
    if (walk->is_padded && !renames && run != vgg_onnx_Conv && run != vgg_onnx_Pad &&
        run != vgg_onnx_Transpose && run != vgg_onnx_MaxPool && run != vgg_onnx_AveragePool)
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "follows a Pad, which is read before a Conv or a pooling alone");
    if (walk->is_softmax && !renames && (run != vgg_onnx_ArgMax || walk->is_class))
        return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                             "follows a Softmax, which is read at the end alone");
    VGG_CHECK(node->n_output >= 1 && node->output[0][0] != '\0', CLVGG_STATUS_BAD_FILE,
              "a node of operator '%.64s' has no output", kind);
    return run(walk, node);
}

/* ---- the input ---- */

/* The model's inputs that aren't tensors of the file, as old models list all. */
static clvgg_status find_input(const vgg_onnx *onnx, const VggOnnx__ValueInfo **out)
{
    size_t count;
    *out = NULL;
    for (size_t i = 0; i < onnx->graph->n_input; i++) {
        const VggOnnx__ValueInfo *input = onnx->graph->input[i];
        const char *name = vgg_onnx_text(input->name);
        if (vgg_onnx_find(&onnx->initializers, name, &count) != NULL)
            continue;
        VGG_CHECK(*out == NULL, CLVGG_STATUS_UNSUPPORTED,
                  "has two inputs, '%.200s' and '%.200s'; networks of one are read",
                  vgg_onnx_text((*out)->name), name);
        VGG_CHECK(vgg_onnx_find(&onnx->producers, name, &count) == NULL, CLVGG_STATUS_BAD_FILE,
                  "a node gives the value of the input '%.200s'", name);
        *out = input;
    }
    VGG_CHECK(*out != NULL, CLVGG_STATUS_UNSUPPORTED, "has no input");
    const VggOnnx__Type *type = (*out)->type;
    VGG_CHECK(type != NULL && type->tensor_type != NULL && type->tensor_type->shape != NULL &&
                  type->tensor_type->shape->n_dim == 4,
              CLVGG_STATUS_UNSUPPORTED, "its input '%.200s' isn't a batch of images: four axes",
              vgg_onnx_text((*out)->name));
    VGG_CHECK(vgg_onnx_is_float(type->tensor_type->elem_type), CLVGG_STATUS_UNSUPPORTED,
              "its input '%.200s' has elements of ONNX's type %d; floats are read",
              vgg_onnx_text((*out)->name), type->tensor_type->elem_type);
    return CLVGG_STATUS_OK;
}

/* The order of the input's axes: that from which the Transposes in front of the first operator that
 * works on images lead to N, C, H, W. */
static clvgg_status find_order(const vgg_onnx *onnx, const char *value, int order[4])
{
    static const char *const pass[] = {"Identity", "Cast", "Add", "Sub", "Mul", "Div"};
    int from[4] = {0, 1, 2, 3}; /* axis of the input that each axis here is */
    const VggOnnx__Node *node;
    for (size_t i = 0; i < onnx->graph->n_node; i++) {
        int64_t perm[4];
        int count = 0, before[4];
        if (vgg_onnx_next(onnx, value, &node) != CLVGG_STATUS_OK || node == NULL ||
            node->n_output == 0)
            break; /* what is wrong here the walk will say */
        const char *kind = vgg_onnx_text(node->op_type);
        bool goes_on = strcmp(kind, "Transpose") == 0;
        if (goes_on) {
            VGG_PASS(vgg_onnx_ints(node, "perm", perm, 4, &count));
            memcpy(before, from, sizeof before);
            for (int axis = 0; axis < 4; axis++) {
                if (count != 4 || perm[axis] < 0 || perm[axis] > 3)
                    return vgg_onnx_fail(node, CLVGG_STATUS_BAD_FILE,
                                         "perm isn't an order of four axes");
                from[axis] = before[perm[axis]];
            }
        }
        for (size_t p = 0; p < sizeof pass / sizeof *pass; p++)
            goes_on = goes_on || strcmp(kind, pass[p]) == 0;
        if (!goes_on)
            break;
        value = node->output[0];
    }
    int seen = 0;
    for (int axis = 0; axis < 4; axis++) {
        order[from[axis]] = axis;
        seen |= 1 << from[axis];
    }
    VGG_CHECK(seen == 15 && order[0] == VGG_ONNX_N, CLVGG_STATUS_UNSUPPORTED,
              "its input's first axis isn't the batch");
    return CLVGG_STATUS_OK;
}

static clvgg_status begin(vgg_onnx_walk *walk, int64_t side)
{
    const VggOnnx__ValueInfo *input;
    int64_t extents[4];
    VGG_PASS(find_input(walk->onnx, &input));
    walk->value = input->name != NULL ? input->name : "";
    walk->rank = 4;
    VGG_PASS(find_order(walk->onnx, walk->value, walk->order));
    for (int i = 0; i < 4; i++) {
        const VggOnnx__Dimension *dim = input->type->tensor_type->shape->dim[i];
        const int64_t extent = dim->has_dim_value && dim->dim_value > 0 ? dim->dim_value : 0;
        const int axis = walk->order[i];
        walk->is_open = walk->is_open || (extent == 0 && axis >= VGG_ONNX_H);
        extents[axis] = extent == 0 && axis >= VGG_ONNX_H ? side : extent;
    }
    walk->batch = extents[VGG_ONNX_N];
    VGG_CHECK(extents[VGG_ONNX_C] > 0, CLVGG_STATUS_UNSUPPORTED,
              "its input '%.200s' doesn't say how many channels it has", walk->value);
    return vgg_graph_create(extents[VGG_ONNX_C], extents[VGG_ONNX_H], extents[VGG_ONNX_W],
                            &walk->graph);
}

/* Probabilities behind what is a classifier. */
static clvgg_status finish(vgg_onnx_walk *walk)
{
    vgg_onnx_layer *layer;
    const bool ends_dense = vgg_onnx_last(walk, VGG_LAYER_DENSE) != NULL;
    VGG_CHECK(!walk->is_padded, CLVGG_STATUS_UNSUPPORTED, "ends with a Pad");
    VGG_CHECK(walk->graph->count > 1, CLVGG_STATUS_UNSUPPORTED, "has no layers");
    if (ends_dense || walk->is_softmax)
        VGG_PASS(vgg_onnx_add(walk, VGG_LAYER_SOFTMAX, NULL, &layer));
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_onnx_walk_run(vgg_onnx_walk *walk, int64_t side)
{
    const VggOnnx__Node *node = NULL;
    bool taken;
    walk->fold_budget = 4096;
    VGG_PASS(begin(walk, side));
    VGG_GROW_PASS(walk->layers, 0, walk->layer_capacity, 64);
    VGG_PASS(record_step(walk));
    for (size_t i = 0; i <= walk->onnx->graph->n_node; i++) {
        walk->skip_to = NULL;
        VGG_PASS(vgg_onnx_take_lrn(walk, &taken));
        if (!taken) {
            VGG_PASS(vgg_onnx_next(walk->onnx, walk->value, &node));
            if (node == NULL)
                return finish(walk);
            walk->node = node;
            VGG_PASS(run_node(walk, node));
        }
        walk->value = walk->skip_to != NULL ? walk->skip_to : node->output[0];
        VGG_PASS(record_step(walk));
    }
    return vgg_fail(CLVGG_STATUS_BAD_FILE, "the path leads in a circle at '%.200s'", walk->value);
}

void vgg_onnx_walk_free(vgg_onnx_walk *walk)
{
    vgg_graph_free(walk->graph);
    vgg_free(walk->layers);
    vgg_free(walk->steps);
    *walk = (vgg_onnx_walk){.onnx = walk->onnx};
}

#else
typedef int vgg_onnx_walk_is_absent; /* C wants something in every file */
#endif
