/* graph/vgg_family.c — VGG-11, 13, 16 and 19 as tables, and the graph they stand for. Another
 * member of the family is a row of `family`.
 */
#include "graph/vgg_family.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int blocks[VGG_FAMILY_BLOCKS]; /* convolutions in each */
} family[] = {
    {"vgg11", {1, 1, 2, 2, 2}},
    {"vgg13", {2, 2, 2, 2, 2}},
    {"vgg16", {2, 2, 3, 3, 3}},
    {"vgg19", {2, 2, 4, 4, 4}},
};
static const size_t family_count = sizeof family / sizeof *family;

static const int64_t block_channels[VGG_FAMILY_BLOCKS] = {64, 128, 256, 512, 512};

const int *vgg_architecture_blocks(const char *architecture)
{
    for (size_t i = 0; i < family_count; i++)
        if (strcmp(family[i].name, architecture) == 0)
            return family[i].blocks;
    return NULL;
}

int vgg_family_convolutions(const char *architecture)
{
    const int *blocks = vgg_architecture_blocks(architecture);
    int count = 0;
    for (int block = 0; blocks != NULL && block < VGG_FAMILY_BLOCKS; block++)
        count += blocks[block];
    return count;
}

/* Adds a node behind the last one. */
static clvgg_status append(vgg_graph *graph, vgg_layer_type type, const vgg_attributes *attributes,
                           const char *format, int number, int part)
{
    char name[32];
    snprintf(name, sizeof name, format, number, part);
    return vgg_graph_add(graph, name, type, attributes, graph->count - 1, NULL);
}

static clvgg_status append_features(vgg_graph *graph, const vgg_family_plan *plan)
{
    const int *blocks = vgg_architecture_blocks(plan->architecture);
    const int64_t *channels = plan->channels;
    const vgg_attributes norm = {.batch_norm = plan->norm};
    const vgg_attributes halve = {.pool = {.kernel = {2, 2}, .stride = {2, 2}}};
    for (int block = 1; block <= VGG_FAMILY_BLOCKS; block++) {
        for (int i = 1; i <= blocks[block - 1]; i++) {
            vgg_attributes same = {.conv = {.out_channels = *channels++,
                                            .kernel = {3, 3},
                                            .stride = {1, 1},
                                            .dilation = {1, 1},
                                            .pad = {1, 1, 1, 1},
                                            .groups = 1,
                                            .bias = !plan->bare}};
            VGG_PASS(append(graph, VGG_LAYER_CONV2D, &same, "conv%d_%d", block, i));
            if (plan->batch_norm)
                VGG_PASS(append(graph, VGG_LAYER_BATCH_NORM, &norm, "bn%d_%d", block, i));
            VGG_PASS(append(graph, VGG_LAYER_RELU, NULL, "relu%d_%d", block, i));
        }
        VGG_PASS(append(graph, VGG_LAYER_MAX_POOL, &halve, "pool%d", block, 0));
    }
    return CLVGG_STATUS_OK;
}

/* fc8 is the last dense layer whatever comes before it. */
static clvgg_status append_head(vgg_graph *graph, const vgg_family_plan *plan)
{
    const vgg_attributes half = {.dropout_rate = 0.5f};
    if (plan->left_out == 3)
        return CLVGG_STATUS_OK;
    VGG_PASS(append(graph, VGG_LAYER_FLATTEN, NULL, "flatten", 0, 0));
    for (int i = 6; i <= 8; i++) {
        vgg_attributes dense = {.dense = {.out_features = plan->head[i - 6], .bias = true}};
        if (i < 8 && i >= 8 - plan->left_out)
            continue;
        VGG_PASS(append(graph, VGG_LAYER_DENSE, &dense, "fc%d", i, 0));
        if (i < 8) {
            VGG_PASS(append(graph, VGG_LAYER_RELU, NULL, "relu%d", i, 0));
            VGG_PASS(append(graph, VGG_LAYER_DROPOUT, &half, "drop%d", i, 0));
        }
    }
    return append(graph, VGG_LAYER_SOFTMAX, NULL, "prob", 0, 0);
}

clvgg_status vgg_family_build(const vgg_family_plan *plan, vgg_graph **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    vgg_graph *graph = NULL;
    *out = NULL;
    VGG_REQUIRE(vgg_architecture_blocks(plan->architecture) != NULL, CLVGG_STATUS_INVALID_ARGUMENT,
                "unknown architecture '%.64s': vgg11, vgg13, vgg16 or vgg19", plan->architecture);
    VGG_REQUIRE(plan->input[1] >= 32 && plan->input[2] >= 32, CLVGG_STATUS_INVALID_ARGUMENT,
                "input of %lld x %lld is too small: five poolings need at least 32 x 32",
                (long long)plan->input[1], (long long)plan->input[2]);
    VGG_TRY(vgg_graph_create(plan->input[0], plan->input[1], plan->input[2], &graph));
    VGG_TRY(append_features(graph, plan));
    VGG_TRY(append_head(graph, plan));
    VGG_GIVE(out, graph);
cleanup:
    vgg_graph_free(graph);
    return status;
}

clvgg_status vgg_graph_build_vgg(const char *architecture, int64_t channels, int64_t height,
                                 int64_t width, const int64_t head[3], vgg_graph **out)
{
    vgg_family_plan plan = {.architecture = architecture,
                            .input = {channels, height, width},
                            .head = {head[0], head[1], head[2]}};
    const int *blocks = vgg_architecture_blocks(architecture);
    int64_t *next = plan.channels;
    for (int block = 0; blocks != NULL && block < VGG_FAMILY_BLOCKS; block++)
        for (int i = 0; i < blocks[block]; i++)
            *next++ = block_channels[block];
    return vgg_family_build(&plan, out);
}
