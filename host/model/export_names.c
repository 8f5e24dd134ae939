/* model/export_names.c — torchvision's names: a network is two sequences, `features` up to the
 * flatten and `classifier` behind it, in which every layer has its position.
 *
 * torchvision's own VGG files have these names: features.0, .2 …, classifier.0, .3, .6. Adaptive
 * pooling in front of the flatten is `avgpool` there, and a softmax at the end isn't in the
 * network.
 */
#include <stdio.h>
#include <string.h>

#include "graph/layer.h"
#include "graph/vgg_family.h"
#include "model/export.h"

enum { DESCRIPTION = 160, ROW_SIDE = 32 };

static int find_flatten(const vgg_graph *graph)
{
    for (int i = 1; i < graph->count; i++)
        if (vgg_layer_of(graph->nodes[i].type)->flattens)
            return i;
    return graph->count;
}

/* Dropout is a layer of torchvision's classifier, and of none in `features`, whether the network
 * has any or not: dense layers stand at 0, 3 and 6. */
void vgg_export_torch_name(const vgg_graph *graph, int node, char name[32])
{
    const int flatten = find_flatten(graph);
    int before = 0, dense = 0;
    for (int i = 1; i < node; i++) {
        before += !vgg_layer_of(graph->nodes[i].type)->alias;
        dense += i > flatten && vgg_node_is_dense(&graph->nodes[i]);
    }
    if (node < flatten)
        snprintf(name, 32, "features.%d", before);
    else
        snprintf(name, 32, "classifier.%d", 3 * dense);
}

/* ---- which networks these names are for ---- */

/* The row of layers that tensors of these names are when they are read, made of the network's own
 * widths, as if it were this member of the family. */
static clvgg_status build_row(const vgg_graph *graph, const char *architecture, vgg_graph **out)
{
    vgg_family_plan plan = {.architecture = architecture,
                            .input = {graph->nodes[0].output.dims[0], ROW_SIDE, ROW_SIDE},
                            .norm = {.epsilon = 1e-5f, .affine = true},
                            .head = {1, 1, 1}};
    int convolutions = 0, dense = 0;
    for (int i = 0; i < VGG_FAMILY_MAX_CONVOLUTIONS; i++)
        plan.channels[i] = 1;
    for (int i = 1; i < graph->count; i++) {
        const vgg_node *node = &graph->nodes[i];
        if (vgg_node_is_dense(node) && dense++ < 3)
            plan.head[dense - 1] = node->attributes.dense.out_features;
        if (!vgg_node_is_convolution(node) || convolutions == VGG_FAMILY_MAX_CONVOLUTIONS)
            continue;
        if (convolutions == 0) {
            plan.batch_norm =
                i + 1 < graph->count && vgg_layer_of(node[1].type)->scale_and_shift != NULL;
            plan.bare = plan.batch_norm && !node->attributes.conv.bias;
        }
        plan.channels[convolutions++] = node->attributes.conv.out_channels;
    }
    if (dense < 3) { /* fc8 is the last whatever comes before it */
        plan.left_out = 3 - dense;
        memmove(plan.head + 3 - dense, plan.head, (size_t)dense * sizeof *plan.head);
    }
    return vgg_family_build(&plan, out);
}

/* Says whether a layer has no part in the row: it computes nothing, or is torchvision's own avgpool
 * or the softmax, which have no names. */
static bool is_passed_over(const vgg_graph *graph, int i)
{
    const vgg_node *node = &graph->nodes[i];
    const bool before_flatten =
        i + 1 < graph->count && vgg_layer_of(graph->nodes[i + 1].type)->flattens;
    return vgg_layer_of(node->type)->alias ||
           (vgg_layer_of(node->type)->probabilities && i + 1 == graph->count) ||
           (before_flatten && strcmp(vgg_layer_type_name(node->type), "avg_pool") == 0 &&
            node->attributes.pool.adaptive[0] != 0);
}

static int next_in_row(const vgg_graph *graph, int i)
{
    do
        i++;
    while (i < graph->count && is_passed_over(graph, i));
    return i;
}

/* "conv2d 3x3 stride 1 pad 1" */
static void describe(const vgg_node *node, char text[DESCRIPTION])
{
    char details[DESCRIPTION - 40] = "";
    vgg_node_describe(node, details, sizeof details);
    snprintf(text, DESCRIPTION, "%s%s%s", vgg_layer_type_name(node->type),
             details[0] != '\0' ? " " : "", details);
}

static bool is_same(const vgg_node *a, const vgg_node *b)
{
    char one[DESCRIPTION], other[DESCRIPTION];
    describe(a, one);
    describe(b, other);
    return strcmp(one, other) == 0;
}

/* Goes along both until they differ; *at and *of_row are where. */
static void compare(const vgg_graph *graph, const vgg_graph *row, int *at, int *of_row)
{
    *at = next_in_row(graph, 0);
    *of_row = next_in_row(row, 0);
    while (*at < graph->count && *of_row < row->count &&
           is_same(&graph->nodes[*at], &row->nodes[*of_row])) {
        *at = next_in_row(graph, *at);
        *of_row = next_in_row(row, *of_row);
    }
}

static clvgg_status refuse(const vgg_graph *graph, const vgg_graph *row, int at, int of_row)
{
    char is[DESCRIPTION], should[DESCRIPTION];
    if (of_row < row->count)
        describe(&row->nodes[of_row], should);
    if (at == graph->count)
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                        "ends where torchvision's VGG goes on with a layer %s", should);
    describe(&graph->nodes[at], is);
    if (of_row == row->count)
        return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                        "layer '%s' (%s) stands behind all that torchvision's VGG has",
                        graph->nodes[at].name, is);
    return vgg_fail(CLVGG_STATUS_UNSUPPORTED,
                    "layer '%s' (%s) stands where torchvision's VGG has a layer %s",
                    graph->nodes[at].name, is, should);
}

clvgg_status vgg_export_torch_check(const vgg_graph *graph)
{
    static const char *const architectures[] = {"vgg11", "vgg13", "vgg16", "vgg19"};
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *rows[4] = {NULL};
    int best = 0, furthest = 0, where = 0;
    for (int i = 1; i < graph->count; i++)
        VGG_REQUIRE(graph->nodes[i].input_count == 1 && graph->nodes[i].inputs[0] == i - 1,
                    CLVGG_STATUS_UNSUPPORTED,
                    "layer '%s' doesn't read the one before it: torchvision's names are for layers "
                    "in a row",
                    graph->nodes[i].name);
    for (int i = 0; i < 4; i++) {
        int at, of_row;
        VGG_TRY(build_row(graph, architectures[i], &rows[i]));
        compare(graph, rows[i], &at, &of_row);
        if (at == graph->count && of_row == rows[i]->count)
            goto cleanup;
        if (at > furthest) {
            best = i;
            furthest = at;
            where = of_row;
        }
    }
    status = refuse(graph, rows[best], furthest, where);
cleanup:
    for (int i = 0; i < 4; i++)
        vgg_graph_free(rows[i]);
    return status;
}
