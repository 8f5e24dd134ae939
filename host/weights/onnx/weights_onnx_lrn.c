/* weights/onnx/weights_onnx_lrn.c — local response normalisation: ONNX's operator, and the chain
 * that PyTorch's exporters write for nn.LocalResponseNorm, which knows nothing of that operator:
 *
 *     x / (k + alpha · AveragePool(Pad(x²)))^beta
 *
 * The squares become [N, 1, C, H, W] by a Reshape (older code has an Unsqueeze), so that channels
 * are an axis that is padded and pooled, [size, 1, 1]; a Squeeze, a Reshape or both make an image
 * of them again. Optimisers take away what does nothing (alpha, k, beta of 1, 0, 1) and put the
 * padding into the pooling; the older exporter, from operator set 11 on, has the Squeeze in a
 * branch of an If which asks whether there is 1 to take away.
 */
#ifdef CLVGG_HAVE_PROTOBUF_C

#include <string.h>

#include "weights/onnx/weights_onnx.h"

clvgg_status vgg_onnx_LRN(vgg_onnx_walk *walk, const VggOnnx__Node *node)
{
    const vgg_attributes a = {.lrn = {.size = vgg_onnx_int(node, "size", 0),
                                      .alpha = vgg_onnx_float(node, "alpha", 0.0001f),
                                      .beta = vgg_onnx_float(node, "beta", 0.75f),
                                      .k = vgg_onnx_float(node, "bias", 1.0f)}};
    vgg_onnx_layer *layer;
    VGG_PASS(vgg_onnx_check_image(walk, node));
    if (a.lrn.size > 0 && a.lrn.size % 2 == 0)
        return vgg_onnx_fail(
            node, CLVGG_STATUS_UNSUPPORTED,
            "its size is %lld; windows of an even number of channels lie elsewhere "
            "in ONNX than here",
            (long long)a.lrn.size);
    return vgg_onnx_add(walk, VGG_LAYER_LOCAL_RESPONSE_NORM, &a, &layer);
}

/* ---- the chain ---- */

/* What the squares have been through. */
typedef enum stage {
    SQUARED,
    SPREAD, /* five axes */
    POOLED,
    MEAN, /* four axes again */
    SCALED,
    SHIFTED,
    RAISED
} stage;

typedef struct chain {
    vgg_onnx_walk *walk;
    const VggOnnx__Node *divide; /* the last node */
    const char *value;           /* at work */
    stage stage;
    int64_t before, after; /* channels of zeros around the image's */
    vgg_lrn_attributes lrn;
} chain;

static bool is_kind(const VggOnnx__Node *node, const char *kind)
{
    const char *domain = vgg_onnx_text(node->domain);
    return strcmp(vgg_onnx_text(node->op_type), kind) == 0 &&
           (domain[0] == '\0' || strcmp(domain, "ai.onnx") == 0);
}

static clvgg_status differs(const VggOnnx__Node *node)
{
    return vgg_onnx_fail(node, CLVGG_STATUS_UNSUPPORTED,
                         "isn't as local response normalisation over channels has it, which the "
                         "nodes around it are");
}

/* The value's own shape, with an axis of 1 behind the batch's where it is to have five. */
static bool is_shape(const chain *c, const vgg_onnx_extents *to, int rank)
{
    const int64_t *image = vgg_onnx_shape(c->walk)->dims;
    const int64_t batch = to->count > 0 ? to->values[0] : 0, given = c->walk->batch;
    int open = 0;
    if (to->count != rank || (rank == 5 && to->values[1] != 1))
        return false;
    if (batch != VGG_ONNX_BATCH && batch != 0 && batch != -1 && given != 0 && batch != given)
        return false;
    for (int i = 0; i < rank; i++)
        open += to->values[i] == -1;
    for (int i = 0; i < 3; i++)
        if (to->values[rank - 3 + i] != -1 && to->values[rank - 3 + i] != image[i])
            return false;
    return open <= 1;
}

static clvgg_status take_reshape(chain *c, const VggOnnx__Node *node)
{
    vgg_onnx_extents to;
    VGG_PASS(vgg_onnx_fold_setting(c->walk, node, "shape", 1, &to));
    if (c->stage == SQUARED && is_shape(c, &to, 5))
        c->stage = SPREAD;
    else if ((c->stage == POOLED || c->stage == MEAN) && is_shape(c, &to, 4))
        c->stage = MEAN;
    else
        return differs(node);
    return CLVGG_STATUS_OK;
}

/* An axis of 1 comes or goes, the second of five. */
static clvgg_status take_axis(chain *c, const VggOnnx__Node *node)
{
    const stage from = is_kind(node, "Squeeze") ? POOLED : SQUARED;
    vgg_onnx_extents axes;
    VGG_PASS(vgg_onnx_fold_setting(c->walk, node, "axes", 1, &axes));
    if (c->stage != from || axes.count != 1 || (axes.values[0] != 1 && axes.values[0] != -4))
        return differs(node);
    c->stage++;
    return CLVGG_STATUS_OK;
}

/* A constant of a branch by itself; NULL where it has none of that name. */
static const VggOnnx__Tensor *inner_tensor(const VggOnnx__Graph *branch, const char *name)
{
    for (size_t i = 0; i < branch->n_initializer; i++)
        if (strcmp(vgg_onnx_text(branch->initializer[i]->name), name) == 0)
            return branch->initializer[i];
    for (size_t i = 0; i < branch->n_node; i++) {
        const VggOnnx__Attribute *value = vgg_onnx_attribute(branch->node[i], "value");
        if (is_kind(branch->node[i], "Constant") && value != NULL &&
            branch->node[i]->n_output == 1 && strcmp(branch->node[i]->output[0], name) == 0)
            return value->t;
    }
    return NULL;
}

/* The axes that a branch's node takes away. */
static clvgg_status inner_axes(const chain *c, const VggOnnx__Graph *branch,
                               const VggOnnx__Node *node, vgg_onnx_extents *axes)
{
    const char *name = vgg_onnx_input(node, 1);
    const VggOnnx__Tensor *inner = name != NULL ? inner_tensor(branch, name) : NULL;
    vgg_onnx_tensor tensor;
    size_t count;
    if (inner == NULL)
        return vgg_onnx_fold_setting(c->walk, node, "axes", 1, axes);
    VGG_PASS(vgg_onnx_tensor_open(c->walk->onnx, inner, &tensor));
    VGG_PASS(vgg_onnx_tensor_ints(&tensor, axes->values, VGG_ONNX_MOST_EXTENTS, &count));
    axes->count = (int)count;
    return CLVGG_STATUS_OK;
}

/* An If whose branch, the one that is taken, is a Squeeze of the second axis. */
static clvgg_status take_if(chain *c, const VggOnnx__Node *node)
{
    const clvgg_shape *image = vgg_onnx_shape(c->walk);
    const VggOnnx__Attribute *then = vgg_onnx_attribute(node, "then_branch");
    vgg_onnx_extents condition, axes;
    if (c->stage != POOLED || then == NULL || then->g == NULL || then->g->n_node < 1)
        return differs(node);
    const int64_t dims[5] = {VGG_ONNX_BATCH, 1, image->dims[0], image->dims[1], image->dims[2]};
    VGG_PASS(vgg_onnx_record(c->walk, c->value, 5, dims));
    VGG_PASS(vgg_onnx_fold_input(c->walk, node, 0, 0, &condition));
    const VggOnnx__Node *squeeze = then->g->node[then->g->n_node - 1];
    if (condition.count != 1 || condition.values[0] != 1 || !is_kind(squeeze, "Squeeze") ||
        squeeze->n_input < 1 || strcmp(squeeze->input[0], c->value) != 0)
        return differs(node);
    VGG_PASS(inner_axes(c, then->g, squeeze, &axes));
    if (axes.count != 1 || (axes.values[0] != 1 && axes.values[0] != -4))
        return differs(node);
    c->stage = MEAN;
    return CLVGG_STATUS_OK;
}

static clvgg_status take_pad(chain *c, const VggOnnx__Node *node)
{
    enum { BEFORE = 2, AFTER = 7 };
    const VggOnnx__Attribute *mode = vgg_onnx_attribute(node, "mode");
    float fill = vgg_onnx_float(node, "value", 0.0f);
    vgg_onnx_extents pads;
    VGG_PASS(vgg_onnx_fold_setting(c->walk, node, "pads", 1, &pads));
    if (vgg_onnx_input(node, 2) != NULL)
        VGG_PASS(vgg_onnx_number(c->walk, node, 2, &fill));
    if (c->stage != SPREAD || pads.count != 10 || fill != 0.0f || vgg_onnx_input(node, 3) != NULL ||
        (mode != NULL && (mode->s.len != 8 || memcmp(mode->s.data, "constant", 8) != 0)))
        return differs(node);
    for (int i = 0; i < pads.count; i++)
        if (pads.values[i] < 0 || pads.values[i] > 1 << 20 ||
            (i != BEFORE && i != AFTER && pads.values[i] != 0))
            return differs(node);
    c->before += pads.values[BEFORE];
    c->after += pads.values[AFTER];
    return CLVGG_STATUS_OK;
}

/* The mean of `size` channels. */
static clvgg_status take_pool(chain *c, const VggOnnx__Node *node)
{
    int64_t kernel[3] = {0}, strides[3] = {1, 1, 1}, dilations[3] = {1, 1, 1}, pads[6] = {0};
    const VggOnnx__Attribute *automatic = vgg_onnx_attribute(node, "auto_pad");
    int count[4];
    VGG_PASS(vgg_onnx_ints(node, "kernel_shape", kernel, 3, &count[0]));
    VGG_PASS(vgg_onnx_ints(node, "strides", strides, 3, &count[1]));
    VGG_PASS(vgg_onnx_ints(node, "dilations", dilations, 3, &count[2]));
    VGG_PASS(vgg_onnx_ints(node, "pads", pads, 6, &count[3]));
    bool fits = c->stage == SPREAD && count[0] == 3 && kernel[1] == 1 && kernel[2] == 1 &&
                (automatic == NULL || automatic->s.len == 0 ||
                 (automatic->s.len == 6 && memcmp(automatic->s.data, "NOTSET", 6) == 0));
    for (int i = 0; i < 3; i++)
        fits = fits && strides[i] == 1 && dilations[i] == 1 &&
               (i == 0 || (pads[i] == 0 && pads[i + 3] == 0));
    fits = fits && ((pads[0] == 0 && pads[3] == 0) || vgg_onnx_int(node, "count_include_pad", 0));
    if (!fits || pads[0] < 0 || pads[3] < 0 || pads[0] > 1 << 20 || pads[3] > 1 << 20)
        return differs(node);
    c->lrn.size = kernel[0];
    c->before += pads[0];
    c->after += pads[3];
    if (kernel[0] < 1 || c->before != kernel[0] / 2 || c->after != (kernel[0] - 1) / 2)
        return differs(node);
    c->stage = POOLED;
    return CLVGG_STATUS_OK;
}

/* Mul, Add and Pow by one number, in this order. */
static clvgg_status take_number(chain *c, const VggOnnx__Node *node)
{
    const bool is_power = is_kind(node, "Pow");
    const stage to = is_power ? RAISED : is_kind(node, "Add") ? SHIFTED : SCALED;
    float *const number = is_power ? &c->lrn.beta : to == SHIFTED ? &c->lrn.k : &c->lrn.alpha;
    const size_t other =
        !is_power && vgg_onnx_input(node, 0) != NULL && strcmp(node->input[0], c->value) != 0 ? 0
                                                                                              : 1;
    if (node->n_input != 2 || c->stage < MEAN || c->stage >= to ||
        strcmp(node->input[1 - other], c->value) != 0)
        return differs(node);
    c->stage = to;
    return vgg_onnx_number(c->walk, node, other, number);
}

static clvgg_status take_node(chain *c, const VggOnnx__Node *node)
{
    static const struct {
        const char *kind;
        clvgg_status (*take)(chain *c, const VggOnnx__Node *node);
    } rules[] = {{"Reshape", take_reshape}, {"Unsqueeze", take_axis}, {"Squeeze", take_axis},
                 {"If", take_if},           {"Pad", take_pad},        {"AveragePool", take_pool},
                 {"Mul", take_number},      {"Add", take_number},     {"Pow", take_number}};
    if (node->n_input < 1 || node->n_output < 1 || node->output[0][0] == '\0')
        return differs(node);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (is_kind(node, rules[i].kind))
            return rules[i].take(c, node);
    const bool renames = is_kind(node, "Identity") || is_kind(node, "Cast");
    return renames ? CLVGG_STATUS_OK : differs(node);
}

/* The nodes that take the value: one that squares it, one that divides it. */
static bool find_ends(const vgg_onnx_walk *walk, const VggOnnx__Node **square,
                      const VggOnnx__Node **divide)
{
    size_t count;
    const vgg_onnx_edge *edges = vgg_onnx_find(&walk->onnx->consumers, walk->value, &count);
    *square = *divide = NULL;
    for (size_t i = 0; i < count; i++) {
        const VggOnnx__Node *node = walk->onnx->graph->node[edges[i].node];
        if (is_kind(node, "Shape") || is_kind(node, "Size"))
            continue;
        const VggOnnx__Node **end = is_kind(node, "Div") ? divide : square;
        if ((*end != NULL && *end != node) || node->n_input != 2 || node->n_output < 1)
            return false;
        if (end == square && !is_kind(node, "Pow") &&
            (!is_kind(node, "Mul") || strcmp(node->input[0], node->input[1]) != 0))
            return false;
        *end = node;
    }
    return *square != NULL && *divide != NULL && strcmp((*divide)->input[0], walk->value) == 0;
}

static clvgg_status begin(chain *c, const VggOnnx__Node *square)
{
    float power = 2.0f;
    VGG_PASS(vgg_onnx_check_image(c->walk, square));
    if (is_kind(square, "Pow"))
        VGG_PASS(vgg_onnx_number(c->walk, square, 1, &power));
    c->value = square->output[0];
    return power == 2.0f ? CLVGG_STATUS_OK : differs(square);
}

clvgg_status vgg_onnx_take_lrn(vgg_onnx_walk *walk, bool *taken)
{
    const VggOnnx__Node *node = NULL, *square;
    chain c = {.walk = walk, .lrn = {.alpha = 1.0f, .beta = 1.0f, .k = 0.0f}};
    vgg_onnx_layer *layer;
    *taken = !walk->is_padded && !walk->is_softmax && find_ends(walk, &square, &c.divide);
    if (!*taken)
        return CLVGG_STATUS_OK;
    VGG_PASS(begin(&c, square));
    for (int i = 0; i < VGG_ONNX_DEEPEST; i++) {
        VGG_PASS(vgg_onnx_next(walk->onnx, c.value, &node));
        if (node == NULL || node == c.divide)
            break;
        VGG_PASS(take_node(&c, node));
        c.value = node->output[0];
    }
    if (node != c.divide || c.stage < MEAN)
        return differs(c.divide);
    const vgg_attributes a = {.lrn = c.lrn};
    if (!(c.lrn.k > 0.0f))
        return vgg_onnx_fail(c.divide, CLVGG_STATUS_UNSUPPORTED,
                             "divides by local response normalisation's sum with k %g; k must be "
                             "above 0",
                             (double)c.lrn.k);
    walk->skip_to = c.divide->output[0];
    walk->node = c.divide;
    return vgg_onnx_add(walk, VGG_LAYER_LOCAL_RESPONSE_NORM, &a, &layer);
}

#else
typedef int vgg_onnx_lrn_is_absent; /* C wants something in every file */
#endif
