/* plan/plan_sweep.c — see plan_sweep.h. */
#include "plan/plan_sweep.h"

#include "base/alloc.h"
#include "base/log.h"
#include "verify/sweep.h"

/* A convolution, its ReLU and a pooling, then a dense layer: where extents, channels, windows,
 * strides and padding aren't what vectors and tiles like. */
typedef struct odd_network {
    int64_t channels, height, width;
    vgg_conv_attributes conv;
    vgg_pool_attributes pool;
    bool average;
    int64_t features;
} odd_network;

#define CONV(k, kernel_, stride_, dilation_, pad_, groups_)                                        \
    {                                                                                              \
        .out_channels = k, .kernel = {kernel_, kernel_}, .stride = {stride_, stride_},             \
        .dilation = {dilation_, dilation_}, .pad = {pad_, pad_, pad_, pad_}, .groups = groups_,    \
        .bias = true                                                                               \
    }
#define POOL(kernel_, stride_)                                                                     \
    {                                                                                              \
        .kernel = {kernel_, kernel_}, .stride = { stride_, stride_ }                               \
    }

static const odd_network odd_networks[] = {
    {3, 17, 13, CONV(7, 3, 1, 1, 1, 1), POOL(2, 2), false, 5},
    {1, 9, 31, CONV(33, 3, 1, 1, 1, 1), POOL(2, 2), false, 17},
    {5, 6, 5, CONV(16, 3, 1, 1, 1, 1), POOL(2, 2), false, 33},
    {33, 7, 7, CONV(65, 3, 1, 1, 1, 1), POOL(3, 2), false, 3},
    {31, 14, 15, CONV(31, 3, 1, 1, 0, 1), POOL(2, 2), true, 64},
    {64, 28, 29, CONV(64, 3, 1, 1, 1, 1), POOL(2, 2), false, 100},
    {3, 33, 35, CONV(24, 7, 2, 1, 3, 1), POOL(3, 2), false, 10},
    {24, 11, 12, CONV(40, 5, 1, 1, 2, 2), POOL(3, 2), false, 9},
    {16, 12, 10, CONV(20, 3, 1, 2, 2, 1), POOL(2, 2), true, 7},
    {12, 8, 8, CONV(12, 3, 1, 1, 1, 12), POOL(2, 2), false, 2},
    {40, 5, 5, CONV(17, 1, 1, 1, 0, 1), POOL(2, 1), true, 1},
};
enum { ODD_NETWORKS = sizeof odd_networks / sizeof *odd_networks };

static clvgg_status build_odd(const odd_network *odd, vgg_graph **out)
{
    clvgg_status status = CLVGG_STATUS_OK;
    const vgg_attributes conv = {.conv = odd->conv}, pool = {.pool = odd->pool};
    const vgg_attributes dense = {.dense = {odd->features, true}};
    const vgg_attributes lrn = {.lrn = {.size = 5, .alpha = 1e-2f, .beta = 0.75f, .k = 2}};
    const vgg_layer_type pool_type = odd->average ? VGG_LAYER_AVG_POOL : VGG_LAYER_MAX_POOL;
    vgg_graph *graph = NULL;
    int at = 0;
    VGG_TRY(vgg_graph_create(odd->channels, odd->height, odd->width, &graph));
    VGG_TRY(vgg_graph_add(graph, "conv", VGG_LAYER_CONV2D, &conv, at, &at));
    VGG_TRY(vgg_graph_add(graph, "relu", VGG_LAYER_RELU, NULL, at, &at));
    VGG_TRY(vgg_graph_add(graph, "pool", pool_type, &pool, at, &at));
    VGG_TRY(vgg_graph_add(graph, "lrn", VGG_LAYER_LOCAL_RESPONSE_NORM, &lrn, at, &at));
    VGG_TRY(vgg_graph_add(graph, "flatten", VGG_LAYER_FLATTEN, NULL, at, &at));
    VGG_TRY(vgg_graph_add(graph, "dense", VGG_LAYER_DENSE, &dense, at, &at));
    VGG_TRY(vgg_graph_add(graph, "prob", VGG_LAYER_SOFTMAX, NULL, at, &at));
    VGG_GIVE(out, graph);
cleanup:
    vgg_graph_free(graph);
    return status;
}

/* Networks' plans with nothing on the device, and all chains of these. */
typedef struct outlines {
    vgg_graph *odd[ODD_NETWORKS];
    vgg_plan **plans;
    size_t plan_count;
    vgg_sweep_chain *chains;
    size_t count;
} outlines;

static clvgg_status outline(clvgg_device *device, const vgg_sweep_network *network, bool trained,
                            const clvgg_verify_options *options, outlines *out)
{
    const vgg_plan_options plan_options = {.max_batch = options->batch,
                                           .outputs = network->outputs,
                                           .output_count = network->output_count,
                                           .execution = {.storage = options->execution.storage},
                                           .ignore_trust = true,
                                           .plan_only = true};
    vgg_plan **plan = &out->plans[out->plan_count];
    VGG_PASS(vgg_plan_create(device, network->graph, network->source, &plan_options, plan));
    out->plan_count++;
    vgg_sweep_chain *grown =
        vgg_realloc(out->chains, out->count + (size_t)(*plan)->step_count, sizeof *grown);
    VGG_CHECK(grown != NULL, CLVGG_STATUS_OUT_OF_MEMORY, "no memory for a list of chains");
    out->chains = grown;
    for (int i = 0; i < (*plan)->step_count; i++) {
        const vgg_plan_step *step = &(*plan)->steps[i];
        out->chains[out->count++] =
            (vgg_sweep_chain){&step->stage->op, step->poolable, step->stage->name, trained};
    }
    return CLVGG_STATUS_OK;
}

clvgg_status vgg_plan_sweep(clvgg_device *device, clvgg_device *keeper,
                            const vgg_sweep_network *networks, size_t count,
                            const clvgg_verify_options *options, clvgg_verify_summary *summary)
{
    clvgg_status status = CLVGG_STATUS_OK;
    outlines all = {0};
    VGG_NEW(all.plans, count + ODD_NETWORKS);
    size_t left = 0; /* networks */
    for (size_t i = 0; i < count; i++) {
        const clvgg_status outlined = outline(device, &networks[i], i == 0, options, &all);
        if (i == 0 || outlined != CLVGG_STATUS_OUT_OF_DEVICE_MEMORY)
            VGG_TRY(outlined);
        if (outlined == CLVGG_STATUS_OK)
            continue;
        vgg_log(CLVGG_LOG_WARNING, "%s isn't checked: %s", networks[i].name, vgg_message());
        left++;
    }
    for (int i = 0; options->full && i < ODD_NETWORKS; i++) {
        VGG_TRY(build_odd(&odd_networks[i], &all.odd[i]));
        const int last = all.odd[i]->count - 1;
        const vgg_sweep_network odd = {all.odd[i], &last, 1, NULL, "a network of odd shapes"};
        VGG_TRY(outline(device, &odd, true, options, &all));
    }
    VGG_TRY(vgg_verify_sweep(device, keeper, all.chains, all.count, options, summary));
    summary->left += left;
cleanup:
    for (size_t i = 0; i < all.plan_count; i++)
        vgg_plan_free(all.plans[i]);
    vgg_free(all.plans);
    for (int i = 0; i < ODD_NETWORKS; i++)
        vgg_graph_free(all.odd[i]);
    vgg_free(all.chains);
    return status;
}
